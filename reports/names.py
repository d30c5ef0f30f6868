"""What a trial's question fills in the tables: its columns, its treatment, its block and the block's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ablation.levels import PLACED, Names, block, sites, stream, value, worded
from ablation.spec import PARTS, SETTINGS, TrialSpec
from reports.points import POINT

BLOCK = (*PARTS, *SETTINGS, "steps", "batch_size", "patience", "convergence")
"""What makes a block where activations are compared: everything but the activations and the seed."""

BEFORE: Mapping[str, Any] = (
    {
        name: TrialSpec.__dataclass_fields__[name].metadata["before"]
        for name in (*SETTINGS, "patience")
        if "before" in TrialSpec.__dataclass_fields__[name].metadata
    }
    | {"convergence": "", "sites": ""}
    | POINT
)
"""The values that trials had before these columns were there: a table in which all have them lacks them."""


def block_columns(factor: str) -> tuple[str, ...]:
    """Return the columns that tell the blocks apart where the levels of `factor` are compared."""
    beside = {"activation": (), **{p: (*(q for q in PLACED if q != p), "sites") for p in PLACED}}
    return (*beside.get(factor, ("activation",)), *(name for name in BLOCK if name != factor))


def block_word(column: str, said: Any) -> str:
    """Return what a block's label says of a column, "" for nothing."""
    if column in ("convergence", "sites"):
        return str(said)
    if column == "patience" and not said:
        return "no patience"
    text = worded(column, said)
    return f"{column.partition('_')[0]} {text}" if column in PLACED else text


def spec_columns(spec: TrialSpec, names: Names, factor: str) -> dict[str, Any]:
    """Return the columns that a trial's question fills; `factor` is what the study compares."""
    asked = ("activation", *PLACED, *PARTS, *SETTINGS)
    found = {name: value(spec, name, names) for name in asked}
    return found | {
        "cell": spec.cell,
        "treatment": worded(factor, found[factor]),
        "sites": sites(spec, names),
        "seed": spec.seed,
        "steps": spec.budget.steps,
        "batch_size": spec.budget.batch_size,
        "patience": spec.patience,
        "convergence": _convergence(spec),
        "protocol": spec.protocol.hash,
        "extractor": spec.protocol.extractor,
        "block": block(spec, factor),
        "stream": stream(spec, factor),
    }


def _convergence(spec: TrialSpec) -> str:
    """Return what decides when a training ends early: then what is measured moves it."""
    told = spec.protocol
    if not spec.patience:
        return ""
    return f"{told.evaluations} evaluations of {told.samples:,} samples ({told.extractor})"


def natural(text: str) -> list[tuple[int, int | str]]:
    """Return a sort key in which site 10 follows site 9."""
    words = re.split(r"(\d+)", text)
    return [(1, int(w)) if w.isdigit() else (0, w) for w in words if w]
