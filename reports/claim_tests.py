"""What one part of a claim comes to: its effect with an interval, turned so that the claim says it is above 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, log

import numpy as np
from scipy.stats import norm

from ablation.claim import Evidence
from ablation.metrics import COST, RATES, SCORE, SPREAD, TUNED
from reports import tuned
from reports.claim_sides import Sides
from reports.claim_values import title
from reports.design import Block
from reports.estimates import (
    SPLITS,
    Comparison,
    Floats,
    Interval,
    compare,
    effective_trials,
    interval,
    p_min,
    wilson,
)
from reports.planning import POWER, least_seeds, seeds_for
from reports.tuning import Search

SUPPORTED, REFUTED, MIXED, OPEN = "supported", "refuted", "mixed", "not distinguishable"
HOLDS, BROKEN = "holds by construction", "violated"


@dataclass(frozen=True)
class Effect:
    """The effect of one part: [`low`, `high`] is turned so that the claim says it is above 0.

    `matter` is the smallest that matters, in the same units, and `unit` the same or the margin of a claim that has one.
    `refuting` is the upper end at the level at which one of several parts refutes. `shown` is what people read, of `a`
    against `r`. `n` counts the fewest `units` of a side, `needed` how many would show what matters. `able` says that n
    can reach the level at all.
    """

    evidence: Evidence
    label: str
    pair: str
    quantity: str
    shown: Interval
    ratio: bool
    estimate: float
    low: float
    high: float
    refuting: float
    matter: float
    unit: float
    n: int
    units: str
    blocks: int
    able: bool = True
    needed: float = inf
    holds_in: tuple[str, ...] = ()
    opposite_in: tuple[str, ...] = ()
    depends: str = ""
    checked: str = ""

    @property
    def verdict(self) -> str:
        """What the interval says, as STATISTICS.md has it: mixed first, then supported or refuted, else open."""
        if self.checked:
            return self.checked
        if self.holds_in and self.opposite_in:
            return MIXED
        if self.able and self.low > 0 and self.high >= self.matter:
            return SUPPORTED
        return REFUTED if self.able and self.refuting < self.matter else OPEN

    @property
    def matters(self) -> bool:
        """Whether all of the interval is at least the smallest effect that matters."""
        return self.low >= self.matter

    @property
    def opposite(self) -> bool:
        """Whether all of the interval that refutes lies below 0."""
        return self.refuting < 0


def sign(evidence: Evidence) -> float:
    """Return 1 where the claim says that `y` of a is greater, -1 where it says that it is smaller."""
    return 1.0 if evidence.direction in ("higher", "worse") else -1.0


def smallest(evidence: Evidence, sides: Sides, declared: float) -> float:
    """Return the smallest effect that matters, in units of y; 0 for a claim with a margin, which has none."""
    if evidence.margin is not None:
        return 0.0
    ratio = sides.design.scale.ratio
    if evidence.metric in (SCORE, SPREAD, TUNED):
        effect = evidence.effect or declared
        return log(effect) if ratio else (effect - 1) * sides.typical
    assert evidence.effect is not None, "a claim is read with its effect"
    return log(evidence.effect) if ratio else evidence.effect


@dataclass(frozen=True)
class Pairwise:
    """The comparison of two sides, both tuned where `told` is given; `effect` is the declared smallest ratio."""

    evidence: Evidence
    sides: Sides
    effect: float
    told: Search | None = None

    def judge(self, level: float, parts: int) -> Effect:
        """Return the effect at a two-sided error of `level`; refuting one of several `parts` has its share of it."""
        a, r = self._pair(None)
        most = max(SPLITS, ceil(20 * parts / level))
        rate = self.evidence.metric in RATES
        found = self._rate(a, r, level, most) if rate else self._interval(a, r, level, most)
        wider = found
        if parts > 1:
            again = self._rate if rate else self._interval
            wider = again(a, r, level / parts, most)
        turn, margin = sign(self.evidence), self._margin
        ends = _turned(found, turn, margin)
        sizes = [(x.shape[-1], y.shape[-1]) for x, y in zip(a, r, strict=True)]
        matter = smallest(self.evidence, self.sides, self.effect)
        design = self.sides.design
        holds, opposite = self._blocks(level, most)
        depends = _depends(self.sides, holds, opposite)
        labels = {b.key: b.label for b in design.blocks}
        reachable = p_min(sizes) <= level / parts + 1e-12
        return Effect(
            evidence=self.evidence,
            label=_head(self.evidence, design.scale.label),
            pair=f"{self.sides.a} against {self.sides.r}",
            quantity="ratio" if design.scale.ratio else "difference",
            shown=design.scale.shown(found),
            ratio=design.scale.ratio,
            estimate=ends[0],
            low=ends[1],
            high=ends[2],
            refuting=_turned(wider, turn, margin)[2] if reachable else inf,
            matter=matter,
            unit=matter or margin,
            n=min(min(pair) for pair in sizes),
            units="round" if self.evidence.metric == COST else "seed",
            blocks=len(design.blocks),
            able=p_min(sizes) <= level + 1e-12,
            needed=self._needed(a, r, matter or margin, level),
            holds_in=tuple(labels[key] for key in holds),
            opposite_in=tuple(labels[key] for key in opposite),
            depends=depends,
        )

    @property
    def _margin(self) -> float:
        told = self.evidence.margin
        if told is None:
            return 0.0
        return log(told) if self.sides.design.scale.ratio else told

    @property
    def _names(self) -> tuple[str, ...]:
        return (self.sides.a, self.sides.r, "claim", self.evidence.metric)

    def _pair(self, block: Block | None) -> tuple[list[Floats], list[Floats]]:
        own = self.sides.design
        blocks = own.blocks if block is None else (block,)
        if self.told is not None:
            return self.told.pair(replace(own, blocks=blocks), self.sides.a, self.sides.r)
        return own.pair(self.sides.a, self.sides.r, blocks)

    def _compare(
        self, a: Sequence[Floats], r: Sequence[Floats], shift: float, most: int
    ) -> Comparison:
        test = tuned.compare if self.told is not None else compare
        return test(a, r, self._names, shift=shift, most=most)

    def _interval(
        self, a: Sequence[Floats], r: Sequence[Floats], level: float, most: int
    ) -> Interval:
        if self.told is not None:
            return tuned.interval(a, r, self._names, level=1 - level)
        return interval(a, r, self._names, level=1 - level, most=most)

    def _rate(self, a: Sequence[Floats], r: Sequence[Floats], level: float, most: int) -> Interval:
        """Return the difference of two rates by Newcombe's method; an end is beyond 0 only where the test agrees."""
        (p, p_low, p_high, n), (q, q_low, q_high, _) = (_share(side, level) for side in (a, r))
        low = p - q - ((p - p_low) ** 2 + (q_high - q) ** 2) ** 0.5
        high = p - q + ((p_high - p) ** 2 + (q - q_low) ** 2) ** 0.5
        test, tail = self._compare(a, r, 0.0, most), level / 2 + 1e-12
        low = low if test.p_worse <= tail else min(low, 0.0)
        high = high if test.p_better <= tail else max(high, 0.0)
        return Interval(p - q, low, high, n, 0, 1 - level)

    def _blocks(self, level: float, most: int) -> tuple[list[str], list[str]]:
        """Return the blocks that support the claim by themselves and those that say the opposite, at level / B."""
        blocks = self.sides.design.blocks
        found: tuple[list[str], list[str]] = ([], [])
        turn, tail = sign(self.evidence), level / (2 * max(1, len(blocks))) + 1e-12
        for block in blocks if len(blocks) > 1 else ():
            a, r = self._pair(block)
            if a:
                test = self._compare(a, r, -turn * self._margin, most)
                ends = (test.p_worse, test.p_better) if turn > 0 else (test.p_better, test.p_worse)
                for names, p in zip(found, ends, strict=True):
                    names += [block.key] if p <= tail else []
        return found

    def _needed(
        self, a: Sequence[Floats], r: Sequence[Floats], effect: float, level: float
    ) -> float:
        """Return the seeds of each side that would show `effect`."""
        if self.told is not None or effect <= 0:
            return float(least_seeds(level, len(a)))
        if self.evidence.metric not in RATES:
            return seeds_for(a, r, effect, level)
        both = np.concatenate([x.mean(axis=0) for x in (*a, *r)])
        share = (both.sum() + 1) / (len(both) + 2)
        z = float(norm.ppf(1 - level / 2) + norm.ppf(POWER))
        return float(ceil(2 * share * (1 - share) * (z / effect) ** 2))


def _head(evidence: Evidence, score: str) -> str:
    """Return what was compared, and in which network."""
    place = {"generator": " in G", "discriminator": " in D"}.get(evidence.network, "")
    own = {SCORE: score, TUNED: f"{score}, both tuned"}
    return own.get(evidence.metric) or title(evidence.metric) + place


def _turned(found: Interval, turn: float, margin: float) -> tuple[float, float, float]:
    ends = (found.low, found.high) if turn > 0 else (-found.high, -found.low)
    return turn * found.estimate + margin, ends[0] + margin, ends[1] + margin


def _share(side: Sequence[Floats], level: float) -> tuple[float, float, float, int]:
    """Return a rate over streams of indicators B N, its Wilson interval, and its units."""
    worth = sum(effective_trials(x.T) for x in side)
    rate = float(np.concatenate([x.ravel() for x in side]).mean())
    low, high = wilson(rate * worth, worth, level=1 - level)
    return rate, low, high, sum(x.shape[1] for x in side)


def _depends(sides: Sides, holds: Sequence[str], opposite: Sequence[str]) -> str:
    """Return on which setting it depends whether the claim holds, in words."""
    if not holds or not opposite:
        return ""
    for column in next(iter(sides.settings.values())):
        yes, no = ({sides.settings[key][column] for key in keys} for keys in (holds, opposite))
        if not yes & no:
            what = "settings" if column == "variant" else column.replace("_", " ")
            return f"{what}: holds with {', '.join(sorted(yes))}, opposite with {', '.join(sorted(no))}"
    return f"the block: holds in {len(holds)}, opposite in {len(opposite)} of {len(sides.settings)}"
