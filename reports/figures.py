"""Numbers already computed in, figures out: the forest plot and the scores of every seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.design import FAILED
from reports.drawing import INK, MUTED, RULE, STYLE, WIDTH, Look, figure, legend, log_ticks
from reports.estimates import Interval
from reports.places import Group, height, name_groups
from reports.summary import Cell

ROOM = 14.0
"""Points that a cross and the number of failures take."""


@dataclass(frozen=True)
class ForestRow:
    """One line of the forest plot: a shown interval, overall or of one block (`minor`)."""

    label: str
    treatment: str
    shown: Interval | None
    text: str
    minor: bool = False


def forest(
    rows: Sequence[ForestRow], shown: dict[str, Look], axis_label: str, *, ratio: bool
) -> Figure:
    """Draw intervals against the reference, best first; an open end is an arrow to the edge."""
    with rc_context(STYLE):
        lines = sum(0.8 if r.minor else 1.0 for r in rows)
        fig = figure(0.75 + 0.27 * min(lines, 14) + 0.19 * max(0, lines - 14))
        crowded = len(rows) > 14 or max((len(r.text) for r in rows), default=0) > 40
        axes = fig.add_subplot()
        null = 1.0 if ratio else 0.0
        low, high = _reach(rows, null, ratio=ratio)
        if ratio:
            axes.set_xscale("log")
        axes.set_xlim(low, high)
        axes.axvline(null, color=MUTED, lw=0.8, ls=(0, (4, 3)))
        y, places = 0.0, []
        for row in rows:
            y -= 0.8 if row.minor else 1.0
            places.append(y)
            if row.shown is not None:
                _interval(axes, y, row, shown[row.treatment], (low, high))
            else:
                look = shown[row.treatment]
                axes.plot(null, y, look.marker, color=look.color, ms=6, clip_on=False)
            style: dict[str, Any] = {"color": MUTED if row.minor else INK}
            style |= {"fontsize": 7.5} if row.minor or crowded else {}
            axes.annotate(
                row.text,
                (1.015, y),
                xycoords=("axes fraction", "data"),
                va="center",
                annotation_clip=False,
                **style,
            )
        axes.set_ylim(y - 0.7, -0.4)
        axes.set_yticks(places, [row.label for row in rows])
        for label, row in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_color(MUTED if row.minor else INK)
            label.set_fontsize(7.5 if row.minor or crowded else 8.5)
        axes.tick_params(axis="y", length=0, pad=8)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        if ratio:
            log_ticks(axes, "x", low, high)
        axes.set_xlabel(axis_label)
        return fig


def _reach(rows: Sequence[ForestRow], null: float, *, ratio: bool) -> tuple[float, float]:
    """Return the axis limits: every finite number and the null line, with some air."""
    numbers = [null]
    for row in rows:
        if row.shown is not None:
            ends = (row.shown.estimate, row.shown.low, row.shown.high)
            numbers += [v for v in ends if isfinite(v) and (v > 0 or not ratio)]
    low, high = min(numbers), max(numbers)
    if ratio:
        air = max((high / low) ** 0.08, 1.06)
        return low / air, high * air
    air = max(0.08 * (high - low), 0.05 * max(abs(low), abs(high), 1e-3))
    return low - air, high + air


def _interval(
    axes: Axes, y: float, row: ForestRow, look: Look, limits: tuple[float, float]
) -> None:
    shown = row.shown
    assert shown is not None
    width, size = (1.0, 3.5) if row.minor else (1.8, 6.0)
    if shown.level > 0:
        low = max(shown.low, limits[0])
        high = min(shown.high, limits[1])
        axes.plot([low, high], [y, y], color=look.color, lw=width, solid_capstyle="butt")
        for end, at, mark in ((shown.low, limits[0], "<"), (shown.high, limits[1], ">")):
            if end <= limits[0] or end >= limits[1]:
                axes.plot(at, y, mark, color=look.color, ms=size, clip_on=False)
    if isfinite(shown.estimate):
        axes.plot(shown.estimate, y, look.marker, color=look.color, ms=size, mec=look.color)


def points(
    cells: Sequence[Cell],
    groups: Sequence[Group],
    shown: dict[str, Look],
    axis_label: str,
    *,
    log: bool,
) -> Figure:
    """Draw every seed's score and the medians, by block and treatment; failures stand on top."""
    with rc_context(STYLE):
        failing = any(cell.failed for cell in cells)
        fig = figure((3.1 if failing else 2.8) + height(groups))
        top, axes = None, None
        if failing:
            top, axes = fig.subplots(
                2, 1, sharex=True, gridspec_kw={"height_ratios": [1, 8], "hspace": 0.02}
            )
            _failure_strip(top)
        else:
            axes = fig.add_subplot()
        width = min(0.8 / max(1, len(shown)), 0.22)
        for i, group in enumerate(groups):
            for j, (name, look) in enumerate(shown.items()):
                x = i + (j - (len(shown) - 1) / 2) * width
                for cell in cells:
                    if (cell.treatment, cell.block) == (name, group.key):
                        _cell(axes, top, cell, x, width, look, f"{i}-{j}")
            if group.floor is not None and (group.floor > 0 or not log):
                (line,) = axes.plot([i - 0.45, i + 0.45], [group.floor] * 2, color=MUTED, lw=1)
                line.set(linestyle=(0, (4, 3)), gid=f"wide-{i}-floor")
        if log and any(cell.finite for cell in cells):
            axes.set_yscale("log")
            low, high = axes.get_ylim()
            log_ticks(axes, "y", low, high)
        axes.set_xlim(-0.55, len(groups) - 0.45)
        name_groups(axes, groups)
        axes.tick_params(axis="x", length=0)
        axes.grid(axis="y")
        axes.set_ylabel(axis_label)
        legend(fig, shown)
        if top is not None and WIDTH * 72 * 0.88 * width / len(groups) < ROOM:
            for line in top.lines:
                line.set_markersize(3)
            for text in top.texts:
                text.set_visible(False)
        return fig


def _failure_strip(axes: Axes) -> None:
    axes.set_ylim(0, 1)
    axes.set_yticks([0.5], ["failed"])
    axes.tick_params(length=0, labelbottom=False)
    axes.axhspan(0, 1, color=RULE, alpha=0.4, lw=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _cell(
    axes: Axes, top: Axes | None, cell: Cell, x: float, width: float, look: Look, place: str
) -> None:
    """Draw one cell's points, side by side in the order of seeds, its median and its failures.

    The page knows marks by their line's name, `points-KEY,KEY`, and what moves with a group by its role and the
    group's number.
    """
    spread = 0.6 * width / max(1, len(cell.values))
    keys = cell.keys or tuple(f"{place}-{k}" for k in range(len(cell.values)))
    at = [x + (k - (len(cell.values) - 1) / 2) * spread for k in range(len(cell.values))]
    told = [*zip(keys, at, cell.values, cell.outcomes, strict=True)]
    dots = [(key, u, v) for key, u, v, _ in told if isfinite(v)]
    lost = [(key, u, 0.5) for key, u, v, outcome in told if not isfinite(v) and outcome in FAILED]
    style: dict[str, Any] = {"ls": "none", "color": look.color}
    if dots:
        _marked(axes, dots, look.marker, ms=3.6, alpha=0.75, mew=0, **style)
    if lost and top is not None:
        _marked(top, lost, "x", ms=5, mew=1.4, **style)
    if isfinite(cell.median):
        ends = [x - 0.42 * width, x + 0.42 * width]
        axes.plot(ends, [cell.median] * 2, color=look.color, lw=2, gid=f"wide-{place}")
    if cell.failed and top is not None:
        top.annotate(
            str(cell.failed),
            (lost[-1][1] if lost else x, 0.5),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            gid=f"word-{place}",
        )


def _marked(
    axes: Axes, found: Sequence[tuple[str, float, float]], marker: str, **style: Any
) -> None:
    keys, x, y = zip(*found, strict=True)
    axes.plot(x, y, marker=marker, gid=f"points-{','.join(keys)}", **style)
