"""A study as its report reads it, from the tables to the verdict and all that follows; each part is worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite

import pandas as pd

from reports import words
from reports.advice import Advice, advise
from reports.claim_source import Source
from reports.claims import Claims, judge_claims
from reports.costs import Costs
from reports.design import Design, design
from reports.early import Frames, early_frames
from reports.points import only, untuned
from reports.study import Declared
from reports.tables import Tables, with_primary_score
from reports.tuning import Search, search
from reports.verdict import Verdict, judge
from reports.weighing import Weighed, weigh


@dataclass(frozen=True)
class Analysis:
    """The tables of one or several studies, `every` trial with its score, and what follows from them at first use.

    `trials` and `tables` are those of the cells as they stand; what was tuned is `told`.
    """

    whole: Tables
    every: pd.DataFrame

    @property
    def declared(self) -> Declared:
        """What the first study declared."""
        return self.whole.studies[0].declared

    @cached_property
    def trials(self) -> pd.DataFrame:
        """The trials of the cells as they stand."""
        return untuned(self.every)

    @cached_property
    def tables(self) -> Tables:
        """The tables of these trials."""
        own: Tables = only(self.whole, self.trials["key"])
        return own

    @cached_property
    def found(self) -> Design:
        """Which trials are compared with which."""
        return design(self.trials, self.declared)

    @cached_property
    def told(self) -> Search | None:
        """What was tuned, None where nothing was."""
        return search(self.whole, self.every, self.found)

    @cached_property
    def verdict(self) -> Verdict:
        """The declared tests."""
        return judge(self.found, self.declared, self.told)

    @cached_property
    def order(self) -> list[str]:
        """The levels, best estimate first."""
        return ranking(self.found, self.verdict)

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        return words.sentence(self.found, self.verdict, self.order)

    @cached_property
    def weighed(self) -> Weighed:
        """What each factor tells of the outcomes."""
        return weigh(self.tables, self.trials, self.found, self.verdict, self.declared)

    @cached_property
    def claims(self) -> Claims:
        """The registered claims, judged."""
        own = Source(self.tables, self.trials, self.found, self.declared, self.told)
        return judge_claims(own)

    @cached_property
    def advice(self) -> tuple[tuple[Advice, ...], Costs]:
        """What is recommended in every block, and what its costs are."""
        return advise(self.tables, self.trials, self.found, self.verdict, self.declared, self.order)

    @cached_property
    def early(self) -> Frames:
        """What was seen early of every trial, by signal."""
        return early_frames(self.tables.readings, self.trials, self.found)


def analysed(tables: Tables) -> Analysis:
    """Return the analysis of these studies by the score that the first of them declared."""
    return Analysis(tables, with_primary_score(tables, tables.studies[0].declared.score))


def ranking(found: Design, verdict: Verdict) -> list[str]:
    """Return the levels, best estimate first, those without an estimate last."""

    def place(name: str) -> tuple[bool, float, str]:
        test = verdict.overall(name, found.reference)
        known = test is not None or name == found.reference
        shift = test.interval.estimate if test is not None else 0.0
        return (not known or not isfinite(shift), shift if shift == shift else inf, name)

    return sorted(found.treatments, key=place)
