"""Two processes, one that trains with the tutorial's loop and one with ours, which take turns on the same cores.

Each has its own allocator, threads and caches; the machine's noise meets both, and their ratio in one slice says more
than either's seconds.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import baseline
import torch

from ablation.compose import compose
from ablation.datasets import Dataset
from ablation.factories import make
from ablation.probes import Probe
from ablation.record import Outcome
from ablation.spec import TrialSpec
from ablation.trainer import train
from ablation.training import Training, begin
from ablation.trial import probe_of
from sweeps.worker import HUGE_PAGES

FASHION = Path(os.environ.get("FASHION", "/usr/share/datasets/fashion-mnist"))
ENOUGH = Outcome("finished", 0)
"""Ends a slice."""
WARM = 10
"""Steps that each side takes before the first slice."""


@dataclass(frozen=True)
class Game:
    """What both sides train: overrides of a trial, the side of its pictures (0 for vectors) and D's updates a step.

    `threads` are those of the tutorial's loop: a trial of ours has one, always.
    """

    words: tuple[str, ...]
    side: int = 28
    critic_steps: int = 1
    penalty: float = 0.0
    width: int = 0
    threads: int = 1
    device: str = "cpu"

    @property
    def overrides(self) -> tuple[str, ...]:
        """The words that ask for the trial."""
        wide = [f"architecture.width={self.width}"] if self.width else []
        root = [f"dataset.root={FASHION}"] if self.side else []
        return (*self.words, *wide, *root)

    @property
    def spec(self) -> TrialSpec:
        """The trial."""
        return compose(self.overrides)


class Lane(Protocol):
    """One side: it trains on where it stopped."""

    def go(self, steps: int) -> None:
        """Train some steps."""


class Ours:
    """A trial of this package, probed at its default schedule."""

    def __init__(self, game: Game) -> None:
        importlib.import_module("ablation.preload")  # as the process does from which trials fork
        torch.set_num_threads(1)
        self.spec = replace(game.spec, seed=1)
        self.data = resized(make(self.spec.dataset, Dataset), game.side)
        self.training = begin(self.spec, self.data, game.device)
        self.probe: Probe = probe_of(self.spec, self.training, self.data, game.device)
        self.samples = self.data.train.to(game.device)

    def go(self, steps: int) -> None:
        until = self.training.step + steps
        assert until <= self.spec.budget.steps

        def enough(state: Training) -> Outcome | None:
            return ENOUGH if state.step == until else None

        train(self.training, self.samples, self.probe, enough)


class Theirs:
    """The tutorial's loop on players with the same layers."""

    def __init__(self, game: Game) -> None:
        torch.set_num_threads(game.threads)
        torch.manual_seed(1)
        spec = game.spec
        width = int(dict(spec.architecture.arguments)["width"])
        if game.side == 0:
            data = make(spec.dataset, Dataset)
            players, batches = baseline.mlp(data.shape, width), baseline.points(data.train)
        elif spec.architecture.name == "mlp":
            players = baseline.mlp((1, game.side, game.side), width)
            batches = baseline.pictures(FASHION, game.side, spec.budget.batch_size)
        else:
            players = baseline.dcgan(game.side, width)
            batches = baseline.pictures(FASHION, game.side, spec.budget.batch_size)
        for network in players:
            network.apply(baseline.start)
        endless = baseline.endless(batches)
        for network in players:
            network.to(game.device)
        self.loop = baseline.Loop(*players, endless, game.critic_steps, game.penalty, game.device)

    def go(self, steps: int) -> None:
        for _ in range(steps):
            self.loop.step()


def resized(data: Dataset, side: int) -> Dataset:
    """Return a data set of pictures with another side, made once and kept as bytes."""
    if side in (0, data.shape[-1]):
        return data

    def larger(images: torch.Tensor) -> torch.Tensor:
        made = torch.nn.functional.interpolate(images.float(), (side, side), mode="bilinear")
        return made.round().to(torch.uint8)

    return replace(
        data,
        train=torch.cat([larger(some) for some in data.train.split(5000)]),
        selection=larger(data.selection[:1000]),
        selection_labels=None if data.selection_labels is None else data.selection_labels[:1000],
        test=larger(data.test),
    )


def serve(pipe: Connection, kind: Callable[[Game], Lane], game: Game) -> None:
    """Build a lane, then train as many steps as asked for and answer wall and CPU seconds."""
    lane = kind(game)
    lane.go(WARM)
    done(game)
    pipe.send(None)
    while steps := pipe.recv():
        began = time.perf_counter(), time.process_time()
        lane.go(steps)
        done(game)
        pipe.send((time.perf_counter() - began[0], time.process_time() - began[1]))


def done(game: Game) -> None:
    """Wait until the device has done what it was told."""
    if game.device != "cpu":
        torch.cuda.synchronize()


@contextmanager
def lane(
    kind: Callable[[Game], Lane], game: Game
) -> Iterator[Callable[[int], tuple[float, float]]]:
    """Run a lane in a process of its own; what is yielded trains so many steps and returns wall and CPU seconds."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, kind, game), daemon=True)
    with environment({} if kind is Theirs else as_a_worker()):
        process.start()
    there.close()  # so that a lane which failed ends the waiting here

    def go(steps: int) -> tuple[float, float]:
        here.send(steps)
        answer: tuple[float, float] = here.recv()
        return answer

    try:
        here.recv()
        yield go
        here.send(0)
    finally:
        here.close()
        process.join(60)


def as_a_worker() -> dict[str, str]:
    """Return what a sweep's worker puts into the environment of its trials."""
    return {name: os.environ.get(name, value) for name, value in HUGE_PAGES.items()}


@contextmanager
def environment(own: Mapping[str, str]) -> Iterator[None]:
    """Let processes that start within have these variables too."""
    earlier = dict(os.environ)
    os.environ.update(own)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(earlier)


SIDES: Mapping[str, Callable[[Game], Lane]] = {"theirs": Theirs, "ours": Ours}


def race(
    game: Game, steps: int, slices: int, kinds: Mapping[str, Callable[[Game], Lane]] = SIDES
) -> list[dict[str, Any]]:
    """Let all sides take turns; return for each slice the milliseconds of a step, wall and CPU, of each."""
    found = []
    with ExitStack() as opened:
        lanes = {name: opened.enter_context(lane(kind, game)) for name, kind in kinds.items()}
        for number in range(slices):
            told: dict[str, Any] = {}
            for name in [*lanes][:: -1 if number % 2 else 1]:
                wall, cpu = lanes[name](steps)
                told[name] = {"wall": 1000 * wall / steps, "cpu": 1000 * cpu / steps}
            found.append(told)
    return found
