"""The figures of built-in experiments: from the experiment's folder to SVG, PDF and PNG, and what they say in words."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ablation.files import read_yaml, write_atomic
from reports.curves import Curve
from reports.drawing import MUTED, STYLE, Drawing, figure, legend, log_ticks, looks, svg
from reports.names import natural
from reports.panels import draw_curve
from reports.paper import figure_pdf
from reports.words import listed, number, seeds_word

LINE = 0.13
"""Inches of one line of a figure's caption."""
LETTERS = 142
"""Letters in one line of it."""
DPI = 200


@dataclass(frozen=True)
class Story:
    """A figure, and the same numbers in sentences."""

    drawing: Drawing
    told: tuple[str, ...]


def draw(out: Path) -> Story:
    """Draw the figure of the experiment in `out` and write it there as SVG, PDF and PNG."""
    asked = read_yaml(out / "experiment.yaml")
    readings = pd.read_parquet(out / "readings.parquet")
    story = FIGURES[asked["experiment"]](readings, asked)
    document = svg(story.drawing)
    write_atomic(out / "figure.svg", document)
    write_atomic(out / "figure.pdf", figure_pdf(story.drawing, document))
    with rc_context(STYLE):
        story.drawing.figure.savefig(
            out / "figure.png", dpi=DPI, facecolor="white", metadata={"Software": None}
        )
    return story


def curves(rows: pd.DataFrame, along: str) -> list[Curve]:
    """Return each treatment's median and range over trials along a column; what is not finite is left out."""
    found, finite = [], rows[np.isfinite(rows["value"])]
    for name in sorted(finite["treatment"].unique(), key=natural):
        own = finite[finite["treatment"] == name]
        values = own.groupby(along)["value"]
        found.append(
            Curve(
                treatment=str(name),
                steps=tuple(map(int, values.median().index.to_list())),
                median=tuple(map(float, values.median())),
                low=tuple(map(float, values.min())),
                high=tuple(map(float, values.max())),
                trials=len(own[["cell", "seed"]].drop_duplicates()),
                failed=0,
            )
        )
    return found


def freeze_generator(readings: pd.DataFrame, asked: Mapping[str, Any]) -> Story:
    """Draw the norm of every generator loss's gradient over the critic's updates: a panel a stage and activation."""
    norms = readings[readings["quantity"] == "parameter_gradient_norm"]
    panels, stages = _order(asked, norms), sorted(norms["stage"].unique())
    shown = looks(sorted(norms["treatment"].unique(), key=natural))
    found = {
        (panel, stage): curves(norms[(norms["panel"] == panel) & (norms["stage"] == stage)], "step")
        for panel in panels
        for stage in stages
    }
    floor = _floor([curve for own in found.values() for curve in own])
    with rc_context(STYLE):
        fig = figure(0.95 + 1.75 * len(panels))
        grid = fig.subplots(len(panels), len(stages), sharex=True, sharey=True, squeeze=False)
        for i, panel in enumerate(panels):
            for j, stage in enumerate(stages):
                axes = grid[i][j]
                _title(axes, f"{panel}, G frozen at step {stage:,}")
                for place, curve in enumerate(found[panel, stage]):
                    draw_curve(axes, curve, shown[curve.treatment], floor, place)
                axes.grid(axis="y")
        first = grid[0][0]
        first.set_yscale("log")
        log_ticks(first, "y", *first.get_ylim())
        _from_zero(first, int(norms["step"].max()))
        for axes in grid[-1]:
            axes.set_xlabel("updates of the fresh D (log)")
        fig.supylabel("L2 norm of the gradient at G's parameters (log)", fontsize=8.5)
        legend(fig, shown)
    last = readings[readings["step"] == readings["step"].max()]
    right = last[last["quantity"] == "accuracy"]["value"]
    caption = (
        "A generator (G) is frozen at a step of its training, and a fresh discriminator (D) learns to"
        " tell it. Each loss's gradient is taken on one state: the same G, D, noise and batch. Line:"
        f" median, band: range over {_seeds(asked)}. At its last update D is right for {_share(right)} of the samples."
        f" {_failed(asked)}After {asked['cite']}."
    )
    told = tuple(
        f"{panel}, frozen at step {stage:,}: {_moves(found[panel, stage])}"
        for panel in panels
        for stage in stages
    )
    title = "Gradients of the generator while a fresh discriminator learns"
    return _story("freeze-generator", title, caption, fig, told)


def _moves(own: Sequence[Curve]) -> str:
    """Return from where to where the medians went, with the decades between."""
    words = []
    for curve in own:
        first, last = curve.median[0], curve.median[-1]
        decades = (
            f" ({round(log10(last / first), 1) + 0.0:+.1f} decades)" if first > 0 < last else ""
        )
        words.append(f"{curve.treatment} {number(first)} to {number(last)}{decades}")
    return "; ".join(words).replace("-", "−") if words else "nothing measured"


def _from_zero(axes: Axes, last: int) -> None:
    """Make the horizontal axis logarithmic, with 0 a step left of 1."""
    axes.set_xscale("symlog", linthresh=1, linscale=0.5)
    axes.set_xlim(-0.3, 1.15 * last)
    axes.xaxis.set_major_locator(FixedLocator([0, *(10.0**d for d in range(int(log10(last)) + 1))]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _floor(own: Sequence[Curve]) -> float:
    """Return where a zero stands on a logarithmic axis: under all that is positive."""
    return min((v for curve in own for v in (*curve.low, *curve.median) if v > 0), default=1.0) / 2


def _order(asked: Mapping[str, Any], rows: pd.DataFrame) -> list[str]:
    """Return the panels for which there are numbers, in the order in which they were asked."""
    present = set(rows["panel"])
    panels = dict.fromkeys(row["panel"] for row in asked["trials"])
    return [panel for panel in panels if panel in present]


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=7.5)


def _seeds(asked: Mapping[str, Any]) -> str:
    """Return over how many seeds: n of the cells that have an answer."""
    counts = pd.Series([r["cell"] for r in asked["trials"] if _answered(r)]).value_counts()
    low, high = int(counts.min()), int(counts.max())
    return f"n = {seeds_word(low)}" if low == high else f"n = {low} to {high} seeds"


def _answered(row: Mapping[str, Any]) -> bool:
    return row["outcome"] not in ("missing", "crashed")


def _failed(asked: Mapping[str, Any]) -> str:
    """Return what became of the trials that did not end as they should, "" where all did."""
    kinds = pd.Series([r["outcome"] for r in asked["trials"]]).value_counts()
    bad = {
        str(kind): int(kinds[kind]) for kind in ("missing", "crashed", "diverged") if kind in kinds
    }
    words = [f"{count} {kind}" for kind, count in bad.items()]
    return f"Of {len(asked['trials'])} trials {listed(words)}. " if words else ""


def _share(values: pd.Series[float]) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.1%}" if f"{low:.1%}" == f"{high:.1%}" else f"{low:.1%} to {high:.1%}"


def _story(name: str, title: str, caption: str, fig: Figure, told: tuple[str, ...]) -> Story:
    """Return the figure with its caption under it, since it stands alone."""
    lines = textwrap.wrap(caption, LETTERS)
    wide, high = fig.get_size_inches()
    fig.set_size_inches(wide, high + LINE * len(lines))
    with rc_context(STYLE):
        fig.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7, color=MUTED)
    alt = f"{title}. {' '.join(f'{text}.' for text in told)}"
    return Story(Drawing(name, title, alt, caption, fig), told)


FIGURES: dict[str, Callable[[pd.DataFrame, Mapping[str, Any]], Story]] = {
    "freeze-generator": freeze_generator,
}
"""How each experiment is drawn."""
