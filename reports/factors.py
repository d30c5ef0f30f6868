"""What outcomes depend on: a factor's share of their variance, and permutation tests of factors and interactions.

Outcomes are finite and lower is better: who calls has capped failures at what an untrained generator scores. The flips
and permutations are seeded by names, as those of `reports.estimates` are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from math import comb, factorial, nan, prod

import numpy as np
import numpy.typing as npt

from reports.estimates import SPLITS, TIE, Floats, generator

Ints = npt.NDArray[np.int64]

LEAST_SEEDS = 6
"""Whole tables of fewer seeds, flipped, cannot reach p = .05: 2 of 2^n flips are always at least as large."""

LEAST_DATASETS = 6
"""The same of data sets."""

ROUNDING = 1e-24
"""The part of a sum of squares that rounding leaves of none."""

CHUNK = 2_000_000
"""Random numbers drawn at once, to bound memory."""


@dataclass(frozen=True)
class Share:
    """A term's adjusted sum of squares, its degrees of freedom, and omega squared: 0 to 1.

    Omega is NaN where no cell has two seeds, and where `df` is 0: other factors tell all that the term tells.
    """

    df: int
    squares: float
    omega: float


@dataclass(frozen=True)
class Shares:
    """The shares of all terms, of what cells differ by that no term tells alone, and of seeds."""

    terms: Mapping[tuple[str, ...], Share]
    rest: Share
    seeds: Share


@dataclass(frozen=True)
class Permuted:
    """The share of rearrangements whose statistic is at least the observed one, which is among them."""

    p: float
    draws: int
    exact: bool


def shares(
    y: Floats, columns: Mapping[str, Ints], cells: Ints, terms: Sequence[tuple[str, ...]]
) -> Shares:
    """Return omega squared of each term, a tuple of columns; all arrays have one entry an outcome.

    Each is adjusted for the terms that do not hold all its columns (type II sums of squares), which changes nothing in
    a balanced design. Omega squared is (squares - df x error) / (total + error), error the mean square within cells.
    """
    _, first, cell, n = np.unique(cells, return_index=True, return_inverse=True, return_counts=True)
    mean, spare = np.bincount(cell, y) / n, len(y) - len(n)
    within, total = float(((y - mean[cell]) ** 2).sum()), float(((y - y.mean()) ** 2).sum())
    total = total if total > ROUNDING * float((y**2).sum()) else 0.0
    error = within / spare if spare else nan
    parts = {term: _indicators([columns[name][first] for name in term]) for term in terms}

    def share(squares: float, df: int) -> Share:
        omega = (squares - df * error) / (total + error) if total else 0.0
        return Share(df, squares, omega if omega != omega else max(0.0, omega))

    found = {}
    for term in terms:
        others = [parts[t] for t in terms if not set(term) <= set(t)]
        without, rank = _left(mean, n, others)
        with_it, more = _left(mean, n, [*others, parts[term]])
        told = share(without - with_it, more - rank)
        found[term] = told if told.df else Share(0, 0.0, nan)
    df = len(n) - 1 - sum(told.df for told in found.values())
    left = total - within - sum(told.squares for told in found.values())
    rest = share(max(0.0, left), df) if df else Share(0, 0.0, 0.0)
    noise = float(np.minimum(1.0, len(y) * error / (total + error))) if total else 0.0
    return Shares(found, rest, Share(spare, within, noise))


def _indicators(columns: Sequence[Ints]) -> Floats:
    """Return one column of 0 and 1 for every combination of levels that occurs."""
    _, codes = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    return np.eye(int(codes.max()) + 1)[codes.reshape(-1)]


def _left(mean: Floats, n: Ints, parts: Sequence[Floats]) -> tuple[float, int]:
    """Return the squares that a linear model leaves of cell means of n outcomes, and its rank."""
    design = np.concatenate([np.ones((len(mean), 1)), *parts], axis=1) * np.sqrt(n)[:, None]
    fitted, _, rank, _ = np.linalg.lstsq(design, mean * np.sqrt(n), rcond=None)
    return float(((mean * np.sqrt(n) - design @ fitted) ** 2).sum()), int(rank)


def main_effect(
    streams: Sequence[tuple[Floats, Ints]], names: Sequence[str], most: int = SPLITS
) -> Permuted:
    """Test a label of whole units: per stream a score U of every unit (a sum over blocks) and its label 0..K-1.

    Labels are permuted among a stream's units, streams independently; the statistic is the sum over labels of n times
    the squared mean, that of one-way analysis of variance. Every label has a unit in every stream.
    """
    ordered = [(c[o] - c.mean(), x[o]) for c, x in streams for o in [np.argsort(x, kind="stable")]]
    counts = [np.bincount(x) for _, x in ordered]
    ways = [prod(comb(int(k[i:].sum()), int(k[i])) for i in range(len(k))) for k in counts]
    exact = prod(ways) <= most
    if exact:
        rows = np.unravel_index(np.arange(prod(ways)), ways)
        labels = [_arranged(list(k))[row] for k, row in zip(counts, rows, strict=True)]
    else:
        random = generator(("main", *names))
        labels = []
        for _, x in ordered:
            drawn = random.random((most, len(x))).argsort(axis=1)
            drawn[0] = np.arange(len(x))
            labels.append(x[drawn])
    units = np.sum(counts, axis=0)
    statistic = np.zeros(len(labels[0]))
    for label, weight in enumerate(units):
        effect = np.zeros(len(statistic))
        for (c, _), x, k in zip(ordered, labels, counts, strict=True):
            effect += (x == label) @ c / k[label]
        statistic += weight * effect**2
    return _judged(statistic, [c for c, _ in streams], exact=exact)


def _arranged(counts: Sequence[int]) -> Ints:
    """Return every order of so many 0, 1, ...: M U, sorted labels first."""
    total = sum(counts)
    if len(counts) == 1:
        return np.zeros((1, total), dtype=np.int64)
    rest, rows = _arranged(counts[1:]) + 1, []
    for chosen in combinations(range(total), counts[0]):
        block = np.zeros((len(rest), total), dtype=np.int64)
        block[:, [i for i in range(total) if i not in set(chosen)]] = rest
        rows.append(block)
    return np.concatenate(rows)


def within_effect(tables: Floats, names: Sequence[str], most: int = SPLITS) -> Permuted:
    """Test a factor that varies inside units, U L (units x its levels): levels are permuted in every unit."""
    units, levels = tables.shape
    centred = tables - tables.mean(axis=1, keepdims=True)
    exact = factorial(levels) ** units <= most
    if exact:
        orders = np.array(list(permutations(range(levels))))
        rows = np.array(np.unravel_index(np.arange(len(orders) ** units), (len(orders),) * units))
        moved = centred[np.arange(units)[:, None], orders[rows.T]]
        return _judged((moved.sum(axis=1) ** 2).sum(axis=1), [tables], exact=True)
    random, found, size = generator(("within", *names)), [], max(1, CHUNK // tables.size)
    for start in range(0, most, size):
        drawn = random.random((min(size, most - start), units, levels)).argsort(axis=2)
        if start == 0:
            drawn[0] = np.arange(levels)
        moved = np.take_along_axis(np.broadcast_to(centred, drawn.shape), drawn, axis=2)
        found.append((moved.sum(axis=1) ** 2).sum(axis=1))
    return _judged(np.concatenate(found), [tables], exact=False)


def interaction(tables: Floats, names: Sequence[str], most: int = SPLITS) -> Permuted:
    """Test the interaction in tables N K L, one a seed: each is centred over its margins and flipped as a whole.

    The statistic is the sum over K x L of the squared mean; see `LEAST_SEEDS`.
    """
    rows, columns = tables.mean(axis=2, keepdims=True), tables.mean(axis=1, keepdims=True)
    centred = tables - rows - columns + tables.mean(axis=(1, 2), keepdims=True)
    signs, exact = _signs(len(tables), ("interaction", *names), most)
    sums = signs @ centred.reshape(len(tables), -1)
    return _judged((sums**2).sum(axis=1), [tables], exact=exact)


def sign_flip(differences: Floats, names: Sequence[str], most: int = SPLITS) -> Permuted:
    """Test that independent differences, N, are symmetric about 0: two-sided, by the size of their mean."""
    signs, exact = _signs(len(differences), ("flip", *names), most)
    return _judged((signs @ differences) ** 2, [differences], exact=exact)


def typical(
    differences: Floats, names: Sequence[str], *, level: float = 0.95, most: int = SPLITS
) -> tuple[float, float, float]:
    """Return low and high of the centre of these independent differences, N, and their exact level.

    The sign-flip test inverted: the means of all subsets are its typical values (Hartigan 1969, doi:10.2307/2283759).
    """
    signs, _ = _signs(len(differences), ("flip", *names), most)
    chosen = signs[1:] < 0
    chosen = chosen[chosen.any(axis=1)]
    means = np.sort(chosen @ differences / chosen.sum(axis=1))
    cut = max(1, int((1 - level) / 2 * (len(means) + 1) + TIE))
    return float(means[cut - 1]), float(means[-cut]), 1 - 2 * cut / (len(means) + 1)


def _signs(n: int, names: Sequence[str], most: int) -> tuple[Floats, bool]:
    """Return M rows of n signs, the observed ones first, and whether these are all."""
    if 2**n <= most:
        return np.where(np.arange(2**n)[:, None] >> np.arange(n) & 1, -1.0, 1.0), True
    signs = np.where(generator(names).random((most, n)) < 0.5, -1.0, 1.0)
    signs[0] = 1.0
    return signs, False


def _judged(statistic: Floats, data: Sequence[Floats], *, exact: bool) -> Permuted:
    """Return the p of the first statistic; what rounding alone makes of the data is equal."""
    rounding = ROUNDING * sum(float((x**2).sum()) * len(x) for x in data)
    slack = TIE * float(statistic.max()) + rounding
    return Permuted(float((statistic >= statistic[0] - slack).mean()), len(statistic), exact)
