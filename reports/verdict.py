"""The declared tests of a study: tiers, adjusted p-values, intervals, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, log, nan

import numpy as np

from reports.design import Design
from reports.estimates import (
    SPLITS,
    Answer,
    Floats,
    Interval,
    best_set,
    holm,
    sizes,
)
from reports.pairs import OVERALL, TUNED, Pair, pairs
from reports.planning import Seeds, least_seeds, seeds_needed
from reports.study import Declared
from reports.tuning import Search

DECIDED = ("better", "worse")
"""Findings that claim a difference."""


@dataclass(frozen=True)
class Test:
    """One comparison of `a` with `r`, over all blocks or in one; `interval` is a shift of outcomes.

    `adjusted` is NaN in a descriptive tier. `n` and `failed` of the interval are those of `a`;
    `units` are the fewest seeds of either in a stream. In the tuned tier `probability` is half minus the statistic, and
    failures are counted over all points.
    """

    tier: str
    block: str
    a: str
    r: str
    n_r: int
    failed_r: int
    probability: float
    p: float
    adjusted: float
    least_p: float
    splits: int
    units: int
    blocks: int
    interval: Interval
    finding: str

    @property
    def decided(self) -> bool:
        """Whether it claims a difference."""
        return self.finding in DECIDED


@dataclass(frozen=True)
class Tier:
    """A family of declared tests and its share of alpha; a descriptive one cannot conclude."""

    name: str
    tests: int
    weight: float
    p_min: float
    descriptive: bool
    seeds: int


@dataclass(frozen=True)
class Verdict:
    """All tests, their tiers, the levels that no other beats, and the seeds still needed."""

    tests: tuple[Test, ...]
    tiers: tuple[Tier, ...]
    answer: Answer
    seeds: Seeds | None
    alpha: float

    def overall(self, a: str, r: str) -> Test | None:
        """Return the overall test of `a` against `r`, turned round where need be."""
        for test in self.tests:
            if test.tier == OVERALL and {test.a, test.r} == {a, r}:
                return test if test.a == a else _turned(test)
        return None

    @property
    def beats(self) -> tuple[tuple[str, str], ...]:
        """The significant overall pairs: better, worse."""
        found = [t for t in self.tests if t.tier == OVERALL]
        better = [(t.a, t.r) for t in found if t.finding == "better"]
        return tuple(better + [(t.r, t.a) for t in found if t.finding == "worse"])

    def tuned(self, a: str) -> Test | None:
        """Return the tuned test of `a` against the reference."""
        return next((t for t in self.tests if t.tier == TUNED and t.a == a), None)

    def tier(self, name: str) -> Tier | None:
        """Return the tier of this name."""
        return next((tier for tier in self.tiers if tier.name == name), None)


def judge(found: Design, declared: Declared, told: Search | None = None) -> Verdict:
    """Run the declared tests of a design and of what was tuned; with fewer than two levels there are none."""
    asked = pairs(found, declared, told)
    alpha, below = declared.level, found.ladder is not None and not found.ladder.reached
    tiers = _tiers(asked, alpha, below=below)
    tests = [_test(pair, _weight(tiers, pair.tier), alpha) for pair in asked]
    tests = _adjusted(tests, tiers, alpha)
    verdict = Verdict(tuple(tests), tiers, Answer(()), None, alpha)
    compared = {name for t in tests if t.tier == OVERALL for name in (t.a, t.r)}
    if declared.pairs == "all":
        names = [name for name in found.treatments if name in compared]
        verdict = replace(verdict, answer=best_set(names, verdict.beats))
    return replace(verdict, seeds=_seeds(found, verdict, declared))


def _tiers(pairs: Sequence[Pair], alpha: float, *, below: bool) -> tuple[Tier, ...]:
    """Share alpha equally among the tiers that can conclude; the others are descriptive.

    The tier that is furthest from concluding gives up its share first. `below` the first rung of a ladder, none can.
    """
    least: dict[str, float] = {}
    counts: dict[str, int] = {}
    streams: dict[str, int] = {}
    for pair in pairs:
        least[pair.tier] = min(least.get(pair.tier, 1.0), pair.least_p)
        counts[pair.tier] = counts.get(pair.tier, 0) + 1
        streams[pair.tier] = max(streams.get(pair.tier, 1), len(pair.sides[0]))
    able = list(least)
    while able:
        short = {name: least[name] * len(able) * counts[name] for name in able}
        worst = max(reversed(able), key=lambda name: short[name])
        if short[worst] <= alpha + 1e-12:
            break
        able.remove(worst)
    tiers = []
    for name in least:
        weight = 1 / (len({*able, name}) * counts[name])
        seeds = least_seeds(alpha * weight, streams[name])
        descriptive = below or name not in able
        tiers.append(Tier(name, counts[name], weight, least[name], descriptive, seeds))
    return tuple(tiers)


def _weight(tiers: Sequence[Tier], name: str) -> float:
    return next(tier.weight for tier in tiers if tier.name == name)


def _test(pair: Pair, weight: float, alpha: float) -> Test:
    most = max(SPLITS, ceil(20 / (alpha * weight)))
    block = pair.block.label if pair.block else ""
    found = pair.compare(most)
    return Test(
        tier=pair.tier,
        block=block,
        a=pair.a,
        r=pair.r,
        n_r=sum(side.shape[1] for side in pair.sides[1]),
        failed_r=int(sum(np.isinf(side).sum() for side in pair.sides[1])),
        probability=found.probability,
        p=found.p,
        adjusted=nan,
        least_p=pair.least_p,
        splits=found.splits,
        units=min(min(n, m) for n, m in sizes(*pair.sides)),
        blocks=sum(len(side) for side in pair.sides[0]) // pair.points,
        interval=pair.interval(most),
        finding="descriptive",
    )


def _adjusted(tests: Sequence[Test], tiers: Sequence[Tier], alpha: float) -> list[Test]:
    """Adjust over all tiers that can conclude, and name what each test found."""
    able = {tier.name: tier for tier in tiers if not tier.descriptive}
    tested = [i for i, test in enumerate(tests) if test.tier in able]
    done = list(tests)
    if not tested:
        return done
    weights = [able[tests[i].tier].weight for i in tested]
    for i, p in zip(tested, holm([tests[i].p for i in tested], weights), strict=True):
        side = "better" if tests[i].probability > 0.5 else "worse"
        finding = side if p <= alpha else "not distinguishable"
        done[i] = replace(tests[i], adjusted=float(p), finding=finding)
    return done


def _turned(test: Test) -> Test:
    """Return the same test seen from the other level."""
    old = test.interval
    new = Interval(
        -old.estimate, -old.high, -old.low, test.n_r, test.failed_r, old.level, old.failed
    )
    finding = {"better": "worse", "worse": "better"}.get(test.finding, test.finding)
    return replace(
        test,
        a=test.r,
        r=test.a,
        n_r=old.n,
        failed_r=old.failed,
        probability=1 - test.probability,
        interval=new,
        finding=finding,
    )


def _seeds(found: Design, verdict: Verdict, declared: Declared) -> Seeds | None:
    """Return the seeds that the least decided comparison with the reference would need."""
    tier = verdict.tier(OVERALL)
    names = verdict.answer.names if declared.pairs == "all" else found.treatments
    base = found.reference if found.reference in names else next(iter(names), "")
    drawn = []
    for name in names:
        test = verdict.overall(name, base) if name != base else None
        if tier is None or test is None or test.decided:
            continue
        sides = found.pair(name, base)
        effect = log(declared.effect)
        if not found.scale.ratio:
            effect = (declared.effect - 1) * _typical(sides[1])
        if effect > 0:
            level = verdict.alpha * tier.weight
            drawn.append(seeds_needed(*sides, effect, level, (name, base)))
    return max(drawn, key=lambda s: (s.needed, s.detectable)) if drawn else None


def _typical(side: Sequence[Floats]) -> float:
    """Return the median size of finite outcomes: a tenth of it is what a ratio of 1.1 means."""
    values = np.concatenate([x[np.isfinite(x)] for x in side])
    return float(np.median(np.abs(values))) if len(values) else 0.0
