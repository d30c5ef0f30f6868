"""Which level? Block by block the levels that nothing beats in quality and no other is better than in the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

import pandas as pd

from reports.costs import Costs, costs
from reports.criteria import Criterion, Rated, criteria, rated, smallest
from reports.design import Block, Design
from reports.pairs import OVERALL, PER_BLOCK
from reports.study import Declared
from reports.tables import Tables
from reports.verdict import Test, Verdict

LEARNED = 0.05
"""Share of samples like real ones below which a generator has not learned its data."""


@dataclass(frozen=True)
class Better:
    """A declared test found `a` better than `b`; `everywhere` says that it was the one over all blocks."""

    a: str
    b: str
    everywhere: bool


@dataclass(frozen=True)
class Advice:
    """What a block's trials say: its levels rated, who beats whom, who is better in the rest, and who is left.

    `chosen` is empty where nothing can be recommended: `why` says then, in a word, why. `dominated` names the better
    levels of each that is neither beaten nor chosen. `single` says that there is no
    other block; `higher` that a higher score is better.
    """

    block: Block
    score: str
    higher: bool
    rated: tuple[Rated, ...]
    criteria: tuple[Criterion, ...]
    beats: tuple[Better, ...]
    dominated: tuple[tuple[str, tuple[str, ...]], ...]
    chosen: tuple[str, ...]
    why: str
    single: bool

    def level(self, name: str) -> Rated:
        """Return a level of the block."""
        return next(r for r in self.rated if r.level == name)

    def better_median(self, a: Rated, b: Rated) -> bool:
        """Say whether the median score of `a` is better than that of `b`; failures are worst."""
        return a.score > b.score if self.higher else a.score < b.score

    def beaters(self, name: str) -> list[Better]:
        """Return who beats a level."""
        return [b for b in self.beats if b.b == name]


def advise(
    tables: Tables,
    trials: pd.DataFrame,
    found: Design,
    verdict: Verdict,
    declared: Declared,
    order: Sequence[str],
) -> tuple[tuple[Advice, ...], Costs]:
    """Return the advice of every block, and what its costs are."""
    paid = costs(tables, trials, found)
    advised = []
    for block in found.blocks:
        own = rated(tables, trials, found, block, paid, order)
        least = smallest(found, block, declared.effect)
        scored = trials[(trials["block"] == block.key) & trials["score_name"].notna()]
        rules = criteria(least, timed=paid.timed, ratio=found.scale.ratio)
        advised.append(_advice(block, scored, own, rules, least, found, verdict))
    return tuple(advised), paid


def _advice(
    block: Block,
    scored: pd.DataFrame,
    own: Sequence[Rated],
    rules: tuple[Criterion, ...],
    least: float,
    found: Design,
    verdict: Verdict,
) -> Advice:
    present = {r.level for r in own}
    tests = [t for t in verdict.tests if {t.a, t.r} <= present]
    here = [t for t in tests if t.tier == PER_BLOCK and t.block == block.label]
    able = [t for t in tests if (t.tier == OVERALL or t in here) and t.finding != "descriptive"]
    beats = tuple(_beats(tests, here))
    unbeaten = [r for r in own if r.level not in {b.b for b in beats} and r.bad < r.n]
    dominated = _dominated(unbeaten, rules, least)
    chosen = tuple(r.level for r in unbeaten if r.level not in dict(dominated))
    why = _why(own, unbeaten, tests, able)
    return Advice(
        block=block,
        score=next(iter(scored["score_name"]), ""),
        higher=next(iter(scored["better"]), "") == "higher",
        rated=tuple(own),
        criteria=rules,
        beats=beats,
        dominated=dominated,
        chosen=() if why else chosen,
        why=why,
        single=len(found.blocks) == 1,
    )


def _why(
    own: Sequence[Rated], unbeaten: Sequence[Rated], tests: Sequence[Test], able: Sequence[Test]
) -> str:
    """Return in a word why nothing can be recommended, "" where something can."""
    if not any(isfinite(r.score) or r.failed for r in own):
        return "nothing"
    if all(r.bad == r.n for r in own):
        return "failed"
    if all(r.hits < LEARNED for r in own if r.bad < r.n):
        return "untrained"
    if len(own) < 2:
        return "single"
    if not tests:
        return "apart"
    if not able:
        return "seeds"
    return "" if unbeaten else "circle"


def _beats(tests: Sequence[Test], here: Sequence[Test]) -> Iterator[Better]:
    """Yield who beats whom in a block by its own tests, and by those over all blocks where its own do not disagree."""
    told = {(t.a, t.r) if t.finding == "better" else (t.r, t.a) for t in here if t.decided}
    yield from (Better(a, b, False) for a, b in sorted(told))
    for test in tests:
        if test.tier == OVERALL and test.decided:
            a, b = (test.a, test.r) if test.finding == "better" else (test.r, test.a)
            if not {(a, b), (b, a)} & told:
                yield Better(a, b, True)


def _dominated(
    own: Sequence[Rated], rules: Sequence[Criterion], least: float
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the levels than which others are better in something and worse in nothing, with these others.

    Nor may the median of these others be worse by `least` or more, tested or not: it is not known to be alike.

    Differences from some size on are no order: levels can be better than each other in a circle. Those stay.
    """
    direct = {r.level: {s.level for s in own if _dominates(r, s, rules, least)} for r in own}
    reach = {name: set(below) for name, below in direct.items()}
    for _ in own:
        reach = {a: below | {c for b in below for c in reach[b]} for a, below in reach.items()}
    told = []
    for r in own:
        above = [a for a in direct if r.level in direct[a] and a not in reach[r.level]]
        if above:
            told.append((r.level, tuple(above)))
    return tuple(told)


def _dominates(a: Rated, b: Rated, rules: Sequence[Criterion], least: float) -> bool:
    if a.outcome >= b.outcome + least:
        return False
    return any(c.better(a, b) for c in rules) and not any(c.better(b, a) for c in rules)
