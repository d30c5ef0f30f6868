"""Early signals: what each trial shows at the probe nearest to a tenth of its training, beside its final score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd

from reports.association import Group
from reports.design import FAILED, Block, Design

EARLY = 0.1
"""The share of the steps at which a training is looked at: the nearest probe is taken."""
LATEST = 1 / 3
"""A probe after this share of the steps is no early one."""
FEWEST = 3
"""Seeds of a level in a stream, fewer of which say nothing of how two numbers go together."""
LEVELS = 5
"""Levels, fewer of which cannot show that whole levels with a greater signal end worse."""


@dataclass(frozen=True)
class Signal:
    """What is read early: the first of `quantities` that a block has, its mean over sites; `size` drops its sign.

    `short` heads its panel in a figure, on a logarithmic axis where it is `log`.
    """

    name: str
    title: str
    short: str
    quantities: tuple[str, ...]
    size: bool = False
    log: bool = False


SIGNALS = (
    Signal("dead", "dead units", "dead units", ("dead_fraction",)),
    Signal(
        "attenuation",
        "|attenuation| of G's loss in D",
        "|attenuation| in D",
        ("generator_loss_attenuation",),
        size=True,
    ),
    Signal("signal", "signal to G", "signal to G", ("signal_to_generator",), log=True),
    Signal(
        "accuracy", "accuracy of D, else separation", "accuracy of D", ("accuracy", "separation")
    ),
)
BASELINE = Signal("score", "early score (baseline)", "early score", ("selection_score",), log=True)
"""What a signal has to beat to be of use: the score on the selection split, nearest to the same moment."""

COLUMNS = ("block", "treatment", "seed", "step", "share", "value", "outcome", "lost")


Frames = Mapping[Signal, pd.DataFrame]
"""What was looked at of every trial, by signal: see `looked`."""


def early_frames(readings: pd.DataFrame, trials: pd.DataFrame, found: Design) -> Frames:
    """Return what was looked at of every signal that some trial has, the baseline last."""
    every = {s: looked(readings, trials, found, s) for s in (*SIGNALS, BASELINE)}
    return {s: frame for s, frame in every.items() if frame["value"].notna().any()}


def looked(
    readings: pd.DataFrame, trials: pd.DataFrame, found: Design, signal: Signal
) -> pd.DataFrame:
    """Return one row a trial of known outcome in the blocks where the signal was read early.

    `value` is the signal at `step`, which is `share` of the training; `lost`: the trial failed before it, so there
    is none. Trials that ended without that probe for another reason are left out.
    """
    own = readings[readings["quantity"].isin(signal.quantities) & (readings["step"] > 0)]
    own = own[np.isfinite(own["value"].to_numpy(dtype=float))]
    rows = [row for b in found.blocks for row in _block(own, trials, found, b, signal)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _block(
    own: pd.DataFrame, trials: pd.DataFrame, found: Design, block: Block, signal: Signal
) -> list[tuple[object, ...]]:
    here, mine = own[own["block"] == block.key], trials[trials["block"] == block.key]
    present = set(map(str, here["quantity"].unique()))
    quantity = next((q for q in signal.quantities if q in present), None)
    if quantity is None or mine.empty:
        return []
    here = here[here["quantity"] == quantity]
    steps = int(mine["steps"].iloc[0])
    step = min(map(int, here["step"].unique()), key=lambda s: (abs(s - EARLY * steps), s))
    if step > LATEST * steps:
        return []
    values = here[here["step"] == step].groupby("key", observed=True)["value"].mean()
    rows: list[tuple[object, ...]] = []
    for trial in mine[["key", "treatment", "seed", "step", "outcome"]].to_dict("records"):
        name, seed = str(trial["treatment"]), int(trial["seed"])
        outcome = found.outcomes.get((name, block.key, seed))
        if outcome is None or seed not in found.seeds:
            continue
        ended = trial["step"]
        lost = trial["outcome"] in FAILED and pd.notna(ended) and int(ended) <= step
        value = float(values.get(trial["key"], nan))
        if lost or not np.isnan(value):
            told = nan if lost else abs(value) if signal.size else value
            rows.append((block.key, name, seed, step, step / steps, told, outcome, lost))
    return rows


def inside(frame: pd.DataFrame, found: Design) -> list[Group]:
    """Return x and y of every level in every stream, B N: seeds of a level are alike, and its blocks move together.

    A block in which fewer than three seeds of the level are left is left out, and a seed that some other lacks.
    """
    known = frame[~frame["lost"].astype(bool)]
    groups = []
    for name in found.treatments:
        mine = known[known["treatment"] == name]
        for stream in found.streams(found.blocks):
            cells = {b.key: _by_seed(mine[mine["block"] == b.key]) for b in stream}
            cells = {key: rows for key, rows in cells.items() if len(rows) >= FEWEST}
            shared = sorted(set.intersection(*map(set, cells.values()))) if cells else []
            if len(shared) >= FEWEST:
                x, y = (
                    np.array([[c[s][i] for s in shared] for c in cells.values()]) for i in (0, 1)
                )
                groups.append((x, y))
    return groups


def _by_seed(rows: pd.DataFrame) -> Mapping[int, tuple[float, float]]:
    pairs = zip(rows["value"], rows["outcome"], strict=True)
    return dict(zip(map(int, rows["seed"]), pairs, strict=True))


def between(frame: pd.DataFrame, found: Design) -> tuple[list[Group], int]:
    """Return the medians over seeds as one group B K, whose units are whole levels, and how many levels that are.

    The outcome's median counts the trials that failed before the signal; a level without the signal in some block is
    left out. With fewer than five levels there is no group.
    """
    blocks = list(dict.fromkeys(frame["block"]))
    cells = frame.groupby(["treatment", "block"], sort=True)
    x, y = cells["value"].median(), cells["outcome"].apply(lambda v: float(np.median(v)))
    known = {pair for pair, value in x.items() if not np.isnan(value)}
    names = [n for n in found.treatments if all((n, b) in known for b in blocks)]
    if len(names) < LEVELS or not blocks:
        return [], len(names)
    table = [np.array([[part[n, b] for n in names] for b in blocks]) for part in (x, y)]
    return [(table[0], table[1])], len(names)
