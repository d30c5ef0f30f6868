"""What a study decides on the way: the next point of a cell, and which point is run afresh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf, log
from pathlib import Path
from statistics import mean

from ablation.files import locked, write_yaml
from ablation.record import read_config, read_record
from ablation.spec import TrialSpec
from ablation.tune import (
    DRAWN,
    Drawn,
    Setting,
    Tune,
    applied,
    bare,
    read_drawn,
    setting_of,
    settings_of,
)
from sweeps.sampling import sobol, tpe
from sweeps.study import AUTO, read_study

FAILED = ("diverged", "crashed")
LOGGED = ("fid", "frechet")
"""Scores that are positive distances: their logarithm is averaged."""


def begin(study: Path, tune: Tune, cells: Sequence[TrialSpec]) -> None:
    """Note the cells of a study whose points are asked for on the way."""
    with locked(study / ".tuning.lock"):
        old = read_drawn(study)
        first = {bare(spec, tune): spec.key for spec in cells} | dict(old.first)
        points = {cell: old.cells.get(cell, ()) for cell in first}
        write_yaml(study / DRAWN, replace(old, first=first, cells=points).row())


def advance(study: Path) -> int:
    """Ask for the next point of every cell whose points have all ended; return how many trials were queued.

    What is queued and lost (a kill between writing and queueing) is queued again.
    """
    if not (study / DRAWN).exists():
        return 0
    from sweeps import backlog

    with locked(study / ".tuning.lock"):
        tune, seeds, family = _declared(study)
        drawn = read_drawn(study)
        if tune.sampler != "tpe":
            return 0
        cells, wanted = dict(drawn.cells), []
        for cell, spec in _firsts(study, drawn):
            points = cells[cell]
            values = [_values(study, p, seeds, family) for p in _points(spec, points)]
            if len(points) + 1 < tune.points and all(None not in row for row in values):
                told = [setting_of(spec, tune), *points]
                cells[cell] = points = (*points, _next(tune, told, _objectives(values)))
            wanted += [
                point.with_seed(seed)
                for point in _points(spec, points)
                for seed in seeds
                if not _done(study, point.with_seed(seed))
            ]
        if cells != drawn.cells:
            write_yaml(study / DRAWN, replace(drawn, cells=cells).row())
        return backlog.offer(study, wanted) if wanted else 0


def unfinished(study: Path) -> bool:
    """Say whether a study has cells that lack points, or trials of these."""
    if not (study / DRAWN).exists():
        return False
    tune, seeds, _ = _declared(study)
    drawn = read_drawn(study)
    return tune.sampler == "tpe" and any(
        len(drawn.cells[cell]) + 1 < tune.points
        or not all(
            _done(study, p.with_seed(s)) for p in _points(spec, drawn.cells[cell]) for s in seeds
        )
        for cell, spec in _firsts(study, drawn)
    )


def freshen(study: Path, cells: Sequence[TrialSpec], count: int) -> list[TrialSpec]:
    """Return trials of each cell's best point with `count` seeds that nothing was chosen with, and note them.

    The best has the least sum of ranks over the declared seeds, failures last; cells that lack results have none.
    """
    with locked(study / ".tuning.lock"):
        tune, seeds, family = _declared(study)
        drawn = read_drawn(study)
        fresh, trials = dict(drawn.fresh), []
        new = tuple(range(max(seeds) + 1, max(seeds) + 1 + count))
        for spec in cells:
            cell = bare(spec, tune)
            points = _points(spec, settings_of(tune, drawn, cell))
            values = [_values(study, p, seeds, family) for p in points]
            if cell not in fresh and all(None not in row for row in values):
                fresh[cell] = best(values)
            if cell in fresh:
                trials += [points[fresh[cell]].with_seed(seed) for seed in new]
        write_yaml(study / DRAWN, replace(drawn, fresh=fresh, seeds=new).row())
    return trials


def best(values: Sequence[Sequence[float | None]]) -> int:
    """Return the row, of points x seeds, with the least sum of ranks over all: the first among equals."""
    every = sorted(inf if v is None else v for row in values for v in row)

    def rank(value: float | None) -> float:
        known = inf if value is None else value
        return every.index(known) + (every.count(known) + 1) / 2

    sums = [sum(map(rank, row)) for row in values]
    return sums.index(min(sums))


def _next(tune: Tune, told: Sequence[Setting], found: Sequence[float]) -> Setting:
    """Return the next point: equal seeds in every cell, and never one that was told before."""
    pairs = list(zip(told, found, strict=True))
    for again in range(20):
        setting = tpe(tune.space, pairs, (tune.seed + 1_000 * len(told) + again) % 2**32)
        if setting not in told:
            return setting
    return next(s for s in sobol(tune.space, tune.seed) if s not in told)


def _objectives(values: Sequence[Sequence[float | None]]) -> list[float]:
    """Return each point's mean over its seeds, a failure counting as the worst score of the cell."""
    known = [v for row in values for v in row if v is not None and v != inf]
    worst = max(known, default=0.0)
    return [mean(worst if v is None or v == inf else v for v in row) for row in values]


def _declared(study: Path) -> tuple[Tune, tuple[int, ...], str]:
    """Return what is tuned, the seeds as last launched, and the score's family."""
    plan = read_study(study)
    edits = [h["declared"] for h in plan["history"] if h.get("declared")]
    seeds = tuple([plan["declared"], *edits][-1]["seeds"])
    tune = Tune.read(plan["declared"].get("tune"), "declared.tune")
    return tune, seeds, str(plan["declared"]["score"])


def _firsts(study: Path, drawn: Drawn) -> Iterator[tuple[str, TrialSpec]]:
    for cell, key in drawn.first.items():
        yield cell, read_config(study / "trials" / key)


def _points(spec: TrialSpec, settings: Sequence[Setting]) -> list[TrialSpec]:
    return [spec, *(applied(spec, setting) for setting in settings)]


def _values(study: Path, spec: TrialSpec, seeds: Sequence[int], family: str) -> list[float | None]:
    return [_value(study / "trials" / spec.with_seed(s).key, family) for s in seeds]


def _value(folder: Path, family: str) -> float | None:
    """Return a trial's outcome, less is better and inf a failure; None while it has none."""
    try:
        record = read_record(folder)
    except ValueError:
        return inf
    if record is None:
        return None
    if record.outcome.kind in FAILED:
        return inf
    found = {score.name.split("_")[0]: score for score in reversed(record.scores)}
    name = next((n for n in LOGGED if n in found), "") if family == AUTO else family
    if name not in found:
        return inf
    value = found[name].value
    if name in LOGGED:
        return log(max(value, 1e-12))
    return -value if found[name].better == "higher" else value


def _done(study: Path, spec: TrialSpec) -> bool:
    return (study / "trials" / spec.key / "result.json").exists()
