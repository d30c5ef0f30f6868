"""Optuna's door: a study's journal as an index of its queue, opened under the study's lock."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import TrialState, create_trial

from ablation.files import locked
from sweeps import journal

STATES = tuple(state.name.lower() for state in TrialState)
"""running, complete, pruned, fail, waiting."""

optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True)
class Entry:
    """What the index remembers of a queued trial. It has no parameters, so axes can grow later.

    `attempt` numbers the runs of a key, `failures` counts those whose own process died, `vanished`
    those whose worker was lost, and `reason` says how the last one ended.
    """

    key: str
    cell: str
    attempt: int = 0
    failures: int = 0
    vanished: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """One line of the index: Optuna's trial number, its state in lower case, and the entry."""

    number: int
    state: str
    entry: Entry


class _Backend(BaseJournalBackend):
    """Optuna's journal file; the lock and the flush to disk belong to `opened`, once per access."""

    def __init__(self, path: Path) -> None:
        self._path, self._number, self.offset = path, 0, 0

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append operations."""
        journal.append_lines(self._path, logs)

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Read the operations from number `log_number_from` on."""
        if self._number > log_number_from:
            self._number = self.offset = 0
        for operation, offset in journal.read_lines(self._path, self.offset):
            self._number, self.offset = self._number + 1, offset
            if self._number > log_number_from:
                yield operation


@dataclass(frozen=True)
class Index:
    """An open index; valid while its study's lock is held."""

    study: optuna.Study
    backend: _Backend

    def rows(self, *states: str) -> Iterator[Row]:
        """Yield the rows in these states (all if none is named) in the order queued."""
        wanted = tuple(TrialState[state.upper()] for state in states) or None
        found = self.study.get_trials(deepcopy=False, states=wanted)
        names = [item.name for item in fields(Entry)]
        for trial in found:
            entry = Entry(**{name: trial.user_attrs[name] for name in names})
            yield Row(trial.number, trial.state.name.lower(), entry)

    def add(self, entry: Entry, state: str = "waiting", value: float | None = None) -> None:
        """Queue an entry, or enter one that has ended."""
        if state == "waiting":
            self.study.enqueue_trial({}, user_attrs=asdict(entry))
        else:
            ended = TrialState[state.upper()]
            self.study.add_trial(create_trial(state=ended, value=value, user_attrs=asdict(entry)))

    def start(self, row: Row, attempt: int) -> None:
        """Mark the first waiting row as running, here and now, under this attempt number."""
        trial = self.study.ask()
        assert trial.number == row.number, "ask() takes the first waiting trial"
        if attempt != row.entry.attempt:
            trial.set_user_attr("attempt", attempt)
        trial.set_user_attr("worker", {"host": platform.node(), "pid": os.getpid()})

    def end(self, row: Row, state: str, value: float | None = None) -> None:
        """Mark a running row as ended."""
        self.study.tell(row.number, value, state=TrialState[state.upper()])


@contextmanager
def opened(study: Path) -> Iterator[Index]:
    """Open a study's index under its lock; raises ValueError for no study or a damaged index."""
    check(study)
    path = study / "journal.log"
    with locked(study / ".lock"):
        journal.cut_torn_tail(path)
        if not journal.birth(path):
            if any(study.glob("trials/*/config.yaml")):
                raise ValueError(journal.damage(path, "is gone"))
            create(path, study.name)
        size = path.stat().st_size
        try:
            yield _fresh(path, size)
        finally:
            if path.stat().st_size != size:
                journal.flush(path)


def check(study: Path) -> None:
    """Raise ValueError unless the study's folder exists."""
    if not study.is_dir():
        raise ValueError(f"there is no study {study.name!r} in {study.parent}")


def create(path: Path, name: str) -> Index:
    """Begin a new journal."""
    path.touch()
    backend = _Backend(path)
    study = optuna.create_study(storage=JournalStorage(backend), study_name=name, **_nothing())
    return Index(study, backend)


def _fresh(path: Path, size: int) -> Index:
    index = _load(path, journal.birth(path))
    if index.backend.offset > size:  # somebody put an older journal in its place
        _load.cache_clear()
        index = _load(path, journal.birth(path))
    return index


@lru_cache(maxsize=8)
def _load(path: Path, birth: bytes) -> Index:
    """Open a journal; kept open between accesses, as reading 5,000 trials takes most of a second.

    `birth` is its first line: a journal that was made again is another one, and is opened again.
    """
    assert birth, "an empty journal holds no study"
    backend = _Backend(path)
    try:
        storage = JournalStorage(backend)
        return Index(optuna.load_study(study_name=None, storage=storage, **_nothing()), backend)
    except (KeyError, TypeError, AttributeError, AssertionError) as error:
        raise ValueError(journal.damage(path, f"is damaged ({error!r})")) from None


def _nothing() -> dict[str, Any]:
    """Return a sampler and a pruner that are never asked: trials have no parameters."""
    return {"sampler": optuna.samplers.RandomSampler(seed=0), "pruner": optuna.pruners.NopPruner()}
