"""Whether two runs of one trial agree bit for bit, where they first differ, and what only one of them measured."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablation.record import TrialRecord, read_readings, read_record

SETTING = ("device", "instruction_set", "threads", "dataset")
OURS = "activation-ablation"

Place = tuple[int, str, str, str, int]
"""Step, network, site and quantity of a reading, and how often these came before."""


@dataclass(frozen=True)
class Agreement:
    """The places where two runs differ, in the order of training; none if they are equal bit for bit.

    `settings` are other machines and software, `same` what agrees, `beside` what was not compared: another version of
    the code, and what only that reads or scores.
    """

    differences: tuple[str, ...]
    settings: tuple[str, ...]
    same: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether the runs agree bit for bit."""
        return not self.differences


def agreement(first: Path, second: Path) -> Agreement:
    """Compare the folders of a stored run and of its rerun; raises ValueError if one has no readable result.

    Readings are compared by step, network, site and quantity, scores by name. Where the code is another version, what
    it measures besides is said and is no difference; within one version it is.
    """
    records = [read_record(folder) for folder in (first, second)]
    for folder, record in zip((first, second), records, strict=True):
        if record is None:
            raise ValueError(f"{folder} has no result.json to compare with")
    a, b = records
    assert a is not None
    assert b is not None
    code = tuple(_code(a, b))
    whole = all("readings.parquet" in record.files for record in (a, b))
    seen = [_by_place(folder) if whole else {} for folder in (first, second)]
    scores = [{score.name: score for score in record.scores} for record in (a, b)]
    beside = list(code)
    if code:
        quantities = [{place[3] for place in found} for found in seen]
        beside += _further("reads", *quantities)
        beside += _further("scores", *(set(found) for found in scores))
        both = quantities[0] & quantities[1]
        seen = [{k: v for k, v in found.items() if k[3] in both} for found in seen]
        names = set(scores[0]) & set(scores[1])
        scores = [{k: v for k, v in found.items() if k in names} for found in scores]
    told = _readings(*seen)
    differences = [told] if told else []
    if a.outcome != b.outcome:
        differences.append(f"outcome: {_ended(a)} against {_ended(b)}")
    unlike = list(_scores(*scores))
    differences += unlike
    same, count, kind = [], len(scores[0]), "common " * bool(code)
    if scores[0] and not unlike:
        same.append(f"{count} {kind}score{'s' * (count > 1)}")
    if seen[0] and not told:
        same.append(f"all {kind}readings")
    if a.weights != b.weights:
        differences.append(f"weights: {a.weights[:16]} against {b.weights[:16]}")
    else:
        same.append(f"weights {a.weights[:16]}")
    return Agreement(tuple(differences), tuple(_settings(a, b)), tuple(same), tuple(beside))


def _by_place(folder: Path) -> dict[Place, float]:
    """Return the value of every reading by its place, in the order of training."""
    found, times = dict[Place, float](), Counter[tuple[int, str, str, str]]()
    for reading in read_readings(folder):
        where = (reading.step, reading.network, reading.layer, reading.quantity)
        found[*where, times[where]] = reading.value
        times[where] += 1
    return found


def _readings(mine: Mapping[Place, float], theirs: Mapping[Place, float]) -> str:
    """Return the first reading that differs, "" if none does."""
    places = dict.fromkeys([*mine, *theirs])
    unlike = [p for p in places if p not in mine or p not in theirs or _bits(mine[p], theirs[p])]
    if not unlike:
        return ""
    first = min(unlike, key=lambda place: place[0])
    one, other = (_told(first, found.get(first)) for found in (mine, theirs))
    return f"readings differ first here: {one} against {other}"


def _bits(mine: float, theirs: float) -> bool:
    """Say whether the bits differ: NaN equals itself."""
    return struct.pack("<d", mine) != struct.pack("<d", theirs)


def _told(place: Place, value: float | None) -> str:
    if value is None:
        return "none"
    step, network, layer, quantity, _ = place
    return f"step {step} {layer or network} {quantity} = {value!r}"


def _further(does: str, stored: set[str], again: set[str]) -> Iterator[str]:
    """Yield what only one of two runs measured."""
    if more := sorted(again - stored):
        yield f"only the rerun {does} {', '.join(more)}: not compared"
    if more := sorted(stored - again):
        yield f"only the stored trial {does} {', '.join(more)}: not compared"


def _ended(record: TrialRecord) -> str:
    outcome = record.outcome
    return (
        f"{outcome.kind} at step {outcome.step:,}{': ' if outcome.message else ''}{outcome.message}"
    )


def _scores(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(mine.keys() | theirs.keys()):
        one, other = (found.get(name) for found in (mine, theirs))
        if one != other:
            yield f"{name}: {one.value if one else None!r} against {other.value if other else None!r}"


def _code(a: TrialRecord, b: TrialRecord) -> Iterator[str]:
    """Yield that the code is another version or commit, where it is."""
    told = []
    for record in (a, b):
        version = record.provenance.get("versions", {}).get(OURS, "")
        commit = record.provenance.get("commit", "")
        told.append(" at commit ".join(filter(None, (version or "unknown version", commit))))
    if told[0] != told[1]:
        yield f"the code is another version: {told[0]} stored, {told[1]} now"


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
