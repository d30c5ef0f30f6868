"""How the cost grows: a step with width, batch and resolution, a sweep with its trials and workers."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from speed_lanes import Game, race
from speed_races import FASHION
from speed_sweep import sweep

MLP, DCGAN = (*FASHION, "architecture=mlp"), (*FASHION, "architecture=dcgan")
WIDTHS, BATCHES, SIDES = (64, 128, 256, 512, 1024), (16, 64, 256), (16, 32, 64)
TRIALS, WORKERS = (2, 4, 8, 16), (1, 2, 4)
SMALL = ("dataset=ring8", "architecture=mlp", "budget.steps=1000", "protocol.samples=1000")
BUDGET = 3.0
"""CPU seconds, about, that both sides of a point take in a slice."""

Point = tuple[float, float, float]
"""Where, and milliseconds of a step: the tutorial's and ours."""


def measured(*, quick: bool) -> dict[str, Any]:
    """Return the points of every curve; of the longest, the sweeps, a few if `quick`."""
    slices = 1 if quick else 3
    return {
        "width": [point(w, Game(MLP, 28, width=w), slices) for w in WIDTHS],
        "batch": [point(n, Game((*MLP, f"budget.batch_size={n}")), slices) for n in BATCHES],
        "resolution": [point(side, Game(DCGAN, side), slices) for side in SIDES],
        "sweep": {str(w): sweeps(w, few(TRIALS, quick)) for w in few(WORKERS, quick)},
    }


def few(values: Sequence[int], quick: bool) -> Sequence[int]:
    """Return the first two if `quick`."""
    return values[:2] if quick else values


def point(at: float, game: Game, slices: int) -> Point:
    """Return the cost of a step of either side, on one thread."""
    game = replace(game, words=(*game.words, "budget.steps=1500"))
    (trial,) = race(game, 8, 1)
    each = (trial["theirs"]["cpu"] + trial["ours"]["cpu"]) / 1000
    found = race(game, max(8, min(120, int(BUDGET / each))), slices)
    theirs, ours = (
        statistics.median(one[who]["cpu"] for one in found) for who in ("theirs", "ours")
    )
    return at, theirs, ours


def sweeps(workers: int, counts: Sequence[int]) -> list[tuple[int, float]]:
    """Return the seconds of sweeps of so many small trials, from planning to the last result."""
    found = []
    for trials in counts:
        with tempfile.TemporaryDirectory() as runs:
            began = time.perf_counter()
            sweep(Path(runs), trials, 0, workers, *SMALL)
            found.append((trials, time.perf_counter() - began))
    return found


def plot(curves: Mapping[str, Any], path: Path) -> None:
    """Draw one page of plots: four panels, the tutorial's loop dashed."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams.update({"svg.hashsalt": "speed", "font.size": 9, "svg.fonttype": "path"})
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(8, 6), layout="constrained")
    titles = {
        "width": ("mlp 28x28, batch 64", "units of a hidden layer"),
        "batch": ("mlp 28x28, 256 units", "batch size"),
        "resolution": ("dcgan, batch 64", "side of a picture (pixels)"),
    }
    for (name, (title, label)), axis in zip(titles.items(), axes.flat, strict=False):
        at, theirs, ours = zip(*curves[name], strict=True)
        axis.plot(at, theirs, "o--", color="#D55E00", label="tutorial's loop")
        axis.plot(at, ours, "s-", color="#0072B2", label="ours")
        axis.set(title=title, xlabel=label, ylabel="CPU ms of a step", xscale="log", yscale="log")
        axis.set_xticks(at, [str(x) for x in at])
        axis.minorticks_off()
        low, high = min(*theirs, *ours), max(*theirs, *ours)
        ticks = [
            x for x in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if low / 1.5 < x < 1.5 * high
        ]
        axis.set_yticks(ticks, [str(x) for x in ticks])
        axis.legend(frameon=False)
    axis = axes.flat[3]
    colours = ("#0072B2", "#009E73", "#CC79A7")
    for (workers, row), colour, marker in zip(
        curves["sweep"].items(), colours, "so^", strict=False
    ):
        at, seconds = zip(*row, strict=True)
        label = f"{workers} worker{'s' * (workers != '1')}"
        axis.plot(at, seconds, f"{marker}-", color=colour, label=label)
    axis.set(title="a sweep of mlp on ring8, 1,000 steps", xlabel="trials", ylabel="seconds")
    axis.set_ylim(0)
    axis.set_xticks(at)
    axis.legend(frameon=False)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
