"""Studies whose outcomes are planted cell by cell, and what the report says of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import study_builder as builder
import told

from ablation.record import Reading
from reports.design import Design
from reports.verdict import Verdict
from reports.weighing import Weighed

Cells = Sequence[dict[str, Any]]


def cells(**levels: Sequence[Any]) -> Cells:
    """Return every combination of these levels."""
    found: list[dict[str, Any]] = [{}]
    for name, values in levels.items():
        found = [{**cell, name: value} for cell in found for value in values]
    return found


def write(
    study: Path,
    grid: Cells,
    shift: Callable[..., float],
    *,
    seeds: int = 6,
    spread: float = 0.15,
    failing: Callable[..., bool] = lambda **_: False,
    untrained: float = 0.0,
    **plan: Any,
) -> Path:
    """Write a study whose log score is `shift(**cell)` and noise; `untrained` is every generator's score at step 0."""
    study.mkdir(parents=True)
    builder.write_plan(study, declared={"seeds": seeds} | plan.pop("declared", {}), **plan)
    start = Reading(0, "generator", "", "selection_score", untrained)
    for cell in grid:
        for seed in range(seeds):
            random = np.random.default_rng(builder.hash_of(f"{sorted(cell.items())} {seed}"))
            value = 12 * math.exp(shift(**cell) + spread * random.normal())
            failed = failing(**cell, seed=seed)
            builder.write_trial(
                study,
                builder.spec(**cell, seed=seed),
                None if failed else value,
                outcome="diverged" if failed else "finished",
                probed=False,
                more=[start] if untrained else [],
            )
    return study


def said(study: Path, *, drawn: bool = False) -> tuple[dict[str, Any], Weighed, Design, Verdict]:
    """Return the report's content and what it rests on, without writing its files."""
    own = told.read(study)
    return told.said(own, drawn=drawn), own.weighed, own.found, own.verdict
