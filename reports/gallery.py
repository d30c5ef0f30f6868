"""Which figures a study has: each drawn from the tables, with its title, alt text and caption."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

import pandas as pd

from reports.curves import Panel, panels
from reports.design import FAILED, LOGGED, Block, Design, family, printed, score_label
from reports.drawing import Drawing, Look, looks
from reports.estimates import Interval
from reports.figures import ForestRow, Group, forest, points
from reports.panels import curves, heat_map
from reports.summary import Cell, cells
from reports.tables import Tables
from reports.verdict import OVERALL, Test, Verdict
from reports.words import ends, estimate, listed, number, seeds_word

MOST_BLOCKS = 8
"""With more blocks, the forest plot shows only the overall intervals."""


@dataclass(frozen=True)
class Gallery:
    """The figures of a report by section."""

    forest: tuple[Drawing, ...]
    scores: tuple[Drawing, ...]
    gradients: tuple[Drawing, ...]
    units: tuple[Drawing, ...]

    @property
    def all(self) -> tuple[Drawing, ...]:
        """Every figure, in the order of the report."""
        return self.forest + self.scores + self.gradients + self.units


def gallery(
    tables: Tables, trials: pd.DataFrame, found: Design, verdict: Verdict, order: Sequence[str]
) -> Gallery:
    """Draw every figure for which there are numbers; `order` lists activations, best first."""
    shown = looks(order)
    failed = set(trials.loc[trials["outcome"].isin(FAILED), "key"])
    gradients, units = [], []
    for block in found.blocks:
        gradients += _gradients(tables.readings, block, shown, failed)
        units += _units(tables.readings, block, shown, failed)
    return Gallery(
        forest=_forest(found, verdict, order, shown),
        scores=_scores(tables, trials, found, shown),
        gradients=tuple(gradients),
        units=tuple(units),
    )


def _forest(
    found: Design, verdict: Verdict, order: Sequence[str], shown: dict[str, Look]
) -> tuple[Drawing, ...]:
    overall = [t for t in verdict.tests if t.tier == OVERALL]
    if not overall:
        return ()
    rows: list[ForestRow] = []
    for name in order:
        if name == found.reference:
            rows.append(ForestRow(f"{name} (reference)", name, None, ""))
            continue
        test = verdict.overall(name, found.reference)
        if test is not None:
            rows.append(_forest_row(name, name, test, found, minor=False))
        for block in verdict.tests if len(found.blocks) <= MOST_BLOCKS else ():
            if block.tier != OVERALL and block.a == name:
                rows.append(_forest_row(block.block, name, block, found, minor=True))
    axis = f"{found.scale.quantity} to {found.reference}"
    better = "right" if not found.scale.ratio and found.scale.higher_is_better else "left"
    figure = forest(rows, shown, f"{axis} (better to the {better})", ratio=found.scale.ratio)
    said = [
        f"{row.activation} {estimate(row.shown)} {ends(row.shown)}"
        for row in rows
        if row.shown is not None and not row.minor
    ]
    levels = sorted({row.shown.level for row in rows if row.shown is not None})
    failed = sum(y == float("inf") for y in found.outcomes.values())
    caption = (
        f"{_levels(levels)} by inversion of the permutation test"
        f"{'; large: all blocks, small: each' if any(row.minor for row in rows) else ''}."
        f" n = {seeds_word(min(t.units for t in overall))} an activation;"
        f" {_failures(failed)}{', ranked last' if failed else ''}."
    )
    alt = f"Forest plot of the {axis}: {'; '.join(said)}."
    title = f"{found.scale.quantity} to {found.reference}"
    return (Drawing("forest", title, alt, caption, figure),)


def _forest_row(label: str, name: str, test: Test, found: Design, *, minor: bool) -> ForestRow:
    interval: Interval = found.scale.shown(test.interval)
    return ForestRow(label, name, interval, f"{estimate(interval)} {ends(interval)}", minor)


def _levels(levels: Sequence[float]) -> str:
    return f"{listed([f'{100 * level:.3g} %' for level in levels if level > 0]) or 'No'} intervals"


def _failures(count: int) -> str:
    return f"{count or 'none'} diverged or crashed"


def _scores(
    tables: Tables, trials: pd.DataFrame, found: Design, shown: dict[str, Look]
) -> tuple[Drawing, ...]:
    """Draw every score by activation and block, the declared ones first, then their heat maps."""
    primary = set(trials["score_name"].dropna())
    names = sorted(set(tables.scores["score_name"]), key=lambda n: (n not in primary, n))
    drawn, maps = [], []
    for name in names:
        own = [c for c in cells(tables.scores, trials, name) if c.activation in shown]
        groups = [Group(b.key, b.label) for b in found.blocks if b.key in {c.block for c in own}]
        own = [c for c in own if c.block in {g.key for g in groups}]
        if not any(c.finite for c in own):
            continue
        log = family(name) in LOGGED and min(v for c in own for v in c.finite) > 0
        drawn.append(_points(name, own, groups, shown, log=log))
        if name in primary and len(groups) > 1:
            maps.append(_heat(name, own, groups, list(shown), log=log))
    return tuple(drawn + maps)


def _points(
    name: str, own: Sequence[Cell], groups: Sequence[Group], shown: dict[str, Look], *, log: bool
) -> Drawing:
    label = score_label(name)
    better = "higher" if own[0].higher else "lower"
    said = [
        f"{c.activation}, {g.label}: {number(c.median) if isfinite(c.median) else 'failed'}"
        for g in groups
        for c in own
        if c.block == g.key
    ]
    failed = sum(c.failed for c in own)
    shelf = " in the strip on top, counted as worst in the median" if failed else ""
    caption = (
        f"Every seed's score (marks) and the median (bar); {better} is better."
        f" n = {sum(c.n for c in own)} trials; {_failures(failed)}{shelf}."
    )
    figure = points(own, groups, shown, printed(family(name)), log=log)
    title = f"{label} by activation and loss"
    alt = f"{title}. Medians: {'; '.join(said)}."
    return Drawing(f"score-{_slug(name)}", title, alt, caption, figure)


def _heat(
    name: str,
    own: Sequence[Cell],
    groups: Sequence[Group],
    order: Sequence[str],
    *,
    log: bool,
) -> Drawing:
    label = score_label(name)
    present = [a for a in order if a in {c.activation for c in own}]
    figure = heat_map(own, groups, present, label, log_scale=log)
    title = f"Median {label}, activation by loss"
    caption = (
        f"Median over seeds, failures counted as worst. n = {sum(c.n for c in own)} trials in"
        f" {len(own)} cells; {_failures(sum(c.failed for c in own))}."
    )
    alt = f"Heat map: {title}. The numbers stand in the table of cells."
    return Drawing(f"heat-{_slug(name)}", title, alt, caption, figure)


def _gradients(
    readings: pd.DataFrame, block: Block, shown: dict[str, Look], failed: set[str]
) -> list[Drawing]:
    order = list(shown)
    own = list(panels(readings, "gradient_norm", block, order, failed))
    for quantity, label in (
        ("generator_loss_gradient_norm", "{}, G's loss"),
        ("signal_to_generator", "signal to G"),
    ):
        for panel in panels(readings, quantity, block, order, failed):
            named = label.format(panel.layer)
            own.append(replace(panel, network="generator's loss", layer=named))
    if not own:
        return []
    title = f"Gradient norm per layer: {block.label}"
    caption = (
        "L2 norm of each network's loss gradient at its activation sites: median and quartiles"
        f" over seeds. {_trials(own)}"
    )
    alt = f"{title}. At the last step: {_last(own)}."
    figure = curves(own, shown, "gradient norm (log)", log=True)
    return [Drawing(f"gradients-{_slug(block.label)}-{block.key}", title, alt, caption, figure)]


def _units(
    readings: pd.DataFrame, block: Block, shown: dict[str, Look], failed: set[str]
) -> list[Drawing]:
    drawn = []
    for quantity, word, meaning in (
        ("dead_fraction", "Dead", "no response to any probe sample"),
        ("saturated_fraction", "Saturated", "slope below 1 % of its greatest"),
    ):
        own = panels(readings, quantity, block, list(shown), failed)
        if own:
            title = f"{word} units per layer: {block.label}"
            caption = (
                f"Share of units with {meaning}: median and quartiles over seeds. {_trials(own)}"
            )
            alt = f"{title}. At the last step: {_last(own)}."
            figure = curves(own, shown, f"{word.lower()} share", log=False)
            name = f"{word.lower()}-{_slug(block.label)}-{block.key}"
            drawn.append(Drawing(name, title, alt, caption, figure))
    return drawn


def _trials(own: Sequence[Panel]) -> str:
    """Return n and the failures of the fullest panel."""
    fullest = max(own, key=lambda p: sum(c.trials for c in p.curves))
    n, failed = (sum(getattr(c, name) for c in fullest.curves) for name in ("trials", "failed"))
    return f"n = {n} trials; {_failures(failed)}{', drawn while they last' if failed else ''}."


def _last(own: Sequence[Panel]) -> str:
    """Return the last medians at the first site of every row, in words."""
    firsts = {panel.network: panel for panel in reversed(own)}
    return "; ".join(
        f"{panel.layer or panel.network}: "
        + ", ".join(f"{c.activation} {number(c.median[-1], 2)}" for c in panel.curves)
        for panel in own
        if firsts[panel.network] is panel
    )


def _slug(text: str) -> str:
    """Return a text as part of a file name."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")[:60] or "all"
