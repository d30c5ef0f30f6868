"""The medians of every score by level and block, beside what real samples score; and what each score is."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import pandas as pd

from ablation.instruments import about
from ablation.levels import noun
from reports.design import Design
from reports.floors import Floor, floor
from reports.rows import Table, cell, score_names, table
from reports.scales import base, family, printed, score_label
from reports.summary import Cell, cells
from reports.tables import Tables
from reports.words import number

COVERAGE = ("precision", "recall", "classes", "class-kl", "class-recall", "memorisation")
"""Families that tell what is covered and copied: they stand in a table of their own."""
REAL = "real samples"


def medians(tables: Tables, trials: pd.DataFrame, found: Design, order: Sequence[str]) -> Table:
    """Return the medians of the scores of quality."""
    names = [n for n in score_names(tables, trials) if base(n) not in COVERAGE]
    caption = (
        "Medians over seeds, failures counted as worst; last in each block what n real samples score, with the standard"
        f" deviation of drawing them (fewer than a score has: FID is an upper bound){_again(tables)}"
    )
    return _table("cells", caption, names, tables, trials, found, order)


def covered(tables: Tables, trials: pd.DataFrame, found: Design, order: Sequence[str]) -> Table:
    """Return the medians of the scores of coverage and copying."""
    names = [n for n in score_names(tables, trials) if base(n) in COVERAGE]
    caption = f"Coverage and copying: medians over seeds, failures counted as worst{_again(tables)}"
    return _table("covered", caption, names, tables, trials, found, order)


def meanings(tables: Tables) -> list[dict[str, str]]:
    """Return what each score of a study is, in the words of its instrument."""
    found = {about(base(name)) for name in tables.scores["score_name"]}
    known = sorted((i for i in found if i is not None), key=lambda i: i.title)
    return [{"title": i.title, "text": i.text, "source": i.source} for i in known]


def _table(
    name: str,
    caption: str,
    names: Sequence[str],
    tables: Tables,
    trials: pd.DataFrame,
    found: Design,
    order: Sequence[str],
) -> Table:
    grouped = {
        score: {(c.treatment, c.block): c for c in cells(tables.scores, trials, score)}
        for score in names
    }
    body = []
    for block in found.blocks:
        for level in order:
            own = {score: grouped[score].get((level, block.key)) for score in names}
            some = next((c for c in own.values() if c is not None), None)
            if some is None:
                continue
            counts = [cell(some.n, some.n), cell(some.failed, some.failed)]
            body.append([block.label, level, *counts, *map(_median, own.values())])
        floors = [floor(trials, block.key, score) for score in names]
        if body and any(floors):
            body.append([block.label, cell(REAL), cell("–"), cell("–"), *map(_floor, floors)])
    protocols = {n.partition("_")[2] for n in names}
    heads = [f"{score_label(n) if len(protocols) > 1 else printed(family(n))}#" for n in names]
    if len(protocols) == 1:
        extractor, _, count = protocols.pop().rpartition("_")
        caption = f"{caption}; seen by {extractor}, {count} samples"
    columns = ["block", noun(found.factor), "n#", "failed#", *heads]
    return table(name, caption, columns, body if names else [])


def _again(tables: Tables) -> str:
    """Say what the columns are that no result has."""
    if tables.scores["own"].all():
        return ""
    return "; under other protocols than the trials' own, stored generators were scored again: shown, never tested"


def _median(own: Cell | None) -> dict[str, Any]:
    if own is None or not (own.finite or own.failed):
        return cell("–")
    text = number(own.median) if isfinite(own.median) else "failed"
    known, ended = len(own.finite), own.n - own.failed
    return cell(f"{text} ({known} of {ended})" if 0 < known < ended else text, own.median)


def _floor(known: Floor | None) -> dict[str, Any]:
    if known is None:
        return cell("–")
    return cell(f"{number(known.value)} ± {number(known.noise, 2)} (n = {known.n:,})", known.value)
