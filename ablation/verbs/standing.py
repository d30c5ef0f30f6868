"""What a study that is there already has decided, where new words say otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from sweeps.study import Plan

DECIDED = ("score", "factor", "reference", "alpha", "effect", "pairs")
"""What only a study's first launch declares."""


def launched(study: Path | None) -> TypeGuard[Path]:
    """Say whether a study has its plan."""
    return study is not None and (study / "study.yaml").is_file()


def standing(found: Plan, study: Path | None) -> list[str]:
    """Return a line for everything that a study declared otherwise, and one where it will hold several budgets."""
    from sweeps.study import Declared, read_study

    if not launched(study):
        return []
    plan, plain = read_study(study), Declared()
    told = []
    for name in DECIDED:
        old, new = plan["declared"].get(name, getattr(plain, name)), getattr(found.declared, name)
        if old != new:
            told.append(
                f"{study.name} declared {name} {old} when it was first launched: that is used, not {new}; another"
                " --study may declare it"
            )
    seeds = plan["declared"].get("seeds")
    old_steps = _steps(study, found, seeds if isinstance(seeds, list) else [])
    new_steps = {spec.budget.steps for spec in found.specs}
    if old_steps - new_steps:
        every = sorted(old_steps | new_steps)
        told.append(
            f"{study.name} has trials of {_listed(old_steps)} steps and this plan asks for {_listed(new_steps)}: it"
            f" then holds {len(every)} budgets, which the report keeps apart as blocks; another --study holds one"
        )
    return told


def _steps(study: Path, found: Plan, seeds: Sequence[int]) -> set[int]:
    """Return the steps of the trials there that are not of this plan: those of one seed have them all."""
    from ablation.record import read_config, trial_folders

    own, steps = {spec.key for spec in found.specs}, set[int]()
    mark = f"-s{seeds[0]}-" if seeds else "-s"
    for folder in trial_folders(study):
        if mark in folder.name and folder.name not in own:
            with suppress(ValueError):  # a damaged one is named where it is used
                steps.add(read_config(folder).budget.steps)
    return steps


def _listed(steps: set[int]) -> str:
    return " and ".join(f"{count:,}" for count in sorted(steps))
