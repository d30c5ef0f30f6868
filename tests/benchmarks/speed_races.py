"""The rows in which our loop races the tutorial's: what is trained, how long, and how much faster it has to be."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import speed_floor
from speed_lanes import Game, race

FASHION = ("dataset=fashion_mnist",)
CRITIC = ("loss=wasserstein", "penalty=gradient_penalty", "n_critic=5")


@dataclass(frozen=True)
class Race:
    """One row: so many slices of either side, in turn; `reach` is the least ratio, 0 where none is asked for."""

    what: str
    game: Game
    reach: float
    slices: int = 11


RACES: Mapping[str, Race] = {
    "mlp": Race("mlp 28x28, fp32", Game((*FASHION, "architecture=mlp")), 2.2),
    "dcgan": Race("dcgan 32x32, fp32", Game((*FASHION, "architecture=dcgan"), 32), 1.5, 6),
    "dcgan-bf16": Race(
        "dcgan 32x32, bf16 against fp32",
        Game((*FASHION, "architecture=dcgan", "precision=bf16"), 32),
        *(2.7, 6),
    ),
    "critic": Race(
        "mlp 28x28, wasserstein + gradient_penalty, 5 critic steps",
        Game((*FASHION, "architecture=mlp", *CRITIC), 28, 5, 10.0),
        *(1.8, 8),
    ),
    "ring8": Race("mlp on ring8", Game(("dataset=ring8", "architecture=mlp"), 0), 1.8),
}
STEPS = 125
"""Steps of a slice: of the default budget's 1,500 steps every 125th is probed, so each slice has one probe."""


def measured(name: str, *, threads: int, quick: bool) -> dict[str, Any]:
    """Run a row and return what the page keeps of it."""
    row = RACES[name]
    slices = 2 if quick else row.slices
    found = race(replace(row.game, threads=threads), STEPS, slices)
    kernels = {"kernels": speed_floor.measured(row.game, quick=quick)} if threads == 1 else {}
    told = {"what": row.what, "reach": row.reach, "threads": threads}
    return {**told, **summary(found, threads), **kernels}


def summary(slices: Sequence[Mapping[str, Mapping[str, float]]], threads: int) -> dict[str, Any]:
    """Return medians over slices: milliseconds of either side and their ratio, which has its range too.

    On one thread CPU time counts, which other work on the machine hardly moves; on several the clock on the wall.
    """
    clock = "cpu" if threads == 1 else "wall"
    ratios = [one["theirs"][clock] / one["ours"][clock] for one in slices]
    wall = [one["theirs"]["wall"] / one["ours"]["wall"] for one in slices]
    return {
        "clock": clock,
        "theirs": statistics.median(one["theirs"][clock] for one in slices),
        "ours": statistics.median(one["ours"][clock] for one in slices),
        "ratio": statistics.median(ratios),
        "range": [min(ratios), max(ratios)],
        "wall_ratio": statistics.median(wall),
        "slices": len(slices),
    }
