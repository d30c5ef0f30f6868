"""What a paper takes from a study: LaTeX tables, their data, and figures drawn at a journal's column widths."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from reports import latex
from reports.drawing import drawn_at, width_of
from reports.page import Report, write
from reports.readme import FIRST_LINE, example, readme
from reports.replacing import replace
from reports.rows import Table, cell, table
from reports.scales import family, printed, score_label
from reports.tables import Tables, load

SINGLE, DOUBLE = 3.5, 7.16
"""Inches: the one and the two columns of most journals of the field."""
NARROWEST, WIDEST = 2.0, 15.0

TABLES = {
    "estimates": "comparison",
    "tests": "tests",
    "medians": "cells",
    "coverage": "covered",
    "failures": "rates",
    "claims": "claims",
    "certificate": "certificate",
}
"""By the name of its file: the part of the report's content that is a table of the paper."""
FILES_ONLY = ("level", "least p", "p")
"""Columns of all tests that a paper's table leaves to the files beside it."""
BOLD = {
    "estimates": "Bold: significant after the declared adjustment; a bold name beats others and none beats it.",
    "tests": "Bold: significant after the declared adjustment.",
    "medians": "Bold: a declared test of this block finds it better, and none finds it worse.",
}


@dataclass(frozen=True)
class Paper:
    """The folder of a paper, its figures by width in inches, and those too wide for a width."""

    folder: Path
    figures: Mapping[float, tuple[str, ...]]
    wide: Mapping[float, tuple[str, ...]]
    tables: tuple[str, ...]


def check_widths(widths: Sequence[float]) -> None:
    """Raise ValueError for a width that no journal has."""
    for width in widths:
        if not NARROWEST <= width <= WIDEST:
            raise ValueError(
                f"--column is {width:g}; it lies between {NARROWEST:g} and {WIDEST:g} inches"
            )


def write_paper(study: Path, out: Path, widths: Sequence[float] = (SINGLE, DOUBLE)) -> Paper:
    """Write what a paper takes from a study into the folder `out`, all or nothing.

    Raises ValueError for a width that is none, and where `out` holds something else.
    """
    check_widths(widths)
    out = Path(out)
    if out.exists() and not _ours(out):
        raise ValueError(f"{out} exists and is not a paper's folder: name a new one")
    tables = load([Path(study)])
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        new = Path(scratch) / "paper"
        found = _fill(tables, Path(scratch), new, sorted(set(widths)))
        replace(new, out)
    return Paper(out, found.figures, found.wide, found.tables)


def _ours(out: Path) -> bool:
    said = out / "README.txt"
    return (out.is_dir() and not any(out.iterdir())) or (
        said.is_file() and said.read_text(errors="replace").startswith(FIRST_LINE)
    )


def _fill(tables: Tables, scratch: Path, new: Path, widths: Sequence[float]) -> Paper:
    figures: dict[float, tuple[str, ...]] = {}
    wide: dict[float, tuple[str, ...]] = {}
    report: Report | None = None
    for width in widths:
        with drawn_at(width):
            report = write(tables, scratch / "report")
        figures[width], wide[width] = _figures(scratch / "report" / "figures", new, width)
    assert report is not None, "there is at least one width"
    shutil.copytree(scratch / "report" / "tables", new / "tables")
    names = write_latex(report.said, new / "tables")
    found = Paper(new, figures, wide, names)
    (new / "README.txt").write_text(
        readme(report.said, tables, figures, wide, names), encoding="utf-8"
    )
    (new / "example.tex").write_text(
        example(names, figures[widths[-1]], widths[-1]), encoding="utf-8"
    )
    return found


def _figures(drawn: Path, new: Path, width: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Copy the figures that have this width; return their names, and those of wider ones."""
    place = new / "figures" / f"{width:g}in"
    place.mkdir(parents=True)
    kept, wide = [], []
    for path in sorted(drawn.glob("*.svg")):
        if width_of(path.read_text(encoding="utf-8")) > width + 0.01:
            wide.append(path.stem)
            continue
        kept.append(path.stem)
        for file in (path, path.with_suffix(".pdf")):
            shutil.copyfile(file, place / file.name)
    return tuple(kept), tuple(wide)


def write_latex(said: Mapping[str, Any], place: Path) -> tuple[str, ...]:
    """Write the tables that there are as LaTeX, and their data where the report's tables lack them."""
    names = []
    for name, part in TABLES.items():
        found = said.get(part)
        if not isinstance(found, Mapping) or "rows" not in found:
            found = _stored(place / f"{name}.csv", name)
        if not found["rows"]:
            continue
        t = shown(name, dict(found), said, place)
        label = latex.label(str(said["study"]), name)
        note = BOLD.get(name, "")
        if not any(c["strong"] for row in t["rows"] for c in row):
            note = ""
        (place / f"{name}.tex").write_text(latex.booktabs(t, label, note=note), encoding="utf-8")
        if not (place / f"{name}.csv").exists():
            frame = _frame(dict(found))
            frame.to_csv(place / f"{name}.csv", index=False, lineterminator="\n")
            frame.to_parquet(place / f"{name}.parquet", index=False)
        names.append(name)
    return tuple(names)


def _stored(path: Path, name: str) -> Table:
    """Return a table that only its file holds, as texts; without rows if there is none."""
    if not path.is_file():
        return table(name, "", [], [])
    with open(path, newline="", encoding="utf-8") as file:
        heads, *body = list(csv.reader(file)) or [[]]
    return table(name, name.capitalize(), [h.replace("_", " ") for h in heads], body)


def _frame(t: Table) -> pd.DataFrame:
    """Return a table as printed, with the number behind each text in a column beside it."""
    columns: dict[str, list[Any]] = {}
    for i, column in enumerate(t["columns"]):
        columns[column["name"]] = [row[i]["text"] for row in t["rows"]]
        if column["number"]:
            columns[f"{column['name']} (number)"] = [row[i]["value"] for row in t["rows"]]
    return pd.DataFrame(columns)


def winners(tests: Table) -> set[tuple[str, str]]:
    """Return the (block, level) that a declared test finds better than another, and none finds worse."""
    heads = [column["name"] for column in tests["columns"]]
    at = heads.index("finding")
    better: set[tuple[str, str]] = set()
    worse: set[tuple[str, str]] = set()
    for row in tests["rows"]:
        block, a, r = (row[i]["text"] for i in range(3))
        finding = row[at]["text"]
        if finding in ("better", "worse"):
            (better if finding == "better" else worse).add((block, a))
            (worse if finding == "better" else better).add((block, r))
    return better - worse


def shown(name: str, t: Table, said: Mapping[str, Any], place: Path) -> Table:
    """Return a table as the paper shows it: what the tests say is strong, and nothing else."""
    won, rows = winners(said["tests"]), []
    if name == "estimates":
        best = {level for block, level in won if block == "all blocks"}
        for first, *rest in t["rows"]:
            rows.append([cell(first["text"], strong=first["text"] in best), *rest])
        return {**t, "rows": rows}
    if name == "tests":
        kept = [i for i, c in enumerate(t["columns"]) if c["name"] not in FILES_ONLY]
        rows = [[row[i] for i in kept] for row in t["rows"]]
        return {**t, "columns": [t["columns"][i] for i in kept], "rows": rows}
    if name != "medians":
        return t
    blocks = {row[0]["text"] for row in t["rows"]}
    heads = [column["name"] for column in t["columns"]]
    declared = {heads.index(head) for head in _declared(place) if head in heads}
    for row in t["rows"]:
        where = "all blocks" if len(blocks) == 1 else row[0]["text"]
        strong = (where, row[1]["text"]) in won
        rows.append([{**c, "strong": strong and i in declared} for i, c in enumerate(row)])
    return {**t, "rows": rows}


def _declared(place: Path) -> set[str]:
    """Return the heads that the declared scores may have in a table."""
    trials = pd.read_parquet(place / "trials.parquet", columns=["score_name"])
    names = set(trials["score_name"].dropna()) - {"None"}
    return {printed(family(name)) for name in names} | {score_label(name) for name in names}
