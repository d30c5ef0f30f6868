"""The verb of many trials: what was planned is run and reported."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ablation.verbs import tell, trust
from ablation.verbs.planning import asked, cells_of, done, introduce, launcher_of, planned
from ablation.verbs.promises import promise
from ablation.verbs.standing import standing

if TYPE_CHECKING:
    from sweeps.study import Plan


def do_sweep(given: Namespace) -> int:
    """Plan, run and report a study."""
    trust(given)
    from ablation.record import study_folder
    from sweeps import backlog, search
    from sweeps.index import reach
    from sweeps.limits import Limits
    from sweeps.settings import apart
    from sweeps.storages import settled
    from sweeps.study import read_study, write_study

    launcher = launcher_of(given)
    launcher.ready()
    launcher.count()
    limits = Limits.read(given.time_limit, given.memory_limit, given.max_hours)
    name = given.study if given.study is not None else asked(given)[0]
    if name is None:
        raise ValueError("a sweep needs a name: give --study NAME, or the name of a preset")
    study = study_folder(given.runs, name)
    if (study / "study.yaml").exists():
        read_study(study)
    elif study.is_dir() and any(not path.name.endswith(".tmp") for path in study.iterdir()):
        raise ValueError(f"{study} is not empty and not a study's folder")
    place = settled(study, apart(given.words)[0].storage)
    reach(place)
    found = planned(given, study if study.is_dir() else None, ready=True)
    _same_protocol(study, found)
    study.mkdir(parents=True, exist_ok=True)
    introduce(found, sys.stderr)
    for line in (promise(found, study), *standing(found, study)):
        tell(line)
    write_study(study, found, place.row())
    tune, cells = found.declared.tune, cells_of(found)
    added = backlog.offer(study, found.specs)
    if tune is not None and tune.sampler == "tpe":
        search.begin(study, tune, cells)
        added += search.advance(study)
    missing = sum(not done(study, spec) for spec in found.specs)
    ended = len(found.specs) - missing
    print(f"{study}: {ended} trials done, {found.trials - ended} to run", file=sys.stderr)
    runs = [bool(missing or added), *([True] if found.fresh and tune is not None else [])]
    for number, wanted in enumerate(runs):
        if number:  # the best points are known now
            again = search.freshen(study, cells, found.fresh)
            wanted = bool(backlog.offer(study, again)) or any(not done(study, s) for s in again)
        if not wanted:
            continue
        summary = launcher.launch(study, limits=limits)
        if limits.hours is not None:
            limits = replace(limits, hours=max(limits.hours - summary.hours, 1e-6))
        if summary.interrupted:
            print("stopped; the same command goes on where it stopped", file=sys.stderr)
            return 130
        if summary.left:
            watch = f"ablation status {study.name} --runs {given.runs} --watch"
            print(f"the workers go on by themselves; follow them with: {watch}", file=sys.stderr)
            return 0
        if summary.spent:
            print(
                f"{given.max_hours:g} hours are used up, {summary.missing} trials wait;"
                " the same command goes on; the report shows what is done",
                file=sys.stderr,
            )
            return _end(given, study, partly=True)
    return _end(given, study)


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
    from sweeps.search import unfinished
    from sweeps.status import status

    now = status(study)
    crashed = now.outcomes.get("crashed", 0) + len(now.damaged)
    for line in now.lines() if crashed else []:
        print(line, file=sys.stderr)
    if not given.no_report:
        from ablation.verbs.meaning import report

        report(study, as_json=given.json)
    left = now.done < now.expected or unfinished(study)
    return 1 if crashed or (left and not partly) else 0
