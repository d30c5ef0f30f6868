"""Fair tuning as it is asked for: equally many points in every cell, each with every seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from ablation.space import worded
from ablation.spec import TrialSpec
from ablation.tune import (
    Drawn,
    Tune,
    applied,
    bare,
    check_space,
    read_drawn,
    setting_of,
    settings_of,
)
from sweeps.sampling import MOST, sobol
from sweeps.study import read_study

PREFIX = "tune."
Checked = tuple[str | None, Sequence[str]]
"""Why a trial is impossible, None if it is possible, and its hazards."""


def words_of(row: Any, place: str) -> list[str]:
    """Return a preset's `tune` as words; raises ValueError that names the wrong entry."""
    if not isinstance(row, Mapping):
        raise ValueError(
            f"{place} is {row!r}; it is like {{points: 4, space: {{optimizer.lr: ...}}}}"
        )
    known = ("points", "sampler", "seed", "fresh", "space")
    if wrong := [key for key in row if key not in known]:
        raise ValueError(f"{place} has an unknown key {wrong[0]!r}; known are {', '.join(known)}")
    space = row.get("space", {})
    if not isinstance(space, Mapping):
        raise ValueError(
            f"{place}.space is {space!r}; it is like {{optimizer.lr: log(1e-5, 1e-2)}}"
        )
    told = {key: value for key, value in row.items() if key != "space"} | dict(space)
    return [
        f"{PREFIX}{key}="
        + (f"choice({','.join(map(worded, v))})" if isinstance(v, list) else str(v))
        for key, v in told.items()
    ]


def asked(words: Sequence[str]) -> tuple[Tune | None, int, list[str], list[str]]:
    """Split words into what is tuned, with how many fresh seeds its best point is run, the other words, and its own.

    Raises ValueError for a wrong word. One point is no tuning.
    """
    said: dict[str, str] = {}
    rest, own = [], [word for word in words if word.startswith(PREFIX)]
    for word in words:
        key, equals, value = word.partition("=")
        if not key.startswith(PREFIX):
            rest.append(word)
        elif not equals or not value:
            raise ValueError(f"{word!r} says nothing; it is like {key}=VALUE")
        else:
            said[key.removeprefix(PREFIX)] = value.strip()
    if not said:
        return None, 0, rest, own
    if "pruning" in said:
        raise ValueError("tune.pruning is not to be had: every point runs to its last step")
    numbers = {k: _count(k, said.pop(k)) for k in ("points", "seed", "fresh") if k in said}
    sampler, fresh = said.pop("sampler", "sobol"), numbers.pop("fresh", 0)
    if "points" not in numbers:
        raise ValueError("tune.points is missing: give how many settings each cell tries")
    if numbers["points"] == 1:
        return None, 0, rest, own
    return Tune.read({**numbers, "sampler": sampler, "space": said}), fresh, rest, own


def _count(name: str, value: str) -> int:
    if not value.isdecimal():
        raise ValueError(f"tune.{name} is {value!r}; it is a whole number from 0")
    return int(value)


def standing(study: Path | None, tune: Tune | None) -> Tune | None:
    """Return what is tuned with the points that a study has already.

    Raises ValueError where the study was declared with other ones: a trial does not tell which point it is.
    """
    if study is None or not (study / "study.yaml").exists():
        return tune
    row = read_study(study)["declared"].get("tune")
    old = Tune.read(row, "declared.tune") if row else None
    if (old and replace(old, settings=())) != tune:
        was, now = (_told(t) for t in (old, tune))
        raise ValueError(f"{study.name} was declared {was}, not {now}: give another --study")
    return old


def _told(tune: Tune | None) -> str:
    if tune is None:
        return "without tuning"
    space = " ".join(f"{one.name}={one.text}" for one in tune.space)
    return f"with {tune.points} {tune.sampler} points of {space} (seed {tune.seed})"


def settled(tune: Tune, cells: Sequence[TrialSpec]) -> Tune:
    """Return what is tuned with its points; raises ValueError where a cell cannot have them."""
    for spec in cells:
        check_space(tune, spec)
    if len({bare(spec, tune) for spec in cells}) < len({spec.cell for spec in cells}):
        names = " and ".join(tune.names)
        raise ValueError(
            f"two cells differ in nothing but {names}, which is tuned: drop one of both"
        )
    common = [setting_of(spec, tune) for spec in cells]
    if tune.settings:
        for spec, setting in zip(cells, common, strict=True):
            if setting in tune.settings:
                number = list(tune.settings).index(setting) + 1
                raise ValueError(
                    f"{bare(spec, tune)}: its own setting is point {number} of this study, so it would have a point"
                    " less than the others: give another --study"
                )
        return tune
    new = (setting for setting in sobol(tune.space, tune.seed) if setting not in common)
    settings = tuple(islice(new, tune.points - 1))
    if len(settings) < tune.points - 1:
        raise ValueError(
            f"tune.points is {tune.points}; {MOST:,} draws of the space hold {len(settings)} beside"
            " the cells' own settings"
        )
    return replace(tune, settings=settings) if tune.sampler == "sobol" else tune


def spread(tune: Tune, cells: Sequence[TrialSpec], study: Path | None = None) -> list[TrialSpec]:
    """Return the points of all cells that are known: their own settings first, then point by point."""
    drawn = Drawn({}, {}, {}) if study is None else read_drawn(study)
    points = [settings_of(tune, drawn, bare(spec, tune)) for spec in cells]
    later = [
        applied(spec, settings[number])
        for number in range(max(map(len, points), default=0))
        for spec, settings in zip(cells, points, strict=True)
        if number < len(settings)
    ]
    return [*cells, *later]


def tried(
    check: Callable[[Sequence[TrialSpec]], Sequence[Checked]],
    tune: Tune | None,
    cells: Sequence[TrialSpec],
) -> Sequence[Checked]:
    """Return what `check` says of cells; raises ValueError where a possible one cannot have a point.

    Where points are asked for on the way, both ends of the space stand for them.
    """
    if tune is None:
        return check(cells)
    ends = [{one.name: one.at(share) for one in tune.space} for share in (0.0, 1.0)]
    settings = tune.settings or tuple(ends)
    pairs = [(spec, setting) for spec in cells for setting in settings]
    told = check([*cells, *(applied(spec, setting) for spec, setting in pairs)])
    own, later = told[: len(cells)], told[len(cells) :]
    skipped = {spec.cell for spec, (why, _) in zip(cells, own, strict=True) if why}
    for (spec, setting), (why, _) in zip(pairs, later, strict=True):
        if why and spec.cell not in skipped:
            words = " ".join(f"{name}={value}" for name, value in setting.items())
            raise ValueError(f"{spec.key.rsplit('-s', 1)[0]} cannot be tuned to {words}: {why}")
    return own
