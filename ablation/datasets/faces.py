"""CelebA: 202,599 aligned faces, decoded once and kept in the cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ablation.datasets.dataset import Dataset
from ablation.datasets.folders import picture, pixels
from ablation.datasets.places import content, fetch, folder_of, one_of
from ablation.files import cache_folder, locked
from ablation.part import check_number

PARTITION, PICTURES = "list_eval_partition.txt", "img_align_celeba"
ALIGNED, CROP = (178, 218), (0, 20, 178, 198)
"""Pixels: width and height of an aligned picture, and its central square."""


def celeba(*, root: str | None, size: int, download: bool) -> Dataset:
    """Return the faces without labels, the central 178 x 178 scaled to `size`, in their own three partitions.

    Raises ValueError that names a file that is missing or damaged, or a line of the partition.
    """
    check_number(size, int, "dataset.size", 4, 178)
    home = folder_of(root)
    folders = [home, home / "celeba"]
    if root is None and download and not (folders[1] / PICTURES).is_dir():
        fetch("celeba", "CelebA", f"{PARTITION} and {PICTURES}/")
    folder = one_of(folders, [PARTITION, PICTURES], "celeba")
    names, parts = _partition(folder / PARTITION)
    images = torch.from_numpy(_decoded(folder / PICTURES, names, size))
    train, selection, test = (images[torch.from_numpy(parts == part)] for part in range(3))
    return Dataset(train=train, selection=selection, test=test)


def _partition(path: Path) -> tuple[list[str], np.ndarray]:
    """Return the names of all pictures and the part of each: 0 train, 1 selection, 2 test."""
    found: dict[str, int] = {}
    for number, line in enumerate(content(path).decode(errors="replace").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        plain = len(words) == 2 and words[1] in ("0", "1", "2") and Path(words[0]).name == words[0]
        if not plain or words[0] in found:
            said = "is there twice" if plain else "is not a picture's name and 0, 1 or 2"
            raise ValueError(f"{path}, line {number}: {line[:60]!r} {said}")
        found[words[0]] = int(words[1])
    parts = np.array([*found.values()], int)
    for part in range(3):
        if part not in parts:
            raise ValueError(f"{path} names no picture of part {part}: it has 0, 1 and 2")
    return list(found), parts


def _decoded(folder: Path, names: Sequence[str], size: int) -> np.ndarray:
    """Return the pictures as uint8 N 3 S S: minutes of decoding the first time, a file of the cache from then on."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is {'no folder' if folder.exists() else 'missing'}")
    there = {entry.name: entry.stat() for entry in os.scandir(folder)}
    digest = hashlib.sha256(f"{folder.resolve()} {size}".encode())
    for name in names:
        if name not in there:
            raise ValueError(f"{folder / name} is missing")
        digest.update(f"{name} {there[name].st_size} {there[name].st_mtime_ns}\n".encode())
    kept = cache_folder() / "decoded" / f"celeba-{size}-{digest.hexdigest()[:16]}.npy"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with locked(kept.with_suffix(".lock")):
        if not kept.exists():
            images = np.empty((len(names), 3, size, size), np.uint8)
            for image, name in zip(images, names, strict=True):
                image[:] = _face(folder / name, size)
            draft = kept.with_suffix(f".{os.getpid()}.tmp")
            with open(draft, "wb") as file:
                np.save(file, images)
            draft.replace(kept)
    try:
        images = np.asarray(np.load(kept, mmap_mode="c"))  # a view: the splits are the only copy
        if images.shape != (len(names), 3, size, size) or images.dtype != np.uint8:
            raise ValueError("it holds other pictures")
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(f"{kept} is damaged ({error}); remove it and it is made again") from None
    return images


def _face(path: Path, size: int) -> np.ndarray:
    face = picture(path, "RGB")
    if face.size != ALIGNED:
        raise ValueError(f"{path} is {face.size[0]} x {face.size[1]}; an aligned face is 178 x 218")
    return pixels(face.crop(CROP).resize((size, size), Image.Resampling.BILINEAR))
