"""The other half of Optuna's door: an index in PostgreSQL, over one connection that holds the study's lock there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, LiteralString

import optuna
import psycopg
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from sweeps.embedded import begin, nothing

CONNECTION: dict[str, str | int] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "fallback_application_name": "ablation",
}
"""Seconds, and a name for the server's administrator; what the URL says goes first."""
SESSION = """
SET statement_timeout = 0; SET lock_timeout = 0; SET synchronous_commit = off;
SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3
"""
"""The lock is waited for as long as need be, and freed a minute after its holder's machine is lost.

The disk is not: what a power cut at the server takes from the index, the trials' folders still say.
"""
SCHEMA = "ablation: the tables of Optuna"
FAILURES = (psycopg.Error, DBAPIError, optuna.exceptions.StorageInternalError)
FEW = 50
"""So many new trials are read one by one, more all at once."""


@dataclass
class Queue:
    """A study in the database: `waiting` waited when last looked at, `seen` counts the trials then known."""

    storage: RDBStorage
    study: optuna.Study
    number: int
    waiting: dict[int, FrozenTrial] = field(default_factory=dict)
    seen: int = 0

    def trials(self, states: Sequence[TrialState], key: str) -> Iterator[FrozenTrial]:
        """Yield the trials in these states (all if none is named), those of one key if it is named.

        What waits or runs is found without reading the others, of which there may be thousands.
        """
        if tuple(states) == (TrialState.WAITING,):
            yield from self._waiting(key)
            return
        if tuple(states) == (TrialState.RUNNING,):
            found = self.storage.get_all_trials(self.number, deepcopy=False, states=tuple(states))
        else:
            found = self.study.get_trials(deepcopy=False, states=tuple(states) or None)
        yield from (trial for trial in found if not key or trial.user_attrs["key"] == key)

    def _waiting(self, key: str) -> Iterator[FrozenTrial]:
        """A trial that no longer waits never waits again: its next attempt is a new one."""
        if not self.seen or self._id(self.seen + FEW) is not None:
            states = (TrialState.WAITING,)
            found = self.storage.get_all_trials(self.number, deepcopy=False, states=states)
            self.waiting = {trial.number: trial for trial in found}
            self.seen = max(self.waiting, default=-1) + 1
        while self._id(self.seen) is not None:
            self.waiting[self.seen] = self._read(self.seen)
            self.seen += 1
        for number, trial in list(self.waiting.items()):
            if key and trial.user_attrs["key"] != key:
                continue
            if (now := self._read(number)).state is TrialState.WAITING:
                yield now
            else:
                del self.waiting[number]

    def start(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Mark precisely this waiting trial as running, and then its attributes."""
        begin(self.storage, self._id(number), attributes)

    def _read(self, number: int) -> FrozenTrial:
        trial = self._id(number)
        assert trial is not None, "a trial is never deleted alone"
        return self.storage.get_trial(trial)

    def _id(self, number: int) -> int | None:
        """Return by which number the database knows a trial of the study, None for one that is not there."""
        try:
            return self.storage.get_trial_id_from_study_id_trial_number(self.number, number)
        except KeyError:
            return None


@dataclass
class Server:
    """A database as this process uses it: at most one connection, that of the access under way.

    Its end frees the lock that it holds, and nothing is written over any other: a writer that
    lost the lock can write no more. Between accesses there is none, so none is idle for hours.
    """

    url: str
    connection: psycopg.Connection | None = None
    storage: RDBStorage | None = None
    queues: dict[str, Queue] = field(default_factory=dict)
    begun: str = ""

    def __post_init__(self) -> None:
        self.pool = StaticPool(self._lend)

    @property
    def answered(self) -> bool:
        """Whether this process has ever reached it."""
        return self.storage is not None

    def enter(self, name: str) -> Queue:
        """Connect, take a study's lock, and return its queue, made if there is none; then `leave`.

        Raises ConnectionError if the server does not let us in, ValueError for a URL that is none.
        """
        self.connect()
        try:
            self._run("SELECT pg_advisory_lock(%s)", _number(name))
            return self._queue(name)
        except FAILURES as error:
            self.leave()
            raise self._away("does not let us work", error) from None
        except BaseException:
            self.leave()
            raise

    def connect(self) -> None:
        """Connect; then `leave`. Raises what `enter` raises."""
        try:
            given = conninfo_to_dict(self.url)
            rest = {word: value for word, value in CONNECTION.items() if word not in given}
            self.connection = psycopg.connect(make_conninfo(self.url, **rest))
            self._run(SESSION)
        except psycopg.ProgrammingError as error:
            self.leave()
            raise ValueError(f"storage={self.url}: {_line(error)}") from None
        except psycopg.Error as error:
            self.leave()
            raise self._away("does not let us in", error) from None

    def leave(self) -> None:
        """Close the connection, which frees the lock."""
        self.pool.dispose()
        if self.connection is not None:
            self.connection.close()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Leave at the end; raises ConnectionError if the server went away before it."""
        assert self.connection is not None, "an access is under way"
        try:
            yield
        except FAILURES as error:
            if not self.connection.closed:
                raise
            raise self._away("went away in the middle", error) from None
        finally:
            self.leave()

    def _queue(self, name: str) -> Queue:
        if self.storage is None:
            self._run("SELECT pg_advisory_lock(%s)", _number(SCHEMA))
            self.storage = RDBStorage("postgresql+psycopg://", {"pool": self.pool})
            self._run("SELECT pg_advisory_unlock(%s)", _number(SCHEMA))
        begun = self._asked("SELECT pg_postmaster_start_time()::text")
        if (
            begun != self.begun
        ):  # a crash takes what was written last, and its numbers are given again
            self.queues.clear()
            self.begun = begun
        try:
            number = self.storage.get_study_id_from_name(name)
        except KeyError:  # new, or deleted by somebody: the folders are the truth
            self.queues.pop(name, None)
            number = 0
        if name not in self.queues or self.queues[name].number != number:
            study = optuna.create_study(
                storage=self.storage,
                study_name=name,
                load_if_exists=True,
                **nothing(),
            )
            number = self.storage.get_study_id_from_name(name)
            self.queues[name] = Queue(self.storage, study, number)
        return self.queues[name]

    def _lend(self) -> Any:
        if self.connection is None or self.connection.closed:
            raise psycopg.OperationalError("the connection that held the lock is lost")
        return self.connection

    def _run(self, statement: str, *values: int) -> None:
        """Run a statement of our own, in a transaction of its own."""
        assert self.connection is not None, "an access is under way"
        self.connection.execute(statement.encode(), values or None)
        self.connection.commit()

    def _asked(self, question: LiteralString) -> str:
        """Return the one value that answers a question."""
        assert self.connection is not None, "an access is under way"
        found = self.connection.execute(question).fetchone()
        self.connection.commit()
        assert found is not None, "the question has one answer"
        return str(found[0])

    def _away(self, how: str, error: BaseException) -> ConnectionError:
        hint = "nothing is lost: the same command goes on once it answers"
        return ConnectionError(0, f"the database {how} ({_line(error)}); {hint}", self.url)


def server(url: str) -> Server:
    """Return this process's way to a database; a forked child gets one of its own."""
    return _server(url, os.getpid())


@lru_cache(maxsize=8)
def _server(url: str, _: int) -> Server:
    return Server(url)


def _number(name: str) -> int:
    """Return the number by which PostgreSQL knows a lock: 64 bits of the name's hash."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def _line(error: BaseException) -> str:
    return "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
