"""Rank correlations between levels: the slope of ranks on ranks, whole levels reassigned over all blocks at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, permutations
from math import atanh, ceil, factorial, inf, sqrt, tanh

import numpy as np
from scipy.stats import norm, rankdata

from ablation.claim import Claim, Evidence
from ablation.levels import noun, worded
from ablation.metrics import is_score
from reports.claim_source import KEPT, Absent, Source, applies, inside
from reports.claim_tests import Effect
from reports.claim_values import title, values
from reports.design import FAILED
from reports.estimates import SPLITS, TIE, Floats, Interval, generator
from reports.names import block_columns, block_word
from reports.planning import POWER

FEWEST = 5
"""Levels without which a rank correlation between them is not looked at."""


@dataclass(frozen=True)
class Ranked:
    """Rank correlations between levels: standardised ranks B K of two metrics, higher better where they are scores."""

    evidence: Evidence
    x: Floats
    y: Floats
    levels: tuple[str, ...]
    labels: tuple[str, ...]

    def judge(self, level: float, parts: int) -> Effect:
        """Return the slope of ranks on ranks, which is their correlation: its sign from the permutation test."""
        names = ("claim", self.evidence.metric, self.evidence.against)
        count, matter = len(self.levels), self.evidence.effect or 0.0
        estimate = float((self.x * self.y).mean())
        low, high, able = slope(self.x, self.y, level, names)
        low, high = widened(estimate, low, high, count, level)
        wider, reachable = high, able
        if parts > 1:
            least, wider, reachable = slope(self.x, self.y, level / parts, names)
            wider = widened(estimate, least, wider, count, level / parts)[1]
        one = [
            slope(self.x[b : b + 1], self.y[b : b + 1], level / len(self.x), names)
            for b in (range(len(self.x)) if len(self.x) > 1 else ())
        ]
        z = float(norm.ppf(1 - level / 2) + norm.ppf(POWER))
        what = f"{title(self.evidence.metric)} with {inside(title(self.evidence.against))}"
        holds = _those(self.labels, [ok and ends[0] > 0 for *ends, ok in one])
        opposite = _those(self.labels, [ok and ends[1] < 0 for *ends, ok in one])
        split = f"holds with {', '.join(holds)}, opposite with {', '.join(opposite)}"
        return Effect(
            evidence=self.evidence,
            label=what,
            pair=f"between {noun(self.evidence.factor, 2)}",
            quantity="rank correlation",
            shown=Interval(estimate, low, high, count, 0, 1 - level),
            ratio=False,
            estimate=estimate,
            low=low,
            high=high,
            refuting=wider if reachable else inf,
            matter=matter,
            unit=matter,
            n=count,
            units=noun(self.evidence.factor),
            blocks=len(self.x),
            able=able,
            needed=float(max(least_levels(level), ceil(3 + (z / atanh(min(matter, 0.99))) ** 2))),
            holds_in=holds,
            opposite_in=opposite,
            depends=f"the block: {split}" if holds and opposite else "",
        )


def _those(labels: Sequence[str], kept: Sequence[bool]) -> tuple[str, ...]:
    return tuple(compress(labels, kept))


def slope(x: Floats, y: Floats, level: float, names: Sequence[str]) -> tuple[float, float, bool]:
    """Return the ends of the slope of standardised ranks y on x, B K, and whether K levels can reach the level at all.

    A slope b is kept while y - b x, its levels permuted jointly over blocks, is not more like x than seen in a share of
    level / 2 of all permutations. At b = 0 it is the permutation test of Spearman's correlation.
    """
    orders = _orders(x.shape[1], names)
    seen = (float((x * x).sum()), float((x * y).sum()))
    moved = (_sums(x, x, orders), _sums(x, y, orders))
    run, rise = seen[0] - moved[0], seen[1] - moved[1]
    rise = np.where(np.abs(rise) <= TIE, 0.0, rise)
    flat, tail = run <= TIE, level / 2 + 1e-12
    steps = np.sort(rise[~flat] / run[~flat])
    always = int(((rise <= 0) & flat).sum()), int(((rise >= 0) & flat).sum())
    shares = [(k + np.arange(1, len(steps) + 1)) / len(orders) for k in always]
    able = max(always) / len(orders) <= tail
    above, below = (np.flatnonzero(share > tail) for share in shares)
    if not able or not len(steps):
        return -1.0, 1.0, False
    low, high = float(steps[above[0]]), float(steps[::-1][below[0]])
    return max(-1.0, low), min(1.0, high), True


def widened(
    estimate: float, low: float, high: float, count: int, level: float
) -> tuple[float, float]:
    """Return the ends of a rank correlation of so many levels, no narrower than Fisher's z has them.

    Ranks that agree wholly leave the slope no spread at all. The ends keep the side of 0 on which the permutation test
    has them: the width of z is that of Bonett & Wright 2000, doi:10.1007/BF02294183, at half a swap from 1 at most.
    """
    most = 1 - 6 / (count * (count**2 - 1))
    inside = min(max(estimate, -most), most)
    half = float(norm.ppf(1 - level / 2)) * sqrt((1 + inside**2 / 2) / (count - 3))
    wide = tanh(atanh(inside) - half), tanh(atanh(inside) + half)
    return (
        min(low, max(wide[0], TIE) if low > 0 else wide[0]),
        max(high, min(wide[1], -TIE) if high < 0 else wide[1]),
    )


def _orders(count: int, names: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Return all orders of so many levels, or as many random ones as a test has, the observed one first."""
    if factorial(count) <= SPLITS:
        return np.array(list(permutations(range(count))))
    drawn = generator(names).random((SPLITS, count)).argsort(axis=1)
    drawn[0] = np.arange(count)
    return drawn


def _sums(x: Floats, y: Floats, orders: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Floats:
    found = np.zeros(len(orders))
    for one, other in zip(x, y, strict=True):
        found += other[orders] @ one
    return found


def least_levels(level: float) -> int:
    """Return the fewest levels whose orders are so many that a correlation can be significant at this level."""
    return next(k for k in range(2, 20) if 1 / factorial(k) <= level / 2)


def ranked(evidence: Evidence, claim: Claim, source: Source) -> Ranked:
    """Return the ranks of levels under two metrics, of those that have both in every block; raises Absent.

    Medians over the seeds that ended with both; a failure has neither.
    """
    first, _ = values(evidence, evidence.metric, source)
    other, _ = values(evidence, evidence.against, source)
    trials = first[[*KEPT, "y"]].merge(other[["key", "y"]].rename(columns={"y": "other"}), on="key")
    trials = trials[trials["treatment"].notna() & trials["seed"].isin(source.found.seeds)]
    trials = applies(trials[~trials["outcome"].isin(FAILED)], claim, source)
    trials = trials[np.isfinite(trials["y"]) & np.isfinite(trials["other"])]
    columns = list(block_columns(evidence.factor))
    level = [worded(evidence.factor, value) for value in trials[evidence.factor]]
    block = trials[columns].astype(str).agg("\x1f".join, axis=1) if len(trials) else []
    medians = trials.assign(level=level, cell=block).groupby(["cell", "level"])[["y", "other"]]
    wide = medians.median().unstack("level").dropna(axis=1)
    names = [n for n in wide["y"] if n in wide["other"]] if len(wide.columns) else []
    if len(names) < FEWEST:
        raise Absent(
            f"too few {noun(evidence.factor, 2)} to rank in every block: {len(names)}, and it needs {FEWEST}"
        )
    x, y = (
        _standard(wide[column][names].to_numpy(dtype=float) * (-1 if is_score(metric) else 1))
        for column, metric in (("y", evidence.metric), ("other", evidence.against))
    )
    kept = (x.std(axis=1) > 0) & (y.std(axis=1) > 0)
    if not kept.any():
        raise Absent(
            f"{title(evidence.metric)} or {title(evidence.against)} is the same everywhere"
        )
    labels = tuple(compress(_labels([str(key) for key in wide.index], columns), kept))
    return Ranked(evidence, x[kept], y[kept], tuple(names), labels)


def _labels(keys: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return what tells blocks apart, in words."""
    rows = [dict(zip(columns, key.split("\x1f"), strict=True)) for key in keys]
    told = [c for c in columns if len({row[c] for row in rows}) > 1]
    return [" · ".join(filter(None, (block_word(c, row[c]) for c in told))) for row in rows]


def _standard(table: Floats) -> Floats:
    """Return the ranks within each row, with mean 0 and variance 1; 0 where all are equal."""
    ranks = np.asarray(rankdata(table, axis=1)) - (table.shape[1] + 1) / 2
    width = np.sqrt((ranks**2).mean(axis=1, keepdims=True))
    return np.asarray(ranks / np.where(width > 0, width, 1.0))
