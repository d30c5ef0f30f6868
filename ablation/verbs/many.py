"""The verbs of many trials: plan a sweep, run it, watch it, try again."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ablation.verbs import answer, tell, trust

if TYPE_CHECKING:
    from ablation.spec import TrialSpec
    from sweeps.launchers import Launcher
    from sweeps.study import Plan


def _asked(given: Namespace) -> tuple[str | None, list[str]]:
    """Return the preset's name, if the first word is one, and the other words that ask for trials."""
    from sweeps.settings import apart

    _, words = apart(given.words)
    if words and "=" not in words[0] and not words[0].startswith("~"):
        return words[0], words[1:]
    return None, words


def _planned(given: Namespace, study: Path | None, *, ready: bool) -> Plan:
    """Return the plan; parts are tried out only where trials are still to run."""
    from sweeps.grid import plan

    sweep, words = _asked(given)
    declared = {"reference": given.reference, "score": given.score, "factor": given.factor}

    def check(specs: Sequence[TrialSpec]) -> Sequence[tuple[str | None, Sequence[str]]]:
        if study is not None and all(_done(study, spec) for spec in specs):
            return [(None, ())] * len(specs)
        from ablation.preflight import check as tried

        return tried(specs, None if study is None else study / "extractors", tell, ready=ready)

    def site_names(spec: TrialSpec) -> list[str]:
        from ablation.preflight import site_names as names

        return names(spec)

    def families(specs: Sequence[TrialSpec]) -> Sequence[str]:
        """Return which scores there will be; once all trials are done, which there are."""
        if study is not None and all(_done(study, spec) for spec in specs):
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
    )


def _done(study: Path, spec: TrialSpec) -> bool:
    return (study / "trials" / spec.key / "result.json").exists()


def do_sweep(given: Namespace) -> int:
    """Plan, run and report a study."""
    trust(given)
    from ablation.record import study_folder
    from sweeps import backlog
    from sweeps.index import reach
    from sweeps.limits import Limits
    from sweeps.settings import apart
    from sweeps.storages import settled
    from sweeps.study import read_study, write_study

    launcher = _launcher(given)
    launcher.ready()
    limits = Limits.read(given.time_limit, given.memory_limit, given.max_hours)
    name = given.study if given.study is not None else _asked(given)[0]
    if name is None:
        raise ValueError("a sweep needs a name: give --study NAME, or the name of a preset")
    study = study_folder(given.runs, name)
    if (study / "study.yaml").exists():
        read_study(study)
    elif study.is_dir() and any(study.iterdir()):
        raise ValueError(f"{study} is not empty and not a study's folder")
    place = settled(study, apart(given.words)[0].storage)
    reach(place)
    found = _planned(given, study if study.is_dir() else None, ready=True)
    _same_protocol(study, found)
    study.mkdir(parents=True, exist_ok=True)
    _tell(found, sys.stderr)
    tell(_promise(found))
    write_study(study, found, place.row())
    added = backlog.offer(study, found.specs)
    missing = sum(not _done(study, spec) for spec in found.specs)
    print(f"{study}: {len(found.specs) - missing} trials done, {missing} to run", file=sys.stderr)
    if missing or added:
        summary = launcher.launch(study, limits=limits)
        if summary.interrupted:
            print("stopped; the same command goes on where it stopped", file=sys.stderr)
            return 130
        if summary.left:
            watch = f"ablation status {study.name} --runs {given.runs} --watch"
            print(f"the workers go on by themselves; follow them with: {watch}", file=sys.stderr)
            return 0
        if summary.spent:
            print(
                f"{limits.hours:g} hours are used up, {summary.missing} trials wait;"
                " the same command goes on; the report shows what is done",
                file=sys.stderr,
            )
            return _end(given, study, partly=True)
    return _end(given, study)


def _launcher(given: Namespace) -> Launcher:
    """Return what the words and options say that starts the workers; raises ValueError."""
    from sweeps.launchers import chosen
    from sweeps.settings import apart

    settings, _ = apart(given.words)
    return chosen(
        settings.launcher, settings.options,
        workers=given.workers, devices=given.devices, per_gpu=given.per_gpu,
    )  # fmt: skip


def _same_protocol(study: Path, found: Plan) -> None:
    """Refuse to answer with trials that were measured otherwise: a key does not tell."""
    from ablation.record import read_config

    for spec in {spec.cell: spec for spec in reversed(found.specs)}.values():
        folder = study / "trials" / spec.key
        if (folder / "config.yaml").exists():
            old = read_config(folder).protocol
            if old.hash != spec.protocol.hash:
                raise ValueError(
                    f"{spec.key} was measured with {old}, not with {spec.protocol}: give another --study"
                )


def _end(given: Namespace, study: Path, *, partly: bool = False) -> int:
    """Write the report, say where it is and what it says; `partly` done is no failure."""
    from sweeps.status import status

    now = status(study)
    crashed = now.outcomes.get("crashed", 0) + len(now.damaged)
    for line in now.lines() if crashed else []:
        print(line, file=sys.stderr)
    if not given.no_report:
        from ablation.verbs.meaning import report

        report(study, as_json=given.json)
    return 1 if crashed or (now.done < now.expected and not partly) else 0


def do_plan(given: Namespace) -> int:
    """Say what a sweep would do, and train nothing."""
    trust(given)
    from ablation.costs import costs
    from ablation.record import study_folder
    from sweeps.limits import Limits

    launcher = _launcher(given)
    workers = launcher.count()
    Limits.read(None, None, given.max_hours)
    name = given.study if given.study is not None else _asked(given)[0]
    study = study_folder(given.runs, name) if name else None
    found = _planned(given, study if study and study.is_dir() else None, ready=False)
    missing = [spec for spec in found.specs if study is None or not _done(study, spec)]
    each = costs(missing)
    seconds = sum(cost.total for cost in each) / workers
    scoring = sum(cost.score for cost in each) / workers
    cells = {spec.cell: spec for spec in found.specs}
    if given.json:
        answer(
            {
                "question": found.question,
                "cells": len(cells),
                "trials": len(found.specs),
                "to_run": len(missing),
                "skipped": [{"cell": cell, "reason": reason} for cell, reason in found.skipped],
                "warnings": found.warnings,
                "declared": asdict(found.declared),
                "seconds": round(seconds, 1),
                "seconds_scoring": round(scoring, 1),
                "workers": workers,
                "launcher": launcher.name,
                "keys": [spec.key for spec in found.specs],
                "promise": _promise(found),
            }
        )
        return 0
    _tell(found, sys.stdout)
    for spec in cells.values():
        print(f"  {spec.key.rsplit('-s', 1)[0]}  ({spec.budget.steps:,} steps)")
    print(
        f"to run: {len(missing)}; it takes about {_duration(seconds)} with {workers}"
        f" {launcher.name} workers,"
        f" {100 * scoring / max(seconds, 1e-9):.0f} % of it scoring"
    )
    if given.max_hours is not None:
        print(_within(found, missing, [cost.total for cost in each], given.max_hours))
    print(_promise(found))
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


def _promise(found: Plan) -> str:
    """Say whether the declared seeds can prove a difference at all."""
    from ablation.levels import FACTORS, block, levels, noun, stream
    from reports.planning import least_seeds

    own, count = found.declared, len(set(levels(found.specs, found.declared.factor)))
    if count < 2:
        other = [f for f in FACTORS if len(set(levels(found.specs, f))) > 1]
        hint = f"; what differs can be compared with --factor {' or '.join(other)}" if other else ""
        return f"one {noun(own.factor)}: nothing to compare{hint}"
    blocks = len({block(spec, own.factor) for spec in found.specs})
    streams = len({stream(spec, own.factor) for spec in found.specs})
    comparisons = count - 1 if own.pairs == "reference" else count * (count - 1) // 2
    level = own.alpha / comparisons / (1 if blocks == 1 else 2)
    least = least_seeds(level, streams)
    many = "1 comparison needs" if comparisons == 1 else f"{comparisons} comparisons need"
    told = f"{many} {least} seeds before a difference can be significant (alpha {own.alpha:g})"
    enough = "enough" if len(own.seeds) >= least else f"NOT ENOUGH, give seeds={least} or more"
    return f"{told}; this plan has {len(own.seeds)}: {enough}"


def _tell(found: Plan, to: TextIO) -> None:
    """Say how large a plan is, what it skips and warns of."""
    print(found.question, file=to)
    seeds = len(found.declared.seeds)
    print(
        f"{len(found.specs)} trials: {found.cells} cells x {seeds} seed{'s' * (seeds > 1)}", file=to
    )
    for cell, reason in found.skipped:
        print(f"skipped: {cell}: {reason}", file=to)
    for text in found.warnings:
        print(f"warning: {text}", file=to)


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
