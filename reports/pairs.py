"""Which pairs of levels a study tests, tier by tier, and the outcomes of both sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from reports import tuned
from reports.design import Block, Design
from reports.estimates import Comparison, Floats, Interval, compare, interval, p_min, sizes
from reports.study import Declared
from reports.tuning import Search

OVERALL, PER_BLOCK, TUNED = "overall", "per block", "tuned"


@dataclass(frozen=True)
class Pair:
    """One comparison to make: both sides' outcomes per stream, B N, or B*K N where `points` K were tuned over."""

    tier: str
    block: Block | None
    a: str
    r: str
    sides: tuple[list[Floats], list[Floats]]
    points: int = 1

    @property
    def least_p(self) -> float:
        """The least p that its units can reach: whole units are reassigned, tuned or not."""
        return p_min(sizes(*self.sides))

    @property
    def names(self) -> tuple[str, str, str]:
        """What seeds its random splits."""
        return self.a, self.r, self.block.key if self.block else ""

    def compare(self, most: int) -> Comparison:
        """Test it with at most so many splits."""
        if self.tier == TUNED:
            return tuned.compare(*self._curves(), self.names, most=most)
        return compare(*self.sides, self.names, most=most)

    def interval(self, most: int) -> Interval:
        """Return the shift between its sides."""
        if self.tier == TUNED:
            return tuned.interval(*self._curves(), self.names)
        return interval(*self.sides, self.names, most=most)

    def _curves(self) -> tuple[list[Floats], list[Floats]]:
        """Return both sides per stream B K N."""
        a, r = (
            [x.reshape(-1, self.points, x.shape[1]) for x in side]
            for side in (self.sides[0], self.sides[1])
        )
        return a, r


def pairs(found: Design, declared: Declared, told: Search | None = None) -> list[Pair]:
    """Return the declared pairs that share seeds, those with the reference as (other, reference)."""
    every = (*_untuned(found, declared), *(_tuned(found, told) if told else ()))
    return [pair for pair in every if pair.sides[0]]


def _untuned(found: Design, declared: Declared) -> Iterator[Pair]:
    r = found.reference
    against = [(a, r) for a in found.treatments if a != r]
    rest = [a for a in found.treatments if a != r]
    between = list(combinations(rest, 2)) if declared.pairs == "all" else []
    for a, b in against + between:
        yield Pair(OVERALL, None, a, b, found.pair(a, b))
    for block in found.blocks if len(found.blocks) > 1 else ():
        for a, b in against:
            yield Pair(PER_BLOCK, block, a, b, found.pair(a, b, (block,)))


def _tuned(found: Design, told: Search) -> Iterator[Pair]:
    """Yield each level against the reference, every point of every block."""
    for name in found.treatments:
        if name != found.reference:
            both = told.pair(found, name, found.reference)
            a, r = ([x.reshape(-1, x.shape[2]) for x in side] for side in both)
            yield Pair(TUNED, None, name, found.reference, (a, r), told.tune.points)
