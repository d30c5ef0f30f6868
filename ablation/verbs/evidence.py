"""Which registered claims a plan's trials may decide, and what the others lack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.claims_foreseen import Foreseen
    from sweeps.study import Plan


def evidence(found: Plan, study: Path | None = None) -> tuple[Foreseen, ...]:
    """Return what a plan's trials have for every claim that its report will judge; () if no seed of theirs is tested.

    A study that is there keeps what it declared at its first launch, its own claims and its measured costs.
    """
    import pandas as pd

    from ablation.ladder import ladder_seeds
    from ablation.levels import distinct_names
    from ablation.preflight import outlook
    from reports.claim_values import COSTS
    from reports.claims import known
    from reports.claims_foreseen import Promise, foreseen
    from reports.names import spec_columns
    from reports.study import Declared, read_study

    kept = read_study(study) if study and (study / "study.yaml").is_file() else None
    own = kept.declared if kept else Declared.read(found.declared.row())[0]
    planned = found.declared.seeds
    if own.ladder:
        order = ladder_seeds(own.seeds, own.ladder[-1])
        there = {*planned, *(own.seeds if kept else ())}
        lead = next((n for n, seed in enumerate(order) if seed not in there), len(order))
        tested = list(order[: max((rung for rung in own.ladder if rung <= lead), default=0)])
    else:
        tested = [seed for seed in planned if seed in own.seeds]
    cells = {spec.cell: spec for spec in found.untuned}
    names = distinct_names(list(cells.values()))
    rows = [
        row | {"key": f"{spec.cell}-{seed}", "seed": seed}
        for spec, told in zip(cells.values(), outlook(list(cells.values())), strict=True)
        for row in [spec_columns(spec, names, own.factor) | told]
        for seed in tested
    ]
    if not rows:
        return ()
    tuned = own.factor if own.tune is not None else ""
    timed = study is not None and (study / COSTS).is_file()
    promise = Promise(own.score, own.level, tuned, timed)
    return foreseen(known(kept.claims if kept else ()), pd.DataFrame(rows), promise)


def evidence_words(told: Sequence[Foreseen], study: Path | None = None) -> str:
    """Return the same in a line."""
    from reports.claims_foreseen import foreseen_words

    there = study is not None and (study / "study.yaml").is_file()
    if told:
        return foreseen_words(told, alone=there)
    return "claims: none of these seeds is tested, so these trials decide none"
