"""The readings of all trials as one table, read file by file and joined once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ablation.record import READINGS, readings_schema

TOLD = ("key", "treatment", "activation", "loss", "penalty", "dataset", "architecture", "block")
FILE = "readings.parquet"


@dataclass(frozen=True)
class Source:
    """A trial's folder, and the SHA-256 that its result has of the file; empty where it has none."""

    folder: Path
    wanted: str


def readings(
    sources: Sequence[Source | None], frame: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """Return one row a reading with what identifies its trial, and what could not be read.

    `sources` are by row of `frame`, None where a trial has none. Texts are categories in their order.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts, rows, problems = [], [], []
    for row, source in enumerate(sources):
        if source is None:
            continue
        name = f"{source.folder.name}/{FILE}"
        try:
            data = (source.folder / FILE).read_bytes()
            table = pq.ParquetFile(pa.BufferReader(data)).read(list(READINGS), use_threads=False)
            table = table.select(list(READINGS)).cast(readings_schema())
        except FileNotFoundError:
            problems += [f"{name} is missing"] if source.wanted else []
            continue
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            problems.append(f"{name} is damaged: {str(error).splitlines()[0]}")
            continue
        if source.wanted and source.wanted != hashlib.sha256(data).hexdigest():
            problems.append(f"{name} changed after its trial ended")
        parts.append(table)
        rows.append(row)
    if not parts:
        return pd.DataFrame(columns=[*TOLD, "seed", *READINGS]), problems
    read = pa.concat_tables(parts)
    lengths = [len(part) for part in parts]
    told = frame.iloc[[row for row, n in zip(rows, lengths, strict=True) if n]]
    repeats = [n for n in lengths if n]
    columns: dict[str, Any] = {name: _repeated(told[name], repeats) for name in TOLD}
    columns["seed"] = np.repeat(told["seed"].to_numpy("int64"), repeats)
    for name in READINGS:
        column = read.column(name)
        if pa.types.is_string(column.type):
            columns[name] = _ordered(column.combine_chunks().dictionary_encode().to_pandas())
        else:
            columns[name] = column.to_numpy()
    return pd.DataFrame(columns), problems


def _repeated(values: pd.Series[str], repeats: Sequence[int]) -> Any:
    """Return each trial's value as often as it has readings."""
    kinds = values.astype("category").cat
    return pd.Categorical.from_codes(np.repeat(kinds.codes.to_numpy(), repeats), kinds.categories)


def _ordered(column: Any) -> Any:
    """Return a categorical column whose categories are in their order."""
    return column.cat.reorder_categories(sorted(column.cat.categories))
