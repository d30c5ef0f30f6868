"""The verb `probe speed`: what a training step takes with each activation, measured side by side."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablation.verbs import answer, study_of, tell

if TYPE_CHECKING:
    from ablation.levels import Names
    from ablation.spec import TrialSpec

FILE = "costs.json"
OPTIONS = ("study", "steps", "rounds")
"""What only this experiment may be told."""


def do_speed(given: Namespace) -> int:
    """Measure the cells of a study's first block, or of the words, and keep what each round took."""
    from ablation.experiments import speed
    from ablation.files import write_json

    steps, rounds = given.steps or speed.STEPS, given.rounds or speed.ROUNDS
    speed.check(steps, rounds)
    if given.workers is not None:
        raise ValueError("--workers says nothing to speed: it measures one cell at a time")
    out, cells, names = _asked(given)
    place = out / FILE
    count = f"{len(cells)} cell{'s' * (len(cells) != 1)}"
    tell(f"{count}, {rounds} rounds of {steps} steps each, one thread")
    if any(spec.compile != "none" for spec in cells):
        tell("warning: compiled players are timed as they are written")
    if os.getloadavg()[0] > (os.cpu_count() or 1) - 0.5:
        tell("warning: other work keeps this machine busy; measure again when it rests")
    found = speed.document(cells, speed.measure(cells, steps, rounds, tell), steps, names)
    out.mkdir(parents=True, exist_ok=True)
    write_json(place, found)
    if given.json:
        answer({"file": str(place)} | found)
    else:
        print("\n".join([*table(found["rows"]), f"  {place}"]))
    return 0


def _asked(given: Namespace) -> tuple[Path, list[TrialSpec], Names | None]:
    """Return the folder to write to, the cells, and the names that the whole study has for its rows."""
    from ablation.experiments.speed import cells_of, first_block
    from ablation.levels import distinct_names

    if (given.study is None) == (not given.words):
        raise ValueError(
            "speed measures a study's cells (--study S) or those of overrides (activation=relu,gelu ...): give one"
        )
    if given.study is not None:
        from sweeps.folders import readable

        study = study_of(given)
        specs = _standing(study, readable(study))
        if not specs:
            raise ValueError(
                f"the study {given.study!r} has no trial yet; `ablation sweep` plans them"
            )
        return Path(given.out or study), first_block(specs), distinct_names(specs)
    if given.out is None:
        raise ValueError(f"--out DIR is missing: the folder that gets {FILE}")
    return Path(given.out), cells_of(_planned(given.words)), None


def _standing(study: Path, specs: list[TrialSpec]) -> list[TrialSpec]:
    """Return the trials of cells as they stand: of a tuned cell its point 0, by which the report calls it."""
    from ablation.tune import Tune, bare, point_of, read_drawn, settings_of
    from sweeps.study import read_study

    told = read_study(study)["declared"].get("tune")
    if told is None:
        return specs
    tune, drawn = Tune.read(told), read_drawn(study)
    points = {spec: settings_of(tune, drawn, bare(spec, tune)) for spec in specs}
    return [spec for spec, settings in points.items() if point_of(spec, tune, settings) is None]


def _planned(words: Sequence[str]) -> list[TrialSpec]:
    """Return the trials that words ask for; those that are impossible are told."""
    from ablation.preflight import check, site_names
    from sweeps.grid import plan
    from sweeps.preset import Preset

    found = plan(
        Preset(), words, check=lambda specs: check(specs, ready=False), site_names=site_names
    )
    for cell, reason in found.skipped:
        tell(f"skipped: {cell}: {reason}")
    return list(found.untuned)


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of a table: milliseconds a step, the ratio to relu and its range over the rounds."""
    from ablation.experiments.speed import PLACES, base_of, ratios

    told = [p for p in PLACES if p == "activation" or len({str(row[p]) for row in rows}) > 1]
    named = [" ".join(str(one.row[p]) for p in told) for one in ratios(rows)]
    wide = max(len(name) for name in [*named, "activation"])
    lines = [f"{'activation':<{wide}}  ms a step  x {base_of(rows)}  (range over rounds)"]
    for name, one in zip(named, ratios(rows), strict=True):
        ratio = f"{one.median:.2f}  ({one.low:.2f} to {one.high:.2f})"
        lines.append(f"{name:<{wide}}  {one.milliseconds:9.3f}  {ratio}")
    return lines
