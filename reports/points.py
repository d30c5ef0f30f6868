"""Which point of which cell a trial is: the points that a study tunes are no blocks of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ablation.spec import TrialSpec
from ablation.tune import Tune, applied, bare, point_of, setting_of, settings_of
from reports.study import Study

POINT: dict[str, Any] = {"point": 0, "setting": "", "fresh": False}
"""The columns of a place, as they are where nothing is tuned."""


@dataclass(frozen=True)
class Place:
    """A trial's cell as it stands (`base`, with the trial's seed), which point of it the trial is, and its setting.

    `fresh`: a further seed of the chosen point, which describes it and is never tested.
    """

    base: TrialSpec
    point: int = 0
    setting: str = ""
    fresh: bool = False

    def row(self) -> dict[str, Any]:
        """Return the columns that it fills."""
        return {name: getattr(self, name) for name in POINT}


def places(study: Study, specs: Mapping[str, TrialSpec]) -> dict[str, Place]:
    """Return the place of each of a study's trials by key; without tuning each trial is its own cell's only point."""
    tune, drawn = study.declared.tune, study.drawn
    if tune is None:
        return {key: Place(spec) for key, spec in specs.items()}
    found: dict[str, Place] = {}
    groups: dict[str, list[str]] = {}
    for key, spec in specs.items():
        groups.setdefault(_cell(spec, tune), []).append(key)
    for cell, keys in groups.items():
        if not cell:  # it has nothing that is tuned: a stranger among these trials
            found |= {key: Place(specs[key]) for key in keys}
            continue
        settings = settings_of(tune, drawn, cell)
        points = {key: point_of(specs[key], tune, settings) for key in keys}
        own = [setting_of(specs[key], tune) for key in keys if points[key] is None]
        counts = Counter(map(repr, own))
        common = min(own, key=lambda s: (-counts[repr(s)], repr(s))) if own else None
        chosen = drawn.fresh.get(cell)
        for key in keys:
            spec, point = specs[key], points[key] or 0
            known = common is not None and (point or setting_of(spec, tune) == common)
            again = bool(known) and point == chosen and spec.seed in drawn.seeds
            found[key] = Place(
                base=applied(spec, common) if known and common is not None else spec,
                point=point,
                setting=_words(setting_of(spec, tune)),
                fresh=again and spec.seed not in study.declared.seeds,
            )
    return found


def _cell(spec: TrialSpec, tune: Tune) -> str:
    try:
        setting_of(spec, tune)
    except ValueError:
        return ""
    return bare(spec, tune)


def _words(setting: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in setting.items())


def only(tables: Any, keys: Iterable[str]) -> Any:
    """Return tables (trials, scores, readings) of these trials alone."""
    kept = set(keys)
    parts: dict[str, pd.DataFrame] = {
        name: frame[frame["key"].isin(kept)]
        for name in ("trials", "scores", "readings")
        if not (frame := getattr(tables, name)).empty
    }
    return replace(tables, **parts)


def untuned(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials of every cell as it stands; those of a damaged question among them."""
    return trials[(trials["point"] == 0) & ~trials["fresh"].astype(bool)]
