"""How far a study is, told from its folders alone: no index, no Optuna, safe while workers run."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ablation.files import read_json
from ablation.record import OUTCOMES, read_record, trial_folders
from ablation.texts import one_line
from sweeps.child import PROGRESS
from sweeps.leases import held, holder, shared

FAILED = ("crashed", "damaged", "diverged", "collapsed")
"""Outcomes that `status` lists one by one; the last two are answers of the trial, not mishaps."""


@dataclass(frozen=True)
class Ended:
    """How a trial that is done ended; `outcome` is `damaged` for an unreadable result."""

    outcome: str
    message: str
    seconds: float | None


@dataclass(frozen=True)
class Running:
    """A trial that runs: on which host, which attempt, how far; `left` is the seconds until its last step."""

    key: str
    host: str
    attempt: int
    step: int = 0
    steps: int = 0
    left: float | None = None


@dataclass(frozen=True)
class Status:
    """A study at one moment; `eta_seconds` is None while no trial's length is known."""

    study: str
    expected: int
    done: int
    running: int
    waiting: int
    outcomes: dict[str, int]
    failures: tuple[tuple[str, str, str], ...]
    damaged: tuple[str, ...]
    eta_seconds: float | None
    running_trials: tuple[Running, ...] = ()
    keys: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the status in JSON's types."""
        return {name: value for name, value in asdict(self).items() if name != "keys"}

    def lines(self) -> list[str]:
        """Return the status for people, one line each."""
        head = f"{self.study}: {self.done} of {self.expected} trials done"
        head += f", {self.running} running, {self.waiting} waiting"
        if self.eta_seconds is not None and self.done < self.expected:
            head += f", about {clock(self.eta_seconds)} left"
        told = [f"{name} {number}" for name, number in self.outcomes.items() if number]
        failures = [
            f"  {one_line(key)}  {kind}{': ' if message else ''}{one_line(message)}"
            for key, kind, message in self.failures
        ]
        retry = [f"`ablation retry {self.study}` runs crashed and damaged trials again"]
        mishaps = any(kind in ("crashed", "damaged") for _, kind, _ in self.failures)
        return [head, *([" · ".join(told)] if told else []), *failures, *(retry if mishaps else [])]


@dataclass
class Watch:
    """Somebody who looks at a study again and again: each result is read once."""

    study: Path
    ended: dict[str, Ended] = field(default_factory=dict)

    def status(self) -> Status:
        """Look at the study; raises ValueError if there is none."""
        if not self.study.is_dir():
            raise ValueError(f"there is no study {self.study.name!r} in {self.study.parent}")
        folders = trial_folders(self.study)
        for folder in folders:
            if folder.name not in self.ended and (found := look(folder)) is not None:
                self.ended[folder.name] = found
        return _status(self.study, [folder.name for folder in folders], self.ended)


def status(study: Path) -> Status:
    """Look at a study; raises ValueError if there is none."""
    return Watch(study).status()


def _status(study: Path, keys: list[str], ended: dict[str, Ended]) -> Status:
    counts = Counter(found.outcome for found in ended.values())
    trials = [
        _running(study / "trials" / key)
        for key in running_keys(study, (key for key in keys if key not in ended))
    ]
    running, missing = len(trials), len(keys) - len(ended)
    part = sum(trial.step / trial.steps for trial in trials if trial.steps)
    return Status(
        study=study.name,
        expected=len(keys),
        done=len(ended),
        running=running,
        waiting=missing - running,
        outcomes={name: counts[name] for name in (*OUTCOMES, "damaged")},
        failures=tuple(
            (key, found.outcome, found.message)
            for kind in FAILED
            for key, found in ended.items()
            if found.outcome == kind
        ),
        damaged=tuple(key for key, found in ended.items() if found.outcome == "damaged"),
        eta_seconds=remaining(ended.values(), missing - part, max(running, 1)),
        running_trials=tuple(trials),
        keys=tuple(keys),
    )


def _running(folder: Path) -> Running:
    """Look how far a trial is that runs."""
    host = holder(folder).get("host", "")
    numbers = [p.name.removeprefix(".attempt-") for p in folder.glob(".attempt-*")]
    attempt = max((int(number) for number in numbers if number.isdecimal()), default=0)
    try:
        step, steps, made, seconds = read_json(folder / f".attempt-{attempt}" / PROGRESS)
        left = (steps - step) * seconds / made if made else None
        return Running(folder.name, host, attempt, step, steps, left)
    except (OSError, ValueError, TypeError):  # it starts, or writes its results
        return Running(folder.name, host, attempt)


def look(folder: Path) -> Ended | None:
    """Read how a trial ended; None while it has not."""
    try:
        record = read_record(folder)
    except ValueError as error:
        return Ended("damaged", str(error), None)
    if record is None:
        return None
    seconds = record.provenance.get("seconds")
    total = seconds.get("total") if isinstance(seconds, dict) else None
    return Ended(record.outcome.kind, record.outcome.message, total)


def remaining(ended: Iterable[Ended], missing: float, workers: int) -> float | None:
    """Return the seconds that the missing trials take if they are like those that ended."""
    known = [found.seconds for found in ended if found.seconds is not None]
    return missing * sum(known) / len(known) / workers if known else None


def running_keys(study: Path, keys: Iterable[str]) -> list[str]:
    """Return those of `keys` whose lease somebody holds.

    Trying a lock takes it for a moment, in which a worker that claims a trial must not come by: so
    this holds the study's lock, shared with others who look.
    """
    with _looking(study / ".lock"):
        return [key for key in keys if held(study / "trials" / key)]


@contextlib.contextmanager
def _looking(lock: Path) -> Iterator[None]:
    """Share the study's lock; after 5 s go without, lest a frozen worker hides everything."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # no worker has ever been here
        yield
        return
    try:
        until = time.monotonic() + 5
        while not shared(descriptor) and time.monotonic() < until:
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def clock(seconds: float) -> str:
    """Write seconds as 0:07, 1:32 or 2:05:10."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
