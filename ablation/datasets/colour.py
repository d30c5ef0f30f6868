"""Small colour photographs, 3 x 32 x 32: CIFAR-10 and SVHN."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablation.datasets.dataset import Dataset, last_held
from ablation.datasets.places import content, fetch, folder_of, one_of, whole
from ablation.files import brief


def cifar10(*, root: str | None, download: bool) -> Dataset:
    """Return the 60,000 photographs of ten kinds of things; the last tenth of the training batches is the selection.

    Its files are pickles, which may run code when they are read: each is read only if its MD5 is the one that
    torchvision names. Raises ValueError that names a missing, damaged or foreign file.
    """
    from torchvision.datasets import CIFAR10

    lists = (CIFAR10.train_list, CIFAR10.test_list)
    names = [name for batches in lists for name, _ in batches]
    home = folder_of(root)
    folders = [home, home / CIFAR10.base_folder]
    if root is None and download and not whole(folders, names):
        fetch("cifar10", "CIFAR10", ", ".join(names))
    folder = one_of(folders, names, "cifar10")
    parts = []
    for batches in lists:
        read = [_batch(folder / name, md5) for name, md5 in batches]
        parts.append([torch.cat(tensors) for tensors in zip(*read, strict=True)])
    return _last_tenth(*parts[0], *parts[1])


def svhn(*, root: str | None, download: bool) -> Dataset:
    """Return the 99,289 house numbers, each labelled with its middle digit; the last tenth of train is the selection.

    Raises ValueError that names a missing or damaged file.
    """
    names = ["train_32x32.mat", "test_32x32.mat"]
    home = folder_of(root)
    if root is None and download and not whole([home], names):
        for split in ("train", "test"):
            fetch("svhn", "SVHN", " and ".join(names), split=split)
    folder = one_of([home], names, "svhn")
    return _last_tenth(*_matlab(folder / names[0]), *_matlab(folder / names[1]))


def _last_tenth(images: Tensor, labels: Tensor, test: Tensor, test_labels: Tensor) -> Dataset:
    """Return a data set whose selection is the last tenth of the training samples."""
    return last_held(images, labels, test, test_labels, held=max(len(images) // 10, 1))


def _batch(path: Path, md5: str) -> tuple[Tensor, Tensor]:
    """Return images and labels of one of CIFAR-10's pickles, unpickled only if it is the file that it should be."""
    data = content(path)
    found = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if found != md5:
        raise ValueError(f"{path} is damaged: its MD5 is {found}, that of CIFAR-10's is {md5}")
    try:
        batch = pickle.loads(data, encoding="latin1")
        images = np.asarray(batch["data"]).reshape(-1, 3, 32, 32)
        labels = np.asarray(batch["labels"])
    except Exception as error:  # pickle raises many kinds
        raise ValueError(f"{path} is damaged: {brief(error)}") from None
    return _checked(path, images, labels, 0, 9)


def _matlab(path: Path) -> tuple[Tensor, Tensor]:
    """Return images and labels of one of SVHN's files, where the label 10 means 0."""
    from scipy.io import loadmat

    file: Any = io.BytesIO(content(path))
    try:
        found = loadmat(file, variable_names=("X", "y"))
        images, labels = found["X"].transpose(3, 2, 0, 1), found["y"].reshape(-1)
    except Exception as error:  # SciPy raises many kinds for a damaged file
        raise ValueError(f"{path} is damaged: {_reason(error)}") from None
    pictures, numbers = _checked(path, images, labels, 1, 10)
    return pictures, numbers % 10


def _reason(error: Exception) -> str:
    return f"it lacks {error.args[0]}" if isinstance(error, KeyError) else brief(error)


def _checked(
    path: Path, images: np.ndarray, labels: np.ndarray, low: int, high: int
) -> tuple[Tensor, Tensor]:
    """Return images (uint8 N 3 32 32) and labels (int64 N) that fit each other; raises ValueError."""
    if images.dtype != np.uint8 or images.shape[1:] != (3, 32, 32) or len(images) == 0:
        shape = " x ".join(map(str, images.shape))
        raise ValueError(f"{path} is damaged: its images are {images.dtype} {shape}")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"{path} is damaged: {labels.size} labels for {len(images)} images")
    wrong = [label for label in labels.tolist() if label not in range(low, high + 1)]
    if wrong:
        raise ValueError(f"{path} is damaged: the label {wrong[0]} is not one of {low} to {high}")
    whole_numbers = torch.from_numpy(labels.astype(np.int64))
    return torch.from_numpy(np.ascontiguousarray(images)), whole_numbers
