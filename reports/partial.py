"""How much of a study is in: the line on page one of a report that is written before all trials have ended."""

from __future__ import annotations

from dataclasses import dataclass

from ablation.tune import Tune
from reports.summary import Completeness


@dataclass(frozen=True)
class Extent:
    """How many of the trials that a study asks for have ended; a damaged result has ended, too."""

    ended: int
    expected: int

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
        return (
            f"Partial report: {self.ended:,} of {self.expected:,} trials {verb} in. Its tests are a look on the way,"
            " not the declared ones, and may change with the others."
        )


def extent(every: Completeness, untuned: Completeness, tune: Tune | None) -> Extent:
    """Return how far a study is, counting all its trials and its cells as they stand (`untuned`).

    Points that are asked for on the way have no folder yet; they are expected all the same.
    """
    asked = untuned.expected * tune.points if tune is not None else 0
    return Extent(every.expected - every.counts["missing"], max(every.expected, asked))
