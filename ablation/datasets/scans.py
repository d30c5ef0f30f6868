"""Scans in IDX files, 28 x 28 and grey: MNIST and the sets made in its image."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablation.datasets.dataset import Dataset, last_held
from ablation.datasets.places import content, fetch, folder_of, one_of, whole

IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
CLASSES = {"balanced": 47, "byclass": 62, "bymerge": 47, "digits": 10, "letters": 26, "mnist": 10}
"""The splits of EMNIST and how many classes each has."""


def mnist(*, root: str | None, download: bool) -> Dataset:
    """Return the 70,000 handwritten digits."""
    return _scans("mnist", "MNIST", root, download)


def fashion_mnist(*, root: str | None, download: bool) -> Dataset:
    """Return the 70,000 pictures of clothing."""
    return _scans("fashion_mnist", "FashionMNIST", root, download)


def kmnist(*, root: str | None, download: bool) -> Dataset:
    """Return the 70,000 cursive Japanese characters in ten classes."""
    return _scans("kmnist", "KMNIST", root, download)


def emnist(*, root: str | None, download: bool, split: str) -> Dataset:
    """Return handwritten letters and digits, upright: the files hold each picture transposed."""
    if split not in CLASSES:
        raise ValueError(f"dataset.split is {split!r}; it is one of {', '.join(CLASSES)}")
    stems = [f"emnist-{split}-{part}" for part in ("train", "test")]
    first = 1 if split == "letters" else 0
    return _scans(
        "emnist", "EMNIST", root, download, stems=stems, classes=CLASSES[split], first=first, turned=True, split=split
    )  # fmt: skip


def _scans(
    name: str,
    theirs: str,
    root: str | None,
    may_download: bool,
    *,
    stems: Sequence[str] = ("train", "t10k"),
    classes: int = 10,
    first: int = 0,
    turned: bool = False,
    **arguments: Any,
) -> Dataset:
    """Return one set, from `root` or downloaded once: the last sixth of its training file is the selection.

    Labels count from `first`. Raises ValueError that names a file that is missing, damaged or does not fit.
    """
    home = folder_of(root)
    names = [f"{stem}-{kind}" for stem in stems for kind in (IMAGES, LABELS)]
    folders = [home, home / "raw", home / theirs / "raw", home / "gzip"]
    if root is None and may_download and not whole(folders, names):
        fetch(name, theirs, f"{', '.join(names)} (.gz or not)", **arguments)
    folder = one_of(folders, [end for file in names for end in (file, f"{file}.gz")], name)
    train, test = (_pair(name, folder, stem, classes, first) for stem in stems)
    if turned:
        train, test = ((images.mT.contiguous(), labels) for images, labels in (train, test))
    return last_held(*train, *test, held=max(len(train[0]) // 6, 1))


def _pair(name: str, folder: Path, stem: str, classes: int, first: int) -> tuple[Tensor, Tensor]:
    """Return images (uint8 N 1 28 28) and their labels from 0 (int64 N); raises ValueError if they do not fit."""
    place, images = _idx(folder, f"{stem}-{IMAGES}")
    if images.shape[1:] != (28, 28) or len(images) == 0:
        shape = " x ".join(map(str, images.shape))
        raise ValueError(f"{place} holds {shape} bytes; {name} has N x 28 x 28")
    place, labels = _idx(folder, f"{stem}-{LABELS}")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"{place} holds {labels.size} labels; {name} has {len(images)} pictures")
    wrong = labels[(labels < first) | (labels >= first + classes)]
    if len(wrong):
        known = f"{first} to {first + classes - 1}"
        raise ValueError(f"{place} holds the label {wrong[0]}; {name} has {known}")
    return torch.from_numpy(images)[:, None], torch.from_numpy(labels.astype(np.int64) - first)


def _idx(folder: Path, stem: str) -> tuple[Path, np.ndarray]:
    """Return where an IDX file of bytes lies and what it holds; raises ValueError if it is missing or damaged."""
    path = folder / stem if (folder / stem).exists() else folder / f"{stem}.gz"
    data = content(path)
    try:
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        kind, rank = data[2], data[3]
        shape = np.frombuffer(data, ">u4", rank, 4)
        body = np.frombuffer(data, np.uint8, -1, 4 + 4 * rank)
        if data[:2] != b"\0\0" or kind != 8 or len(body) != math.prod(shape.tolist()):
            raise ValueError("its header does not fit its length")
        return path, body.reshape(shape).copy()
    except (OSError, EOFError, zlib.error, ValueError, IndexError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
