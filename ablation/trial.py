"""One trial from its folder to its result: load, train or resume, score, commit; an error becomes a record."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ablation import checkpoint
from ablation.account import Clock, account
from ablation.datasets import Dataset, as_bytes, scaled
from ablation.extractors import Say, print_nothing, state_hash
from ablation.factories import make
from ablation.files import brief, without_room
from ablation.judgement import Trained, citations, judge
from ablation.pictures import write_picture
from ablation.probes import Probe, events
from ablation.provenance import provenance
from ablation.randomness import stream
from ablation.record import (
    Outcome,
    Reading,
    TrialRecord,
    attempt_folder,
    commit,
    read_config,
    write_readings,
)
from ablation.scores import base, choose
from ablation.selection import Selection
from ablation.spec import TrialSpec
from ablation.trainer import train
from ablation.training import Training, begin

PROBE_BATCH = 256
GRID = 64
SNAPSHOTS = 4
"""Sample grids kept along the way."""
CHECKPOINT_SECONDS = 15.0

_stop = threading.Event()


class Stopped(Exception):
    """The trial was asked to stop and has written a checkpoint."""


class NoRoom(Exception):
    """The trial's folder cannot be written: the disk is full, or was mounted for reading."""


def request_stop() -> None:
    """Ask the running trial to write a checkpoint after its current step and to raise `Stopped`."""
    _stop.set()


def run(
    folder: Path,
    *,
    attempt: int = 0,
    device: str = "cpu",
    extractors: Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    progress: Callable[[int, int], None] | None = None,
    say: Say = print_nothing,
) -> TrialRecord:
    """Run the trial whose question lies in `folder` and commit its answer.

    `extractors` is the study's folder of classifiers; `progress(step, steps)` is told every step, `say` where it
    stands. An error inside the trial is a record with outcome `crashed`, its traceback on standard error; `Stopped`
    and `NoRoom` alone pass.
    """
    with _room(folder):
        spec = read_config(folder)
        scratch = attempt_folder(folder, attempt)
        say(f"{spec.key}: attempt {attempt + 1} on {device}")
        try:
            record = _run(
                spec, folder, scratch, device, extractors, checkpoint_seconds, progress, say
            )
        except Stopped:
            raise
        except Exception as error:
            if without_room(error, scratch):
                raise
            traceback.print_exc(file=sys.stderr)
            sys.stderr.flush()
            message = f"{type(error).__name__}: {error}".splitlines()[0]
            record = TrialRecord(
                key=spec.key,
                spec=spec.config(),
                outcome=Outcome("crashed", 0, message),
                protocol=spec.protocol.hash,
                provenance=provenance(device),
            )
        record = replace(record, provenance={**record.provenance, "attempt": attempt})
        outcome = record.outcome
        say(
            f"{outcome.kind} at step {outcome.step:,}{': ' if outcome.message else ''}{outcome.message}"
        )
        if record.scores:
            first, *others = record.scores
            told = "".join(f", {base(one.name)} {one.value:.4g}" for one in others)
            say(f"{first.name} = {first.value:.6g}{told}")
        if commit(folder, scratch, record) and record.outcome.kind != "crashed":
            (folder / "checkpoint.pt").unlink(missing_ok=True)  # left by a crash before a retry
        return record


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    """Raise `NoRoom` in the place of an error that comes of a folder in which nothing can be written."""
    try:
        yield
    except Stopped:
        raise
    except Exception as error:
        if without_room(error, folder):
            raise NoRoom(f"{folder} cannot be written: {brief(error)}") from error
        raise


def _run(
    spec: TrialSpec,
    folder: Path,
    scratch: Path,
    device: str,
    extractors: Path | None,
    checkpoint_seconds: float,
    progress: Callable[[int, int], None] | None,
    say: Say,
) -> TrialRecord:
    torch.set_num_threads(1)
    clock = Clock(time.perf_counter(), {})
    data = make(spec.dataset, Dataset)
    training = begin(spec, data, device)
    extractor = choose(spec, data, extractors)
    probe = probe_of(spec, training, data, device)
    selection = Selection(spec, data, extractor, device)
    snapshots: checkpoint.Snapshots = {}
    earlier = checkpoint.newest(folder)
    if earlier is not None:
        snapshots = checkpoint.load(earlier, training, probe, selection)
    resumed = training.step
    clock.lap("start")
    say(f"training from step {resumed:,} to {spec.budget.steps:,}")

    fixed = torch.randn(
        GRID, training.networks.latent, generator=stream(spec, "grid", device), device=device
    )
    saved = time.monotonic()

    def after_step(state: Training) -> Outcome | None:
        nonlocal saved
        ended = selection.look(state) if selection.due(state.step) else None
        if (
            state.step * SNAPSHOTS // spec.budget.steps
            > (state.step - 1) * SNAPSHOTS // spec.budget.steps
        ):
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                snapshots[state.step] = _kept(state.average(fixed), data)
        if progress is not None:
            progress(state.step, spec.budget.steps)
        stopping = _stop.is_set()
        if stopping or time.monotonic() - saved >= checkpoint_seconds:
            checkpoint.save(scratch / "checkpoint.pt", state, probe, selection, snapshots)
            saved = time.monotonic()
        if stopping and ended is None:
            raise Stopped
        return ended

    if resumed == 0:  # a module that draws on its own, such as RReLU, draws from here
        torch.manual_seed(stream(spec, "modules").initial_seed())
    outcome = train(training, data.train.to(device), probe, after_step)
    clock.lap("train")
    if selection.history:
        clock.move("train", "select", selection.seconds)
    if outcome.kind == "converged":
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            snapshots[outcome.step] = _kept(training.average(fixed), data)
    trained = Trained(training.average, training.networks.latent, selection.best, device)
    judged = judge(spec, trained, data, extractor, outcome)
    outcome = judged.outcome
    clock.lap("score")

    measured = [*_finite(probe.readings, outcome), *selection.readings(), *judged.classes]
    write_readings(scratch / "readings.parquet", [*measured, *events(measured, outcome)])
    torch.save(training.average.state_dict(), scratch / "generator.pt")
    if selection.best:
        torch.save(selection.best, scratch / "best.pt")
    for step, grid in snapshots.items():
        name = "samples.png" if step == training.step else f"samples-{step}.png"
        write_picture(scratch / name, grid.numpy(), data.value_range)
    clock.lap("write")
    return TrialRecord(
        key=spec.key,
        spec=spec.config(),
        outcome=outcome,
        scores=judged.scores,
        citations=citations(spec, judged.scores),
        weights=state_hash(
            training.average, training.networks.generator, training.networks.discriminator
        ),
        protocol=spec.protocol.hash,
        provenance=account(training, device, clock, data, extractor, resumed) | judged.told(),
    )


def _finite(readings: list[Reading], outcome: Outcome) -> list[Reading]:
    """Return what was read before a training diverged, and the losses of that step: what follows has no meaning."""
    if outcome.kind != "diverged":
        return readings
    end = outcome.step
    return [r for r in readings if r.step < end or (r.step == end and r.quantity == "loss")]


def probe_of(spec: TrialSpec, training: Training, data: Dataset, device: str) -> Probe:
    """Return the probe with its fixed batch: it draws from a stream of its own."""
    random = stream(spec, "probe")
    size = PROBE_BATCH // spec.packing * spec.packing
    rows = torch.randint(len(data.train), (size,), generator=random)
    noise = torch.randn(size, training.networks.latent, generator=random)
    real = scaled(data.train[rows]).to(device)
    budget, protocol = spec.budget, spec.protocol
    return Probe(
        training.networks, real, noise.to(device),
        steps=budget.steps, probes=protocol.probes, modes=data.modes,
    )  # fmt: skip


def _kept(samples: Tensor, data: Dataset) -> Tensor:
    return as_bytes(samples).cpu() if data.is_images else samples.cpu()
