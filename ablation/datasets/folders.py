"""A user's own folder of pictures, and how one picture file is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ablation.datasets.dataset import Dataset, parted
from ablation.files import brief
from ablation.fingerprint import folder_fingerprint, pictures
from ablation.part import check_number


def image_folder(*, root: str, size: int, channels: int, fingerprint: str) -> Dataset:
    """Return a user's own pictures, centre-cropped to a square; of every ten, the ninth selects, the tenth tests.

    The first level of folders, if there is one, gives the labels. Raises ValueError that names a picture that cannot
    be read, or if the content is not what it was when the trial was planned.
    """
    check_number(size, int, "dataset.size", 4, 1024)
    if channels not in (1, 3):
        raise ValueError(f"dataset.channels is {channels!r}; it is 1 or 3")
    folder = Path(root).expanduser()
    paths = pictures(folder)
    if len(paths) < 32:
        raise ValueError(f"dataset.root={root} holds {len(paths)} pictures; 32 are the least")
    if folder_fingerprint(folder) != fingerprint:
        raise ValueError(
            f"dataset.root={root}: its pictures have changed since the trial was planned"
        )
    mode = "L" if channels == 1 else "RGB"
    images = [pixels(ImageOps.fit(picture(path, mode), (size, size))) for path in paths]
    kinds = [path.relative_to(folder).parts[0] if path.parent != folder else "" for path in paths]
    place = torch.arange(len(paths)) % 10
    return parted(
        torch.from_numpy(np.stack(images)), _numbered(kinds), selection=place == 8, test=place == 9
    )


def _numbered(kinds: Sequence[str]) -> Tensor | None:
    order = {kind: number for number, kind in enumerate(sorted(set(kinds)))}
    return torch.tensor([order[kind] for kind in kinds]) if len(order) > 1 else None


def picture(path: Path, mode: str) -> Image.Image:
    """Return one picture file, L (grey) or RGB; raises ValueError that names a file that cannot be read as one."""
    try:
        with Image.open(path) as file:
            return file.convert(mode)
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise ValueError(f"{path} cannot be read as a picture: {brief(error)}") from None


def pixels(picture: Image.Image) -> np.ndarray:
    """Return a picture as uint8 C H W."""
    array = np.asarray(picture)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
