"""What an experiment is, the tidy rows that it measures, and the file in which one trial of it keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ablation.files import brief, read_json, write_json
from ablation.provenance import provenance
from ablation.record import Outcome
from ablation.spec import TrialSpec

Settings = Mapping[str, Any]
"""What an experiment is told beside its trials, in types that YAML has."""

ROWS, RESULT = "rows.parquet", "result.json"


@dataclass(frozen=True)
class Row:
    """One measured number of one trial.

    `treatment` is what a figure draws a line for, `stage` the generator updates before the measured training began,
    `step` the updates since; what an experiment does not have is "" or 0.
    """

    treatment: str
    stage: int
    step: int
    network: str
    layer: str
    quantity: str
    value: float


@dataclass(frozen=True)
class Experiment:
    """One built-in experiment.

    `overrides` and `joint` are the words of its trials, as in a sweep's preset, before the user's own. `resolve`
    turns the user's `options` (texts by name) into settings, or raises ValueError. `measure` answers one trial in
    its folder, `result.json` last; `rows` reads the answer. `compares` names the factors whose levels are its
    treatments, where its rows do not say them.
    """

    name: str
    question: str
    cite: str
    overrides: tuple[str, ...]
    resolve: Callable[[Mapping[str, str], Sequence[TrialSpec]], Settings]
    measure: Callable[[Path, TrialSpec, Settings], None]
    rows: Callable[[Path], list[Row]]
    joint: tuple[tuple[str, ...], ...] = ()
    options: tuple[str, ...] = ()
    compares: tuple[str, ...] = ()


def keep(
    folder: Path, spec: TrialSpec, rows: Sequence[Row], outcome: Outcome, cpu_seconds: float
) -> None:
    """Write a trial's rows, then its result: its presence means done."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"int": pa.int64(), "str": pa.string(), "float": pa.float64()}
    schema = pa.schema([(item.name, kinds[str(item.type)]) for item in fields(Row)])
    columns = {name: [getattr(row, name) for row in rows] for name in schema.names}
    pq.write_table(pa.table(columns, schema=schema), folder / ROWS, compression="zstd")
    row = {"key": spec.key, "outcome": outcome.kind, "step": outcome.step}
    where = provenance("cpu") | {"cpu_seconds": round(cpu_seconds, 3)}
    told = {"message": outcome.message, "provenance": where}
    write_json(folder / RESULT, row | told)


def kept(folder: Path) -> list[Row]:
    """Read the rows of a trial; raises ValueError that names a damaged file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return [Row(**row) for row in pq.read_table(folder / ROWS).to_pylist()]
    except (OSError, pa.ArrowException, TypeError) as error:
        raise ValueError(f"{folder / ROWS} is damaged or missing: {brief(error)}") from None


def ended(folder: Path) -> Outcome | None:
    """Read how a trial ended, None while it has not; raises ValueError that names a damaged file."""
    if not (folder / RESULT).exists():
        return None
    row = read_json(folder / RESULT)
    try:
        return Outcome(str(row["outcome"]), int(row["step"]), str(row["message"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder / RESULT} is damaged: {error}") from None


def used(folder: Path) -> float | None:
    """Read how many seconds of a processor an ended trial took; None where it does not say."""
    if not (folder / RESULT).exists():
        return None
    where = read_json(folder / RESULT).get("provenance")
    seconds = where.get("cpu_seconds") if isinstance(where, dict) else None
    return float(seconds) if isinstance(seconds, (int, float)) else None
