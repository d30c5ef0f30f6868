"""Does an early signal tell how a training ends? Within a level and between levels, tested apart and never pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

import pandas as pd

from reports.association import Association, associate
from reports.design import Design
from reports.early import BASELINE, Frames, Signal, between, inside
from reports.estimates import holm


@dataclass(frozen=True)
class Side:
    """One of a signal's two tests; `adjusted` is NaN where it is not in the family of tests.

    `finding`: predicts, not shown, descriptive (its units cannot reach significance), constant, or not tested.
    """

    shown: Association
    adjusted: float = nan
    finding: str = "not tested"


@dataclass(frozen=True)
class Early:
    """A signal with its tests; `frame` is what was looked at, `levels` how many levels have it in every block.

    `baseline` is the rho within levels of the early score on the blocks that have the signal.
    """

    signal: Signal
    frame: pd.DataFrame
    within: Side
    between: Side
    levels: int
    baseline: float = nan

    @property
    def lost(self) -> int:
        """Trials that failed before the signal was read."""
        return int(self.frame["lost"].sum())


def measured(frames: Frames, found: Design, alpha: float) -> list[Early]:
    """Return every signal that was read early, tested at `alpha` over all of them; the baseline last, not tested."""
    early = [_associated(signal, frame, found) for signal, frame in frames.items()]
    base = next((one for one in early if one.signal == BASELINE), None)
    tested = _adjusted([one for one in early if one.signal != BASELINE], alpha)
    if base is None:
        return tested
    tested = [replace(one, baseline=_baseline(one, base, found)) for one in tested]
    return [*tested, base] if tested else []


def _associated(signal: Signal, frame: pd.DataFrame, found: Design) -> Early:
    group, levels = between(frame, found)
    sides = [Side(associate(groups)) for groups in (inside(frame, found), group)]
    return Early(signal, frame, sides[0], sides[1], levels)


def _baseline(one: Early, base: Early, found: Design) -> float:
    """Return how the early score goes with the final one in the blocks of a signal."""
    blocks = set(one.frame["block"])
    if blocks == set(base.frame["block"]):
        return base.within.shown.rho
    if not blocks <= set(base.frame["block"]):
        return nan
    return associate(inside(base.frame[base.frame["block"].isin(blocks)], found)).rho


def _adjusted(early: Sequence[Early], alpha: float) -> list[Early]:
    """Adjust by Holm over all tests that can conclude; one that cannot gives up its share."""
    sides = [side for one in early for side in (one.within, one.between)]
    able = [i for i, side in enumerate(sides) if not isnan(side.shown.p)]
    while able and max(sides[i].shown.least_p for i in able) > alpha / len(able):
        able.remove(max(able, key=lambda i: sides[i].shown.least_p))
    done = [replace(side, finding=_untested(side)) for side in sides]
    if able:
        for i, p in zip(
            able, holm([sides[i].shown.p for i in able], [1 / len(able)] * len(able)), strict=True
        ):
            finding = "predicts" if p <= alpha else "not shown"
            done[i] = replace(sides[i], adjusted=float(p), finding=finding)
    pairs = zip(early, done[::2], done[1::2], strict=True)
    return [replace(one, within=w, between=b) for one, w, b in pairs]


def _untested(side: Side) -> str:
    if isnan(side.shown.p):
        return "constant" if side.shown.points else "not tested"
    return "descriptive"
