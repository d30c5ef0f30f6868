"""The verb of built-in experiments: plan the trials, measure what is missing, draw the figure."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ablation.verbs import answer, tell, trust
from ablation.verbs.speed import OPTIONS as OPTIONS_OF_SPEED
from ablation.verbs.speed import do_speed

if TYPE_CHECKING:
    from ablation.experiments import Experiment
    from ablation.experiments.folder import Asked
    from sweeps.study import Plan

TABLE, FIGURES = "readings.parquet", ("index.html", "figure.svg", "figure.pdf", "figure.png")
SPEED = "speed"
"""The experiment that times and draws nothing."""
OPTIONS = ("stages", "critic_steps", "losses", *OPTIONS_OF_SPEED)
"""What an experiment may be told beside overrides."""


def do_probe(given: Namespace) -> int:
    """Run an experiment, or what of it is missing, and draw its figure."""
    trust(given)
    from ablation.experiments.folder import Asked, check_folder, held

    if given.name == SPEED:
        _check_options(given, OPTIONS_OF_SPEED)
        return do_speed(given)
    experiment = named(given.name)
    _check_options(given, experiment.options)
    if given.out is None:
        raise ValueError("--out DIR is missing: the experiment's folder")
    options = {n: v for n in experiment.options if (v := getattr(given, n)) is not None}
    found = planned(experiment, given.words)
    settings = experiment.resolve(options, found.specs)
    asked = Asked(experiment, found.words, settings, found.specs)
    out = Path(given.out)
    check_folder(out, asked)
    with held(out):
        return _go(given, out, asked, len(found.skipped))


def named(name: str) -> Experiment:
    """Return the experiment of a name, or that of a preset: its words in the place of the experiment's own."""
    from ablation.catalogue import nearest, rows
    from ablation.experiments import EXPERIMENTS
    from sweeps.grid import merged
    from sweeps.preset import preset

    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    presets = [row for row, found in rows("sweep").items() if "experiment" in found]
    if name not in presets:
        known = nearest(name, [*EXPERIMENTS, SPEED, *presets])
        raise ValueError(f"{name!r} is not a known experiment{known}")
    asked = preset(name)
    if asked.experiment not in EXPERIMENTS:
        known = nearest(asked.experiment, list(EXPERIMENTS))
        place = f"conf/sweep/{name}.yaml: experiment"
        raise ValueError(f"{place} is {asked.experiment!r}, not a known experiment{known}")
    own = EXPERIMENTS[asked.experiment]
    words = tuple(merged(own.overrides, asked.overrides))
    joint = () if _keys(asked.overrides) & _keys(chain(*own.joint)) else own.joint
    return replace(own, question=asked.question or own.question, overrides=words, joint=joint)


def _keys(words: Iterable[str]) -> set[str]:
    return {word.partition("=")[0] for word in words}


def _check_options(given: Namespace, own: Sequence[str]) -> None:
    """Raise ValueError for an option that belongs to another experiment."""
    for name in OPTIONS:
        if getattr(given, name) is not None and name not in own:
            told = ", ".join(map(_flag, own)) or "none"
            raise ValueError(f"{_flag(name)} says nothing to {given.name}; its own options: {told}")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def planned(experiment: Experiment, words: Sequence[str]) -> Plan:
    """Return an experiment's trials: its own words, the user's in their place; each cell is tried out first."""
    from ablation.preflight import check, site_names
    from sweeps.grid import plan
    from sweeps.preset import Preset

    joint = () if _keys(words) & _keys(chain(*experiment.joint)) else experiment.joint
    preset = Preset(overrides=experiment.overrides, joint=joint)

    found = plan(
        preset,
        words,
        question=experiment.question,
        check=lambda specs: check(specs, ready=False),
        site_names=site_names,
    )
    tell(f"{experiment.question} ({experiment.cite})")
    for cell, reason in found.skipped:
        tell(f"skipped: {cell}: {reason}")
    for text in found.warnings:
        tell(f"warning: {text}")
    return found


def _go(given: Namespace, out: Path, asked: Asked, skipped: int) -> int:
    """Measure what is missing, gather all that is there, and draw it."""
    from ablation.experiments.folder import failures, gather, open_folder
    from ablation.experiments.workers import measure
    from sweeps.devices import slots

    name, total, missing = asked.experiment.name, len(asked.specs), open_folder(out, asked)
    tell(f"{out}: {total - len(missing)} trials done, {len(missing)} to run")
    folders = [asked.folder(out, spec) for spec in missing]
    failed = measure(name, folders, asked.settings, len(slots("cpu", given.workers)), tell)
    rows = gather(out, asked)
    lost = failures(asked, out, failed)
    told: tuple[str, ...] = ()
    if rows:
        from reports.experiments import draw

        told = draw(out).told
    files = [str(out / f) for f in (TABLE, *FIGURES) if (out / f).exists()]
    if given.json:
        counts = {"trials": total, "skipped": skipped, "failed": lost, "rows": rows}
        answer({"experiment": name} | counts | {"told": list(told), "files": files})
    else:
        print("\n".join([*told, *(f"failed: {text}" for text in lost), *(f"  {f}" for f in files)]))
    return 1 if lost else 0
