"""Where the winner changes: two levels that beat each other significantly, in blocks that differ in a factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.blocking import Factor
from reports.design import Design
from reports.pairs import PER_BLOCK
from reports.verdict import Verdict


@dataclass(frozen=True)
class Change:
    """A level is better than the reference in some blocks and worse in others, which differ in these factors alone."""

    factors: tuple[str, ...]
    a: str
    r: str
    better: tuple[str, ...]
    worse: tuple[str, ...]


def changes(found: Design, verdict: Verdict, every: Sequence[Factor]) -> tuple[Change, ...]:
    """Return the changes that the per-block tier shows, by the fewest factors that part their blocks."""
    places = {block.label: number for number, block in enumerate(found.blocks)}
    keys = {block.label: block.key for block in found.blocks}
    beaten: dict[tuple[str, str], dict[str, list[str]]] = {}
    for test in verdict.tests:
        if test.tier == PER_BLOCK and test.decided:
            sides = beaten.setdefault((test.a, test.r), {"better": [], "worse": []})
            sides[test.finding].append(test.block)
    told = []
    for (a, r), sides in beaten.items():
        parted: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for better in sides["better"]:
            for worse in sides["worse"]:
                differ = (f for f in every if f.codes[keys[better]] != f.codes[keys[worse]])
                parted.setdefault(tuple(f.label for f in differ), []).append((better, worse))
        fewest = min((len(names) for names in parted if names), default=0)
        for names, pairs in parted.items():
            if names and len(names) == fewest:
                ends = (sorted({pair[i] for pair in pairs}, key=places.__getitem__) for i in (0, 1))
                told.append(Change(names, a, r, *map(tuple, ends)))
    return tuple(told)
