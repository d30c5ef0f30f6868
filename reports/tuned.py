"""The tuned comparison: every point with every seed, chosen and tested without looking twice.

The outcomes of one treatment are a list over independent random streams of arrays B K N (blocks of the stream x points
x units), lower is better, +inf a failure. Source: STATISTICS.md, Tuned.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
from scipy.stats import rankdata

from reports.estimates import (
    SPLITS,
    TIE,
    Comparison,
    Floats,
    Interval,
    Outcomes,
    inversion,
    permuted,
)

FEW = 2_000
"""Random reassignments of which an interval is made where all are too many: it is inverted some forty times."""
CHUNK = 2_000_000
"""Numbers that a step of the permutation test holds at once."""


def ranks(outcomes: Floats) -> Floats:
    """Return twice the midranks, whole numbers, of a table's outcomes among all of them."""
    return np.asarray(2 * rankdata(outcomes).reshape(outcomes.shape))


def chosen(rank: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Return for each unit of K N the point that the other units rank best, the first among equals."""
    return np.asarray((rank.sum(axis=1, keepdims=True) - rank).argmin(axis=0))


def _values(rank: Floats, labels: Floats) -> Floats:
    """Return V, the mean rank of what is chosen without each unit, under every labelling M N of its members."""
    found = np.empty(len(labels))
    step = max(1, CHUNK // rank.size)
    for at in range(0, len(labels), step):
        part = labels[at : at + step]
        others = (part @ rank.T)[:, :, None] - rank[None]
        best = others.argmin(axis=1)
        taken = rank[best, np.arange(rank.shape[1])]
        found[at : at + step] = (taken * part).sum(axis=1) / part.sum(axis=1)
    return found


def _statistic(a: Outcomes, r: Outcomes, labels: Sequence[Floats], shift: float) -> Floats:
    """Return T = block mean of V_a - V_r under every labelling, the choice made anew in each."""
    total = np.zeros(len(labels[0]))
    for x, y, label in zip(a, r, labels, strict=True):
        for p, q in zip(x, y, strict=True):
            both = np.concatenate([p - shift, q], axis=1)
            assert not np.isnan(both).any(), "a missing outcome is left out, never compared"
            rank = ranks(both)
            total += (_values(rank, label) - _values(rank, 1 - label)) / (2 * both.size)
    return total / sum(len(x) for x in a)


def compare(
    a: Outcomes, r: Outcomes, names: Sequence[str], *, shift: float = 0.0, most: int = SPLITS
) -> Comparison:
    """Compare `a - shift` with `r`, each at the point that its other units choose; whole units are reassigned.

    `probability` is half minus T: above a half where `a` is better.
    """
    return permuted(_statistic, a, r, names, shift=shift, most=most)


def interval(a: Outcomes, r: Outcomes, names: Sequence[str], *, level: float = 0.95) -> Interval:
    """Return the shift of `a` against `r`, both tuned; `failed` counts failures over all points."""
    return inversion(_statistic, a, r, names, level, FEW)


def best_of(outcomes: Floats) -> list[float]:
    """Return the typical outcome of the best of j points, j from 1 to K, of outcomes K N.

    The best of j random points is chosen on the other units and read on the one left out; the median over units and
    over all ways to draw j of K, so that a failing point is no infinite mean. One unit is chosen on itself.
    """
    k, n = outcomes.shape
    rank = ranks(outcomes)
    told = rank if n == 1 else rank.sum(axis=1, keepdims=True) - rank
    order = told.argsort(axis=0, kind="stable")
    values = np.take_along_axis(outcomes, order, axis=0)
    curve = []
    for j in range(1, k + 1):
        weights = np.array([comb(k - 1 - i, j - 1) / comb(k, j) for i in range(k)])
        curve.append(_median(values.ravel(), np.repeat(weights, n)))
    return curve


def _median(values: Floats, weights: Floats) -> float:
    """Return the weighted median, the mean of two where the weight halves between them."""
    order = values.argsort(kind="stable")
    sums, half = weights[order].cumsum(), weights.sum() / 2
    low = values[order][np.searchsorted(sums, half - TIE)]
    high = values[order][min(np.searchsorted(sums, half + TIE), len(values) - 1)]
    return float(low if low == high else (low + high) / 2)
