"""The trials whose marks the page's figures hold: a numbered list that its script reads."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

import pandas as pd

from ablation.texts import visible
from reports.design import Design
from reports.drawing import Drawing
from reports.tables import Tables


def marked(
    tables: Tables, trials: pd.DataFrame, found: Design, drawings: Iterable[Drawing]
) -> tuple[dict[str, int], str]:
    """Return the number of every trial that has a mark, and a line for each, its words apart by tabs.

    A line holds key, level, block, seed, outcome and the study as a shell reads it; a study that stands in the line
    before is left out.
    """
    keys = {key for drawing in drawings for key in drawing.marks}
    folders = {study.name: study.folder.resolve().name for study in tables.studies}
    labels = {block.key: block.label for block in found.blocks}
    numbers: dict[str, int] = {}
    lines, last = list[str](), ""
    for row in trials[trials["key"].isin(keys)].sort_values("key").to_dict("records"):
        study = shlex.quote(folders[row["study"]])
        told = [row["key"], row["treatment"], labels.get(row["block"], ""), row["seed"]]
        words = (*told, row["outcome"], study if study != last else "")
        numbers[row["key"]] = len(lines)
        lines.append("\t".join(visible(" ".join(str(word).split())) for word in words))
        last = study
    return numbers, "\n".join(lines)
