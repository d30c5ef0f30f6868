"""Simulated studies of a known truth, in the frames that `reports.tables` makes of run folders.

A design's folder is written once through `ablation.record` and loaded; each simulated study is that frame with other
scores and outcomes.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.append(str(Path(__file__).resolve().parents[1] / "reports"))

import study_builder as builder

from ablation.tune import Tune, applied
from reports.study import Declared
from reports.tables import Tables, load, with_primary_score

NAMES = ("leaky_relu", "relu", "gelu", "sigmoid", "tanh", "elu", "silu", "mish")
PLANTED = NAMES[1]
LOSSES = ("non_saturating", "minimax", "hinge", "wasserstein", "least_squares", "softplus")
SPREAD = 0.05
"""Standard deviation of log scores within a cell: small, so that no heavy tail leaves the range of floats."""
SPACE = {"ttur": "log(0.1,10)"}
SETTINGS = ({"ttur": 0.3}, {"ttur": 1.5}, {"ttur": 4.0})


@dataclass(frozen=True)
class Shape:
    """How many activations, blocks in each random stream, streams and seeds a study has, and points of a tuning."""

    activations: int
    blocks: int
    seeds: int
    streams: int = 1
    points: int = 1

    @property
    def words(self) -> str:
        """What a table calls it."""
        told = f"{self.activations} activations, {self.blocks * self.streams} block"
        told += "s" * (self.blocks * self.streams > 1)
        told += f" in {self.streams} streams" if self.streams > 1 else ""
        return f"{told}, {self.points} points" if self.points > 1 else told


@dataclass(frozen=True)
class Truth:
    """How outcomes are drawn: `kind` of noise, and by how many spreads the planted activation is better.

    `block` is the correlation of a seed's blocks, `seed` that of equal seeds of different activations, `failing` the
    share of trials that diverge, whatever their level. A tuned study's shift is at one point, or `everywhere`.
    """

    kind: str = "Gaussian"
    shift: float = 0.0
    block: float = 0.0
    seed: float = 0.0
    failing: float = 0.0
    everywhere: bool = False

    @property
    def words(self) -> str:
        """What a table calls it."""
        told = [self.kind]
        told += [f"{100 * self.failing:.0f} % fail"] if self.failing else []
        told += [f"blocks of a seed correlate by {self.block:g}"] if self.block else []
        told += [f"equal seeds correlate by {self.seed:g}"] if self.seed else []
        told += ["better at all points"] if self.everywhere else []
        return ", ".join(told)


def draw(shape: Shape, truth: Truth, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return log scores, +inf for a failure: activations x streams x blocks x points x seeds.

    The points of a tuning lie half a spread apart in all activations; the shift is at the third of them, or at all.
    """
    k, b, s, p, n = shape.activations, shape.blocks, shape.streams, shape.points, shape.seeds

    def noise(*size: int) -> np.ndarray[Any, Any]:
        return (
            random.standard_t(2, size) if truth.kind == "Student t(2)" else random.normal(size=size)
        )

    y = noise(k, s, b, p, n)
    if truth.block:
        y = np.sqrt(truth.block) * noise(k, s, 1, 1, n) + np.sqrt(1 - truth.block) * y
    if truth.seed > 0:
        y = np.sqrt(truth.seed) * noise(1, s, 1, 1, n) + np.sqrt(1 - truth.seed) * y
    if truth.seed < 0:  # K values that sum to zero correlate by -1 / (K - 1)
        share = -truth.seed * (k - 1)
        common = noise(k, s, 1, 1, n)
        common = (common - common.mean(axis=0)) * np.sqrt(k / (k - 1))
        y = np.sqrt(share) * common + np.sqrt(1 - share) * y
    y = y + 0.5 * np.arange(p)[:, None]
    better = slice(None) if truth.everywhere else min(2, p - 1)
    y[NAMES.index(PLANTED), :, :, better] -= truth.shift
    y = SPREAD * y
    y[random.random(y.shape) < truth.failing] = inf
    return np.asarray(y)


@dataclass(frozen=True)
class Template:
    """A design's tables as they were loaded, and where each row stands in `draw`'s array."""

    tables: Tables
    every: pd.DataFrame
    place: tuple[np.ndarray[Any, Any], ...]

    @property
    def declared(self) -> Declared:
        """What the study declares."""
        return self.tables.studies[0].declared

    def filled(self, y: np.ndarray[Any, Any]) -> pd.DataFrame:
        """Return the trials with these outcomes."""
        values = y[self.place]
        fine = np.isfinite(values)
        score = np.exp(np.where(fine, values, 0.0))
        outcome = np.where(fine, "finished", "diverged")
        return self.every.assign(
            score=np.where(fine, score, np.nan), outcome=pd.Series(outcome, self.every.index)
        )


def write(
    folder: Path, shape: Shape, y: np.ndarray[Any, Any], ladder: tuple[int, ...] = ()
) -> Path:
    """Write a study's run folder with these outcomes."""
    tune = Tune.read({"points": shape.points, "space": SPACE, "settings": list(SETTINGS)})
    declared: dict[str, Any] = {"score": "auto", "seeds": list(range(shape.seeds))}
    declared |= {"tune": tune.row()} if shape.points > 1 else {}
    declared |= {"ladder": list(ladder), "seeds": list(range(ladder[0]))} if ladder else {}
    folder.mkdir(parents=True)
    builder.write_plan(folder, declared=declared)
    for (a, s, b, p, seed), value in np.ndenumerate(y):
        words = {"activation": NAMES[a], "loss": LOSSES[b], "seed": seed}
        asked = builder.spec(dataset=("digits", "ring8")[s], **words)
        asked = applied(asked, SETTINGS[p - 1]) if p else asked
        outcome, score = (
            ("finished", float(np.exp(value))) if np.isfinite(value) else ("diverged", None)
        )
        if score is not None and s:
            score *= 100  # the builder's ring scores are hundredths of what is given
        builder.write_trial(folder, asked, score, outcome=outcome, probed=False)
    return folder


@cache
def template(shape: Shape, ladder: tuple[int, ...] = ()) -> Template:
    """Return the tables of a design, written and loaded once."""
    size = (shape.activations, shape.streams, shape.blocks, shape.points, shape.seeds)
    with tempfile.TemporaryDirectory() as place:
        tables = load([write(Path(place) / "study", shape, np.zeros(size), ladder)])
    every = with_primary_score(tables, tables.studies[0].declared.score)
    where = (
        every["treatment"].map(NAMES.index),
        (every["dataset"] == "ring8").astype(int),
        every["loss"].map(LOSSES.index),
        every["point"].astype(int),
        every["seed"].astype(int),
    )
    return Template(tables, every, tuple(column.to_numpy(int) for column in where))


def first_seeds(own: Template, seeds: int) -> Template:
    """Return a template's trials of its first seeds, declared by number."""
    kept = (own.every["seed"] < seeds).to_numpy()
    every = own.every[kept].reset_index(drop=True)
    study = own.tables.studies[0]
    declared = study.declared
    if not declared.ladder:
        declared = replace(declared, seeds=tuple(range(seeds)))
    tables = replace(own.tables, studies=(replace(study, declared=declared),))
    return Template(tables, every, tuple(column[kept] for column in own.place))
