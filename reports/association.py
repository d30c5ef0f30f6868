"""Does one number go with another? Rank correlation inside groups, and its p by permuting the units of each group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from math import factorial, nan, prod, sqrt

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from reports.estimates import SPLITS, TIE, Floats, generator

Group = tuple[Floats, Floats]
"""Two arrays B N of what is compared, x and y: B blocks, whose N units move together. No NaN; y may be +inf."""


@dataclass(frozen=True)
class Association:
    """Spearman's rho of `points` pairs, pooled over groups and never between them, and its two-sided p.

    `least_p` is the least p that so many units can reach; rho is NaN where x or y is constant in every group.
    """

    rho: float
    p: float
    least_p: float
    points: int


def associate(groups: Sequence[Group], most: int = SPLITS) -> Association:
    """Return how x goes with y inside the groups: midranks per block, and units of y permuted, group by group.

    All arrangements are tried where there are at most `most`, else so many random ones, the observed one among them.
    """
    sizes = tuple(x.shape[1] for x, _ in groups)
    points = sum(x.size for x, _ in groups)
    ways = prod(map(factorial, sizes))
    least = min(1.0, 2 / ways if ways <= most else max(2 / ways, 1 / most))
    if not groups:
        return Association(nan, nan, 1.0, 0)
    orders, spread, total = _orders(sizes, most), [0.0, 0.0], np.zeros(())
    for (x, y), order in zip(groups, orders, strict=True):
        p, q = _centred(x), _centred(y)
        spread[0] += float((p * p).sum())
        spread[1] += float((q * q).sum())
        together = p.T @ q
        total = total + together[np.arange(order.shape[1]), order].sum(axis=1)
    if min(spread) < TIE:
        return Association(nan, nan, 1.0, points)
    extreme = np.abs(total) >= abs(float(total[0])) - TIE
    rho = round(float(total[0]) / sqrt(spread[0] * spread[1]), 12) + 0.0
    return Association(rho, float(extreme.mean()), least, points)


def _centred(values: Floats) -> Floats:
    """Return the midrank shares of each block's units about their mean."""
    assert not np.isnan(values).any(), "a missing number is left out, never ranked"
    ranks: Floats = np.asarray(rankdata(values, axis=1)) / values.shape[1]
    return np.asarray(ranks - ranks.mean(axis=1, keepdims=True))


@lru_cache(maxsize=8)
def _orders(sizes: tuple[int, ...], most: int) -> tuple[npt.NDArray[np.int8 | np.int64], ...]:
    """Return, per group, M rows of orders of its units; row 0 is the observed one."""
    counts = [factorial(n) for n in sizes]
    if prod(counts) <= most:
        rows = np.unravel_index(np.arange(prod(counts)), counts)
        every = {n: np.array(list(permutations(range(n)))) for n in set(sizes)}
        return tuple(every[n][row] for n, row in zip(sizes, rows, strict=True))
    random, drawn = generator(("orders", *map(str, sizes))), []
    for n in sizes:
        order = random.random((most, n)).argsort(axis=1)
        order[0] = np.arange(n)
        drawn.append(order)
    return tuple(drawn)
