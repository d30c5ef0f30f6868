"""What a training step takes in each of several cells: trained side by side in one process, round by round."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Any

import torch

from ablation.datasets import Dataset
from ablation.factories import make
from ablation.levels import Names, block, distinct_names, value
from ablation.part import Part, check_number
from ablation.probes import Probe
from ablation.provenance import provenance
from ablation.record import Outcome
from ablation.spec import TrialSpec
from ablation.trainer import train
from ablation.training import Training, begin

SCHEMA = 1
STEPS = 20
"""Steps of each cell in a round, where nothing else is asked for."""
ROUNDS = 15
"""Rounds, where nothing else is asked for, and the least: medians and orders of fewer say little."""
WARM = 20
"""Steps that each cell takes before the first round."""
PLACES = ("activation", "architecture", "dataset", "loss", "penalty")
"""What a row says of its cell, by the names that the report has for it."""
MACHINE = ("host", "machine", "instruction_set", "versions", "commit")
ENOUGH = Outcome("finished", 0)
"""Ends a stretch of steps."""


@dataclass
class Lane:
    """One cell's training, which goes on where it stopped; one that diverges begins again."""

    spec: TrialSpec
    data: Dataset
    training: Training

    @classmethod
    def ready(cls, spec: TrialSpec, data: Dataset, steps: int) -> Lane:
        """Build a cell for `steps` steps; a compiled player is taken for its written one."""
        short = replace(spec, budget=replace(spec.budget, steps=steps), compile="none")
        return cls(short, data, begin(short, data, "cpu"))

    def go(self, steps: int) -> list[float]:
        """Train on and return the seconds of each step; a first one, in which caches fill, is not counted."""
        found: list[float] = []
        nothing, total = torch.zeros(1), self.spec.budget.steps
        while len(found) < steps:
            times: list[float] = []

            def note(_: Training, own: list[float] = times, left: int = steps - len(found)) -> Any:
                own.append(time.perf_counter())
                return ENOUGH if len(own) > left else None

            probe = Probe(self.training.networks, nothing, nothing, steps=total, probes=0)
            ended = train(self.training, self.data.train, probe, note)
            found += [after - before for before, after in pairwise(times)]
            if ended is not ENOUGH:
                self.training = begin(self.spec, self.data, "cpu")
        return found


def orders(cells: int, rounds: int, seed: int = 0) -> list[list[int]]:
    """Return for each round the order in which all cells take their turn: shuffled, the same for the same seed."""
    random, turns = Random(seed), list(range(cells))
    found = []
    for _ in range(rounds):
        random.shuffle(turns)
        found.append(list(turns))
    return found


def check(steps: int, rounds: int) -> None:
    """Raise ValueError for steps or rounds that measure nothing."""
    check_number(steps, int, "--steps", 1, 100_000)
    check_number(rounds, int, "--rounds", ROUNDS, 10_000)


def cells_of(specs: Sequence[TrialSpec]) -> list[TrialSpec]:
    """Return one trial of each cell."""
    return list({spec.cell: spec for spec in reversed(specs)}.values())[::-1]


def first_block(specs: Sequence[TrialSpec]) -> list[TrialSpec]:
    """Return the cells that differ in nothing but activations from the first of these trials.

    Of several such blocks that with the most cells counts, the first among equals.
    """
    blocks: dict[str, list[TrialSpec]] = {}
    for spec in cells_of(specs):
        blocks.setdefault(block(spec, "activation"), []).append(spec)
    return max(blocks.values(), key=len)


def measure(
    specs: Sequence[TrialSpec], steps: int, rounds: int, say: Callable[[str], None]
) -> list[list[float]]:
    """Return for each cell the median milliseconds of a step in every round, on one thread of the CPU.

    All cells are built and warmed up first; in a round each takes its turn once. Raises ValueError for a cell whose
    parts do not fit each other.
    """
    torch.set_num_threads(1)
    data: dict[Part, Dataset] = {}
    for spec in specs:
        if spec.dataset not in data:
            data[spec.dataset] = make(spec.dataset, Dataset)
    total = WARM + 1 + rounds * (steps + 1)
    lanes = [Lane.ready(spec, data[spec.dataset], total) for spec in specs]
    for lane in lanes:
        lane.go(WARM)
    found: list[list[float]] = [[] for _ in specs]
    for number, turns in enumerate(orders(len(specs), rounds), 1):
        for turn in turns:
            found[turn].append(round(1000 * statistics.median(lanes[turn].go(steps)), 6))
        say(f"round {number} of {rounds}")
    return found


def document(
    specs: Sequence[TrialSpec],
    milliseconds: Sequence[Sequence[float]],
    steps: int,
    names: Names | None = None,
) -> dict[str, Any]:
    """Return what costs.json keeps: a row a cell; `names` are those of the whole study, where there is one."""
    known = distinct_names(specs) if names is None else names
    rows = [
        {place: str(value(spec, place, known)) for place in PLACES} | {"milliseconds": list(own)}
        for spec, own in zip(specs, milliseconds, strict=True)
    ]
    told = provenance("cpu")
    load = {"cores": os.cpu_count(), "load": [round(one, 2) for one in os.getloadavg()]}
    return {
        "schema": SCHEMA,
        "rows": rows,
        "steps": steps,
        "rounds": len(milliseconds[0]),
        "threads": torch.get_num_threads(),
        "machine": {name: told[name] for name in MACHINE} | load,
    }


@dataclass(frozen=True)
class Ratio:
    """A cell's median milliseconds a step, and its ratio to the base cell: median, least and greatest of the rounds."""

    row: Mapping[str, Any]
    milliseconds: float
    median: float
    low: float
    high: float


def base_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the activation that the others are measured against: relu, the first where it is not among them."""
    names = [str(row["activation"]) for row in rows]
    return "relu" if "relu" in names else names[0]


def ratios(rows: Sequence[Mapping[str, Any]]) -> list[Ratio]:
    """Return each row beside the base of its own block, round by round; quickest first."""
    base, found = base_of(rows), []
    blocks: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        blocks.setdefault(tuple(str(row[place]) for place in PLACES[1:]), []).append(row)
    for own in blocks.values():
        against = next((row for row in own if row["activation"] == base), own[0])
        for row in own:
            pairs = zip(row["milliseconds"], against["milliseconds"], strict=True)
            each = [mine / theirs for mine, theirs in pairs]
            middle = statistics.median(row["milliseconds"])
            found.append(Ratio(row, middle, statistics.median(each), min(each), max(each)))
    order = list(blocks)
    return sorted(
        found,
        key=lambda one: (order.index(tuple(str(one.row[p]) for p in PLACES[1:])), one.median),
    )
