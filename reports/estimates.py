"""Arrays of outcomes in, p-values and intervals out: the declared protocol's estimators.

An outcome is lower-is-better, +inf for a failure and never NaN. The outcomes of one treatment are
a list over independent random streams of arrays B N (blocks of the stream x units).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf, nan, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from ablation.ladder import p_min as p_min
from reports.splits import SPLITS as SPLITS
from reports.splits import Floats as Floats
from reports.splits import generator as generator
from reports.splits import reassignments as reassignments

Outcomes = Sequence[Floats]
Statistic = Callable[[Outcomes, Outcomes, Sequence[Floats], float], Floats]
"""Of a, r, labels per stream and a shift: what is small where `a - shift` is better, under every labelling."""

TIE = 1e-9
"""Statistics closer than this are equal: they are sums of ranks, whose rounding is far smaller."""


@dataclass(frozen=True)
class Interval:
    """An estimated shift and its ends at an exact level, from `n` units.

    `failed` counts the failed trials of its own side, `lost` those of the other.
    """

    estimate: float
    low: float
    high: float
    n: int
    failed: int
    level: float
    lost: int = 0


@dataclass(frozen=True)
class Comparison:
    """P(the first is better) + half P(equal), and its p-values over `splits` reassignments."""

    probability: float
    p: float
    p_better: float
    p_worse: float
    splits: int
    exact: bool


def sizes(a: Outcomes, r: Outcomes) -> list[tuple[int, int]]:
    """Return the units of both treatments in every stream."""
    return [(x.shape[-1], y.shape[-1]) for x, y in zip(a, r, strict=True)]


def unit_scores(a: Floats, r: Floats) -> Floats:
    """Return each unit's sum, over the stream's blocks, of its midrank share (worst highest)."""
    both = np.concatenate([a, r], axis=1)
    assert not np.isnan(both).any(), "a missing outcome is left out, never compared"
    return np.asarray(midranks(both).sum(axis=0) / both.shape[1])


def midranks(values: Floats) -> Floats:
    """Return every value's midrank along the last axis; counting is faster than sorting few values."""
    below = (values[..., :, None] > values[..., None, :]).sum(axis=-1)
    equal = (values[..., :, None] == values[..., None, :]).sum(axis=-1)
    return np.asarray(below + (equal + 1) / 2)


def _statistic(a: Outcomes, r: Outcomes, labels: Sequence[Floats], shift: float) -> Floats:
    """Return the mean score difference under every labelling, the observed one first."""
    total = np.zeros(len(labels[0]))
    for x, y, label in zip(a, r, labels, strict=True):
        score, n, m = unit_scores(x - shift, y), x.shape[1], y.shape[1]
        total += (label @ score) * (1 / n + 1 / m) - score.sum() / m
    return total / sum(len(x) for x in a)


def judged(t: Floats) -> Comparison:
    """Return what a statistic says under every labelling, the observed one first; less is better."""
    return Comparison(
        probability=0.5 - float(t[0]),
        p=float((np.abs(t) >= abs(t[0]) - TIE).mean()),
        p_better=float((t <= t[0] + TIE).mean()),
        p_worse=float((t >= t[0] - TIE).mean()),
        splits=len(t),
        exact=False,
    )


def permuted(
    statistic: Statistic,
    a: Outcomes,
    r: Outcomes,
    names: Sequence[str],
    *,
    shift: float = 0.0,
    most: int = SPLITS,
) -> Comparison:
    """Compare `a - shift` with `r` by a statistic under reassignments of whole units within each stream.

    `names`, the pair's, seed the random splits where all are too many.
    """
    labels, exact = reassignments(sizes(a, r), names, most)
    return replace(judged(statistic(a, r, labels, shift)), exact=exact)


def inversion(
    statistic: Statistic, a: Outcomes, r: Outcomes, names: Sequence[str], level: float, most: int
) -> Interval:
    """Return the shift of `a` against `r`, by inversion of the permutation test of a statistic.

    The level falls to 1 - p_min where the units are too few. An end is infinite where failures
    leave it open; the estimate is NaN where one side has no finite outcome. `failed` counts all outcomes of `a`.
    """
    level = max(0.0, min(level, 1 - p_min(sizes(a, r))))
    units = sum(x.shape[-1] for x in a)
    failed, lost = (int(sum(np.isinf(x).sum() for x in side)) for side in (a, r))
    steps = differences(a, r)
    if not len(steps):
        return Interval(nan, -inf, inf, units, failed, level, lost)
    labels, _ = reassignments(sizes(a, r), names, most)
    observed = [label[:1] for label in labels]
    ends = inverted(
        steps,
        level,
        lambda shift: judged(statistic(a, r, labels, shift)),
        lambda shift: 0.5 - float(statistic(a, r, observed, shift)[0]),
    )
    return Interval(*ends, units, failed, level, lost)


def compare(
    a: Outcomes, r: Outcomes, names: Sequence[str], *, shift: float = 0.0, most: int = SPLITS
) -> Comparison:
    """Compare `a - shift` with `r` by their mean rank shares."""
    return permuted(_statistic, a, r, names, shift=shift, most=most)


def interval(
    a: Outcomes, r: Outcomes, names: Sequence[str], *, level: float = 0.95, most: int = SPLITS
) -> Interval:
    """Return the shift of `a` against `r`, by inversion of `compare`."""
    return inversion(_statistic, a, r, names, level, most)


def inverted(
    steps: Floats,
    level: float,
    at: Callable[[float], Comparison],
    probability: Callable[[float], float],
) -> tuple[float, float, float]:
    """Return estimate, low and high of the shift: `at` tests one, and changes at the sorted `steps`.

    `probability` is that of `at` without its p-values, which the estimate does not need.
    """
    between = np.concatenate([[steps[0] - 1], (steps[1:] + steps[:-1]) / 2, [steps[-1] + 1]])
    tail = (1 - level) / 2 + 1e-12  # p and tail are often the same fraction, rounded differently

    def first(holds: Callable[[float], bool]) -> float:
        """Return the difference at which `holds` turns true on the way up."""
        low, high = 0, len(between)
        while low < high:
            middle = (low + high) // 2
            if holds(float(between[middle])):
                high = middle
            else:
                low = middle + 1
        return -inf if low == 0 else inf if low == len(between) else float(steps[low - 1])

    half = (
        first(lambda shift: probability(shift) >= 0.5 - TIE),
        first(lambda shift: probability(shift) > 0.5 + TIE),
    )
    finite = [end for end in half if np.isfinite(end)]
    estimate = sum(finite) / len(finite) if finite else half[0] if half[0] == half[1] else nan
    if level == 0.0:
        return estimate, -inf, inf
    test = lru_cache(maxsize=None)(at)  # both ends are searched from the middle
    return (
        estimate,
        first(lambda shift: test(shift).p_worse > tail),
        first(lambda shift: test(shift).p_better <= tail),
    )


def differences(a: Outcomes, r: Outcomes) -> Floats:
    """Return the distinct finite differences within blocks, of every outcome from every other, sorted."""
    found = [
        np.subtract.outer(p[np.isfinite(p)], q[np.isfinite(q)]).ravel()
        for x, y in zip(a, r, strict=True)
        for p, q in zip(x, y, strict=True)
    ]
    return np.unique(np.concatenate(found))


def holm(p: Sequence[float], weights: Sequence[float]) -> Floats:
    """Return the p-values adjusted by Holm's procedure with weights that sum to one."""
    values, shares = np.asarray(p, float), np.asarray(weights, float)
    order = np.argsort(values / shares, kind="stable")
    waiting = shares[order][::-1].cumsum()[::-1]
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(values[order] / shares[order] * waiting).clip(max=1.0)
    return adjusted


@dataclass(frozen=True)
class Answer:
    """The treatments that no other beats."""

    names: tuple[str, ...]


def best_set(names: Sequence[str], beats: Sequence[tuple[str, str]]) -> Answer:
    """Return those of `names` that are nobody's second in `beats` (pairs: better, worse)."""
    beaten = {worse for _, worse in beats}
    return Answer(tuple(name for name in names if name not in beaten))


def wilson(count: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a rate of `count` in `n`, both perhaps effective numbers."""
    if n <= 0:
        return 0.0, 1.0
    z, rate = float(norm.ppf((1 + level) / 2)), count / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def effective_trials(failed: npt.NDArray[Any]) -> float:
    """Return how many independent trials a table of failures, N B, is worth: N to N B.

    NaN is no trial; each of the N rows has at least one.
    """
    n, total = failed.shape[0], int(np.count_nonzero(~np.isnan(failed)))
    rate, spread = np.nanmean(failed), np.nanmean(failed, axis=1).var(ddof=1) if n > 1 else 0.0
    if rate in (0.0, 1.0):
        return float(n)
    return float(np.clip(rate * (1 - rate) * n / spread if spread > 0 else inf, n, total))
