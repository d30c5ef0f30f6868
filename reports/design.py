"""Which trials are compared with which: blocks, streams, seeds, outcomes and the equal budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, log

import numpy as np
import pandas as pd

from ablation.levels import resolve
from reports.estimates import Floats
from reports.ladder import Ladder, standing
from reports.names import block_columns, block_word, natural
from reports.scales import Scale, logged, scale
from reports.study import Declared

FAILED = ("diverged", "crashed")
BUDGET = ("steps", "batch_size")
OUTCOME = ("treatment", "block", "seed", "outcome", "score", "score_name", "better")
"""The columns of which an outcome is made."""


@dataclass(frozen=True)
class Block:
    """One combination of everything but the factor and the seed; data and networks make its stream."""

    key: str
    label: str
    dataset: str
    stream: str


@dataclass(frozen=True)
class Design:
    """The comparison of a factor's levels: what `outcomes` (level, block, seed) lacks is missing."""

    factor: str
    treatments: tuple[str, ...]
    reference: str
    blocks: tuple[Block, ...]
    seeds: tuple[int, ...]
    undeclared_seeds: tuple[int, ...]
    planned: frozenset[tuple[str, str]]
    outcomes: Mapping[tuple[str, str, int], float]
    scale: Scale
    refused: tuple[str, ...]
    notes: tuple[str, ...]
    ladder: Ladder | None = None

    def streams(self, blocks: tuple[Block, ...]) -> list[tuple[Block, ...]]:
        """Return the blocks by random stream."""
        names = sorted({b.stream for b in blocks}, key=lambda name: name.split("/"))
        return [tuple(b for b in blocks if b.stream == name) for name in names]

    def pair(
        self, a: str, r: str, blocks: tuple[Block, ...] | None = None
    ) -> tuple[list[Floats], list[Floats]]:
        """Return both levels' outcomes, per stream B N, without streams that either lacks."""
        both: tuple[list[Floats], list[Floats]] = ([], [])
        for stream in self.streams(self.blocks if blocks is None else blocks):
            shared = [b for b in stream if {(a, b.key), (r, b.key)} <= self.planned]
            sides = [self._units(name, shared) for name in (a, r)]
            if shared and all(side.shape[1] for side in sides):
                both[0].append(sides[0])
                both[1].append(sides[1])
        return both

    def _units(self, level: str, blocks: list[Block]) -> Floats:
        """Return outcomes B N of the seeds that are present in all of these blocks."""
        columns = [
            [self.outcomes[level, b.key, seed] for b in blocks]
            for seed in self.seeds
            if all((level, b.key, seed) in self.outcomes for b in blocks)
        ]
        return np.array(columns, dtype=float).reshape(len(columns), len(blocks)).T


def design(trials: pd.DataFrame, declared: Declared) -> Design:
    """Return the declared comparison of these trials; `trials` comes from `with_primary_score`."""
    known, factor = trials[trials["treatment"].notna()], declared.factor
    refused, kept = _equal_budget(known, factor)
    kept, without = _with_scores(kept)
    notes, treatments = [], tuple(sorted(known["treatment"].unique()))
    if factor != "activation":  # packing 10 after packing 9; activations stay as they were sorted
        treatments = tuple(sorted(treatments, key=natural))
    reference = resolve(declared.reference, factor, treatments)
    if reference is None:
        reference = treatments[0] if treatments else declared.reference
        if treatments:
            notes.append(
                f"The reference {declared.reference} has no trial; {reference} takes its place."
            )
    every = tuple(sorted(int(s) for s in known["seed"].unique()))
    ladder = standing(kept, declared)
    asked, waiting = (ladder.tested, ladder.waiting) if ladder else (declared.seeds, ())
    seeds = tuple(s for s in every if s in asked) if asked else every
    notes += _holes(kept)
    return Design(
        factor=factor,
        treatments=treatments,
        reference=reference,
        blocks=_blocks(kept, factor),
        seeds=seeds,
        undeclared_seeds=tuple(s for s in every if s not in (*seeds, *waiting)),
        planned=frozenset(zip(kept["treatment"], kept["block"], strict=True)),
        outcomes=outcomes(kept),
        scale=scale(kept),
        refused=tuple(refused + without),
        notes=tuple(notes),
        ladder=ladder,
    )


def _holes(trials: pd.DataFrame) -> list[str]:
    """Say which levels have no trial at all in some block."""
    everywhere = trials["block"].nunique()
    here = trials.groupby("treatment")["block"].nunique()
    return [
        f"{name} has trials in {count} of {everywhere} blocks: its comparisons use only those."
        for name, count in here.items()
        if count < everywhere
    ]


def outcomes(trials: pd.DataFrame) -> dict[tuple[str, str, int], float]:
    """Return y, lower is better: +inf for a failure, absent where nothing is known."""
    found = {}
    for row in trials[list(OUTCOME)].to_dict("records"):
        key = (row["treatment"], row["block"], int(row["seed"]))
        if row["outcome"] in FAILED:
            found[key] = inf
        elif pd.notna(row["score"]) and row["outcome"] not in ("missing", "damaged", "pruned"):
            value = float(row["score"])
            if logged(row["score_name"]):
                found[key] = log(max(value, 1e-12))  # a distance of 0, up to rounding, is the best
            else:
                found[key] = -value if row["better"] == "higher" else value
    return found


def _blocks(trials: pd.DataFrame, factor: str) -> tuple[Block, ...]:
    """Return the blocks, labelled by the loss and whatever else differs between them."""
    columns = block_columns(factor)
    rows = trials.drop_duplicates("block")
    rows = rows.sort_values([*columns]) if len(rows) > 1 else rows
    told = _telling(rows, columns, _always(factor))
    labels = [
        " · ".join(filter(None, (block_word(name, row[name]) for name in told)))
        for _, row in rows.iterrows()
    ]
    return tuple(
        Block(
            row["block"],
            label if labels.count(label) == 1 else f"{label} · {row['block']}",
            row["dataset"],
            row["stream"],
        )
        for label, (_, row) in zip(labels, rows.iterrows(), strict=True)
    )


def _telling(rows: pd.DataFrame, columns: Sequence[str], always: str) -> list[str]:
    """Return `always` and, in their order, each of the columns that parts rows which those before it do not part."""
    told, parted = [always], int(rows[always].nunique(dropna=False))
    for name in columns:
        count = len(rows[[*told, name]].drop_duplicates()) if name != always else parted
        if count > parted:
            told, parted = [*told, name], count
    return sorted(told, key=list(columns).index)


def _always(factor: str) -> str:
    """Return the column that every block's label has, whether it varies or not."""
    return "activation" if factor == "loss" else "loss"


def _equal_budget(trials: pd.DataFrame, factor: str) -> tuple[list[str], pd.DataFrame]:
    """Refuse the blocks whose budget some level in the same cell did not get."""
    refused, dropped, always = [], set(), _always(factor)
    columns = [c for c in block_columns(factor) if c not in BUDGET]
    several = len(trials[list(BUDGET)].drop_duplicates()) > 1
    for _, group in trials.groupby(columns, sort=True) if several else ():
        everyone = set(group["treatment"])
        for budget, part in group.groupby(list(BUDGET), sort=True):
            if set(part["treatment"]) != everyone:
                dropped |= set(part["block"])
                row, some = part.iloc[0], ", ".join(sorted(set(part["treatment"])))
                refused.append(
                    f"{row['dataset']}, {row[always]}: only {some} of {', '.join(sorted(everyone))}"
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
