"""A study as claims look at it, and which of its trials a claim is about."""

from __future__ import annotations

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
    for column, allowed in claim.where:
        if column == "data":
            own = source.tables.own
            images = set(own.loc[own["family"] == "fid", "dataset"])
            kinds = trials["dataset"].isin(images).map({True: "images", False: "points"})
            kept = kinds.isin(allowed)
        else:
            kept = trials[column].astype(str).isin(allowed)
        trials = trials[kept]
        if trials.empty:
            raise Absent(f"no trial with {column} {' or '.join(allowed)}")
    for metric, least in claim.reaching:
        trials = _reaching(trials, metric, least, source.tables)
    return trials


def _reaching(trials: pd.DataFrame, metric: str, least: float, tables: Tables) -> pd.DataFrame:
    """Return the trials whose score is `least` or better, and all of data that have no such score; raises Absent."""
    scored = with_primary_score(tables, metric).set_index("key")
    own = trials["key"].map(scored["score"])
    turn = trials["key"].map(scored["better"]).map({"higher": 1.0, "lower": -1.0})
    has = set(scored.loc[scored["score"].notna(), "dataset"])
    kept = trials[((own - least) * turn >= 0) | ~trials["dataset"].isin(has)]
    if own.isna().all() and kept.empty:
        raise Absent(f"no trial with {_score(metric)}")
    if kept.empty:
        raise Absent(
            f"no generator is good enough for it to count: {_score(metric)} {own.median():.2g} in the median trial,"
            f" needed {least:g}"
        )
    return kept


def reaching_words(claim: Claim) -> str:
    """Return which scores a trial must reach to count, in words."""
    return " and ".join(
        f"{_score(metric)} of {least:g} or better" for metric, least in claim.reaching
    )


def _score(metric: str) -> str:
    found = about(metric)
    return metric if found is None else inside(found.title)


def inside(text: str) -> str:
    """Return a title as it stands inside a sentence: an abbreviation keeps its capitals."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
