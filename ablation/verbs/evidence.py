"""Which registered claims a plan's trials may decide, and what the others lack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ablation.verbs.promises import declared_seeds

if TYPE_CHECKING:
    from reports.claims_foreseen import Foreseen
    from sweeps.study import Plan


def evidence(found: Plan, study: Path | None = None) -> tuple[Foreseen, ...]:
    """Return what a plan has for every registered claim; of seeds those count that its study tests."""
    import pandas as pd

    from ablation.claim import registered
    from ablation.levels import distinct_names
    from ablation.preflight import outlook
    from reports.claims_foreseen import foreseen
    from reports.names import spec_columns

    own, specs = found.declared, found.untuned
    cells = {spec.cell: spec for spec in specs}
    known = dict(zip(cells, outlook(list(cells.values())), strict=True))
    first = declared_seeds(study)
    tested = [seed for seed in own.seeds if first is None or seed in first]
    if own.ladder:
        tested = tested[: max((rung for rung in own.ladder if rung <= len(tested)), default=0)]
    names = distinct_names(specs)
    rows = [
        {"key": spec.key} | spec_columns(spec, names, own.factor) | known[spec.cell]
        for spec in specs
        if spec.seed in tested
    ]
    if not rows:
        return ()
    tuned = own.factor if own.tune is not None else ""
    return foreseen(registered(), pd.DataFrame(rows), own.alpha / own.looks, tuned)
