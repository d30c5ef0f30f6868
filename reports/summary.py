"""Counts and medians that describe a study: completeness, budgets, failures, spread, cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ablation.levels import noun
from reports.design import FAILED, Design
from reports.estimates import effective_trials, wilson
from reports.names import block_columns
from reports.phrases import counted
from reports.tables import LOST

OUTCOMES = (
    "finished",
    "converged",
    "diverged",
    "collapsed",
    "crashed",
    "pruned",
    "missing",
    "damaged",
)
MIXED = {
    "version_torch": "torch version",
    "version_python": "Python version",
    "device": "device",
    "instruction_set": "instruction set",
    "commit": "code version",
    "threads": "thread count",
    "host": "host",
    "extractor_weights": "extractor",
    "fingerprint": "content of the data",
}
"""Provenance that should be one; what belongs to a data set is judged within it."""


@dataclass(frozen=True)
class Completeness:
    """How many trials were expected, and how each of them ended."""

    expected: int
    counts: dict[str, int]

    @property
    def failures(self) -> int:
        """Trials that diverged, crashed, or left a damaged result."""
        return sum(self.counts[name] for name in ("diverged", "crashed", "damaged"))


@dataclass(frozen=True)
class Rate:
    """How often a treatment failed: diverged or crashed, with Wilson's interval.

    `worth` is how many independent trials its own are worth: those of one seed in several blocks may fail together.
    """

    treatment: str
    trials: int
    counts: dict[str, int]
    rate: float
    low: float
    high: float
    worth: float


@dataclass(frozen=True)
class Cell:
    """One treatment in one block: its median, range and every seed's score."""

    treatment: str
    block: str
    score_name: str
    higher: bool
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    outcomes: tuple[str, ...]
    keys: tuple[str, ...] = ()

    @property
    def finite(self) -> tuple[float, ...]:
        """The scores that there are."""
        return tuple(v for v in self.values if np.isfinite(v))

    @property
    def failed(self) -> int:
        """Trials that diverged or crashed."""
        return sum(outcome in FAILED for outcome in self.outcomes)

    @property
    def n(self) -> int:
        """Trials that ended, failures included."""
        return sum(outcome not in LOST for outcome in self.outcomes)

    @property
    def median(self) -> float:
        """The median over ended trials, failures counting as worst: infinite if it is one."""
        sign = -1.0 if self.higher else 1.0
        worst_last = [sign * v for v in self.finite] + [np.inf] * self.failed
        return sign * float(np.median(worst_last)) if worst_last else float("nan")


def completeness(trials: pd.DataFrame, seeds: int) -> Completeness:
    """Count outcomes; a cell with fewer trials than the declared `seeds` lacks the rest."""
    counts = {name: int((trials["outcome"] == name).sum()) for name in OUTCOMES}
    per_cell = trials.dropna(subset=["cell"]).groupby("cell").size()
    unstarted = int((seeds - per_cell).clip(lower=0).sum())
    counts["missing"] += unstarted
    return Completeness(len(trials) + unstarted, counts)


def failure_rates(trials: pd.DataFrame, order: Sequence[str]) -> list[Rate]:
    """Return each treatment's failure rate, its trials as independent as its seeds show."""
    rates = []
    for name in order:
        part = trials[(trials["treatment"] == name) & ~trials["outcome"].isin(LOST)]
        counts = {kind: int((part["outcome"] == kind).sum()) for kind in OUTCOMES}
        if part.empty:
            rates.append(Rate(name, 0, counts, float("nan"), 0.0, 1.0, 0.0))
            continue
        failed = part["outcome"].isin(FAILED)
        rate = float(failed.mean())
        table = part.assign(failed=failed.astype(float)).pivot_table(
            index=["stream", "seed"], columns="block", values="failed"
        )
        streams = (own.to_numpy() for _, own in table.groupby(level="stream"))
        worth = sum(effective_trials(own) for own in streams) or float(len(part))
        low, high = wilson(rate * worth, worth)
        rates.append(Rate(name, len(part), counts, rate, low, high, worth))
    return rates


def cells(scores: pd.DataFrame, trials: pd.DataFrame, name: str) -> list[Cell]:
    """Return the cells in which score `name` stands, failures and missing trials as NaN."""
    own = scores[scores["score_name"] == name]
    value, datasets = own.set_index("key")["value"], set(own["dataset"])
    higher = set(own["better"]) == {"higher"}
    inside = trials[trials["dataset"].isin(datasets) & trials["treatment"].notna()]
    told = []
    for (treatment, block), part in inside.groupby(["treatment", "block"], sort=True):
        ordered = part.sort_values("seed")
        values = tuple(float(v) for v in ordered["key"].map(value))
        seeds = tuple(int(s) for s in ordered["seed"])
        outcomes = tuple(map(str, ordered["outcome"]))
        keys = tuple(map(str, ordered["key"]))
        told.append(Cell(str(treatment), str(block), name, higher, seeds, values, outcomes, keys))
    return told


def certificate(trials: pd.DataFrame, found: Design) -> list[tuple[str, str, bool]]:
    """Return what every compared trial shares: field, value or values, and whether it is one."""
    kept = trials[trials["block"].isin([b.key for b in found.blocks])]
    rows = []
    for column, label in (("steps", "generator updates"), ("batch_size", "batch size")):
        values = sorted(int(v) for v in kept[column].dropna().unique())
        rows.append((label, ", ".join(f"{v:,}" for v in values), len(values) <= 1))
    for column, label in (("protocol", "protocol"), ("extractor", "extractor asked for")):
        names = sorted(map(str, kept[column].dropna().unique()))
        rows.append((label, ", ".join(names), len(names) <= 1))
    for dataset, part in kept.groupby("dataset", sort=True):
        every = sorted({*part["score_name"].dropna(), *part["other_score"].dropna()})
        rows.append((f"score on {dataset}", ", ".join(every) or "none yet", len(every) <= 1))
    return rows + _samples_seen(kept) + _stopped(kept) + sizes(kept, found.factor)


def _samples_seen(kept: pd.DataFrame) -> list[tuple[str, str, bool]]:
    """Say how many real samples a step looks at, where the compared settings change it."""
    asked = kept[["batch_size", "packing", "n_critic"]].dropna().astype(int)
    seen = sorted({int(a * b * c) for a, b, c in asked.itertuples(index=False)})
    if asked["packing"].nunique() < 2 and asked["n_critic"].nunique() < 2:
        return []
    return [("real samples a generator update", ", ".join(f"{n:,}" for n in seen), len(seen) <= 1)]


def _stopped(kept: pd.DataFrame) -> list[tuple[str, str, bool]]:
    """Say at which steps trainings ended as converged, where any did."""
    steps = sorted(int(v) for v in kept.loc[kept["outcome"] == "converged", "step"].dropna())
    if not steps:
        return []
    reach = f"{steps[0]:,}" if steps[0] == steps[-1] else f"{steps[0]:,} to {steps[-1]:,}"
    ended = int((~kept["outcome"].isin(LOST)).sum())
    word = f"{len(steps)} of {ended} trials, after {reach} generator updates"
    return [("converged early", word, len(set(steps)) == 1 and len(steps) == ended)]


def sizes(kept: pd.DataFrame, factor: str) -> list[tuple[str, str, bool]]:
    """Return each network's number of parameters, and who has which where a block holds several."""
    rows = []
    for network in ("generator", "discriminator"):
        column = f"parameters_{network}"
        own = kept.dropna(subset=[column]) if column in kept else kept[:0]
        if own.empty:
            continue
        counts = sorted(int(n) for n in own[column].unique())
        text, label = ", ".join(f"{n:,}" for n in counts), f"parameters of the {network}"
        if own.groupby("block")[column].nunique().max() > 1:
            text = "not equal: " + "; ".join(
                f"{n:,} ({_who(own.loc[own[column] == n, 'treatment'], factor)})" for n in counts
            )
        elif len(counts) > 1:
            text += ", equal within every block"
        rows.append((label, text, len(counts) == 1))
    return rows


def _who(treatments: pd.Series[str], factor: str) -> str:
    names = sorted(set(treatments))
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} {noun(factor, 2)}"


def mixtures(trials: pd.DataFrame) -> list[str]:
    """Return a sentence for everything of provenance that differs between trials."""
    told = []
    for column, label in MIXED.items():
        if column not in trials:
            continue
        groups = [("", trials)]
        if column in ("extractor_weights", "fingerprint"):
            groups = [(f" on {name}", part) for name, part in trials.groupby("dataset")]
        for where, part in groups:
            counts = part[column].dropna().astype(str).value_counts().sort_index()
            if len(counts) > 1:
                listed = ", ".join(f"{name} ({counted(n, 'trial')})" for name, n in counts.items())
                told.append(f"More than one {label}{where}: {listed}.")
    return told


def seed_correlation(found: Design) -> tuple[float, int]:
    """Return the mean rank correlation of seeds between treatments, and over how many pairs."""
    values = []
    for block in found.blocks:
        rows = [
            [found.outcomes.get((name, block.key, seed), np.nan) for seed in found.seeds]
            for name in found.treatments
        ]
        table = np.array(rows, dtype=float)
        for i in range(len(table)):
            for j in range(i):
                both = ~np.isnan(table[i]) & ~np.isnan(table[j])
                x, y = table[i][both], table[j][both]
                if len(x) > 2 and len(set(x)) > 1 and len(set(y)) > 1:
                    values.append(float(np.corrcoef(rankdata(x), rankdata(y))[0, 1]))
    return (float(np.mean(values)), len(values)) if values else (float("nan"), 0)


def varying(trials: pd.DataFrame, factor: str) -> list[str]:
    """Return the block columns in which the trials differ, the loss always among them."""
    known = trials.dropna(subset=["block"])
    told = block_columns(factor)
    return [name for name in told if name == "loss" or known[name].nunique() > 1]
