"""The queue of a study's trials, each to be answered exactly once; the run folders are the truth.

Every function holds the study's lock (`runs/STUDY/.lock`) for all that it does, so nothing here
races; what the order of its lines guards against is a SIGKILL between any two of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ablation.record import (
    TrialRecord,
    attempt_folder,
    read_config,
    read_record,
    set_aside,
    trial_folders,
)
from ablation.spec import TrialSpec
from sweeps import folders, leases
from sweeps.index import STATES, Entry, Index, Row, check, opened, remade
from sweeps.storages import once_more

RETRIES = 2
"""How often a trial runs again after its own process was killed (out of memory, a signal)."""
VANISHES = 10
"""How often a trial runs again after its worker was lost, which is not the trial's fault."""
ALIKE = 3
"""So many equal crash messages in one cell stop that cell."""
AGAIN = ("crashed", "damaged")
"""Outcomes that `retry` runs again unasked."""
NOT_RUN = "not run: "


@dataclass(frozen=True)
class Claim:
    """A trial that nobody else runs while the descriptor `lease` is open, here or in the child."""

    key: str
    attempt: int
    folder: Path
    lease: int


def offer(study: Path, specs: Sequence[TrialSpec]) -> int:
    """Write each missing configuration and queue each key that has no result and is not queued.

    They run in the order given. Returns how many were queued.
    """
    study.mkdir(parents=True, exist_ok=True)
    with opened(study) as index:
        named = {spec.key: spec for spec in specs}
        folders.write_configs(study, named)
        missing = [key for key in named if not folders.has_result(_folder(study, key))]
        return _queue(index, [(key, named[key].cell) for key in missing])


@once_more
def claim(study: Path) -> Claim | None:
    """Take the next waiting trial, or None; first queue again what lost its processes."""
    with opened(study) as index:
        _reclaim(index, study)
        for row in index.rows("waiting"):
            folder = _folder(study, row.entry.key)
            if folders.has_result(folder) or not (folder / "config.yaml").exists():
                folders.clean(folder)  # of one that was killed right after its commit
                index.start(row, row.entry.attempt)
                if any(r.state in ("complete", "pruned") for r in index.rows(key=row.entry.key)):
                    index.end(row, "fail")  # queued again, and then not set aside
                else:
                    _settle(index, study, row)
                continue
            lease = leases.take(folder)  # before the index says that it runs
            attempt = max(row.entry.attempt, folders.next_attempt(folder))
            if lease is None:  # it runs, though the index forgot; reclaimed once its lease is free
                index.start(row, attempt)
                continue
            try:
                attempt_folder(folder, attempt)  # the number is taken, even should the index forget
                index.start(row, attempt)
            except BaseException:  # a database may go away, and we live on
                leases.give_back(lease)
                raise
            return Claim(row.entry.key, attempt, folder, lease)
    return None


@once_more
def tell(study: Path, claim: Claim, record: TrialRecord) -> None:
    """Enter a committed record into the index and give the lease back."""
    assert record.key == claim.key, "a record answers the trial that was claimed"
    with opened(study) as index:
        for row in _running(index, claim):
            if folders.has_result(claim.folder):
                _settle(index, study, row)
            else:  # somebody set it aside meanwhile
                _again(index, study, row, replace(row.entry, reason="set aside"))
        leases.give_back(claim.lease)


@once_more
def release(study: Path, claim: Claim) -> None:
    """Put a trial that was asked to stop back into the queue; it counts as no failure."""
    with opened(study) as index:
        for row in _running(index, claim):
            _again(index, study, row, replace(row.entry, reason="stopped"))
        leases.give_back(claim.lease)


@once_more
def lost(study: Path, claim: Claim, reason: str) -> None:
    """Queue a trial again whose own process died; after the second retry record it as crashed."""
    with opened(study) as index:
        for row in _running(index, claim):
            failures = row.entry.failures + 1
            _again(index, study, row, replace(row.entry, failures=failures, reason=reason))
        leases.give_back(claim.lease)


def retry(study: Path, keys: Iterable[str] | None = None) -> int:
    """Set crashed and damaged results aside and queue their trials again; return how many.

    With `keys`: these only, whatever their outcome. Raises ValueError for a key without a result.
    """
    check(study)
    with opened(study) as index:
        found = {path.name: folders.outcome(path) for path in trial_folders(study)}
        chosen = [key for key in found if found[key] in AGAIN] if keys is None else list(keys)
        for key in chosen:
            if key not in found:
                raise ValueError(f"{key} is no trial of {study.name}")
            if not found[key]:
                raise ValueError(f"{key} has no result yet that could be set aside")
        cells = {row.entry.key: row.entry.cell for row in index.rows()}
        wanted = [(k, cells.get(k) or read_config(_folder(study, k)).cell) for k in chosen]
        _queue(index, wanted)  # first: a kill here leaves queued trials that are done, none lost
        for key in chosen:
            set_aside(_folder(study, key))
    return len(chosen)


def rebuild(study: Path, url: str | None = None) -> int:
    """Make the index again from the run folders; return how many trials it holds.

    With `url` it moves there: to a database, or to the study's own journal ("journal"). The old one stays, as
    journal.log.old or in its database.
    """
    with remade(study, url) as index:
        specs = sorted(folders.readable(study), key=lambda spec: (spec.seed, spec.key))
        for spec in specs:
            folder = _folder(study, spec.key)
            entry = Entry(spec.key, spec.cell, folders.next_attempt(folder))
            index.add(entry, *(folders.verdict(folder) if folders.has_result(folder) else ()))
    return len(specs)


@once_more
def counts(study: Path) -> dict[str, int]:
    """Return how many trials the index holds as running, complete, pruned, fail and waiting."""
    with opened(study) as index:
        found = Counter(row.state for row in index.rows())
    return {state: found[state] for state in STATES}


def _folder(study: Path, key: str) -> Path:
    return study / "trials" / key


def _running(index: Index, claim: Claim) -> list[Row]:
    """Return the running row of a claim's key; none if the journal was made again meanwhile."""
    return list(index.rows("running", key=claim.key))


def _queue(index: Index, wanted: Iterable[tuple[str, str]]) -> int:
    """Queue each (key, cell) that is neither waiting nor running, in this order; count them."""
    rows = list(index.rows())
    live = {row.entry.key for row in rows if row.state in ("waiting", "running")}
    attempts: Counter[str] = Counter()
    for row in rows:
        attempts[row.entry.key] = max(attempts[row.entry.key], row.entry.attempt + 1)
    added = 0
    for key, cell in wanted:
        if key not in live:
            index.add(Entry(key, cell, attempts[key]))
            live.add(key)
            added += 1
    return added


def _reclaim(index: Index, study: Path) -> None:
    """Settle or queue again each running trial whose lease nobody holds: its processes are gone."""
    for row in index.rows("running"):
        folder = _folder(study, row.entry.key)
        if not folder.is_dir():
            index.end(row, "fail")
        elif (lease := leases.take(folder)) is not None:
            vanished = row.entry.vanished + 1
            _again(index, study, row, replace(row.entry, vanished=vanished, reason="worker lost"))
            leases.give_back(lease)


def _again(index: Index, study: Path, row: Row, entry: Entry) -> None:
    """End an attempt, whose lease we hold, by its result, or else queue the next attempt.

    The next one is queued first: a kill in between leaves two rows of one trial, never none.
    """
    folder = _folder(study, entry.key)
    if not folders.has_result(folder):
        if entry.failures <= RETRIES and entry.vanished <= VANISHES:
            if next(index.rows("waiting", key=entry.key), None) is None:
                index.add(replace(entry, attempt=entry.attempt + 1))
            index.end(row, "fail")
            return
        folders.record_crash(folder, f"{entry.reason} (attempt {entry.attempt + 1}, the last)")
    folders.clean(folder)
    _settle(index, study, row)


def _settle(index: Index, study: Path, row: Row) -> None:
    """End a running row as its trial's folder says."""
    state, value = folders.verdict(_folder(study, row.entry.key))
    index.end(row, state, value)
    if state == "fail":
        _stop_cell(index, study, row.entry.cell)


def _stop_cell(index: Index, study: Path, cell: str) -> None:
    """Record a cell's waiting trials as crashed once three of its trials crashed alike."""
    rows = [row for row in index.rows() if row.entry.cell == cell]
    messages: Counter[str] = Counter()
    for key in {row.entry.key for row in rows}:
        try:
            record = read_record(_folder(study, key))
        except ValueError:
            continue
        if record and record.outcome.kind == "crashed":
            messages[record.outcome.message] += 1
    alike = [m for m, n in messages.items() if n >= ALIKE and not m.startswith(NOT_RUN)]
    if not alike:
        return
    message = (
        f"{NOT_RUN}{ALIKE} trials of this cell crashed with: {alike[0]}"
        f" (mend the cause, then `ablation retry {study.name}`)"
    )
    for row in rows:
        folder = _folder(study, row.entry.key)
        if row.state != "waiting" or not folder.is_dir() or folders.has_result(folder):
            continue
        if (lease := leases.take(folder)) is not None:
            folders.record_crash(
                folder, message
            )  # its row stays queued, and is settled when it comes up
            leases.give_back(lease)
