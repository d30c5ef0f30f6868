"""Which levels fail more often than the reference: the declared test on whether a trial failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.design import Design
from reports.estimates import TIE, compare, holm


@dataclass(frozen=True)
class Failing:
    """How a level's failures stand against the reference's: p of the permutation test, and with Holm over levels."""

    level: str
    p: float
    adjusted: float
    more: bool

    def finding(self, alpha: float) -> str:
        """Return what may be said at `alpha`."""
        if self.adjusted > alpha:
            return "not distinguishable"
        return "fails more often" if self.more else "fails less often"


def failing(found: Design, levels: Sequence[str]) -> dict[str, Failing]:
    """Compare each level's failures with the reference's, whole seeds reassigned.

    Empty where nothing failed, and below the first rung of a ladder, where nothing is tested.
    """
    if found.ladder is not None and not found.ladder.reached:
        return {}
    told = []
    for level in levels:
        if level == found.reference:
            continue
        a, r = (
            [np.isinf(x).astype(float) for x in side] for side in found.pair(level, found.reference)
        )
        if not a:
            continue
        test = compare(a, r, (level, found.reference))
        told.append((level, test.p, test.probability < 0.5 - TIE, any(x.any() for x in (*a, *r))))
    if not any(failed for *_, failed in told):
        return {}
    adjusted = holm([p for _, p, _, _ in told], [1 / len(told)] * len(told))
    return {
        level: Failing(level, p, float(q), more)
        for (level, p, more, _), q in zip(told, adjusted, strict=True)
    }
