"""Scores of nearest neighbours, block by block: precision and recall, and whether training samples are copied."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NEIGHBOURS = 3
"""A sample's ball reaches to its third nearest neighbour (Kynkaanniemi et al. 2019)."""
FEW, CANDIDATES = 8, 4
"""Dimensions up to which distances are subtracted; beyond, a product finds candidates that are then measured."""
BLOCK = 1024
"""Rows of distances that are held in memory at once."""


@dataclass(frozen=True)
class Manifolds:
    """Whether each generated sample lies among real ones (bool N), and each real one among generated (bool M)."""

    precise: Tensor
    recalled: Tensor


def radii(features: Tensor) -> Tensor:
    """Return each sample's (N F) distance to its third nearest other sample; inf where there are too few."""
    k = NEIGHBOURS + 1  # the sample itself is the nearest
    if len(features) < k:
        return torch.full((len(features),), float("inf"))
    found = [
        torch.cdist(some, features).topk(k, dim=1, largest=False).values[:, -1]
        for some in features.split(BLOCK)
    ]
    return torch.cat(found)


def manifolds(fake: Tensor, real: Tensor, real_radii: Tensor) -> Manifolds:
    """Return who lies inside the other side's balls: means are precision and recall (Kynkaanniemi et al. 2019).

    `fake` (N F) and `real` (M F) are features, `real_radii` what `radii` returns of the real ones.
    """
    fake_radii, precise = radii(fake), []
    recalled = torch.zeros(len(real), dtype=torch.bool)
    for some, reach in zip(fake.split(BLOCK), fake_radii.split(BLOCK), strict=True):
        distance = torch.cdist(some, real)
        precise.append((distance <= real_radii).any(dim=1))
        recalled |= (distance <= reach[:, None]).any(dim=0)
    return Manifolds(torch.cat(precise), recalled)


def nearest(samples: Tensor, others: Tensor) -> Tensor:
    """Return each sample's (N F) distance to the nearest of others (M F); exact, so that a copy is at 0."""
    best = torch.full((len(samples),), float("inf"), dtype=torch.float64)
    centre = others.double().mean(dim=0)  # rounding grows with the distance from 0
    wanted = samples.double() - centre
    for some in others.split(4 * BLOCK):
        there = some.double() - centre
        if there.shape[1] <= FEW:
            distance = torch.cdist(wanted, there, compute_mode="donot_use_mm_for_euclid_dist")
            best = torch.minimum(best, distance.min(dim=1).values)
            continue
        distance = torch.cdist(wanted.float(), there.float())
        nearby = distance.topk(min(CANDIDATES, len(there)), dim=1, largest=False).indices
        exact = (wanted[:, None] - there[nearby]).norm(dim=2).min(dim=1).values
        best = torch.minimum(best, exact)
    return best


def copying(fake: Tensor, held: Tensor) -> float:
    """Return the probability that a generated sample is nearer to the training data than a held-out real one is.

    `fake` (N) and `held` (M) are distances to the nearest training sample; ties count half. 0.5 for real samples, 1 for
    a generator that returns what it has learned from (the U statistic of Meehan et al. 2020).
    """
    ordered = held.double().sort().values
    values = fake.double()
    below = torch.searchsorted(ordered, values, right=False)
    upto = torch.searchsorted(ordered, values, right=True)
    return 1 - float((below + upto).double().mean()) / (2 * len(ordered))
