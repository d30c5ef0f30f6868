"""The verb that promises: which trials a sweep would run, for how long, and what they can prove."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ablation.verbs import answer, tell, trust
from ablation.verbs.evidence import evidence, evidence_words
from ablation.verbs.promises import check_spread, power, power_words, promise
from ablation.verbs.standing import standing

if TYPE_CHECKING:
    from ablation.spec import TrialSpec
    from ablation.tune import Tune
    from sweeps.launchers import Launcher
    from sweeps.study import Plan


def asked(given: Namespace) -> tuple[str | None, list[str]]:
    """Return the preset's name, if the first word is one, and the other words that ask for trials."""
    from sweeps.settings import apart

    _, words = apart(given.words)
    if words and "=" not in words[0] and not words[0].startswith("~"):
        return words[0], words[1:]
    return None, words


def planned(given: Namespace, study: Path | None, *, ready: bool) -> Plan:
    """Return the plan; parts are tried out only where trials are still to run."""
    from sweeps.grid import plan

    sweep, words = asked(given)
    declared = {"reference": given.reference, "score": given.score, "factor": given.factor}

    def check(specs: Sequence[TrialSpec]) -> Sequence[tuple[str | None, Sequence[str]]]:
        if study is not None and all(done(study, spec) for spec in specs):
            return [(None, ())] * len(specs)
        from ablation.preflight import check as tried

        return tried(specs, None if study is None else study / "extractors", tell, ready=ready)

    def site_names(spec: TrialSpec) -> list[str]:
        from ablation.preflight import site_names as names

        return names(spec)

    def families(specs: Sequence[TrialSpec]) -> Sequence[str]:
        """Return which scores there will be; once all trials are done, which there are."""
        if study is not None and all(done(study, spec) for spec in specs):
            from sweeps.folders import scored_by

            return scored_by([study / "trials" / spec.key for spec in specs])
        from ablation.preflight import score_families

        return score_families(specs)

    return plan(
        sweep,
        words,
        question=given.question,
        declared=declared,
        check=check,
        site_names=site_names,
        families=families,
        study=study,
    )


def cells_of(found: Plan) -> list[TrialSpec]:
    """Return one trial of each cell, as it stands."""
    return list({spec.cell: spec for spec in reversed(found.untuned)}.values())[::-1]


def done(study: Path, spec: TrialSpec) -> bool:
    """Say whether a trial of a study has its result."""
    return (study / "trials" / spec.key / "result.json").exists()


def launcher_of(given: Namespace) -> Launcher:
    """Return what the words and options say that starts the workers; raises ValueError."""
    from sweeps.launchers import chosen
    from sweeps.settings import apart

    settings, _ = apart(given.words)
    return chosen(
        settings.launcher, settings.options,
        workers=given.workers, devices=given.devices, per_gpu=given.per_gpu,
    )  # fmt: skip


def do_plan(given: Namespace) -> int:
    """Say what a sweep would do, and train nothing."""
    check_spread(given.spread)
    trust(given)
    from ablation.costs import costs
    from ablation.record import study_folder
    from sweeps.limits import Limits

    launcher = launcher_of(given)
    workers = launcher.count()
    Limits.read(None, None, given.max_hours)
    name = given.study if given.study is not None else asked(given)[0]
    study = study_folder(given.runs, name) if name else None
    found = planned(given, study if study and study.is_dir() else None, ready=False)
    missing = [spec for spec in found.specs if study is None or not done(study, spec)]
    each = costs(missing)
    seconds = sum(cost.total for cost in each) / workers
    scoring = sum(cost.score for cost in each) / workers
    on_the_way = found.trials - len(found.specs)  # as long as the others, on the whole
    seconds, scoring = (s * (1 + on_the_way / len(found.specs)) for s in (seconds, scoring))
    cells, tune = cells_of(found), found.declared.tune
    claims = evidence(found, study) if missing else None  # an ended study's report judges them
    if given.json:
        answer(
            {
                "question": found.question,
                "cells": len(cells),
                "points": tune.points if tune else 1,
                "trials": found.trials,
                "to_run": len(missing) + on_the_way,
                "skipped": [{"cell": cell, "reason": reason} for cell, reason in found.skipped],
                "warnings": found.warnings,
                "declared": asdict(found.declared),
                "seconds": round(seconds, 1),
                "seconds_scoring": round(scoring, 1),
                "workers": workers,
                "launcher": launcher.name,
                "keys": [spec.key for spec in found.specs],
                "promise": promise(found, study),
                "standing": standing(found, study),
                "power": power(found, given.spread, study),
                "claims": [asdict(one) for one in claims or ()],
            }
        )
        return 0
    introduce(found, sys.stdout)
    for line in _cell_lines(cells):
        print(line)
    for line in _tuned_lines(tune):
        print(line)
    if tune is not None and found.fresh:
        print(
            f"  then {found.fresh} fresh seeds at the best point of each cell: {found.fresh * len(cells)} trials more"
        )
    print(
        f"to run: {len(missing) + on_the_way}; it takes about {_duration(seconds)} with {workers}"
        f" {launcher.name} workers,"
        f" {100 * scoring / max(seconds, 1e-9):.0f} % of it scoring"
    )
    if given.max_hours is not None:
        print(_within(found, missing, [cost.total for cost in each], given.max_hours))
    for line in (promise(found, study), *standing(found, study)):
        print(line)
    if foreseen := power_words(power(found, given.spread, study)):
        print(foreseen)
    if claims is not None:
        print(evidence_words(claims, study))
    return 0


def _within(
    found: Plan, missing: Sequence[TrialSpec], seconds: Sequence[float], hours: float
) -> str:
    """Say how far the hours reach: trials run in the order planned, seed by seed."""
    from sweeps.limits import reach

    count = reach(seconds, hours)
    late = {spec.seed for spec in missing[count:]}
    whole = len([seed for seed in found.declared.seeds if seed not in late])
    return (
        f"in {hours:g} hours of all workers together about {count} of these {len(missing)} trials end:"
        f" every cell with {whole} of {len(found.declared.seeds)} seeds"
    )


def _cell_lines(cells: Sequence[TrialSpec]) -> list[str]:
    """Return a line for each cell: its trials' readable name, and the levels that tell it from others of that name."""
    from ablation.levels import FACTORS, PLACED, levels

    alike: dict[str, list[TrialSpec]] = {}
    for spec in cells:
        alike.setdefault(spec.key.rsplit("-s", 1)[0], []).append(spec)
    named: dict[str, str] = {}
    for name, own in alike.items():
        columns = [levels(own, f) for f in FACTORS if f not in PLACED] if len(own) > 1 else []
        told = [column for column in columns if len(set(column)) > 1]
        rows = zip(*told, strict=True) if told else [()] * len(own)
        named |= {s.cell: ", ".join([name, *row]) for s, row in zip(own, rows, strict=True)}
    return [f"  {named[spec.cell]}  ({spec.budget.steps:,} steps)" for spec in cells]


def _tuned_lines(tune: Tune | None) -> list[str]:
    """Say which points every cell tries."""
    if tune is None:
        return []
    told = ["point 0: the cell as it stands"]
    told += [
        f"point {number}: {' '.join(f'{k}={v}' for k, v in setting.items())}"
        for number, setting in enumerate(tune.settings, 1)
    ]
    if not tune.settings:
        space = " ".join(f"{one.name}={one.text}" for one in tune.space)
        told.append(f"points 1 to {tune.points - 1}: asked of TPE on the way, from {space}")
    return [f"  {line}" for line in told]


def introduce(found: Plan, to: TextIO) -> None:
    """Say how large a plan is, what it skips and warns of."""
    print(found.question, file=to)
    seeds, tune = len(found.declared.seeds), found.declared.tune
    from reports.phrases import counted

    parts = [(found.cells, "cell"), *([(tune.points, "point")] if tune else []), (seeds, "seed")]
    product = " x ".join(counted(count, word) for count, word in parts)
    print(f"{counted(found.trials, 'trial')}: {product}", file=to)
    for cell, reason in found.skipped:
        print(f"skipped: {cell}: {reason}", file=to)
    for text in found.warnings:
        print(f"warning: {text}", file=to)


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
