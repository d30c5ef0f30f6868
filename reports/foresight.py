"""What so many seeds can prove before anything is trained: from an assumed spread between the seeds of a cell.

The spread is the standard deviation of log scores, so .15 means that seeds differ by about 15 %; shifts are logarithms
of ratios. Outcomes are taken as Gaussian, blocks of one seed as independent, and no trial fails.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, inf, sqrt

import numpy as np
from scipy.special import ndtr, ndtri

from ablation.ladder import least_seeds
from reports.estimates import TIE
from reports.planning import POWER, required
from reports.splits import SPLITS, Floats, reassignments

STUDIES = 400
"""Simulated pairs of which a power is the share that is told apart."""
FEW = 16
"""Up to so many seeds power is simulated; beyond, the formula of the report's seeds is close."""
GRID = 2_001
"""Quantiles of the Gaussian over which a unit's rank is averaged."""
FARTHEST = 8.0
"""The largest shift that is looked at, in spreads."""


@lru_cache(maxsize=256)
def _advantage(shift: float, blocks: int) -> tuple[float, float]:
    """Return P(better) - 1/2 of a shift in spreads, and the variance of a unit's mean rank within a treatment."""
    x = ndtri((np.arange(GRID) + 0.5) / GRID)
    rank = (ndtr(x) + ndtr(x + shift)) / 2  # of the better one's units among both
    return float(ndtr(shift / sqrt(2))) - 0.5, float(rank.var()) / blocks


def foreseen_power(shift: float, n: int, blocks: int, streams: int, level: float) -> float:
    """Return the share of studies that find a shift of so many spreads with n seeds, by a test at `level`."""
    if n < least_seeds(level, streams):
        return 0.0
    if n <= FEW:
        return float((_p_values(shift, n, blocks, streams, level) <= level).mean())
    d, variance = _advantage(shift, blocks)
    null = min(variance + d * d / 4, 1 / 12)
    return float(ndtr((d * sqrt(n / 2) - ndtri(1 - level / 2) * sqrt(null)) / sqrt(variance)))


def _p_values(shift: float, n: int, blocks: int, streams: int, level: float) -> Floats:
    """Return the p of many simulated pairs, the same ones for every shift."""
    labels, _ = reassignments([(n, n)] * streams, ("foresight",), max(SPLITS, ceil(20 / level)))
    random, total = np.random.default_rng(0), np.zeros((len(labels[0]), STUDIES))
    for number, label in enumerate(labels):
        own = blocks // streams + (number < blocks % streams)
        y = random.normal(size=(STUDIES, own, 2 * n))
        y[:, :, :n] -= shift
        score = (y.argsort(axis=2).argsort(axis=2) + 1).sum(axis=1) / (2 * n)
        total += label @ score.T * (2 / n) - score.sum(axis=1) / n
    return np.asarray((np.abs(total) >= np.abs(total[0]) - TIE).mean(axis=0))


def foreseen_seeds(shift: float, blocks: int, streams: int, level: float) -> int:
    """Return the seeds of each treatment that find a shift of so many spreads with 80 % power; after Noether."""
    return max(least_seeds(level, streams), ceil(required(*_advantage(shift, blocks), level)))


def foreseen_shift(n: int, blocks: int, streams: int, level: float) -> float:
    """Return the least shift, in spreads to a hundredth, that n seeds find with 80 % power; infinite if none."""
    low, high = 0, round(100 * FARTHEST)
    if foreseen_power(FARTHEST, n, blocks, streams, level) < POWER:
        return inf
    while high - low > 1:
        middle = (low + high) // 2
        if foreseen_power(middle / 100, n, blocks, streams, level) < POWER:
            low = middle
        else:
            high = middle
    return high / 100
