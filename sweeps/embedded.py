"""One half of Optuna's door: an index in the study's own journal, opened under the study's lock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, TrialState

from sweeps import journal

FEW = 100
"""So many new trials are looked at one by one; more are read at once."""


class _Backend(BaseJournalBackend):
    """Optuna's journal file; the lock and the flush to disk belong to `opened`, once per access."""

    def __init__(self, path: Path) -> None:
        self._path, self._number, self.offset = path, 0, 0
        self.touched: set[int] = set()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append operations."""
        journal.append_lines(self._path, logs)

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Read the operations from number `log_number_from` on."""
        if self._number > log_number_from:
            self._number = self.offset = 0
        for operation, offset in journal.read_lines(self._path, self.offset):
            self._number, self.offset = self._number + 1, offset
            if "trial_id" in operation:
                self.touched.add(operation["trial_id"])
            if self._number > log_number_from:
                yield operation


@dataclass
class JournalQueue:
    """The trials of a journal, which are all in memory.

    What waits and what runs is remembered between accesses, and only what the journal says since then is looked at
    again: a claim costs the same however many trials there are.
    """

    study: optuna.Study
    storage: JournalStorage
    backend: _Backend
    number: int
    known: int = 0
    live: dict[TrialState, dict[int, FrozenTrial]] = field(
        default_factory=lambda: {TrialState.WAITING: {}, TrialState.RUNNING: {}}
    )

    def trials(self, states: Sequence[TrialState], key: str) -> Iterable[FrozenTrial]:
        """Return the trials in these states (all if none is named), those of one key if it is named."""
        if len(states) == 1 and states[0] in self.live:
            self._learn()
            found = list(self.live[states[0]].values())
        else:
            found = self.study.get_trials(deepcopy=False, states=tuple(states) or None)
        return (trial for trial in found if not key or trial.user_attrs["key"] == key)

    def _learn(self) -> None:
        """Look at the trials that are new or were touched since the last access."""
        self.storage.get_study_name_from_id(self.number)  # reads what others wrote
        if not self.known or self._id(self.known + FEW) is not None:
            found = self.storage.get_all_trials(self.number, deepcopy=False)
            for state, trials in self.live.items():
                trials.clear()
                trials.update({trial.number: trial for trial in found if trial.state is state})
            self.known = len(found)
        else:
            while (new := self._id(self.known)) is not None:
                self._note(new)
                self.known += 1
            for touched in self.backend.touched:
                self._note(touched)
        self.backend.touched.clear()

    def _id(self, number: int) -> int | None:
        try:
            return self.storage.get_trial_id_from_study_id_trial_number(self.number, number)
        except KeyError:
            return None

    def _note(self, identity: int) -> None:
        trial = self.storage.get_trial(identity)
        for state, trials in self.live.items():
            if trial.state is state:
                trials[trial.number] = trial  # in its old place, if it had one
            else:
                trials.pop(trial.number, None)

    def start(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Mark precisely this waiting trial as running, and then its attributes."""
        begin(self.storage, self._id(number), attributes)


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
    storage = JournalStorage(backend)
    study = optuna.create_study(storage=storage, study_name=name, **nothing())
    return _queue(study, storage, backend)


def _queue(study: optuna.Study, storage: JournalStorage, backend: _Backend) -> JournalQueue:
    number = storage.get_study_id_from_name(study.study_name)
    return JournalQueue(study, storage, backend, number)


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
    return _queue(study, storage, backend), backend


def begin(storage: BaseStorage, identity: int | None, attributes: Mapping[str, Any]) -> None:
    """Mark a waiting trial as running, and then its attributes; the study's lock is held."""
    assert identity is not None, "a trial is never deleted alone"
    begun = storage.set_trial_state_values(identity, TrialState.RUNNING)
    assert begun, "it waited under the lock"
    for name, value in attributes.items():
        storage.set_trial_user_attr(identity, name, value)


def nothing() -> dict[str, Any]:
    """Return a sampler and a pruner that are never asked: trials have no parameters."""
    return {"sampler": optuna.samplers.RandomSampler(seed=0), "pruner": optuna.pruners.NopPruner()}
