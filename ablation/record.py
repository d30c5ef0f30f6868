"""What a trial answers: outcome, scores, readings and provenance, and the folder that keeps them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablation.files import brief, locked, read_json, read_yaml, sha256, write_json, write_yaml
from ablation.shape import check_names, check_shape
from ablation.spec import TrialSpec

SCHEMA = 1
OUTCOMES = {
    "finished": "trained all its steps",
    "converged": "stopped when the declared score no longer improved",
    "diverged": "a loss was no longer finite",
    "collapsed": "its samples vary less than a hundredth as much as the data",
    "pruned": "stopped early by the tuner",
    "crashed": "ended in an error",
}
"""Every way in which a trial ends, and what it means."""

CHECKPOINT = "checkpoint.pt"
"""The file of a training under way; it stays where a trial crashed."""
STUDY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
READINGS = ("step", "network", "layer", "quantity", "value")


@dataclass(frozen=True)
class Outcome:
    """How a trial ended, at which step, and in words why."""

    kind: str
    step: int
    message: str = ""

    def __post_init__(self) -> None:
        if self.kind not in OUTCOMES:
            raise ValueError(f"outcome {self.kind!r} is none of {', '.join(OUTCOMES)}")


@dataclass(frozen=True)
class Score:
    """One score: its name says its protocol (`fid_digits-cnn-1a2b3c_5k`), `better` its direction."""

    name: str
    value: float
    n: int
    better: str


@dataclass(frozen=True)
class Reading:
    """One measured number: where (network, layer), what (quantity) and when (step)."""

    step: int
    network: str
    layer: str
    quantity: str
    value: float


@dataclass(frozen=True)
class TrialRecord:
    """Everything a trial answers. `weights` is the SHA-256 over the generator's final weights."""

    key: str
    spec: Mapping[str, Any]
    outcome: Outcome
    scores: tuple[Score, ...] = ()
    citations: tuple[str, ...] = ()
    weights: str = ""
    protocol: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def study_folder(runs: Path | str, study: str) -> Path:
    """Return the folder of a study; raises ValueError for a name that is not a plain folder name."""
    if not STUDY_NAME.fullmatch(study):
        raise ValueError(
            f"study name {study!r}: use letters, digits and _.- only, starting with a letter or digit"
            " (the folder that holds studies is given by --runs)"
        )
    return Path(runs) / study


def trial_folders(study: Path) -> list[Path]:
    """Return the folders of a study's trials, sorted by key."""
    trials = study / "trials"
    return sorted(p.parent for p in trials.glob("*/config.yaml")) if trials.is_dir() else []


def write_config(folder: Path, spec: TrialSpec) -> None:
    """Write the resolved configuration first, once: the folder's question never changes."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "config.yaml").exists():
        write_yaml(folder / "config.yaml", spec.config())


def read_config(folder: Path) -> TrialSpec:
    """Read the stored question of a trial; raises ValueError that names a damaged file."""
    path = folder / "config.yaml"
    if not path.is_file():
        raise ValueError(f"{folder} holds no config.yaml: it is not a trial's folder")
    config = read_yaml(path)
    try:
        return TrialSpec.read(config)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def attempt_folder(folder: Path, attempt: int) -> Path:
    """Return the scratch folder in which attempt number `attempt` writes."""
    path = folder / f".attempt-{attempt}"
    path.mkdir(parents=True, exist_ok=True)
    return path


def commit(folder: Path, attempt: Path, record: TrialRecord) -> bool:
    """Move an attempt's files into the trial's folder and write `result.json` last.

    Returns False, and changes nothing, if the trial has a result already: `os.link` refuses a second one.
    """
    with locked(folder / ".commit"):
        if (folder / "result.json").exists():
            shutil.rmtree(attempt, ignore_errors=True)
            return False
        files = {}
        for path in sorted(attempt.iterdir()):
            if path.name == CHECKPOINT and record.outcome.kind != "crashed":
                continue  # should there be no room for the result, the training goes on from it
            if path.is_file() and not path.name.startswith("."):
                files[path.name] = sha256(path)
                os.replace(path, folder / path.name)
        draft = attempt / ".result.json"
        write_json(draft, _result(record, files))
        _link(draft, folder / "result.json")
    for scratch in folder.glob(".attempt-*"):
        shutil.rmtree(scratch, ignore_errors=True)
    return True


def _link(draft: Path, final: Path) -> None:
    """Publish `draft` as `final`, which must not exist."""
    try:
        os.link(draft, final)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with open(final, "xb") as file:
            file.write(draft.read_bytes())
            os.fsync(file.fileno())


def _result(record: TrialRecord, files: Mapping[str, str]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "key": record.key,
        "outcome": record.outcome.kind,
        "step": record.outcome.step,
        "message": record.outcome.message,
        "scores": score_rows(record.scores),
        "spec": record.spec,
        "citations": list(record.citations),
        "weights": record.weights,
        "protocol": record.protocol,
        "provenance": record.provenance,
        "files": dict(files),
    }


def score_rows(scores: Sequence[Score]) -> dict[str, dict[str, Any]]:
    """Return scores as files keep them: value, sample count and better direction by name."""
    return {s.name: {"value": s.value, "n": s.n, "better": s.better} for s in scores}


def scores_of(rows: Mapping[str, Any]) -> tuple[Score, ...]:
    """Return the scores that a file keeps; raises an error of Python's own, or ValueError, for what are none."""
    check_names(rows)
    return tuple(
        Score(name, float(s["value"]), int(s["n"]), str(s["better"])) for name, s in rows.items()
    )


def read_record(folder: Path) -> TrialRecord | None:
    """Read `result.json`, None while there is none; raises ValueError that names a damaged file."""
    path = folder / "result.json"
    if not path.exists():
        return None
    row = read_json(path)
    try:
        if row["schema"] != SCHEMA:
            raise ValueError(f"schema {row['schema']} is not {SCHEMA}")
        check_shape(row)
        return TrialRecord(
            key=row["key"],
            spec=row["spec"],
            outcome=Outcome(row["outcome"], int(row["step"]), row["message"]),
            scores=scores_of(row["scores"]),
            citations=tuple(row["citations"]),
            weights=row["weights"],
            protocol=row["protocol"],
            provenance=row["provenance"],
            files=row["files"],
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} is damaged: {what}") from None


def set_aside(folder: Path) -> Path | None:
    """Rename a trial's result to the next free `result.N.json`, so that the trial runs again."""
    path = folder / "result.json"
    if not path.exists():
        return None
    number = next(n for n in range(1, 10_000) if not (folder / f"result.{n}.json").exists())
    old = folder / f"result.{number}.json"
    os.replace(path, old)
    return old


def write_readings(path: Path, readings: Sequence[Reading]) -> None:
    """Write readings as Parquet: step, network, layer, quantity, value."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [getattr(row, name) for row in readings] for name in READINGS}
    pq.write_table(pa.table(columns, schema=readings_schema()), path, compression="zstd")


def readings_schema() -> Any:
    """Return the Arrow schema of readings."""
    import pyarrow as pa

    kinds = (pa.int64(), pa.string(), pa.string(), pa.string(), pa.float64())
    return pa.schema(list(zip(READINGS, kinds, strict=True)))


def read_readings(folder: Path) -> Iterator[Reading]:
    """Read a trial's readings; raises ValueError that names a damaged file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "readings.parquet"
    try:
        columns = pq.read_table(path, columns=list(READINGS)).to_pydict()
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"{path} is damaged or missing: {brief(error)}") from None
    rows = zip(*(columns[name] for name in READINGS), strict=True)
    return (Reading(*row) for row in rows)
