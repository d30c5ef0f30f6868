"""The figures of built-in experiments: from the experiment's folder to SVG, PDF and PNG, and what they say in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from math import ceil, floor, log10
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ablation.files import read_yaml, write_atomic
from reports.curves import Curve
from reports.drawing import STYLE, Look, figure, legend, log_ticks, looks, svg
from reports.experiment_page import experiment_page
from reports.names import natural
from reports.panels import draw_curve
from reports.paper import figure_pdf
from reports.story import Story, counted, curves, heading, lost, lower_edge, panel_order, story_of
from reports.words import listed, number

DPI = 200
COLUMNS = 3
"""Panels beside each other, where nothing orders them in columns."""


def draw(out: Path) -> Story:
    """Draw the figure of the experiment in `out` and write it there: SVG, PDF, PNG, and a page with its words."""
    asked = read_yaml(out / "experiment.yaml")
    readings = pd.read_parquet(out / "readings.parquet")
    story = FIGURES[asked["experiment"]](readings, asked)
    document = svg(story.drawing)
    write_atomic(out / "figure.svg", document)
    write_atomic(out / "index.html", experiment_page(asked, story, document))
    write_atomic(out / "figure.pdf", figure_pdf(story.drawing, document))
    with rc_context(STYLE):
        story.drawing.figure.savefig(
            out / "figure.png", dpi=DPI, facecolor="white", metadata={"Software": None}
        )
    return story


def freeze_generator(readings: pd.DataFrame, asked: Mapping[str, Any]) -> Story:
    """Draw the norm of every generator loss's gradient over the critic's updates: a panel a stage and activation."""
    norms = readings[readings["quantity"] == "parameter_gradient_norm"]
    panels, stages = panel_order(asked, norms), sorted(norms["stage"].unique())
    shown = looks(sorted(norms["treatment"].unique(), key=natural))
    found = {
        (panel, stage): curves(norms[(norms["panel"] == panel) & (norms["stage"] == stage)], "step")
        for panel in panels
        for stage in stages
    }
    edge = lower_edge([curve for own in found.values() for curve in own])
    with rc_context(STYLE):
        fig = figure(0.95 + 1.75 * len(panels))
        grid = fig.subplots(len(panels), len(stages), sharex=True, sharey=True, squeeze=False)
        for i, panel in enumerate(panels):
            for j, stage in enumerate(stages):
                axes = grid[i][j]
                heading(axes, f"{panel}, G frozen at step {stage:,}")
                for place, curve in enumerate(found[panel, stage]):
                    draw_curve(axes, curve, shown[curve.treatment], edge, place)
                axes.grid(axis="y")
        first = grid[0][0]
        first.set_yscale("log")
        log_ticks(first, "y", *first.get_ylim())
        _from_zero(first, int(norms["step"].max()))
        for axes in grid[-1]:
            axes.set_xlabel("updates of the fresh D (log)")
        gap = "\n" if len(panels) == 1 else " "
        fig.supylabel(f"L2 norm of the gradient{gap}at G's parameters (log)", fontsize=8.5)
        legend(fig, shown)
    last = readings[readings["step"] == readings["step"].max()]
    right = last[last["quantity"] == "accuracy"]["value"]
    caption = (
        "A generator (G) is frozen at a step of its training, and a fresh discriminator (D) learns to"
        " tell it. Each loss's gradient is taken on one state: the same G, D, noise and batch. Line:"
        f" median, band: range over {counted(asked)}. At its last update D is right for {_share(right)} of the samples."
        f" {lost(asked)}After {asked['cite']}."
    )
    told = tuple(
        f"{panel}, frozen at step {stage:,}: {_moves(found[panel, stage])}"
        for panel in panels
        for stage in stages
    )
    title = "Gradients of the generator while a fresh discriminator learns"
    return story_of("freeze-generator", title, caption, fig, told)


def layer_norms(readings: pd.DataFrame, asked: Mapping[str, Any]) -> Story:
    """Draw the gradient's norm at the end of training layer by layer, the critic's last layer first as in the paper."""
    whole = {(r["cell"], r["seed"]) for r in asked["trials"] if r["outcome"] != "diverged"}
    own = readings[[key in whole for key in zip(readings["cell"], readings["seed"], strict=True)]]
    own = own[own["step"] == own.groupby(["cell", "seed"])["step"].transform("max")].copy()
    places = {name: i + 1 for i, name in enumerate(sorted(own["layer"].unique(), key=natural))}
    own["place"] = own["layer"].map(places)
    panels, found = panel_order(asked, own), dict[str, list[Curve]]()
    for panel in panels:
        found[panel] = curves(own[own["panel"] == panel], "place")
    shown = looks(sorted(own["treatment"].unique(), key=natural))
    edge = lower_edge([curve for each in found.values() for curve in each])
    lines = max(1, ceil(len(panels) / COLUMNS))
    columns = max(1, ceil(len(panels) / lines))
    with rc_context(STYLE):
        fig = figure(0.95 + (2.6 if columns == 1 else 2.0) * lines)
        grid = fig.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for at, (axes, panel) in enumerate(zip_longest(grid.flat, panels)):
            axes.set_visible(panel is not None)
            for place, curve in enumerate(found.get(panel, ())):
                heading(axes, panel)
                draw_curve(axes, curve, shown[curve.treatment], edge, place)
            if at + columns >= len(panels):  # nothing stands under it
                axes.set_xlabel("critic layer (input at 1)")
                axes.tick_params(labelbottom=True)
            axes.grid(axis="y")
        first = grid[0][0]
        first.set_yscale("log")
        _exponents(first)
        first.set_xlim(len(places) + 0.5, 0.5)
        every = 1 if columns == 1 and len(places) <= 16 else -(-len(places) // 4)
        first.xaxis.set_major_locator(FixedLocator([*range(1, len(places) + 1, every)]))
        fig.supylabel("log10 of the gradient's L2 norm", fontsize=8.5)
        legend(fig, shown)
    caption = (
        "Norm of the gradient of the critic's loss at every activation site, at the last probed step."
        f" Line: median, band: range over {counted(asked)}. {lost(asked)}After {asked['cite']}."
    )
    told = tuple(f"{panel}: {'; '.join(map(_slope, found[panel]))}" for panel in panels)
    title = "Gradient norms of a critic, layer by layer"
    return story_of("layer-norms", title, caption, fig, told)


def _exponents(axes: Axes) -> None:
    """Put powers of ten on the vertical axis, at most nine, and print their exponents."""
    low, high = (log10(end) for end in axes.get_ylim())
    log_ticks(axes, "y", *axes.get_ylim())
    every = next(n for n in (1, 2, 5, 10, 20, 50) if (high - low) / n <= 8)
    if high - low >= 2:
        powers = range(ceil(low / every) * every, floor(high) + 1, every)
        axes.yaxis.set_major_locator(FixedLocator([10.0**power for power in powers]))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{round(log10(value), 1) + 0.0:g}".replace("-", "−"))
    )


def _slope(curve: Curve) -> str:
    """Return how many decades the norm gains or loses with each layer on its way to the input."""
    first, last = curve.median[-1], curve.median[0]
    if len(curve.median) < 2 or not min(curve.median) > 0:
        return f"{curve.treatment} {number(first)} at the last layer, {number(last)} at the first"
    decades = round(-float(np.polyfit(curve.steps, np.log10(curve.median), 1)[0]), 2) + 0.0
    return f"{curve.treatment} {decades:+.2f} decades a layer towards the input".replace("-", "−")


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


def _share(values: pd.Series[float]) -> str:
    low, high = (f"{100 * float(end):.1f}" for end in (values.min(), values.max()))
    return f"{low} %" if low == high else f"{low} to {high} %"


def augmentation(readings: pd.DataFrame, asked: Mapping[str, Any]) -> Story:
    """Draw the accuracy of classifiers that learned from real images, from generated ones and from both, as bars."""
    own = readings[readings["quantity"].str.startswith("cas-")]
    panels, said = panel_order(asked, own), list(dict.fromkeys(own["treatment"]))
    shown = looks(said)
    with rc_context(STYLE):
        fig = figure(2.9)
        axes = fig.add_subplot()
        wide, words = 0.8 / len(said), dict[str, list[str]]()
        for i, panel in enumerate(panels):
            for j, name in enumerate(said):
                mine = own[(own["panel"] == panel) & (own["treatment"] == name)]["value"]
                if len(mine):
                    x, middle = i + (j - (len(said) - 1) / 2) * wide, float(mine.median())
                    _bar(axes, x, wide, mine.to_list(), shown[name])
                    words.setdefault(panel, []).append(f"{name} {100 * middle:.1f} %")
        axes.set_xlim(-0.6, len(panels) - 0.4)
        axes.set_ylim(0, 1.12)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
        axes.set_xticks(range(len(panels)), [panel.replace(" · ", "\n") for panel in panels])
        axes.tick_params(axis="x", length=0)
        axes.grid(axis="y")
        axes.set_ylabel("accuracy on real test images (%)")
        legend(fig, shown)
    sizes = {
        n: q.rpartition("_")[2] for n, q in zip(own["treatment"], own["quantity"], strict=True)
    }
    learned = listed([f"{size} images ({name})" for name, size in sizes.items()])
    caption = (
        "Classification accuracy score: one generator a class makes as many images as the training"
        f" split holds; a classifier learns from {learned}. Bar: median, marks: every seed;"
        f" {counted(asked)}. {lost(asked)}After {asked['cite']}."
    )
    told = tuple(f"{panel}: {', '.join(words[panel])}" for panel in panels)
    title = "Accuracy of classifiers that learned from generated images"
    return story_of("augmentation", title, caption, fig, told)


def _bar(axes: Axes, x: float, wide: float, values: Sequence[float], look: Look) -> None:
    """Draw the median as a bar with its number, and every seed as a mark."""
    middle = float(np.median(values))
    axes.bar(x, middle, 0.86 * wide, color=look.color, alpha=0.35, lw=0)
    for k, value in enumerate(values):
        at = x + (k - (len(values) - 1) / 2) * 0.5 * wide / len(values)
        axes.plot(at, value, look.marker, color=look.color, ms=3.6, mew=0)
    place = (x, max(values))
    text = f"{100 * middle:.1f}"
    axes.annotate(text, place, xytext=(0, 5), textcoords="offset points", ha="center", fontsize=7.5)


FIGURES: dict[str, Callable[[pd.DataFrame, Mapping[str, Any]], Story]] = {
    "freeze-generator": freeze_generator,
    "layer-norms": layer_norms,
    "augmentation": augmentation,
}
"""How each experiment is drawn."""
