"""Figures over time and over blocks: readings per site, and the heat map of medians."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf, isfinite, log

from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.curves import POINTS, Curve, Panel, thinned
from reports.drawing import MUTED, STYLE, Look, figure, fitting, legend, log_ticks
from reports.places import MANY, Group, height, name_groups
from reports.summary import Cell
from reports.words import number

COLUMNS = 4


def curves(
    panels: Sequence[Panel],
    shown: dict[str, Look],
    axis_label: str,
    *,
    log: bool,
    share: bool = True,
) -> Figure:
    """Draw medians and quartiles over time, one panel a site, the networks in rows of their own.

    A `share` has an axis from 0 to at most 1.
    On a logarithmic axis a zero stands at the lower edge as a triangle: vanished, not hidden.
    """
    with rc_context(STYLE):
        rows = _rows(panels)
        columns = max(len(row) for row in rows)
        most = min(POINTS, 2 * POINTS // columns)
        fig = figure(0.7 + 1.55 * len(rows))
        grid = fig.subplots(len(rows), columns, sharex=True, sharey=True, squeeze=False)
        floor = _floor(panels) if log else -inf
        for i, row in enumerate(rows):
            for j in range(columns):
                axes = grid[i][j]
                if j >= len(row):
                    axes.set_visible(False)
                    continue
                axes.set_title(row[j].layer or row[j].network, loc="left", fontsize=7.5)
                for place, curve in enumerate(row[j].curves):
                    draw_curve(axes, thinned(curve, most), shown[curve.treatment], floor, place)
                axes.grid(axis="y")
        first = grid[0][0]
        if log:
            first.set_yscale("log")
            low, high = first.get_ylim()
            log_ticks(first, "y", low, high)
        elif share:
            top = max(0.1, min(1.03, first.get_ylim()[1]))
            first.set_ylim(-0.04 * top, top)
        fig.supxlabel("step (generator updates)", fontsize=8.5)
        fig.supylabel(axis_label, fontsize=8.5)
        legend(fig, shown)
        return fig


def _rows(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Return the panels in rows of at most four, a network never sharing a row with the other."""
    rows, most = [], fitting(COLUMNS)
    for network in dict.fromkeys(panel.network for panel in panels):
        own = [panel for panel in panels if panel.network == network]
        count = ceil(len(own) / most)
        size = ceil(len(own) / count)
        rows += [own[i : i + size] for i in range(0, len(own), size)]
    return rows


def _floor(panels: Sequence[Panel]) -> float:
    positive = [v for p in panels for c in p.curves for v in c.median if v > 0]
    return min(positive, default=1.0) / 2


def draw_curve(axes: Axes, curve: Curve, look: Look, floor: float, place: int) -> None:
    """Draw one curve; its markers stand at steps of its own, so that equal curves all show."""
    median = [max(v, floor) for v in curve.median]
    low, high = ([max(v, floor) for v in ends] for ends in (curve.low, curve.high))
    axes.fill_between(curve.steps, low, high, color=look.color, alpha=0.15, lw=0)
    every = max(1, len(median) // 3)
    axes.plot(
        curve.steps,
        median,
        color=look.color,
        lw=1.2,
        marker=look.marker,
        ms=3.2,
        markevery=(place % every, every),
    )
    zeros = [s for s, v in zip(curve.steps, curve.median, strict=True) if v <= 0 < floor]
    if zeros:
        axes.plot(zeros, [floor] * len(zeros), "v", color=look.color, ms=4)


def heat_map(
    cells: Sequence[Cell],
    groups: Sequence[Group],
    treatments: Sequence[str],
    label: str,
    *,
    log_scale: bool,
) -> Figure:
    """Draw the median of every cell as a coloured number; brighter is better."""
    with rc_context(STYLE):
        upright = len(groups) > MANY
        row_height = 0.62 if upright and any(c.failed for c in cells) else 0.42
        fig = figure(0.9 + row_height * len(treatments) + height(groups))
        axes = fig.add_subplot()
        finite = [c.median for c in cells if isfinite(c.median)]
        for cell in cells:
            column = [g.key for g in groups].index(cell.block)
            row = treatments.index(cell.treatment)
            share = _share(cell, finite, log_scale=log_scale)
            color = colormaps["cividis"](share) if share is not None else "none"
            axes.fill_between(
                [column - 0.49, column + 0.49],
                row - 0.47,
                row + 0.47,
                color=color,
                lw=0,
                gid=f"wide-{column}-{row}",
            )
            dark = share is not None and share < 0.55
            ink = MUTED if share is None else "white" if dark else "black"
            text = number(cell.median) if isfinite(cell.median) else "failed"
            text = text if cell.n else "missing"
            if cell.failed:
                text += f"\n{cell.failed} of {cell.n} failed"
            axes.text(
                *(column, row, text),
                ha="center",
                va="center",
                color=ink,
                fontsize=6.5 if upright else 8,
                rotation=90 if upright else 0,
                gid=f"label-{column}-{row}",
            )
        axes.set_xlim(-0.5, len(groups) - 0.5)
        axes.set_ylim(len(treatments) - 0.5, -0.5)
        axes.set_yticks(range(len(treatments)), treatments)
        axes.tick_params(length=0, labeltop=True, labelbottom=False)
        name_groups(axes, groups)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xlabel(f"median {label}; brighter is better")
        return fig


def _share(cell: Cell, finite: Sequence[float], *, log_scale: bool) -> float | None:
    """Return a median's place between the worst (0) and the best (1); None where there is none."""
    if not isfinite(cell.median):
        return None
    low, high = min(finite), max(finite)
    value = cell.median
    if log_scale and low > 0:
        low, high, value = log(low), log(high), log(value)
    place = (value - low) / (high - low) if high > low else 1.0
    return place if cell.higher or high == -inf else 1 - place
