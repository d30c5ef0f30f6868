"""The folder of an experiment: what was asked, one folder a trial, and the tidy table of all that was measured."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ablation.experiments.experiment import Experiment, Row, Settings, ended, used
from ablation.files import read_yaml, try_lock, write_yaml
from ablation.levels import FACTORS, PLACED, levels
from ablation.provenance import provenance
from ablation.record import read_config, set_aside, write_config
from ablation.spec import TrialSpec

SCHEMA = 1
ASKED, TABLE, LOCK = "experiment.yaml", "readings.parquet", ".lock"


@dataclass(frozen=True)
class Asked:
    """An experiment as it was asked: its trials in order, its settings, and the words that made them."""

    experiment: Experiment
    words: tuple[str, ...]
    settings: Settings
    specs: tuple[TrialSpec, ...]

    def folder(self, out: Path, spec: TrialSpec) -> Path:
        """Return the folder of one trial."""
        return out / "trials" / spec.key


def check_folder(out: Path, asked: Asked) -> None:
    """Raise ValueError if `out` holds anything but a part of what is asked.

    An experiment may grow: the same settings, more trials.
    """
    path = out / ASKED
    if path.exists():
        _check_same(path, read_yaml(path), asked)
    elif out.exists() and (not out.is_dir() or any(p.name != LOCK for p in out.iterdir())):
        raise ValueError(f"{out} is not empty and not an experiment's folder; choose another --out")
    for spec in asked.specs:
        folder = asked.folder(out, spec)
        if (folder / "config.yaml").exists() and read_config(folder) != spec:
            raise ValueError(f"{folder} was measured otherwise; choose another --out")


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Make the folder and hold it; raises ValueError while another process does."""
    out.mkdir(parents=True, exist_ok=True)
    lock = try_lock(out / LOCK)
    if lock is None:
        raise ValueError(f"another process measures in {out}; wait for it, or choose another --out")
    try:
        yield
    finally:
        os.close(lock)


def open_folder(out: Path, asked: Asked) -> list[TrialSpec]:
    """Write what is asked into `out` and return the trials that have no answer yet; a crashed one has none."""
    _write(out, asked)
    missing = []
    for spec in asked.specs:
        folder = asked.folder(out, spec)
        write_config(folder, spec)
        outcome = ended(folder)
        if outcome is not None and outcome.kind == "crashed":
            set_aside(folder)
        if outcome is None or outcome.kind == "crashed":
            missing.append(spec)
    return missing


def _check_same(path: Path, old: Any, asked: Asked) -> None:
    """Raise ValueError unless the stored experiment is a part of the one that is asked."""
    keys = {spec.key for spec in asked.specs}
    try:
        held = str(old["experiment"])
        told, gone = (
            old["settings"],
            [row["key"] for row in old["trials"] if row["key"] not in keys],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: it lacks {error}") from None
    place, own = path.parent, asked.experiment.name
    if held != own:
        raise ValueError(f"{place} holds the experiment {held}, not {own}; choose another --out")
    for name, value in asked.settings.items():
        if told.get(name) != value:
            was = f"measured with {name} {told.get(name)}, not {value}"
            raise ValueError(f"{place} was {was}; choose another --out")
    if gone:
        raise ValueError(f"{place} holds other trials, such as {gone[0]}; choose another --out")


def _write(out: Path, asked: Asked) -> None:
    rows = []
    panels, treatments = _labels(asked)
    for spec, panel, treatment in zip(asked.specs, panels, treatments, strict=True):
        outcome = ended(asked.folder(out, spec))
        rows.append(
            {"key": spec.key, "cell": _cell(spec), "seed": spec.seed}
            | {"panel": panel, "treatment": treatment}
            | {"outcome": outcome.kind if outcome else "missing"}
            | {"message": outcome.message if outcome else ""}
            | {"cpu_seconds": used(asked.folder(out, spec))}
        )
    where = provenance("cpu")
    write_yaml(
        out / ASKED,
        {
            "schema": SCHEMA,
            "experiment": asked.experiment.name,
            "question": asked.experiment.question,
            "cite": asked.experiment.cite,
            "words": list(asked.words),
            "settings": dict(asked.settings),
            "versions": where["versions"],
            "commit": where["commit"],
            "instruction_set": where["instruction_set"],
            "trials": rows,
        },
    )


def _cell(spec: TrialSpec) -> str:
    """Return a cell's readable name: its trials' keys without the seed."""
    return f"{spec.key.rsplit('-s', 1)[0]}-{spec.cell}"


def _labels(asked: Asked) -> tuple[list[str], list[str]]:
    """Return each trial's panel and treatment: the levels in which its cell differs from the others, in words."""
    specs, compares = asked.specs, asked.experiment.compares
    known = {factor: levels(specs, factor) for factor in FACTORS if factor not in PLACED}
    varying = [f for f, own in known.items() if len(set(own)) > 1 and f not in compares]
    shown = {"dataset": [spec.dataset.name for spec in specs]}
    shown = {name: own for name, own in shown.items() if len(set(own)) > 1}
    columns = [known[factor] for factor in varying or ["activation"]] + [*shown.values()]
    panels = [" · ".join(words) for words in zip(*columns, strict=True)]
    plain = [name for name in compares if len(set(known[name])) > 1]
    several = [known[name] for name in plain or compares[:1]]
    treatments = [" + ".join(words) for words in zip(*several, strict=True)] or [""] * len(specs)
    cells: dict[tuple[str, str], set[str]] = {}
    for spec, *place in zip(specs, panels, treatments, strict=True):
        cells.setdefault((place[0], place[1]), set()).add(spec.cell)
    panels = [
        f"{panel} · {spec.cell}" if len(cells[panel, treatment]) > 1 else panel
        for spec, panel, treatment in zip(specs, panels, treatments, strict=True)
    ]
    return panels, treatments


def gather(out: Path, asked: Asked) -> int:
    """Write the tidy table of every trial that has an answer, and their outcomes; return the number of its rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    _write(out, asked)
    kinds: dict[str, Callable[[], Any]] = {"int": pa.int64, "str": pa.string, "float": pa.float64}
    own = [(item.name, kinds[str(item.type)]()) for item in fields(Row)]
    schema = pa.schema([("cell", pa.string()), ("seed", pa.int64()), ("panel", pa.string()), *own])
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for spec, panel, treatment in zip(asked.specs, *_labels(asked), strict=True):
        folder = asked.folder(out, spec)
        outcome = ended(folder)
        if outcome is None or outcome.kind == "crashed":
            continue
        for row in asked.experiment.rows(folder):
            for name, _ in own:
                columns[name].append(getattr(row, name))
            if asked.experiment.compares:
                columns["treatment"][-1] = treatment
            for name, value in (("cell", _cell(spec)), ("seed", spec.seed), ("panel", panel)):
                columns[name].append(value)
    table = pa.table(columns, schema=schema)
    scratch = out / f".{TABLE}.tmp"
    pq.write_table(table, scratch, compression="zstd")
    scratch.replace(out / TABLE)
    return int(table.num_rows)


def failures(asked: Asked, out: Path, told: Mapping[Path, str]) -> list[str]:
    """Return the keys of trials that have no answer, with what is known of why; `told` is what their processes said."""
    found = []
    for spec in asked.specs:
        folder = asked.folder(out, spec)
        outcome = ended(folder)
        if outcome is None or outcome.kind == "crashed":
            reason = outcome.message if outcome else told.get(folder, "it was not measured")
            found.append(f"{spec.key}: {reason}")
    return found
