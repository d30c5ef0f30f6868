"""How many seeds a test needs before it can be significant at all, and the rungs on which a study may be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, comb, prod
from typing import Any

RUNGS = 3
"""Looks of a ladder that says no rungs."""
GROWTH = 1.5
"""How many times the seeds of the rung below each of them has."""
MOST_SEEDS = 1_000


def p_min(units: Sequence[tuple[int, int]]) -> float:
    """Return the least two-sided p that these numbers of units, of both sides in each stream, can reach."""
    return min(1.0, 2 / prod(comb(n + m, n) for n, m in units))


def least_seeds(level: float, streams: int = 1) -> int:
    """Return the fewest seeds per treatment with which a p of `level` can be reached at all."""
    if not 0 < level <= 1:
        raise ValueError(f"level is {level}; it lies from 0 (excluded) to 1")
    return next(n for n in range(1, MOST_SEEDS) if p_min([(n, n)] * streams) <= level)


def default_rungs(level: float, streams: int = 1, count: int = RUNGS) -> tuple[int, ...]:
    """Return the rungs of a ladder: the first can conclude at its share of `level`, each next has half as many more."""
    rungs = [least_seeds(level / count, streams)]
    while len(rungs) < count:
        rungs.append(ceil(GROWTH * rungs[-1]))
    return tuple(rungs)


def check_rungs(said: Any, place: str = "declared.ladder") -> tuple[int, ...]:
    """Return rungs as they are kept; raises ValueError unless they are rising whole numbers of seeds."""
    rungs = tuple(said) if isinstance(said, (list, tuple)) else (said,)
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in rungs)
    if not whole or list(rungs) != sorted({n for n in rungs if 2 <= n < MOST_SEEDS}):
        shown = list(rungs) if isinstance(said, (list, tuple)) else said
        raise ValueError(
            f"{place} is {shown!r}; it is true or rising numbers of seeds, from 2, like [6, 9, 14]"
        )
    return rungs


def ladder_seeds(first: Sequence[int], count: int) -> tuple[int, ...]:
    """Return the seeds of a ladder by number: those of the first launch, then the whole numbers after the greatest.

    So the seeds of every rung are fixed before training, and none can be chosen by its result.
    """
    further = range(max(first, default=-1) + 1, max(first, default=-1) + 1 + count)
    return (*first, *further)[:count]
