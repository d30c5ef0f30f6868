"""Which registered claims a plan's trials may decide, and what the others lack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ablation.verbs.promises import seeds_tested
from ablation.verbs.standing import launched

if TYPE_CHECKING:
    from reports.claims_foreseen import Foreseen
    from sweeps.study import Plan


def evidence(found: Plan, study: Path | None = None) -> tuple[Foreseen, ...]:
    """Return what a plan's trials have for every claim that its report will judge; () if no seed of theirs is tested.

    A study that is there keeps what it declared at its first launch, its own claims and its measured costs.
    """
    import pandas as pd

    from ablation.levels import distinct_names
    from ablation.preflight import outlook
    from reports.claim_values import COSTS
    from reports.claims import known
    from reports.claims_foreseen import Promise, foreseen
    from reports.names import spec_columns
    from reports.study import Declared, read_study

    seeds = seeds_tested(found, study)
    if not seeds:
        return ()
    kept = read_study(study) if launched(study) else None
    own = kept.declared if kept else Declared.read(found.declared.row())[0]
    cells = list({spec.cell: spec for spec in found.untuned}.values())
    names, rows = distinct_names(cells), []
    for spec, told in zip(cells, outlook(cells), strict=True):
        row = spec_columns(spec, names, own.factor) | told
        rows += [row | {"key": f"{spec.cell}-{seed}", "seed": seed} for seed in seeds]
    tuned = own.factor if own.tune is not None else ""
    timed = study is not None and (study / COSTS).is_file()
    promise = Promise(own.score, own.level, tuned, timed)
    return foreseen(known(kept.claims if kept else ()), pd.DataFrame(rows), promise)


def evidence_words(told: Sequence[Foreseen], study: Path | None = None) -> str:
    """Return the same in a line."""
    from reports.claims_foreseen import foreseen_words

    if told:
        return foreseen_words(told, alone=launched(study))
    return "claims: none of these seeds is tested, so these trials decide none"
