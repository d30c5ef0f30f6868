"""How much of a study is in: the line on page one of a report that is written before all trials have ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ablation.tune import Tune
from reports.design import Design
from reports.study import Declared
from reports.summary import Completeness


@dataclass(frozen=True)
class Extent:
    """How many of the trials that a study asks for have ended; a damaged result has ended, too.

    `settled` where the others are of seeds that no test looks at.
    """

    ended: int
    expected: int
    settled: bool = False

    @property
    def whole(self) -> bool:
        """Whether every trial has ended."""
        return self.ended >= self.expected

    @property
    def sentence(self) -> str:
        """The line of page one, "" once all trials are in."""
        if self.whole:
            return ""
        verb = "is" if self.ended == 1 else "are"
        told = f"Partial report: {self.ended:,} of {self.expected:,} trials {verb} in."
        if self.settled:
            return (
                f"{told} Its tests are the declared ones and will not change: what is still out is of"
                " seeds that are not tested."
            )
        return f"{told} Its tests are a look on the way, not the declared ones, and may change with the others."


def extent(
    every: Completeness, untuned: Completeness, tune: Tune | None, *, settled: bool = False
) -> Extent:
    """Return how far a study is, counting all its trials and its cells as they stand (`untuned`).

    Points that are asked for on the way have no folder yet; they are expected all the same.
    """
    asked = untuned.expected * tune.points if tune is not None else 0
    ended, expected = every.expected - every.counts["missing"], max(every.expected, asked)
    return Extent(ended, expected, settled and asked <= every.expected)


def settled(trials: pd.DataFrame, found: Design, declared: Declared) -> bool:
    """Say whether every trial that the declared tests look at has ended.

    `trials` are all of a study, each with its `cell`, `seed` and `outcome`. Without declared seeds, or below the first
    rung of a ladder, any trial may enter them.
    """
    rung = found.ladder.tested if found.ladder is not None and found.ladder.reached else ()
    asked = rung if declared.ladder else declared.seeds
    known = trials.dropna(subset=["cell", "seed"])
    if not asked or known.empty:
        return False
    ended = known[known["outcome"] != "missing"]
    there = set(zip(ended["cell"], ended["seed"].astype(int), strict=True))
    return all((cell, seed) in there for cell in set(known["cell"]) for seed in asked)


def absent(whole: Completeness, trials: pd.DataFrame) -> list[str]:
    """Say which trials have no result: those that have not ended, begun or not, and those whose files are damaged.

    `trials` has a row a folder, with its path: a trial under way has the folder of an attempt in it.
    """
    out, damaged = whole.counts["missing"], whole.counts["damaged"]
    folders = map(Path, trials.loc[trials["outcome"] == "missing", "folder"])
    begun = sum(any(folder.glob(".attempt-*")) for folder in folders)
    told = []
    if out:
        state = f"{begun} begun, {out - begun} waiting" if begun else "waiting"
        told.append(f"{_of(out, whole)} not ended yet ({state})")
    if damaged:
        told.append(f"{_of(damaged, whole)} ended with a result that cannot be read")
    if not told:
        return []
    return [
        f"{'; '.join(told)}. A seed counts only where all blocks of its random stream are there."
    ]


def _of(count: int, whole: Completeness) -> str:
    return f"{count} of {whole.expected} trials {'has' if count == 1 else 'have'}"
