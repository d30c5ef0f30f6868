"""Which figures a study has: each drawn from the tables, with its title, alt text and caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite

import pandas as pd

from ablation.levels import noun
from reports import factor_figures
from reports.advice_figures import trades
from reports.analysis import Analysis
from reports.claim_figures import claim_drawings
from reports.design import FAILED, Design
from reports.drawing import Drawing, Look, looks, slug
from reports.early_figures import scatters
from reports.estimates import Interval
from reports.figures import ForestRow, forest, points
from reports.floors import floor
from reports.pairs import OVERALL, PER_BLOCK, TUNED
from reports.panels import heat_map
from reports.phrases import article, by, failures_word
from reports.places import Group
from reports.progress import progress
from reports.rows import score_names
from reports.scales import family, logged, printed, score_label
from reports.summary import Cell, cells
from reports.tables import Tables
from reports.tuning_figures import drawings
from reports.verdict import Test, Verdict
from reports.words import ends, estimate, listed, number, seeds_word

MOST_BLOCKS = 8
"""With more blocks, the forest plot shows only the overall intervals."""


@dataclass(frozen=True)
class Gallery:
    """The figures of a report by the section that shows them."""

    sections: Mapping[str, tuple[Drawing, ...]]

    @property
    def all(self) -> tuple[Drawing, ...]:
        """Every figure, in the order of the report."""
        return tuple(chain.from_iterable(self.sections.values()))


def gallery(read: Analysis) -> Gallery:
    """Draw every figure for which there are numbers."""
    tables, trials, found, verdict = read.tables, read.trials, read.found, read.verdict
    shown = looks(read.order)
    failed = set(trials.loc[trials["outcome"].isin(FAILED), "key"])
    over = progress(tables.readings, found, shown, failed)
    return Gallery(
        {
            "forest": _forest(found, verdict, read.order, shown),
            "factors": factor_figures.drawings(read.weighed, found, shown, verdict.alpha),
            "claims": claim_drawings(read.claims),
            "tuned": drawings(read.told, found, read.order, shown),
            "scores": _scores(tables, trials, found, shown) + over.selection,
            "gradients": over.gradients,
            "units": over.units,
            "learned": over.learned,
            "advice": trades(*read.advice, found, shown),
            "mechanism": scatters(read.early, trials, found, shown),
        }
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
        if (own := verdict.tuned(name)) is not None:
            rows.append(_forest_row(f"{name}, tuned", name, own, found, minor=False))
        for block in verdict.tests if len(found.blocks) <= MOST_BLOCKS else ():
            if block.tier == PER_BLOCK and block.a == name:
                rows.append(_forest_row(block.block, name, block, found, minor=True))
    axis = f"{found.scale.quantity} to {found.reference}"
    better = "right" if not found.scale.ratio and found.scale.higher_is_better else "left"
    figure = forest(rows, shown, f"{axis} (better to the {better})", ratio=found.scale.ratio)
    said = [
        f"{row.label} {estimate(row.shown)} {ends(row.shown, ratio=found.scale.ratio)}"
        for row in rows
        if row.shown is not None and not row.minor
    ]
    levels = sorted({row.shown.level for row in rows if row.shown is not None})
    failed = sum(y == float("inf") for y in found.outcomes.values())
    tuned_word = "; tuned: both sides at their best of equally many settings"
    tuned_word = tuned_word if any(t.tier == TUNED for t in verdict.tests) else ""
    caption = (
        f"{_levels(levels)} by inversion of the permutation test"
        f"{'; large: all blocks, small: each' if any(row.minor for row in rows) else ''}"
        f"{tuned_word}."
        f" n = {seeds_word(min(t.units for t in overall))} {article(noun(found.factor))};"
        f" {failures_word(failed)}{', ranked last' if failed else ''}."
    )
    alt = f"Forest plot of the {axis}: {'; '.join(said)}."
    title = f"{found.scale.quantity} to {found.reference}"
    return (Drawing("forest", title, alt, caption, figure),)


def _forest_row(label: str, name: str, test: Test, found: Design, *, minor: bool) -> ForestRow:
    interval: Interval = found.scale.shown(test.interval)
    reach = ends(interval, ratio=found.scale.ratio)
    return ForestRow(label, name, interval, f"{estimate(interval)} {reach}", minor)


def _levels(levels: Sequence[float]) -> str:
    return f"{listed([f'{100 * level:.3g} %' for level in levels if level > 0]) or 'No'} intervals"


def _scores(
    tables: Tables, trials: pd.DataFrame, found: Design, shown: dict[str, Look]
) -> tuple[Drawing, ...]:
    """Draw every score by level and block, the declared ones first, then their heat maps."""
    primary = set(trials["score_name"].dropna())
    names = [n for n in score_names(tables, trials) if n in set(tables.own["score_name"])]
    drawn, maps = [], []
    for name in names:
        own = [c for c in cells(tables.scores, trials, name) if c.treatment in shown]
        present = {c.block for c in own}
        blocks = [b for b in found.blocks if b.key in present]
        floors = {b.key: floor(trials, b.key, name) for b in blocks}
        groups = [
            Group(b.key, b.label, known.value if (known := floors[b.key]) else None) for b in blocks
        ]
        own = [c for c in own if c.block in {g.key for g in groups}]
        if not any(c.finite for c in own):
            continue
        log = logged(name) and min(v for c in own for v in c.finite) > 0
        drawn.append(_points(name, own, groups, shown, found.factor, log=log))
        if name in primary and len(groups) > 1:
            maps.append(_heat(name, own, groups, list(shown), found.factor, log=log))
    return tuple(drawn + maps)


def _points(
    name: str,
    own: Sequence[Cell],
    groups: Sequence[Group],
    shown: dict[str, Look],
    factor: str,
    *,
    log: bool,
) -> Drawing:
    label = score_label(name)
    better = "higher" if own[0].higher else "lower"
    said = [
        f"{c.treatment}, {g.label}: {number(c.median) if isfinite(c.median) else 'failed'}"
        for g in groups
        for c in own
        if c.block == g.key
    ]
    failed = sum(c.failed for c in own)
    real = " Dashed: what real samples score." if any(g.floor is not None for g in groups) else ""
    shelf = " in the strip on top, counted as worst in the median" if failed else ""
    caption = (
        f"Every seed's score (marks) and the median (bar); {better} is better.{real}"
        f" n = {sum(c.n for c in own)} trials; {failures_word(failed)}{shelf}."
    )
    figure = points(own, groups, shown, printed(family(name)), log=log)
    title = f"{label} {by(factor)}"
    alt = f"{title}. Medians: {'; '.join(said)}."
    shown_blocks = tuple(g.key for g in groups)
    told = {
        key: number(value) if isfinite(value) else "–"
        for c in own
        for key, value in zip(c.keys, c.values, strict=True)
    }
    place = f"score-{slug(name)}"
    return Drawing(place, title, alt, caption, figure, shown_blocks, family(name), told)


def _heat(
    name: str,
    own: Sequence[Cell],
    groups: Sequence[Group],
    order: Sequence[str],
    factor: str,
    *,
    log: bool,
) -> Drawing:
    label = score_label(name)
    present = [a for a in order if a in {c.treatment for c in own}]
    figure = heat_map(own, groups, present, label, log_scale=log)
    title = f"Median {label}, {noun(factor)} by {'block' if factor == 'loss' else 'loss'}"
    caption = (
        f"Median over seeds, failures counted as worst. n = {sum(c.n for c in own)} trials in"
        f" {len(own)} cells; {failures_word(sum(c.failed for c in own))}."
    )
    alt = f"Heat map: {title}. The numbers stand in the table of cells."
    shown_blocks = tuple(g.key for g in groups)
    return Drawing(f"heat-{slug(name)}", title, alt, caption, figure, shown_blocks, family(name))
