"""What early signals tell, in a table, in sentences and in rows of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any

import numpy as np

from ablation.levels import noun
from reports.design import Design
from reports.early import BASELINE, LEVELS, Frames
from reports.mechanism import Early, Side, measured
from reports.phrases import counted, percent
from reports.rows import Table, cell, table
from reports.words import listed, p_value


def said(frames: Frames, found: Design, alpha: float) -> dict[str, Any]:
    """Return the table of early signals, what it says in sentences, and its rows as numbers."""
    early = measured(frames, found, alpha)
    return {
        "signals": _table(early, found),
        "signals_words": _words(early, found, alpha),
        "signals_rows": [_row(one, found.factor) for one in early],
    }


def _table(early: Sequence[Early], found: Design) -> Table:
    """Return a row a signal; without enough levels there is nothing between them, without early scores none beside."""
    one_level, many = noun(found.factor), noun(found.factor, 2)
    outside = any(e.between.shown.points for e in early)
    beside = any(e.signal == BASELINE for e in early)
    body = []
    for one in early:
        base = one.signal == BASELINE
        share, trials = float(one.frame["share"].median()), int((~one.frame["lost"]).sum())
        row = [
            one.signal.title,
            cell(percent(share), share),
            cell(trials, trials),
            cell(one.lost, one.lost),
            *_side(one.within, tested=not base),
        ]
        row += _side(one.between, tested=not base) if outside else []
        baseline = one.within.shown.rho if base else one.baseline
        body.append([*row, *([cell(_rho(baseline), baseline)] if beside else [])])
    columns = [
        "early signal",
        "read at#",
        "trials#",
        "failed before#",
        "ρ within#",
        "p#",
        "adjusted p#",
    ]
    columns += ["ρ between#", "p#", "adjusted p#"] if outside else []
    columns += ["early score ρ#"] if beside else []
    caption = (
        "Rank correlation ρ of each early signal with the final outcome (failures last; above 0: a greater signal goes"
        f" with a worse end). Within: seeds of one {one_level} in one block, permuted with their blocks"
    )
    if outside:
        caption += f". Between: medians of whole {many}, permuted over all blocks at once"
    if beside:
        caption += f". Early score: its ρ within {one_level}, to compare with"
    return table("signals", caption, columns, body)


def _side(side: Side, *, tested: bool) -> list[dict[str, Any]]:
    shown, strong = side.shown, side.finding == "predicts"
    rho = "constant" if isnan(shown.rho) and shown.points else _rho(shown.rho)
    adjusted = p_value(side.adjusted) if tested else "–"
    return [
        cell(rho, shown.rho, strong=strong),
        cell(p_value(shown.p), shown.p),
        cell(adjusted, side.adjusted, strong=strong),
    ]


def _rho(rho: float) -> str:
    return "–" if isnan(rho) else f"{rho:.2f}".replace("-", "−")


def _words(early: Sequence[Early], found: Design, alpha: float) -> list[str]:
    """Return what the table says: what predicts, what was refused and why, and what the baseline does."""
    if not early:
        return []
    one, many = noun(found.factor), noun(found.factor, 2)
    signals = [e for e in early if e.signal != BASELINE]
    told = ["Exploratory: no signal was declared before training."]
    able = sum(not isnan(s.adjusted) for e in signals for s in (e.within, e.between))
    holm_words = f"Holm over {counted(able, 'test')}"
    for where, sides in (
        (f"Between seeds of one {one} in one block", [(e, e.within) for e in signals]),
        (f"Between {many}", [(e, e.between) for e in signals]),
    ):
        hits = [
            f"{e.signal.title} (ρ {_rho(s.shown.rho)}, adjusted p {p_value(s.adjusted)})"
            for e, s in sides
            if s.finding == "predicts"
        ]
        tests = [s for _, s in sides if not isnan(s.adjusted)]
        if hits:
            told.append(f"{where}, the end goes with {listed(hits)}; {holm_words}.")
        elif tests:
            told.append(
                f"{where}, no early signal is shown to tell how training ends ({holm_words})."
            )
    told += _refused(signals, found, alpha)
    base = next((e for e in early if e.signal == BASELINE), None)
    if base is not None and not isnan(base.within.shown.rho):
        share = percent(float(base.frame["share"].median()))
        told.append(
            f"For comparison, the early score itself, read at {share} of training, has ρ"
            f" {_rho(base.within.shown.rho)} within {one}; a signal is of use only beyond it."
        )
    if lost := max(e.lost for e in signals):
        told.append(
            f"{counted(lost, 'trial')} diverged or crashed before the early probe: counted here and in the medians"
            f" between {many}, not ranked within."
        )
    return told


def _refused(signals: Sequence[Early], found: Design, alpha: float) -> list[str]:
    """Say which of both questions was not tested, and why."""
    one, many, told = noun(found.factor), noun(found.factor, 2), []
    levels = max(e.levels for e in signals)
    if levels < LEVELS:
        word = counted(levels, "level") if levels == 1 else f"{levels} {many}"
        told.append(
            f"Between {many} nothing is tested: whole {many} are permuted, which needs at least {LEVELS} of them in"
            f" every block, and there {'is' if levels == 1 else 'are'} {word}."
        )
    elif all(e.between.finding == "descriptive" for e in signals if e.levels >= LEVELS):
        least = min(e.between.shown.least_p for e in signals)
        told.append(
            f"Between {many} p cannot fall below {p_value(least)} with {levels} of them: ρ is descriptive there."
        )
    if all(e.within.finding == "not tested" for e in signals):
        told.append(
            f"Within {one} nothing is tested: it needs three seeds of one {one} with the same signal and an outcome."
        )
    elif all(
        e.within.finding in ("descriptive", "not tested", "constant") for e in signals
    ) and any(e.within.finding == "descriptive" for e in signals):
        told.append(
            f"Within {one} the seeds are too few for p to fall to {alpha:g}: ρ is descriptive there."
        )
    if flat := [e.signal.title for e in signals if e.within.finding == "constant"]:
        told.append(f"Equal in all seeds of every {one}, so no signal within: {listed(flat)}.")
    return told


def _row(one: Early, factor: str) -> dict[str, Any]:
    """Return a signal's line of the table as plain numbers, None where there is none."""
    sides = {"within": one.within, "between": one.between}
    numbers: dict[str, Any] = {
        "read_at": float(one.frame["share"].median()),
        "trials": int((~one.frame["lost"]).sum()),
        "failed_before": one.lost,
        "levels": one.levels,
    }
    for where, side in sides.items():
        numbers |= {
            f"rho_{where}": side.shown.rho,
            f"p_{where}": side.shown.p,
            f"adjusted_p_{where}": side.adjusted,
            f"least_p_{where}": side.shown.least_p,
        }
        numbers |= {f"finding_{where}": "baseline" if one.signal == BASELINE else side.finding}
    numbers |= {"rho_early_score": one.baseline}
    plain = {
        k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in numbers.items()
    }
    return {"factor": factor, "signal": one.signal.name, **plain}
