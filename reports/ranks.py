"""Levels ranked over independent data sets, and which differences of their mean ranks are significant."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, log2, nan, sqrt

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from reports.estimates import TIE, Floats


@dataclass(frozen=True)
class Diagram:
    """Mean ranks of K levels over data sets, 1 best, and what difference of them is significant.

    `groups` are the largest sets of levels, by rank, that no such difference parts; `p` is Friedman's, NaN for K = 2.
    """

    ranks: tuple[float, ...]
    difference: float
    groups: tuple[tuple[int, ...], ...]
    datasets: int
    p: float


def datasets_needed(levels: int, alpha: float) -> int:
    """Return how many data sets let sign tests tell any two of so many levels apart, by Bonferroni."""
    return ceil(log2(levels * (levels - 1) / alpha) - 1e-9)


def critical_difference(values: Floats, alpha: float) -> Diagram:
    """Return Nemenyi's comparison of columns over independent rows, N K (Demsar 2006, section 3.2.2)."""
    n, k = values.shape
    ranks = rankdata(values, axis=1).mean(axis=0)
    critical = float(studentized_range.ppf(1 - alpha, k, inf)) / sqrt(2)
    difference = critical * sqrt(k * (k + 1) / (6 * n))
    order, groups = np.argsort(ranks, kind="stable"), []
    last = -1
    for i in range(k):
        near = [j for j in range(i, k) if ranks[order[j]] - ranks[order[i]] <= difference + TIE]
        if len(near) > 1 and near[-1] > last:
            groups.append(tuple(int(order[j]) for j in near))
            last = near[-1]
    same = bool((values == values[:, :1]).all())
    p = nan if k < 3 else 1.0 if same else float(friedmanchisquare(*values.T).pvalue)
    return Diagram(tuple(map(float, ranks)), difference, tuple(groups), n, p)
