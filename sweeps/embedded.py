"""One half of Optuna's door: an index in the study's own journal, opened under the study's lock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, TrialState

from sweeps import journal


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
class JournalQueue:
    """The trials of a journal, which are all in memory; ask() starts the first that waits."""

    study: optuna.Study

    def trials(self, states: Sequence[TrialState], key: str) -> Iterable[FrozenTrial]:
        """Return the trials in these states (all if none is named), those of one key if it is named."""
        found = self.study.get_trials(deepcopy=False, states=tuple(states) or None)
        return (trial for trial in found if not key or trial.user_attrs["key"] == key)

    def start(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Mark the first waiting trial, which is this one, as running, and then its attributes."""
        trial = self.study.ask()
        assert trial.number == number, "ask() takes the first waiting trial"
        for name, value in attributes.items():
            trial.set_user_attr(name, value)


@contextmanager
def opened(study: Path) -> Iterator[JournalQueue]:
    """Open a study's journal, made if there is none; its lock is held."""
    path = study / "journal.log"
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


def create(path: Path, name: str) -> JournalQueue:
    """Begin a new journal."""
    path.touch()
    backend = _Backend(path)
    study = optuna.create_study(storage=JournalStorage(backend), study_name=name, **nothing())
    return JournalQueue(study)


def _fresh(path: Path, size: int) -> JournalQueue:
    queue, backend = _load(path, journal.birth(path))
    if backend.offset > size:  # somebody put an older journal in its place
        _load.cache_clear()
        queue, _ = _load(path, journal.birth(path))
    return queue


@lru_cache(maxsize=8)
def _load(path: Path, birth: bytes) -> tuple[JournalQueue, _Backend]:
    """Open a journal; kept open between accesses, as reading 5,000 trials takes most of a second.

    `birth` is its first line: a journal that was made again is another one, and is opened again.
    """
    assert birth, "an empty journal holds no study"
    backend = _Backend(path)
    try:
        storage = JournalStorage(backend)
        study = optuna.load_study(study_name=None, storage=storage, **nothing())
    except (KeyError, TypeError, AttributeError, AssertionError) as error:
        raise ValueError(journal.damage(path, f"is damaged ({error!r})")) from None
    return JournalQueue(study), backend


def nothing() -> dict[str, Any]:
    """Return a sampler and a pruner that are never asked: trials have no parameters."""
    return {"sampler": optuna.samplers.RandomSampler(seed=0), "pruner": optuna.pruners.NopPruner()}
