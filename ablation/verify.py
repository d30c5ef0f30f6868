"""Whether two runs of one trial agree bit for bit, and where they first differ."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ablation.record import Reading, TrialRecord, read_readings, read_record

SETTING = ("device", "instruction_set", "threads", "dataset")


@dataclass(frozen=True)
class Agreement:
    """The places where two runs differ, in the order of training; none if they are equal bit for bit."""

    differences: tuple[str, ...]
    settings: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the runs agree bit for bit."""
        return not self.differences


def agreement(first: Path, second: Path) -> Agreement:
    """Compare the folders of two runs; raises ValueError if one of them has no readable result."""
    records = [read_record(folder) for folder in (first, second)]
    for folder, record in zip((first, second), records, strict=True):
        if record is None:
            raise ValueError(f"{folder} has no result.json to compare with")
    a, b = records
    assert a is not None
    assert b is not None
    whole = all("readings.parquet" in record.files for record in records if record)
    found = [*(_readings(first, second) if whole else ()), *_results(a, b)]
    return Agreement(tuple(found), tuple(_settings(a, b)))


def _readings(first: Path, second: Path) -> Iterator[str]:
    """Yield the first reading that differs."""
    for mine, theirs in zip_longest(read_readings(first), read_readings(second)):
        if mine is None or theirs is None or _bits(mine) != _bits(theirs):
            one, other = _told(mine), _told(theirs)
            yield f"readings differ first here: {one} against {other}"
            return


def _bits(reading: Reading) -> tuple[Any, ...]:
    where = (reading.step, reading.network, reading.layer, reading.quantity)
    return (*where, struct.pack("<d", reading.value))


def _told(reading: Reading | None) -> str:
    if reading is None:
        return "none"
    where = reading.layer or reading.network
    return f"step {reading.step} {where} {reading.quantity} = {reading.value!r}"


def _ended(record: TrialRecord) -> str:
    outcome = record.outcome
    return (
        f"{outcome.kind} at step {outcome.step:,}{': ' if outcome.message else ''}{outcome.message}"
    )


def _results(a: TrialRecord, b: TrialRecord) -> Iterator[str]:
    if a.outcome != b.outcome:
        yield f"outcome: {_ended(a)} against {_ended(b)}"
    scores = [{score.name: score for score in record.scores} for record in (a, b)]
    for name in sorted(scores[0].keys() | scores[1].keys()):
        one, other = (found.get(name) for found in scores)
        if one != other:
            yield f"{name}: {one.value if one else None!r} against {other.value if other else None!r}"
    if a.weights != b.weights:
        yield f"weights: {a.weights[:16]} against {b.weights[:16]}"


def _settings(a: TrialRecord, b: TrialRecord) -> Iterator[str]:
    """Yield what was different about the machines: equal bits are promised on equal ones only."""
    mine, theirs = dict(a.provenance), dict(b.provenance)
    for name in SETTING:
        if mine.get(name) != theirs.get(name):
            yield f"{name}: {mine.get(name)} against {theirs.get(name)}"
    versions = [found.get("versions", {}) for found in (mine, theirs)]
    for name in ("torch", "numpy", "torch-fidelity"):
        if versions[0].get(name) != versions[1].get(name):
            yield f"{name}: {versions[0].get(name)} against {versions[1].get(name)}"
