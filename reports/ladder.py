"""Where a study stands on its declared seed ladder: which seeds are tested, which wait, what the next rung lacks."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ablation.ladder import ladder_seeds
from reports.study import Declared

ABSENT = ("missing", "damaged")
"""Outcomes of trials for which a rung waits."""


@dataclass(frozen=True)
class Ladder:
    """Rungs of seeds, and how many of them are `reached`: every compared cell has ended all the seeds of these.

    `tested` are the first seeds, up to that rung (up to the first one, untested, before it); `waiting` are further
    seeds of the ladder that have trials; the next rung `lacks` so many trials. A look at half a rung would be one more
    than was declared.
    """

    rungs: tuple[int, ...]
    reached: int
    tested: tuple[int, ...]
    waiting: tuple[int, ...]
    lacks: int

    @property
    def next(self) -> int | None:
        """The seeds of the next rung; None on the last."""
        return self.rungs[self.reached] if self.reached < len(self.rungs) else None


def standing(trials: pd.DataFrame, declared: Declared) -> Ladder | None:
    """Return where these trials, of the cells that are compared, stand; None without a ladder."""
    rungs = declared.ladder
    if not rungs:
        return None
    seeds = ladder_seeds(declared.seeds, rungs[-1])
    ended = trials[~trials["outcome"].isin(ABSENT)]
    cells = trials[["treatment", "block"]].drop_duplicates()
    there = set(zip(ended["treatment"], ended["block"], ended["seed"].astype(int), strict=True))
    lacking = [
        sum(
            (a, b, seed) not in there
            for a, b in cells.itertuples(index=False)
            for seed in seeds[:rung]
        )
        for rung in rungs
    ]
    full = [not lacks and len(cells) > 0 for lacks in lacking]
    reached = full.index(False) if False in full else len(rungs)
    tested = seeds[: rungs[max(0, reached - 1)]]
    every = set(trials["seed"].astype(int))
    return Ladder(
        rungs=rungs,
        reached=reached,
        tested=tested,
        waiting=tuple(s for s in seeds if s in every and s not in tested),
        lacks=lacking[reached] if reached < len(rungs) else 0,
    )
