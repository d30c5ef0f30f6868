"""Optuna's door: the index of a study's queue, in its journal or a database, opened under the study's lock."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from ablation.files import locked
from sweeps import embedded
from sweeps.storages import Place, check_url, keep, new_place, place_of

STATES = tuple(state.name.lower() for state in TrialState)
"""running, complete, pruned, fail, waiting."""

PATIENCE, PAUSE = 60.0, 1.0
"""Seconds for which a database that has answered this process is waited for, and between two tries."""

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


NAMES = [item.name for item in fields(Entry)]
PLAIN = {item.name: item.default for item in fields(Entry) if item.default is not MISSING}


@dataclass(frozen=True)
class Row:
    """One line of the index: Optuna's trial number, its state in lower case, and the entry."""

    number: int
    state: str
    entry: Entry


@dataclass(frozen=True)
class Past:
    """What became of one line of the index: when it was started and ended (ISO 8601, "" for never), and by whom."""

    key: str
    state: str
    attempt: int
    started: str
    ended: str
    host: str
    pid: int
    reason: str


class Queue(Protocol):
    """What a storage does in a way of its own: how trials are found, and how one is started."""

    def trials(self, states: Sequence[TrialState], key: str) -> Iterable[FrozenTrial]:
        """Return the trials in these states (all if none is named), those of one key if it is named."""

    def start(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Mark this waiting trial as running, and then its attributes."""


@dataclass(frozen=True)
class Index:
    """An open index; valid while its study's lock is held."""

    study: optuna.Study
    queue: Queue

    def rows(self, *states: str, key: str = "") -> Iterator[Row]:
        """Yield the rows in these states (all if none is named) in the order queued, of one key if it is named."""
        for trial in self.queue.trials([TrialState[state.upper()] for state in states], key):
            known = {name: trial.user_attrs[name] for name in NAMES if name in trial.user_attrs}
            yield Row(trial.number, trial.state.name.lower(), Entry(**known))

    def past(self) -> Iterator[Past]:
        """Yield what became of every line, in the order queued."""
        for trial in self.queue.trials([], ""):
            told = trial.user_attrs
            worker = told.get("worker", {})
            began, ended = (
                "" if time is None or not worker else time.isoformat(timespec="seconds")
                for time in (trial.datetime_start, trial.datetime_complete)
            )
            yield Past(
                told["key"], trial.state.name.lower(), int(told.get("attempt", 0)), began, ended,
                str(worker.get("host", "")), int(worker.get("pid", 0)), str(told.get("reason", "")),
            )  # fmt: skip

    def add(self, entry: Entry, state: str = "waiting", value: float | None = None) -> None:
        """Queue an entry, or enter one that has ended; what is as ever is not written down."""
        said = {k: v for k, v in asdict(entry).items() if k not in PLAIN or v != PLAIN[k]}
        trial = create_trial(state=TrialState[state.upper()], value=value, user_attrs=said)
        self.study.add_trial(trial)

    def start(self, row: Row, attempt: int) -> None:
        """Mark the first waiting row as running, here and now, under this attempt number."""
        changed = {} if attempt == row.entry.attempt else {"attempt": attempt}
        worker = {"host": platform.node(), "pid": os.getpid()}
        self.queue.start(row.number, changed | {"worker": worker})

    def end(self, row: Row, state: str, value: float | None = None) -> None:
        """Mark a running row as ended."""
        self.study.tell(row.number, value, state=TrialState[state.upper()])


@contextmanager
def opened(study: Path) -> Iterator[Index]:
    """Open a study's index under its lock.

    Raises ValueError for no study or a damaged index, ConnectionError for a database that is away.
    """
    check(study)
    until = time.monotonic() + PATIENCE
    while True:
        with locked(study / ".lock"):
            place = place_of(study)
            if not place.url:
                with embedded.opened(study) as kept:
                    yield Index(kept.study, kept)
                return
            server = _postgres().server(place.url)
            try:
                queue = server.enter(place.study)
            except ConnectionError:
                if not server.answered or time.monotonic() > until:
                    raise
            else:
                with server.inside():
                    if place_of(study) == place:  # hosts that share no file locks have rebuilt it
                        yield Index(queue.study, queue)
                        return
        time.sleep(PAUSE)


@contextmanager
def remade(study: Path, url: str | None = None) -> Iterator[Index]:
    """Make a study's index anew, empty, in the place at `url` (None: where it was), under its lock.

    It takes the old one's place when the block ends. The old one stays: as journal.log.old, or in its database.
    """
    check(study)
    path, new = study / "journal.log", study / "journal.log.new"
    with locked(study / ".lock"):
        place = place_of(study) if url is None else Place("?")  # a copy's old place is not its own
        after = new_place(study, place.url if url is None else check_url(url))
        if after.url:
            server = _postgres().server(after.url)
            queue = server.enter(after.study)
            with server.inside():
                yield Index(queue.study, queue)
        else:
            new.unlink(missing_ok=True)
            made = embedded.create(new, study.name)
            yield Index(made.study, made)
        if path.exists():
            shutil.copyfile(path, study / "journal.log.old")
        if not after.url:
            new.replace(path)
        if after != place:
            keep(study, after)
        if after.url:
            path.unlink(missing_ok=True)


def reach(place: Place) -> None:
    """Do nothing if the place of an index answers; raises ConnectionError or ValueError if it does not."""
    if place.url:
        server = _postgres().server(place.url)
        server.connect()
        server.leave()


def _postgres() -> ModuleType:
    """Return the room of PostgreSQL, whose driver is an extra."""
    try:
        from sweeps import postgres
    except ImportError as error:
        command = "pip install 'activation-ablation[postgres]'"
        raise ValueError(f"storage=postgresql://... needs a driver ({error}): {command}") from None
    return postgres


def check(study: Path) -> None:
    """Raise ValueError unless the study's folder exists."""
    if not study.is_dir():
        raise ValueError(f"there is no study {study.name!r} in {study.parent}")
