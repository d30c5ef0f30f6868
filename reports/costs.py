"""What a level costs in a block: an interleaved measurement where a study has one, else the times of its trials."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from reports.design import FAILED, Design
from reports.tables import Tables

FILE = "costs.json"
CELL = ("dataset", "architecture", "loss", "penalty")
"""What a row of the file may say of the cell in which it was measured."""


@dataclass(frozen=True)
class Measured:
    """One row of the file: a level's milliseconds, one a round, in the cell that it names."""

    level: str
    cell: Mapping[str, str]
    milliseconds: tuple[float, ...]


@dataclass(frozen=True)
class Costs:
    """By block and level what training costs, in `unit`; `timed` where it was measured with nothing beside it.

    `words` says how it was measured, and what of a file could not be read.
    """

    values: Mapping[tuple[str, str], float]
    unit: str
    timed: bool
    words: tuple[str, ...]


def costs(tables: Tables, trials: pd.DataFrame, found: Design) -> Costs:
    """Return the costs of every level in every block, those of the studies' `costs.json` where there are any."""
    rows, wrong = [], []
    for study in tables.studies if found.factor == "activation" else ():
        try:
            rows += read(study.folder / FILE)
        except ValueError as error:
            wrong.append(f"{study.name}: {error}; the times of trials are used.")
    blocks = trials.drop_duplicates("block").set_index("block")
    values = {}
    for block in found.blocks if rows else ():
        cell = {name: str(blocks.loc[block.key, name]) for name in CELL}
        own = [r for r in rows if all(cell[k] == v for k, v in r.cell.items())] or rows
        for name in found.treatments:
            if told := [v for r in own if r.level == name for v in r.milliseconds]:
                values[block.key, name] = median(told)
    if values:
        word = f"Cost: median milliseconds of a training step, measured one after another ({FILE})."
        return Costs(values, "ms a step", True, (word, *wrong))
    word = (
        "Cost: median seconds of training, of the tested seeds' trials that did not fail. Trials that run at once slow"
        " each other, so such times are rough."
    )
    return Costs(_of_trials(trials, found), "seconds of training", False, (word, *wrong))


def _of_trials(trials: pd.DataFrame, found: Design) -> dict[tuple[str, str], float]:
    name = "seconds_train" if "seconds_train" in trials else "seconds"
    own = trials[trials["seed"].isin(found.seeds) & ~trials["outcome"].isin(FAILED)].dropna(
        subset=[name, "treatment", "block"]
    )
    middle = own.groupby(["block", "treatment"])[name].median().reset_index()
    rows = zip(middle["block"], middle["treatment"], middle[name], strict=True)
    return {(str(block), str(level)): float(value) for block, level, value in rows}


def read(path: Path) -> list[Measured]:
    """Return the rows of a file of costs, none where there is no file; raises ValueError for a damaged one."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (ValueError, OSError) as error:
        raise ValueError(f"{path.name} is damaged: {error}") from None
    rows = told.get("rows") if isinstance(told, Mapping) else None
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise ValueError(f"{path.name} is damaged: it has no list of rows")
    return [_measured(row, f"{path.name}, row {i}") for i, row in enumerate(rows)]


def _measured(row: Any, place: str) -> Measured:
    if not isinstance(row, Mapping) or not isinstance(row.get("activation"), str):
        raise ValueError(f"{place} names no activation")
    values = row.get("milliseconds")
    if not isinstance(values, list) or not values or not all(map(_positive, values)):
        raise ValueError(f"{place} has no list of milliseconds above 0")
    cell = {name: row[name] for name in CELL if isinstance(row.get(name), str)}
    return Measured(row["activation"], cell, tuple(map(float, values)))


def _positive(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and isfinite(value) and value > 0
