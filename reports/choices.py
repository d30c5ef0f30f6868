"""What a reader of the page can choose: the settings that tell its blocks apart, and the score."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from reports.design import Design
from reports.drawing import Drawing
from reports.names import block_columns, block_word
from reports.scales import printed

FIRST = ("dataset", "loss")
WORDS = {"dataset": "data set", "batch_size": "batch size", "n_critic": "critic steps"}


def choices(trials: pd.DataFrame, found: Design, drawings: Iterable[Drawing]) -> dict[str, Any]:
    """Return the fields, each with its options, and the blocks by key.

    A field has `blocks` for every option; what has one value, or follows from the fields before it, is none. The
    scores are the families of the drawn figures.
    """
    keys = [block.key for block in found.blocks]
    rows = trials[trials["block"].isin(keys)].drop_duplicates("block").set_index("block").loc[keys]
    asked = [*FIRST, *(c for c in block_columns(found.factor) if c not in FIRST)]
    fields: list[dict[str, Any]] = []
    parts = {tuple(keys)}
    for column in (c for c in asked if c in block_columns(found.factor)):
        words = {key: block_word(column, rows.at[key, column]) or "none" for key in keys}
        options = {word: [k for k in keys if words[k] == word] for word in words.values()}
        finer = {tuple(k for k in part if k in own) for part in parts for own in options.values()}
        finer.discard(())
        if len(finer) > len(parts):
            parts = finer
            name = WORDS.get(column, column.replace("_", " "))
            told = [{"word": word, "blocks": own} for word, own in sorted(options.items())]
            fields.append({"name": column, "label": name, "options": told})
    scores = dict.fromkeys(drawing.score for drawing in drawings if drawing.score)
    return {
        "fields": fields,
        "scores": [{"family": s, "word": printed(s)} for s in scores] if len(scores) > 1 else [],
        "blocks": [{"key": block.key, "label": block.label} for block in found.blocks],
    }
