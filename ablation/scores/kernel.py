"""KID on the very subsets that torch-fidelity draws, several times as quickly: its cube is a power of doubles."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

SUBSETS, SIZE = 100, 500
SEED = 2020
"""torch-fidelity's own seed: equal samples have equal scores there and here."""


def kernel_distance(fake: Tensor, real: Tensor) -> float:
    """Return the unbiased squared MMD of features (N F) under the kernel (x y / F + 1)^3 (Binkowski et al. 2018).

    It is the mean over `SUBSETS` subsets of `SIZE` samples, or of as many as there are; slightly below 0 where the two
    hardly differ. Equal to torch-fidelity's with `--kid-subset-size` of that size.
    """
    size = min(SIZE, len(fake), len(real))
    random = np.random.RandomState(SEED)
    found = []
    for _ in range(SUBSETS):
        x, y = (
            side[torch.from_numpy(random.choice(len(side), size, replace=False))].double()
            for side in (fake, real)
        )
        within = sum(_sum(z, z) - _cube(z.square().sum(1), z).sum() for z in (x, y))
        found.append(within / (size * (size - 1)) - 2 * _sum(x, y) / size**2)
    return float(torch.stack(found).mean())


def _sum(x: Tensor, y: Tensor) -> Tensor:
    """Return the sum of the kernel over all pairs; of its powers only the third needs the products themselves."""
    products = x @ y.T
    third = torch.dot(products.square().flatten(), products.flatten())
    second = ((x.T @ x) * (y.T @ y)).sum()
    first = torch.dot(x.sum(0), y.sum(0))
    f = x.shape[1]
    return third / f**3 + 3 * second / f**2 + 3 * first / f + len(x) * len(y)


def _cube(products: Tensor, x: Tensor) -> Tensor:
    k = products / x.shape[1] + 1
    return k * k * k
