"""Scores of a stored generator under a protocol of its own, and the file beside `result.json` that keeps them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ablation.files import read_json, write_json
from ablation.record import Score, TrialRecord, score_rows, scores_of
from ablation.spec import Protocol

SCHEMA = 2
STORED = ("finished", "converged", "collapsed")
"""The outcomes that leave a generator to be scored."""
FILE = re.compile(r"scores-[0-9a-f]{10}\.json")


@dataclass(frozen=True)
class Rescored:
    """What a stored generator scores under `protocol`.

    `weights` are those of the trial's result, `extractor` says what looked (None for vectors), `floors` and `refused`
    are as in a result's provenance.
    """

    key: str
    protocol: Protocol
    scores: tuple[Score, ...]
    weights: str
    extractor: Mapping[str, Any] | None = None
    floors: Mapping[str, tuple[float, float, int]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)


def file_of(folder: Path, protocol: Protocol) -> Path:
    """Return the file in which a trial's scores under a protocol stand."""
    return folder / f"scores-{protocol.hash}.json"


def files_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a trial that keep scores under a protocol of their own, sorted by name."""
    yield from (path for path in sorted(folder.glob("scores-*.json")) if FILE.fullmatch(path.name))


def write_rescored(folder: Path, found: Rescored) -> Path:
    """Write what a trial's generator scores; a reader sees the old file or the new one."""
    path = file_of(folder, found.protocol)
    row = {"schema": SCHEMA} | asdict(found)
    write_json(path, row | {"hash": found.protocol.hash, "scores": score_rows(found.scores)})
    return path


def read_rescored(path: Path) -> Rescored:
    """Read such a file; raises ValueError that names a damaged one, or one that belongs elsewhere."""
    row = read_json(path)
    try:
        if row["schema"] != SCHEMA:
            raise ValueError(f"schema {row['schema']} is not {SCHEMA}")
        found = Rescored(
            key=row["key"],
            protocol=Protocol(**row["protocol"]),
            scores=scores_of(row["scores"]),
            weights=row["weights"],
            extractor=row["extractor"],
            floors={n: (float(v), float(sd), int(c)) for n, (v, sd, c) in row["floors"].items()},
            refused=dict(row["refused"]),
            device=row["device"],
            seconds=float(row["seconds"]),
            versions=row["versions"],
        )
        if found.extractor is not None:
            found.extractor["weights"]
        if not isinstance(found.weights, str):
            raise ValueError(f"weights is {found.weights!r}")
        for score in found.scores:
            if not math.isfinite(score.value):
                raise ValueError(f"the score {score.name} is {score.value}")
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} is damaged: {what}") from None
    if found.key != path.parent.name:
        raise ValueError(f"{path} holds the scores of another trial, {found.key}")
    if file_of(path.parent, found.protocol) != path:
        raise ValueError(f"{path} holds the scores of another protocol, {found.protocol.hash}")
    return found


def read_current(path: Path, record: TrialRecord) -> Rescored:
    """Read such a file of the trial with this result; raises ValueError where it scored other weights, too."""
    found = read_rescored(path)
    if found.weights != record.weights:
        raise ValueError(
            f"{path} scored an earlier run of the trial; `ablation score` makes it again"
        )
    return found
