"""The rows in which our loop races the tutorial's: what is trained, how long, and how much faster it has to be."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from speed_floor import Alone
from speed_lanes import SIDES, Game, race

FASHION = ("dataset=fashion_mnist",)
CRITIC = ("loss=wasserstein", "penalty=gradient_penalty", "n_critic=5")


@dataclass(frozen=True)
class Race:
    """One row: so many slices of either side, in turn; `reach` is the least ratio that is asked for."""

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
    """Run a row and return what the page keeps of it; beside one thread of theirs, our kernels alone run too."""
    row = RACES[name]
    kinds = SIDES if threads > 1 else {**SIDES, "kernels": Alone}
    found = race(replace(row.game, threads=threads), STEPS, 2 if quick else row.slices, kinds)
    told = {"what": row.what, "reach": row.reach, "threads": threads}
    return {**told, **summary(found, threads), **beside(found, row.reach)}


def summary(slices: Sequence[Mapping[str, Mapping[str, float]]], threads: int) -> dict[str, Any]:
    """Return medians over slices: milliseconds of a step of either side, their ratio, and its range.

    On one thread CPU time counts, on several the clock on the wall.
    """
    clock = "cpu" if threads == 1 else "wall"
    ratios = [one["theirs"][clock] / one["ours"][clock] for one in slices]
    return {
        "theirs": statistics.median(one["theirs"][clock] for one in slices),
        "ours": statistics.median(one["ours"][clock] for one in slices),
        "ratio": statistics.median(ratios),
        "range": [min(ratios), max(ratios)],
        "slices": len(slices),
    }


def beside(slices: Sequence[Mapping[str, Mapping[str, float]]], reach: float) -> dict[str, Any]:
    """Return what our kernels take alone, what of a step is left beside them, and what the aim leaves, by slice."""
    if "kernels" not in slices[0]:
        return {}
    cpu = [{name: side["cpu"] for name, side in one.items()} for one in slices]
    rest = [one["ours"] - one["kernels"] for one in cpu]
    room = [one["theirs"] / reach - one["kernels"] for one in cpu]
    return {
        "kernels": statistics.median(one["kernels"] for one in cpu),
        "bound": statistics.median(one["theirs"] / one["kernels"] for one in cpu),
        "rest": [statistics.median(rest), min(rest), max(rest)],
        "room": [statistics.median(room), min(room), max(room)],
    }
