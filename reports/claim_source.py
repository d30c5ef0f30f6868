"""A study as claims look at it, and which of its trials a claim is about."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

import pandas as pd

from ablation.claim import Claim
from ablation.instruments import about
from ablation.levels import PLACED
from reports.design import Design
from reports.names import BLOCK
from reports.scales import Scale
from reports.study import Declared
from reports.tables import Tables, with_primary_score
from reports.tuning import Search

KEPT = (
    "key",
    "treatment",
    "block",
    "stream",
    "seed",
    "outcome",
    "activation",
    *PLACED,
    "sites",
    *BLOCK,
)
"""What claims look at of a trial: a frame of these columns alone is several times as quick to cut."""


class Absent(Exception):
    """What a study lacks, in words, to say anything of a claim."""


@dataclass(frozen=True)
class Source:
    """A study as claims look at it: its trials with their score, its design, its declaration, and what it tuned.

    `known` keeps what was looked up, since several claims look at one metric.
    """

    tables: Tables
    trials: pd.DataFrame
    found: Design
    declared: Declared
    told: Search | None = None
    known: dict[tuple[str, str, str], tuple[pd.DataFrame, Scale]] = field(default_factory=dict)


def applies(trials: pd.DataFrame, claim: Claim, source: Source) -> pd.DataFrame:
    """Return the trials where a claim applies and that reach what it asks for; raises Absent where there are none."""
    own = source.tables.own
    trials = within(trials, claim, set(own.loc[own["family"] == "fid", "dataset"]))
    return _good_enough(trials, claim, source.tables) if claim.reaching else trials


def within(trials: pd.DataFrame, claim: Claim, images: Set[str]) -> pd.DataFrame:
    """Return the trials where a claim applies, `images` being their data sets of pictures; raises Absent for none."""
    for column, allowed in claim.where:
        if column == "data":
            kinds = trials["dataset"].isin(images).map({True: "images", False: "points"})
            kept = kinds.isin(allowed)
        else:
            kept = trials[column].astype(str).isin(allowed)
        trials = trials[kept]
        if trials.empty:
            raise Absent(f"no trial with {column} {' or '.join(allowed)}")
    return trials


def _good_enough(trials: pd.DataFrame, claim: Claim, tables: Tables) -> pd.DataFrame:
    """Return the trials that reach each score which their data have, and have one of them at all; raises Absent."""
    reached = pd.Series(True, index=trials.index)
    scored = pd.Series(False, index=trials.index)
    told = []
    for metric, least in claim.reaching:
        found = with_primary_score(tables, metric).set_index("key")
        own = trials["key"].map(found["score"])
        turn = trials["key"].map(found["better"]).map({"higher": 1.0, "lower": -1.0})
        asked = trials["dataset"].isin(set(found.loc[found["score"].notna(), "dataset"]))
        reached &= ((own - least) * turn >= 0) | ~asked
        scored |= asked
        if own.notna().any():
            told.append(
                f"{_score(metric)} {own.median():.2g} in the median trial, needed {least:g}"
            )
    kept = trials[reached & scored]
    if kept.empty and not told:
        raise Absent(untold(claim))
    if kept.empty:
        raise Absent(f"no generator is good enough for it to count: {'; '.join(told)}")
    return kept


def untold(claim: Claim) -> str:
    """Return that no trial has a score without which a claim does not count it, in words."""
    names = " or ".join(_score(metric) for metric, _ in claim.reaching)
    return f"no trial that tells its {names}, without which it does not count"


def reaching_words(claim: Claim) -> str:
    """Return which scores a trial must reach to count, in words."""
    told = " or ".join(f"{_score(metric)} of {least:g}" for metric, least in claim.reaching)
    return f"{told} or better"


def _score(metric: str) -> str:
    found = about(metric)
    return metric if found is None else inside(found.title)


def inside(text: str) -> str:
    """Return a title as it stands inside a sentence: an abbreviation keeps its capitals."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
