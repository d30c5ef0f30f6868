"""Which trials are compared with which: blocks, streams, seeds, outcomes and the equal budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, inf, log
from typing import Any

import numpy as np
import pandas as pd

from reports.estimates import Floats, Interval
from reports.names import BLOCK
from reports.study import Declared

LOGGED = ("fid", "frechet")
"""Score families that are positive distances: compared as ratios."""

FAILED = ("diverged", "crashed")
BUDGET = ("steps", "batch_size")
PRINTED = {"fid": "FID", "is": "IS", "frechet": "Fréchet distance", "hq": "HQ", "kid": "KID"}


@dataclass(frozen=True)
class Scale:
    """How a shift of outcomes is shown: as a ratio of scores or as a difference of them."""

    label: str
    ratio: bool
    higher_is_better: bool

    def shown(self, value: Interval) -> Interval:
        """Return an interval of outcomes in the score's own terms."""
        if self.ratio:
            estimate, low, high = (_exp(v) for v in (value.estimate, value.low, value.high))
        elif self.higher_is_better:
            estimate, low, high = -value.estimate, -value.high, -value.low
        else:
            return value
        return replace(value, estimate=estimate, low=low, high=high)

    @property
    def quantity(self) -> str:
        """What an interval is: `FID ratio`, `IS difference`."""
        return f"{self.label} {'ratio' if self.ratio else 'difference'}"


@dataclass(frozen=True)
class Block:
    """One combination of everything but activation and seed; data and networks make its stream."""

    key: str
    label: str
    dataset: str
    architecture: str


@dataclass(frozen=True)
class Design:
    """The comparison: what `outcomes` (activation, block, seed) does not hold is missing."""

    activations: tuple[str, ...]
    reference: str
    blocks: tuple[Block, ...]
    seeds: tuple[int, ...]
    undeclared_seeds: tuple[int, ...]
    planned: frozenset[tuple[str, str]]
    outcomes: Mapping[tuple[str, str, int], float]
    scale: Scale
    refused: tuple[str, ...]
    notes: tuple[str, ...]

    def streams(self, blocks: tuple[Block, ...]) -> list[tuple[Block, ...]]:
        """Return the blocks by random stream."""
        names = sorted({(b.dataset, b.architecture) for b in blocks})
        return [tuple(b for b in blocks if (b.dataset, b.architecture) == name) for name in names]

    def pair(
        self, a: str, r: str, blocks: tuple[Block, ...] | None = None
    ) -> tuple[list[Floats], list[Floats]]:
        """Return both activations' outcomes, per stream B N, without streams that either lacks."""
        both: tuple[list[Floats], list[Floats]] = ([], [])
        for stream in self.streams(self.blocks if blocks is None else blocks):
            shared = [b for b in stream if {(a, b.key), (r, b.key)} <= self.planned]
            sides = [self._units(name, shared) for name in (a, r)]
            if shared and all(side.shape[1] for side in sides):
                both[0].append(sides[0])
                both[1].append(sides[1])
        return both

    def _units(self, activation: str, blocks: list[Block]) -> Floats:
        """Return outcomes B N of the seeds that are present in all of these blocks."""
        columns = [
            [self.outcomes[activation, b.key, seed] for b in blocks]
            for seed in self.seeds
            if all((activation, b.key, seed) in self.outcomes for b in blocks)
        ]
        return np.array(columns, dtype=float).reshape(len(columns), len(blocks)).T


def design(trials: pd.DataFrame, declared: Declared) -> Design:
    """Return the declared comparison of these trials; `trials` comes from `with_primary_score`."""
    known = trials[trials["activation"].notna()]
    refused, kept = _equal_budget(known)
    kept, without = _with_scores(kept)
    notes, activations = [], tuple(sorted(known["activation"].unique()))
    reference = declared.reference
    if reference not in activations and activations:
        reference = activations[0]
        notes.append(
            f"The reference {declared.reference} has no trial; {reference} takes its place."
        )
    every = tuple(sorted(int(s) for s in known["seed"].unique()))
    seeds = tuple(s for s in every if s in declared.seeds) if declared.seeds else every
    if added := tuple(s for s in every if s not in seeds):
        listed = ", ".join(map(str, added))
        notes.append(
            f"Seeds {listed} were not declared ({len(declared.seeds)} were): they are shown and not"
            " tested. To test them, declare them: a new study of these seeds, as a replication."
        )
    ratio, higher = _direction(kept)
    notes += _holes(kept)
    return Design(
        activations=activations,
        reference=reference,
        blocks=_blocks(kept),
        seeds=seeds,
        undeclared_seeds=added,
        planned=frozenset(zip(kept["activation"], kept["block"], strict=True)),
        outcomes=_outcomes(kept),
        scale=Scale(_label(kept), ratio, higher),
        refused=tuple(refused + without),
        notes=tuple(notes),
    )


def _exp(value: float) -> float:
    return exp(value) if not value > 700 else inf


def _holes(trials: pd.DataFrame) -> list[str]:
    """Say which activations have no trial at all in some block."""
    everywhere = trials["block"].nunique()
    here = trials.groupby("activation")["block"].nunique()
    return [
        f"{name} has trials in {count} of {everywhere} blocks: its comparisons use only those."
        for name, count in here.items()
        if count < everywhere
    ]


def family(score_name: str) -> str:
    """Return a score's family: its name before the protocol."""
    return score_name.split("_")[0]


def printed(family_name: str) -> str:
    """Return how a score family is written for people."""
    return PRINTED.get(family_name, family_name)


def score_label(name: str) -> str:
    """Return a score's name for an axis: `FID (digits-cnn-1a2b3c, 5k samples)`."""
    first, _, protocol = name.partition("_")
    extractor, _, count = protocol.rpartition("_")
    if not extractor:
        return printed(first)
    return f"{printed(first)} ({extractor}, {count} samples)"


def _label(trials: pd.DataFrame) -> str:
    families = sorted({family(name) for name in trials["score_name"].dropna().unique()})
    return " and ".join(map(printed, families)) or "score"


def _direction(trials: pd.DataFrame) -> tuple[bool, bool]:
    families = {family(name) for name in trials["score_name"].dropna().unique()}
    ratio = all(name in LOGGED for name in families)
    return ratio, not ratio and set(trials["better"].dropna()) == {"higher"}


def _outcomes(trials: pd.DataFrame) -> dict[tuple[str, str, int], float]:
    """Return y, lower is better: +inf for a failure, absent where nothing is known."""
    found = {}
    for row in trials.to_dict("records"):
        key = (row["activation"], row["block"], int(row["seed"]))
        if row["outcome"] in FAILED:
            found[key] = inf
        elif pd.notna(row["score"]) and row["outcome"] not in ("missing", "damaged", "pruned"):
            value = float(row["score"])
            if family(row["score_name"]) in LOGGED:
                found[key] = log(max(value, 1e-12))  # a distance of 0, up to rounding, is the best
            else:
                found[key] = -value if row["better"] == "higher" else value
    return found


def _blocks(trials: pd.DataFrame) -> tuple[Block, ...]:
    """Return the blocks, labelled by the loss and whatever else differs between them."""
    rows = trials.drop_duplicates("block").sort_values([*BLOCK])
    told = [name for name in BLOCK if name == "loss" or rows[name].nunique() > 1]
    return tuple(
        Block(
            row["block"],
            " · ".join(_word(name, row[name]) for name in told),
            row["dataset"],
            row["architecture"],
        )
        for _, row in rows.iterrows()
    )


def _word(column: str, value: Any) -> str:
    if column in ("loss", "dataset", "architecture", "optimizer"):
        return str(value)
    if column == "penalty":
        return "no penalty" if value == "none" else str(value)
    return f"{column} {value:g}" if isinstance(value, float) else f"{column} {value}"


def _equal_budget(trials: pd.DataFrame) -> tuple[list[str], pd.DataFrame]:
    """Refuse the blocks whose budget some activation of the same cell did not get."""
    refused, dropped = [], set()
    for _, group in trials.groupby([c for c in BLOCK if c not in BUDGET], sort=True):
        everyone = set(group["activation"])
        for budget, part in group.groupby(list(BUDGET), sort=True):
            if set(part["activation"]) != everyone:
                dropped |= set(part["block"])
                row, some = part.iloc[0], ", ".join(sorted(set(part["activation"])))
                refused.append(
                    f"{row['dataset']}, {row['loss']}: only {some} of {', '.join(sorted(everyone))}"
                    f" had {budget[0]:,} steps of {budget[1]} samples; unequal budgets are not"
                    " compared"
                )
    for name, part in trials[trials["other_score"].notna()].groupby("other_score"):
        refused.append(
            f"{len(part)} trials are scored as {name}, not as {part['score_name'].iloc[0]}:"
            " scores with different extractors or sample counts are not compared"
        )
    return refused, trials[~trials["block"].isin(dropped)]


def _with_scores(trials: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the data sets on which finished trials do not have the declared score."""
    refused, kept = [], trials
    for dataset, part in trials.groupby("dataset", sort=True):
        ended = part["outcome"].isin(["finished", "converged"]).any()
        if ended and part["score_name"].isna().all():
            refused.append(f"{dataset} has no score of the declared family: it is not compared")
            kept = kept[kept["dataset"] != dataset]
    return kept, refused
