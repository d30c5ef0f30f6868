"""What the generator learns to imitate: images as uint8 N C H W, or vectors as float32 N D."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ablation.files import cache_folder as cache_folder
from ablation.fingerprint import array_fingerprint, pictures
from ablation.part import check_number


@dataclass(frozen=True)
class Modes:
    """Where the mass of a toy distribution lies: centres K D, and the standard deviation around each."""

    centres: Tensor
    std: float


@dataclass(frozen=True)
class Dataset:
    """Training and test samples, fixed by the data and not by a seed; labels (int64 N) where there are any."""

    train: Tensor
    test: Tensor
    train_labels: Tensor | None = None
    test_labels: Tensor | None = None
    modes: Modes | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.train.shape[1:])

    @property
    def is_images(self) -> bool:
        """Whether a sample is an image (C H W)."""
        return self.train.dim() == 4

    @property
    def classes(self) -> int:
        """The number of labelled classes, 0 without labels."""
        return 0 if self.train_labels is None else int(self.train_labels.max()) + 1

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits over all samples and labels."""
        kept = (self.train, self.test, self.train_labels, self.test_labels)
        return array_fingerprint(*(t.numpy() for t in kept if t is not None))


def scaled(images: Tensor) -> Tensor:
    """Map uint8 images to float32 in [-1, 1]; vectors pass unchanged."""
    return images.float().div_(127.5).sub_(1) if images.dtype == torch.uint8 else images


def as_bytes(samples: Tensor) -> Tensor:
    """Map samples in [-1, 1] to uint8 images, rounded as a picture file would."""
    return samples.clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)


def ring8(*, points: int) -> Dataset:
    """Return a mixture of eight normal distributions (std 0.01) on the unit circle."""
    check_number(points, int, "dataset.points", 16, 10_000_000)
    angles = 2 * np.pi * np.arange(8) / 8
    centres = np.stack([np.cos(angles), np.sin(angles)], 1)
    random = np.random.default_rng(8)
    which = random.integers(0, 8, points + 10_000)
    samples = torch.from_numpy(
        (centres[which] + 0.01 * random.normal(size=(len(which), 2))).astype(np.float32)
    )
    modes = Modes(torch.from_numpy(centres.astype(np.float32)), 0.01)
    return Dataset(samples[:points], samples[points:], modes=modes)


def digits() -> Dataset:
    """Return scikit-learn's 1,797 scanned digits, 1 x 8 x 8; every third one is a test sample."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = torch.from_numpy(np.rint(found.images * 255 / 16).astype(np.uint8))[:, None]
    labels = torch.from_numpy(found.target.astype(np.int64))
    held = torch.arange(len(labels)) % 3 == 2
    return Dataset(images[~held], images[held], labels[~held], labels[held])


def fashion_mnist(*, root: str | None, download: bool) -> Dataset:
    """Return the 70,000 pictures of clothing, 1 x 28 x 28, from `root` or downloaded once by torchvision."""
    folder = Path(root).expanduser() if root else cache_folder() / "data"
    if root is None and download and not _idx_folder(folder, "FashionMNIST"):
        from torchvision.datasets import FashionMNIST

        try:
            FashionMNIST(str(folder), download=True)
        except (OSError, RuntimeError) as error:
            raise ValueError(
                f"fashion_mnist cannot be downloaded ({error}); give the folder of its four IDX files"
                " as dataset.root=FOLDER"
            ) from None
    found = _idx_folder(folder, "FashionMNIST")
    if found is None:
        raise ValueError(
            f"dataset.root={folder} lacks train-images-idx3-ubyte (or .gz) of fashion_mnist"
        )
    parts = []
    for stem in ("train", "t10k"):
        images, labels = (
            _idx(found, f"{stem}-images-idx3-ubyte"),
            _idx(found, f"{stem}-labels-idx1-ubyte"),
        )
        fits = images.shape == (len(labels), 28, 28) and labels.ndim == 1 and len(labels) > 0
        if not fits or labels.max() > 9:
            raise ValueError(
                f"{found}: the {stem} images and labels of fashion_mnist do not fit each other"
            )
        parts += [torch.from_numpy(images)[:, None], torch.from_numpy(labels.astype(np.int64))]
    return Dataset(parts[0], parts[2], parts[1], parts[3])


def _idx_folder(root: Path, name: str) -> Path | None:
    """Return the folder at or below `root` that holds IDX files, as packages and torchvision lay them out."""
    for folder in (root, root / "raw", root / name / "raw"):
        if any((folder / f"train-images-idx3-ubyte{end}").is_file() for end in ("", ".gz")):
            return folder
    return None


def _idx(folder: Path, stem: str) -> np.ndarray:
    """Read one IDX file of bytes; raises ValueError that names a missing or damaged file."""
    path = folder / stem if (folder / stem).is_file() else folder / f"{stem}.gz"
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        kind, rank = data[2], data[3]
        shape = np.frombuffer(data, ">u4", rank, 4)
        body = np.frombuffer(data, np.uint8, -1, 4 + 4 * rank)
        if data[:2] != b"\0\0" or kind != 8 or len(body) != np.prod(shape):
            raise ValueError("its header does not fit its length")
        return body.reshape(shape).copy()
    except FileNotFoundError:
        raise ValueError(f"{path} is missing") from None
    except (OSError, EOFError, zlib.error, ValueError, IndexError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def image_folder(*, root: str, size: int, channels: int, fingerprint: str) -> Dataset:
    """Return a user's own pictures, centre-cropped to a square; every tenth one is a test sample.

    The first level of folders, if there is one, gives the labels. Raises ValueError that names a picture that cannot
    be read, or if the content is not what it was when the trial was planned.
    """
    check_number(size, int, "dataset.size", 4, 1024)
    if channels not in (1, 3):
        raise ValueError(f"dataset.channels is {channels!r}; it is 1 or 3")
    from ablation.fingerprint import folder_fingerprint

    folder = Path(root).expanduser()
    paths = pictures(folder)
    if len(paths) < 32:
        raise ValueError(f"dataset.root={root} holds {len(paths)} pictures; 32 are the least")
    if folder_fingerprint(folder) != fingerprint:
        raise ValueError(
            f"dataset.root={root}: its pictures have changed since the trial was planned"
        )
    images = torch.from_numpy(np.stack([_picture(path, size, channels) for path in paths]))
    kinds = [path.relative_to(folder).parts[0] if path.parent != folder else "" for path in paths]
    held = torch.arange(len(paths)) % 10 == 9
    labels = _numbered(kinds)
    if labels is None:
        return Dataset(images[~held], images[held])
    return Dataset(images[~held], images[held], labels[~held], labels[held])


def _numbered(kinds: Sequence[str]) -> Tensor | None:
    order = {kind: number for number, kind in enumerate(sorted(set(kinds)))}
    return torch.tensor([order[kind] for kind in kinds]) if len(order) > 1 else None


def _picture(path: Path, size: int, channels: int) -> np.ndarray:
    """Return one picture as uint8 C H W."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            picture = ImageOps.fit(file.convert("L" if channels == 1 else "RGB"), (size, size))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read as a picture: {error}") from None
    array = np.asarray(picture)
    return array[None] if channels == 1 else array.transpose(2, 0, 1)
