"""What a study's tuning found: every point's outcomes, what was chosen, and whether all cells got equally much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf

import numpy as np
import pandas as pd

from ablation.tune import Tune
from reports.design import Design, outcomes
from reports.estimates import Floats
from reports.points import untuned
from reports.scales import logged
from reports.tables import Tables
from reports.tuned import chosen, ranks

Curve = tuple[str, str, int, int]
"""Level, block, seed and point."""


@dataclass(frozen=True)
class Choice:
    """What one cell chose: its best point over all seeds, and the outcomes that its other seeds' choices reached.

    `votes` counts the seeds whose others chose that point, `median` holds each point's outcome, `held_out` the outcome
    of every seed at the point that the other seeds chose, `fresh` those of further seeds at the best point.
    """

    level: str
    block: str
    settings: tuple[str, ...]
    best: int
    votes: int
    median: tuple[float, ...]
    held_out: tuple[float, ...]
    failed: int
    outcomes: Floats
    fresh: tuple[float, ...]


@dataclass(frozen=True)
class Search:
    """The points of a tuned study: their outcomes, their settings, and how scores are read back from outcomes."""

    tune: Tune
    outcomes: Mapping[Curve, float]
    fresh: Mapping[tuple[str, str], tuple[float, ...]]
    settings: Mapping[tuple[str, str, int], str]
    signs: Mapping[str, tuple[bool, bool]]
    trials: pd.DataFrame

    def pair(self, found: Design, a: str, r: str) -> tuple[list[Floats], list[Floats]]:
        """Return both levels' outcomes, per stream B K N, of the seeds that have every point in all its blocks."""
        both: tuple[list[Floats], list[Floats]] = ([], [])
        for stream in found.streams(found.blocks):
            shared = [b.key for b in stream if {(a, b.key), (r, b.key)} <= found.planned]
            sides = [self.curves(name, shared, found.seeds) for name in (a, r)]
            if shared and all(side.shape[2] for side in sides):
                both[0].append(sides[0])
                both[1].append(sides[1])
        return both

    def curves(self, level: str, blocks: Sequence[str], seeds: Sequence[int]) -> Floats:
        """Return outcomes B K N of the seeds that have them all."""
        points = range(self.tune.points)
        kept = [
            [[self.outcomes[level, b, seed, p] for p in points] for b in blocks]
            for seed in seeds
            if all((level, b, seed, p) in self.outcomes for b in blocks for p in points)
        ]
        shape = (len(kept), len(blocks), self.tune.points)
        return np.array(kept, dtype=float).reshape(shape).transpose(1, 2, 0)

    def score(self, block: str, outcome: float) -> float:
        """Return an outcome in the score's own terms; NaN for a failure."""
        log_scale, higher = self.signs.get(block, (False, False))
        if outcome == inf:
            return float("nan")
        return exp(outcome) if log_scale else -outcome if higher else outcome

    def choices(self, found: Design, order: Sequence[str]) -> list[Choice]:
        """Return what every cell chose, block by block, of cells that have all points of some seed."""
        told = []
        for block in found.blocks:
            for level in order:
                table = self.curves(level, [block.key], found.seeds)
                if table.shape[2]:
                    told.append(self._choice(level, block.key, table[0]))
        return told

    def _choice(self, level: str, block: str, table: Floats) -> Choice:
        rank = ranks(table)
        best, others = int(rank.sum(axis=1).argmin()), chosen(rank)
        if table.shape[1] == 1:  # one seed has no others: it is chosen on itself, and that is said
            others = np.array([best])
        return Choice(
            level=level,
            block=block,
            settings=tuple(
                self.settings.get((level, block, p), "?") for p in range(self.tune.points)
            ),
            best=best,
            votes=int((others == best).sum()),
            median=tuple(float(_median(row)) for row in table),
            held_out=tuple(float(table[p, s]) for s, p in enumerate(others)),
            failed=int(np.isinf(table).sum()),
            outcomes=table,
            fresh=self.fresh.get((level, block), ()),
        )


def _median(row: Floats) -> float:
    """Return the median with failures as worst; between a number and a failure it is a failure."""
    middle = np.sort(row)[[(len(row) - 1) // 2, len(row) // 2]]
    return inf if np.isinf(middle).any() else float(middle.mean())


def search(tables: Tables, every: pd.DataFrame, found: Design) -> Search | None:
    """Return what was tuned in these trials; None for a study without, or for studies that tuned different things."""
    tunes = {repr(study.declared.tune) for study in tables.studies}
    tune = tables.studies[0].declared.tune
    inside = every[every["block"].isin([b.key for b in found.blocks])]
    if tune is None or len(tunes) > 1 or inside.empty:
        return None
    again = inside["fresh"].astype(bool)
    own = inside[~again & inside["seed"].isin(found.seeds)]
    known = {
        (*key, point): y
        for point in range(tune.points)
        for key, y in outcomes(own[own["point"] == point]).items()
    }
    fresh: dict[tuple[str, str], list[float]] = {}
    for (level, block, _), y in outcomes(inside[again]).items():
        fresh.setdefault((level, block), []).append(y)
    rows = own[["treatment", "block", "point", "setting"]].drop_duplicates()
    return Search(
        tune=tune,
        outcomes=known,
        fresh={key: tuple(values) for key, values in fresh.items()},
        settings={(t, b, int(p)): s for t, b, p, s in rows.itertuples(index=False)},
        signs=_signs(untuned(inside)),
        trials=own,
    )


def _signs(trials: pd.DataFrame) -> dict[str, tuple[bool, bool]]:
    """Return per block whether its score is compared as a ratio, and whether more is better."""
    rows = trials.dropna(subset=["score_name"]).drop_duplicates("block")
    return {
        row["block"]: (logged(row["score_name"]), row["better"] == "higher")
        for row in rows.to_dict("records")
    }


def certificate(told: Search) -> list[tuple[str, str, bool]]:
    """Return what every cell got: settings, trials and generator updates; who got what, where they differ."""
    groups = told.trials.groupby(["treatment", "block"], sort=True)
    counts = {
        "settings tried in each cell": groups["point"].nunique(),
        "trials of each cell": groups.size(),
        "generator updates of each cell, all its trials": groups["steps"].sum(),
    }
    rows = []
    for label, column in counts.items():
        values = sorted({int(v) for v in column})
        text = ", ".join(f"{v:,}" for v in values)
        if len(values) > 1:
            levels = column.reset_index(name="count")
            text = "not equal: " + "; ".join(
                f"{v:,} ({', '.join(sorted(set(levels.loc[levels['count'] == v, 'treatment'])))})"
                for v in values
            )
        rows.append((label, text, len(values) == 1))
    wanted = told.tune.points
    if int(groups["point"].nunique().min()) < wanted:
        rows[0] = (rows[0][0], f"{rows[0][1]} of {wanted} declared", False)
    return rows
