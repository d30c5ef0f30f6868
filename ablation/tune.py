"""What a study tunes inside each cell: the space, the points that are tried, and which point a trial is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ablation.files import read_yaml
from ablation.part import Part
from ablation.space import Dimension, dimension, is_number, is_whole
from ablation.spec import SETTINGS, TrialSpec

TUNABLE = ("loss", "penalty", "constraint", "architecture", "optimizer")
"""The parts whose arguments may be tuned: data, budget and protocol are equal for all."""

SAMPLERS = ("sobol", "tpe")
DRAWN = "tuning.yaml"
"""The file of a study that keeps the points which were asked for on the way, and which point was run afresh."""

Setting = Mapping[str, Any]


@dataclass(frozen=True)
class Tune:
    """Equal search in every cell: `points` settings, each run with every seed; point 0 is the cell as it stands.

    `settings` are the points after it where they are the same in every cell (Sobol); TPE asks for its own on the way.
    """

    space: tuple[Dimension, ...]
    points: int
    sampler: str = "sobol"
    seed: int = 0
    settings: tuple[Setting, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is tuned."""
        return tuple(dimension.name for dimension in self.space)

    def row(self) -> dict[str, Any]:
        """Return what study.yaml keeps under `declared.tune`."""
        row = {"points": self.points, "sampler": self.sampler, "seed": self.seed}
        space = {dimension.name: dimension.text for dimension in self.space}
        told = {"settings": [dict(s) for s in self.settings]} if self.settings else {}
        return {**row, "space": space, **told}

    @classmethod
    def read(cls, row: Any, place: str = "tune") -> Tune:
        """Read what `row` gives; raises ValueError that names the wrong entry."""
        if not isinstance(row, Mapping):
            raise ValueError(f"{place} is {row!r}; it is like {{points: 4, space: ...}}")
        known = ("points", "sampler", "seed", "space", "settings")
        if wrong := [key for key in row if key not in known]:
            raise ValueError(f"{place}.{wrong[0]} is unknown; known are {', '.join(known[:-1])}")
        points: Any = row.get("points")
        space, seed = row.get("space"), row.get("seed", 0)
        if not isinstance(space, Mapping) or not space:
            raise ValueError(
                f"{place} names nothing to tune: it is like optimizer.lr=log(1e-5,1e-2)"
            )
        if not is_whole(points) or not 1 <= points <= 64:
            raise ValueError(f"{place}.points is {points!r}; it is a whole number from 1 to 64")
        if not is_whole(seed) or seed < 0:
            raise ValueError(f"{place}.seed is {seed!r}; it is a whole number from 0")
        sampler = row.get("sampler", "sobol")
        if sampler not in SAMPLERS:
            raise ValueError(f"{place}.sampler is {sampler!r}; it is {' or '.join(SAMPLERS)}")
        settings = row.get("settings", [])
        if not isinstance(settings, list) or not all(
            isinstance(s, Mapping) and set(s) == set(space) for s in settings
        ):
            raise ValueError(f"{place}.settings is damaged: each sets {', '.join(space)}")
        return cls(
            space=tuple(dimension(str(name), said, place) for name, said in space.items()),
            points=points,
            sampler=sampler,
            seed=seed,
            settings=tuple({k: _frozen(v) for k, v in s.items()} for s in settings),
        )


def applied(spec: TrialSpec, setting: Setting) -> TrialSpec:
    """Return a trial with these values in their places; raises ValueError for one that it cannot have."""
    for name, value in setting.items():
        group, _, argument = name.partition(".")
        old, field = _standing(spec, name), name
        new: Any = float(value) if isinstance(old, float) and is_number(value) else value
        if argument:
            part: Part = getattr(spec, group)
            kept = part.keywords | {argument: new}
            field, new = group, replace(part, arguments=tuple(sorted(kept.items())))
        changed: dict[str, Any] = {field: new}
        spec = replace(spec, **changed)
    return spec


def check_space(tune: Tune, spec: TrialSpec) -> None:
    """Raise ValueError unless a trial has all that is tuned, of the right kind, and its settings admit the ends."""
    for one in tune.space:
        old, numbers = _standing(spec, one.name), one.kind != "choice"
        whole = one.name in SETTINGS or one.name.startswith("architecture.")
        if numbers and not is_number(old):
            raise ValueError(
                f"tune.{one.name} is {one.text}; it stands at {old!r}: use choice(...)"
            )
        if whole and isinstance(old, int) and one.kind in ("log", "uniform"):
            raise ValueError(f"tune.{one.name} is {one.text}; it is whole: use integer(a,b)")
        for value in one.ends if numbers else one.choices:
            try:
                applied(spec, {one.name: int(value) if one.kind == "integer" else value})
            except ValueError as error:
                raise ValueError(f"tune.{one.name} is {one.text}: {error}") from None


def setting_of(spec: TrialSpec, tune: Tune) -> dict[str, Any]:
    """Return the values that a trial has of what is tuned."""
    return {name: _standing(spec, name) for name in tune.names}


def bare(spec: TrialSpec, tune: Tune | None) -> str:
    """Return ten hexadecimal digits over every training field but the seed and what is tuned."""
    if tune is None:
        return spec.cell
    kept = {k: v for k, v in spec.canonical().items() if k != "seed" and k not in tune.names}
    for name in tune.names:
        group, _, argument = name.partition(".")
        if argument and group in kept:
            row = dict(kept[group])
            row["arguments"] = {k: v for k, v in row["arguments"].items() if k != argument}
            kept[group] = row
    text = json.dumps(kept, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Drawn:
    """What was decided on the way, by cell (its `bare` name).

    `first` is the key of one trial of its point 0, `cells` its points after that, `fresh` the point that was run
    again with the further `seeds`.
    """

    first: Mapping[str, str]
    cells: Mapping[str, tuple[Setting, ...]]
    fresh: Mapping[str, int]
    seeds: tuple[int, ...] = ()

    def row(self) -> dict[str, Any]:
        """Return what tuning.yaml keeps."""
        cells = {k: [dict(s) for s in v] for k, v in self.cells.items()}
        told = {"first": dict(self.first), "cells": cells, "fresh": dict(self.fresh)}
        return told | {"seeds": list(self.seeds)}


def read_drawn(study: Path) -> Drawn:
    """Read a study's tuning.yaml, nothing where there is none; raises ValueError for a damaged one."""
    path = study / DRAWN
    if not path.exists():
        return Drawn({}, {}, {})
    found = read_yaml(path)
    try:
        return Drawn(
            {str(k): str(v) for k, v in found["first"].items()},
            {str(k): tuple(dict(s) for s in v) for k, v in found["cells"].items()},
            {str(k): int(v) for k, v in found["fresh"].items()},
            tuple(map(int, found["seeds"])),
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        raise ValueError(f"{path} is damaged: it has first, cells, fresh and seeds") from None


def settings_of(tune: Tune, drawn: Drawn, cell: str) -> tuple[Setting, ...]:
    """Return the points after the first of a cell (its `bare` name)."""
    return tune.settings if tune.sampler == "sobol" else drawn.cells.get(cell, ())


def point_of(spec: TrialSpec, tune: Tune, settings: Sequence[Setting]) -> int | None:
    """Return which point after the first a trial is, None if it is none of them."""
    own = setting_of(spec, tune)
    return next((p for p, setting in enumerate(settings, 1) if setting == own), None)


def _standing(spec: TrialSpec, name: str) -> Any:
    """Return what a trial has under a name; raises ValueError that names the nearest ones."""
    known: dict[str, Any] = {word: getattr(spec, word) for word in SETTINGS}
    for group in TUNABLE:
        part: Part = getattr(spec, group)
        known |= {f"{group}.{k}": v for k, v in part.arguments}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, 3, 0.5)
    hint = f": did you mean {' or '.join(near)}?" if near else "."
    raise ValueError(
        f"tune.{name} is no training field of {spec.key.rsplit('-s', 1)[0]}{hint}"
        f" Known: {', '.join(known)}"
    )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
