"""How many seeds a comparison needs: from the spread within cells, never the observed effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ablation.ladder import least_seeds as least_seeds
from reports.estimates import Floats, Outcomes, generator, unit_scores

POWER = 0.8
RESAMPLES = 200


@dataclass(frozen=True)
class Seeds:
    """Seeds needed per treatment, their 10-90 % range, and the shift that `n` seeds detect."""

    n: int
    needed: float
    low: float
    high: float
    detectable: float


def seeds_needed(
    a: Outcomes, r: Outcomes, effect: float, level: float, names: Sequence[str]
) -> Seeds:
    """Return the seeds per treatment that find a shift `effect` > 0 with 80 % power at `level`.

    Infinite where no number does. Source: STATISTICS.md, Seeds.
    """
    n = min(min(x.shape[1], y.shape[1]) for x, y in zip(a, r, strict=True))
    least, random = least_seeds(level, len(a)), generator((*names, "seeds"))

    def drawn(side: Outcomes) -> list[_Stream]:
        return [_Stream(x, np.asarray(random.integers(0, x.shape[1], x.shape[1]))) for x in side]

    again = [_needed(drawn(a), drawn(r), effect, level) for _ in range(RESAMPLES)]
    low, high = np.quantile([max(least, m) for m in again], [0.1, 0.9], method="nearest")
    sides = [[_Stream(x, np.arange(x.shape[1])) for x in side] for side in (a, r)]
    needed = max(least, _needed(sides[0], sides[1], effect, level))
    detectable = _detectable(sides[0], sides[1], n, level) if least <= n else inf
    return Seeds(n, needed, float(low), float(high), detectable)


@dataclass(frozen=True)
class _Stream:
    """One stream's outcomes B N and which of its N units were drawn, some perhaps twice."""

    all: Floats
    units: npt.NDArray[np.int64]

    @property
    def outcomes(self) -> Floats:
        return np.asarray(self.all[:, self.units])

    def block(self, number: int) -> Floats:
        """Return the drawn units' outcomes in one block."""
        return np.asarray(self.all[number, self.units])


def required(d: float, variance: float, level: float) -> float:
    """Return n for P(better) = 1/2 + d and a variance of unit scores, after Noether's formula."""
    if d <= 0:
        return inf
    null = min(variance + d * d / 4, 1 / 12)
    root = ndtri(1 - level / 2) * null**0.5 + ndtri(POWER) * variance**0.5
    return float(2 * root**2 / d**2)


def _needed(a: Sequence[_Stream], r: Sequence[_Stream], effect: float, level: float) -> float:
    found = required(_advantage(a, r, effect), _variance(a, r), level)
    return ceil(found) if np.isfinite(found) else inf


def _variance(a: Sequence[_Stream], r: Sequence[_Stream]) -> float:
    """Return the within-treatment variance of unit scores per block, summed over streams."""
    blocks, total = sum(len(x.all) for x in a), 0.0
    for x, y in zip(a, r, strict=True):
        score, n = unit_scores(x.outcomes, y.outcomes) / blocks, len(x.units)
        parts = [part.var(ddof=1) for part in (score[:n], score[n:]) if len(part) > 1]
        total += float(np.mean(parts)) if parts else 1 / 12
    return total


def _advantage(a: Sequence[_Stream], r: Sequence[_Stream], effect: float) -> float:
    """Return P(better) - 1/2 that a shift of `effect` would give, failures as frequent as seen."""
    values = []
    for x, y in zip(a, r, strict=True):
        for block in range(len(x.all)):
            failed = float(np.isinf(np.concatenate([x.block(block), y.block(block)])).mean())
            differences = _differences(x, y, block)
            share = float((differences < effect).mean()) if len(differences) else 0.5
            both = (1 - failed) ** 2 * share + failed * (1 - failed) + failed**2 / 2
            values.append(both - 0.5)
    return float(np.mean(values))


def _differences(x: _Stream, y: _Stream, block: int) -> Floats:
    """Return the differences between residuals about the cells' medians, widened for small n.

    A unit that was drawn twice is not compared with itself: that would hide the spread.
    """
    residuals, units = [], []
    for side, stream in enumerate((x, y)):
        drawn = stream.block(block)
        finite = np.isfinite(drawn)
        cell = drawn[finite]
        if len(cell) > 1:
            residuals.append((cell - _median(cell)) * (len(cell) / (len(cell) - 1)) ** 0.5)
            units.append(2 * stream.units[finite] + side)
    if not residuals:
        return np.empty(0)
    pooled, unit = np.concatenate(residuals), np.concatenate(units)
    return np.asarray(np.subtract.outer(pooled, pooled)[unit[:, None] != unit[None, :]])


def _median(values: Floats) -> float:
    """Return the median, without the checks of numpy's that take most of its time."""
    order = np.sort(values)
    return float((order[(len(order) - 1) // 2] + order[len(order) // 2]) / 2)


def _detectable(a: Sequence[_Stream], r: Sequence[_Stream], n: int, level: float) -> float:
    """Return the least shift that `n` seeds find with 80 % power, infinite if none."""
    found = [
        _differences(x, y, block) for x, y in zip(a, r, strict=True) for block in range(len(x.all))
    ]
    steps = np.unique(np.concatenate(found))
    steps = steps[steps > 0]
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        if _needed(a, r, float(steps[middle]) + 1e-12, level) <= n:
            high = middle
        else:
            low = middle + 1
    return inf if low == len(steps) else float(steps[low])
