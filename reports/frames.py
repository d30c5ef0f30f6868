"""The sample pictures of the page: of every step that the slider reaches, within what a page may weigh."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from reports.samples import Sample, SampleRow, read_picture
from reports.shrinking import shrunk
from reports.texts import shown as plainly

MOST = 1_500_000
"""Characters of all pictures of a page."""


def samples_of(rows: Sequence[SampleRow], most: int = MOST) -> dict[str, Any]:
    """Return the content of the page's section of samples: rows of cells, each with its frames by step.

    All blocks get their last pictures before any gets earlier ones. Where `most` characters do not suffice, the last
    blocks go without, and `notes` say so.
    """
    shown: list[dict[str, Any]] = []
    for row in rows:
        cells = [_cell(sample) for sample in row.samples]
        most -= _weight(cells)
        if most < 0:
            break
        shown.append({"block": row.block, "key": row.key, "seed": row.seed, "cells": cells})
    moving = 0
    for row, place in zip(rows, shown, strict=False):
        earlier = [[*_frames(sample.earlier)] for sample in row.samples]
        most -= sum(len(frame["source"]) for frames in earlier for frame in frames)
        if most < 0:
            break
        moving += any(earlier)
        for cell, frames in zip(place["cells"], earlier, strict=True):
            cell["frames"] = [*frames, *cell["frames"]]
    steps = {f["step"] for row in shown for cell in row["cells"] for f in cell["frames"]}
    return {
        "rows": shown,
        "steps": sorted(steps) if moving else [],
        "notes": _notes(rows, len(shown), moving),
    }


def _cell(sample: Sample) -> dict[str, Any]:
    last = [_frame(sample.step, sample.picture)] if sample.picture is not None else []
    return {
        "treatment": plainly(sample.treatment),
        "alt": plainly(sample.alt),
        "note": plainly(sample.note),
        "frames": last,
    }


def _frames(earlier: Sequence[tuple[int, Path]]) -> Iterator[dict[str, Any]]:
    for step, path in earlier:
        picture = read_picture(path)
        if picture is not None:
            yield _frame(step, picture)


def _frame(step: int, png: bytes) -> dict[str, Any]:
    kind, data = shrunk(png)
    return {"step": step, "source": f"data:{kind};base64,{base64.b64encode(data).decode()}"}


def _weight(cells: Sequence[dict[str, Any]]) -> int:
    return sum(len(frame["source"]) for cell in cells for frame in cell["frames"])


def _notes(rows: Sequence[SampleRow], shown: int, moving: int) -> list[str]:
    told = []
    have = sum(any(sample.earlier for sample in row.samples) for row in rows)
    if shown < len(rows):
        told.append(
            f"Here are the samples of {shown} of {len(rows)} blocks; all others lie in the folders of their trials."
        )
    if 0 < moving < min(have, shown):
        told.append(
            f"The samples on the way are those of {moving} blocks; all others lie in the folders of their trials."
        )
    return told
