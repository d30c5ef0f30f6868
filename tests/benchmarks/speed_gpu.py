"""The same on a GPU: our loop beside the tutorial's, eager beside CUDA graphs, and how many processes one GPU feeds.

`python tests/benchmarks/speed_gpu.py` (`make bench-gpu`) prints three tables. Without a CUDA device it says so, exits
1; `--device cpu --quick` tries the whole of it on the CPU, small.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import speed_page
import speed_races
import torch
from speed_lanes import Game, Ours, lane, race
from speed_races import FASHION
from speed_sweep import sweep

MODES = ("none", "default", "reduce-overhead")
PROCESSES = (1, 2, 4, 8)
Told = Iterator[str]


def races(device: str, quick: bool) -> Told:
    """Yield the table of ratios: the wall's clock, each slice ending when the device has."""
    yield "| what | theirs | ours | ratio (range over slices) |"
    yield "|---|---|---|---|"
    for row in speed_races.RACES.values():
        steps, slices = (
            (4, 2) if quick else (833, row.slices)
        )  # a probe each, of 20,000 steps and 24
        game = replace(row.game, device=device, words=(*row.game.words, "budget=full"))
        found = race(game, steps, slices)
        told = speed_races.summary(found, threads=0)
        low, high = told["range"]
        yield (
            f"| {row.what} | {told['theirs']:.3g} ms | {told['ours']:.3g} ms"
            f" | {told['ratio']:.2f} ({low:.2f} to {high:.2f}) |"
        )


def graphs(device: str, quick: bool) -> Told:
    """Yield the table of ways to run a step: as written, compiled, and as CUDA graphs."""
    yield "| compile | mlp | dcgan | dcgan bf16 |"
    yield "|---|---|---|---|"
    steps, slices = (2, 1) if quick else (500, 5)
    for mode in MODES:
        cells = []
        for name in ("mlp", "dcgan", "dcgan-bf16"):
            game = speed_races.RACES[name].game
            words = (*game.words, "budget=full", f"compile={mode}")
            with lane(Ours, replace(game, device=device, words=words)) as go:
                times = [go(steps)[0] / steps for _ in range(slices)]
            cells.append(f"{1000 * statistics.median(times):.3g} ms")
        yield f"| {mode} | {' | '.join(cells)} |"


def crowds(device: str, quick: bool) -> Told:
    """Yield the table of processes that share the device: trials of the default budget in an hour, scored."""
    yield "| processes | trials an hour | times one process |"
    yield "|---|---|---|"
    first = 0.0
    for count in PROCESSES[:2] if quick else PROCESSES:
        words: tuple[str, ...] = ("dataset=ring8", "budget=smoke", "protocol.samples=100")
        if not quick:
            words = Game((*FASHION, "architecture=dcgan")).overrides
        where = ("--devices", device) if device == "cpu" else ("--devices", f"{device}:0")
        trials = 2 * count
        with tempfile.TemporaryDirectory() as runs:
            began = time.perf_counter()
            sweep(Path(runs), trials, 0, count, *words, *where)
            hourly = 3600 * trials / (time.perf_counter() - began)
        first = first or hourly
        yield f"| {count} | {hourly:.0f} | {hourly / first:.2f} |"


TABLES: dict[str, Callable[[str, bool], Told]] = {
    "races": races,
    "graphs": graphs,
    "processes": crowds,
}


def device_name(device: str) -> str:
    """Return what is measured."""
    own: dict[str, Any] = speed_page.machine()
    name = torch.cuda.get_device_name() if device == "cuda" else own["cpu"]
    return f"{name}, torch {own['torch']}, Python {own['python']}"


def main(words: Sequence[str] | None = None) -> int:
    """Print the tables, or why there are none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(words)
    for name in given.tables:
        if name not in TABLES:
            print(f"speed_gpu: {name!r} is no table; they are {', '.join(TABLES)}", file=sys.stderr)
            return 2
    if given.device == "cuda" and not torch.cuda.is_available():
        print("speed_gpu: no CUDA device: torch sees none on this machine", file=sys.stderr)
        return 1
    print(device_name(given.device))
    for name in given.tables or TABLES:
        print()
        for line in TABLES[name](given.device, given.quick):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
