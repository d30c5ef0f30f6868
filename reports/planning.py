"""How many seeds a comparison needs: from the spread within cells, never the observed effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ablation.ladder import least_seeds as least_seeds
from reports.estimates import Floats, Outcomes, generator, midranks

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
    draws = [
        [random.integers(0, x.shape[1], x.shape[1]) for side in (a, r) for x in side]
        for _ in range(RESAMPLES)
    ]
    units = [np.array(own) for own in zip(*draws, strict=True)]
    again = _needed(_drawn(a, units[: len(a)]), _drawn(r, units[len(a) :]), effect, level)
    low, high = np.quantile(again.clip(min=least), [0.1, 0.9], method="nearest")
    sides = [_drawn(side, [np.arange(x.shape[1])[None] for x in side]) for side in (a, r)]
    needed = max(float(least), float(_needed(sides[0], sides[1], effect, level)[0]))
    detectable = _detectable(sides[0], sides[1], n, level) if least <= n else inf
    return Seeds(n, needed, float(low), float(high), detectable)


def seeds_for(a: Outcomes, r: Outcomes, effect: float, level: float) -> float:
    """Return the seeds per treatment that find a shift `effect` > 0 with 80 % power at `level`, without its range."""
    sides = [_drawn(side, [np.arange(x.shape[1])[None] for x in side]) for side in (a, r)]
    return max(least_seeds(level, len(a)), float(_needed(sides[0], sides[1], effect, level)[0]))


@dataclass(frozen=True)
class _Stream:
    """Resamples of one stream: outcomes B R N, and which units R N were drawn, some perhaps twice."""

    outcomes: Floats
    units: npt.NDArray[np.int64]


def _drawn(side: Outcomes, units: Sequence[npt.NDArray[np.int64]]) -> list[_Stream]:
    return [_Stream(x[:, drawn], drawn) for x, drawn in zip(side, units, strict=True)]


def required(d: float, variance: float, level: float) -> float:
    """Return n for P(better) = 1/2 + d and a variance of unit scores, after Noether's formula."""
    return float(_required(np.array([d]), np.array([variance]), level)[0])


def _required(d: Floats, variance: Floats, level: float) -> Floats:
    null = np.minimum(variance + d * d / 4, 1 / 12)
    root = ndtri(1 - level / 2) * null**0.5 + ndtri(POWER) * variance**0.5
    found = np.full(d.shape, inf)
    np.divide(2 * root**2, d**2, out=found, where=d > 0)
    return found


def _needed(a: Sequence[_Stream], r: Sequence[_Stream], effect: float, level: float) -> Floats:
    """Return n for each resample, infinite where no number of seeds is enough."""
    return np.asarray(np.ceil(_required(_advantage(a, r, effect), _variance(a, r), level)))


def _variance(a: Sequence[_Stream], r: Sequence[_Stream]) -> Floats:
    """Return the within-treatment variance of unit scores per block, summed over streams, of each resample."""
    blocks, total = sum(len(x.outcomes) for x in a), np.zeros(len(a[0].units))
    for x, y in zip(a, r, strict=True):
        both, n = np.concatenate([x.outcomes, y.outcomes], axis=2), x.units.shape[1]
        score = midranks(both).sum(axis=0) / both.shape[2] / blocks
        parts = [
            part.var(axis=1, ddof=1) for part in (score[:, :n], score[:, n:]) if part.shape[1] > 1
        ]
        total += np.mean(parts, axis=0) if parts else 1 / 12
    return total


def _advantage(a: Sequence[_Stream], r: Sequence[_Stream], effect: float) -> Floats:
    """Return P(better) - 1/2 that a shift of `effect` would give, failures as frequent as seen, of each resample."""
    values = []
    for x, y in zip(a, r, strict=True):
        for block in range(len(x.outcomes)):
            both = np.concatenate([x.outcomes[block], y.outcomes[block]], axis=1)
            failed, (differences, told) = np.isinf(both).mean(axis=1), _differences(x, y, block)
            counts = told.sum(axis=(1, 2))
            share = np.full(len(counts), 0.5)
            below = ((differences < effect) & told).sum(axis=(1, 2))
            np.divide(below, counts, out=share, where=counts > 0)
            both_fine = (1 - failed) ** 2 * share
            values.append(both_fine + failed * (1 - failed) + failed**2 / 2 - 0.5)
    return np.asarray(np.mean(values, axis=0))


def _differences(x: _Stream, y: _Stream, block: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the differences R N N between residuals about the cells' medians, widened for small n, and which count.

    A unit that was drawn twice is not compared with itself: that would hide the spread.
    """
    residual = np.concatenate([_residuals(s.outcomes[block]) for s in (x, y)], axis=1)
    unit = np.concatenate([2 * x.units, 2 * y.units + 1], axis=1)
    known = ~np.isnan(residual)
    told = (unit[:, :, None] != unit[:, None, :]) & known[:, :, None] & known[:, None, :]
    return np.asarray(residual[:, :, None] - residual[:, None, :]), told


def _residuals(cell: Floats) -> Floats:
    """Return a cell's residuals R N; NaN for failures, and where there is but one finite outcome."""
    count = np.isfinite(cell).sum(axis=1, keepdims=True)
    order = np.sort(cell, axis=1)  # failures last
    middle = [
        np.take_along_axis(order, np.maximum(at, 0), axis=1)
        for at in ((count - 1) // 2, count // 2)
    ]
    known = np.isfinite(cell) & (count > 1)
    wide = (count / np.maximum(count - 1, 1)) ** 0.5
    found = np.full(cell.shape, nan)
    median = np.where(count > 1, (middle[0] + middle[1]) / 2, 0.0)
    np.subtract(cell, median, out=found, where=known)
    return np.asarray(found * wide)


def _detectable(a: Sequence[_Stream], r: Sequence[_Stream], n: int, level: float) -> float:
    """Return the least shift that `n` seeds, enough for a p of `level`, find with 80 % power; infinite if none.

    The formula finds none where few seeds need complete separation; a shift beyond all differences brings that.
    """
    found = []
    for x, y in zip(a, r, strict=True):
        for block in range(len(x.outcomes)):
            differences, told = _differences(x, y, block)
            found.append(differences[told])
    steps = np.unique(np.concatenate(found))
    steps = steps[steps > 0]
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        if float(_needed(a, r, float(steps[middle]) + 1e-12, level)[0]) <= n:
            high = middle
        else:
            low = middle + 1
    if low < len(steps):
        return float(steps[low])
    failed = any(np.isinf(x.outcomes).any() for x in (*a, *r))
    return float(steps[-1]) if len(steps) and not failed else inf
