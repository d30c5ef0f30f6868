"""The figure of early signals: each against the final score, a panel a signal and a row a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, isfinite

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from ablation.levels import noun
from reports.design import Block, Design
from reports.drawing import MUTED, RULE, STYLE, Drawing, Look, figure, legend, log_ticks, slug
from reports.early import BASELINE, Frames
from reports.phrases import article, failures_word, percent
from reports.scales import family, logged, printed
from reports.words import listed

ROWS = 4
"""Blocks in one figure; more stand in figures of their own."""
ROOF = 0.88
"""The share of a panel that scores use where some trial failed: those stand above it."""


def scatters(
    frames: Frames, trials: pd.DataFrame, found: Design, shown: Mapping[str, Look]
) -> tuple[Drawing, ...]:
    """Draw every early signal against the final score, four blocks a figure."""
    if not set(frames) - {BASELINE}:
        return ()
    seen = {key for frame in frames.values() for key in frame["block"]}
    blocks = [b for b in found.blocks if b.key in seen]
    parts = [blocks[i : i + ROWS] for i in range(0, len(blocks), ROWS)]
    return tuple(
        _drawing(frames, part, trials, found, shown, number, whole=len(parts) == 1)
        for number, part in enumerate(parts, 1)
    )


def _drawing(
    frames: Frames,
    blocks: Sequence[Block],
    trials: pd.DataFrame,
    found: Design,
    shown: Mapping[str, Look],
    number: int,
    *,
    whole: bool,
) -> Drawing:
    names = {b.key: _score(trials, b) for b in blocks}
    here = {b.key for b in blocks}
    own = {s: f[f["block"].isin(here)] for s, f in frames.items()}
    own = {s: f for s, f in own.items() if f["value"].notna().any()}
    fullest = max(own.values(), key=len)
    failed, lost = int((fullest["outcome"] == float("inf")).sum()), int(fullest["lost"].sum())
    shares = {s: percent(float(f["share"].median())) for s, f in own.items()}
    when = listed([f"{s.short} at {share}" for s, share in shares.items()])
    more = f" {lost} of these before the early probe, not drawn." if lost else ""
    over = " Failures stand in the strip on top." if failed > lost else ""
    caption = (
        f"Each mark is a trial: an early signal ({when} of training) against its final score. A trend inside one colour"
        f" is what the test within {article(noun(found.factor))} looks for; a trend across colours alone is not."
        f" n = {len(fullest)} trials; {failures_word(failed)}.{more}{over}"
    )
    part = f"blocks {ROWS * (number - 1) + 1} to {ROWS * (number - 1) + len(blocks)}"
    title = f"Early signals and the final score{'' if whole else ': ' + part}"
    alt = (
        f"Scatter plots of {listed([s.short for s in own])} against the final score by {noun(found.factor)}."
        f" Blocks: {listed([b.label for b in blocks])}. The rank correlations stand in the table of early signals."
    )
    drawn = _figure(own, blocks, names, shown)
    return Drawing(f"early-{number}-{slug(blocks[0].label)}", title, alt, caption, drawn)


def _score(trials: pd.DataFrame, block: Block) -> tuple[str, bool]:
    """Return the declared score's name in a block, and whether higher is better."""
    mine = trials[(trials["block"] == block.key) & trials["score_name"].notna()]
    row = mine.iloc[0] if len(mine) else None
    return ("", False) if row is None else (str(row["score_name"]), row["better"] == "higher")


def _figure(
    frames: Frames,
    blocks: Sequence[Block],
    names: Mapping[str, tuple[str, bool]],
    shown: Mapping[str, Look],
) -> Figure:
    with rc_context(STYLE):
        fig = figure(0.75 + 1.55 * len(blocks))
        grid = fig.subplots(len(blocks), len(frames), sharey="row", squeeze=False)
        for i, block in enumerate(blocks):
            name, higher = names[block.key]
            for j, (signal, frame) in enumerate(frames.items()):
                axes, rows = grid[i][j], frame[frame["block"] == block.key]
                if i == 0:
                    axes.set_title(signal.short, loc="left", fontsize=7.5)
                _points(axes, rows, shown, name, higher=higher, log=signal.log)
            _sides(grid[i], frames, block, name)
            score = printed(family(name)) or "score"
            label = score if len(blocks) == 1 else f"{block.label.replace(' · ', chr(10))}\n{score}"
            grid[i][0].set_ylabel(label, fontsize=7.5)
        present = {n for f in frames.values() for n in f["treatment"]}
        legend(fig, {n: look for n, look in shown.items() if n in present})
        return fig


def _points(
    axes: Axes,
    rows: pd.DataFrame,
    shown: Mapping[str, Look],
    name: str,
    *,
    higher: bool,
    log: bool,
) -> None:
    """Draw the trials of one block; an early signal of 0 on a logarithmic axis stands at its left edge."""
    known = rows[rows["value"].notna()]
    positive = [v for v in known["value"] if v > 0]
    log = log and bool(positive) and max(positive) > 3 * min(positive)
    edge = min(positive, default=0.0) / 2
    for level, value, outcome in zip(
        known["treatment"], known["value"], known["outcome"], strict=True
    ):
        look, x = shown[level], max(value, edge) if log else value
        if isfinite(outcome):
            y = exp(outcome) if logged(name) else -outcome if higher else outcome
            axes.plot(x, y, look.marker, color=look.color, ms=3.4, alpha=0.75, mew=0)
        else:
            top = axes.get_xaxis_transform()
            axes.plot(x, (1 + ROOF) / 2, "x", color=look.color, ms=4, mew=1.2, transform=top)
    axes.grid(axis="both")
    axes.tick_params(labelsize=7)
    if log:
        axes.set_xscale("log")
        log_ticks(axes, "x", *axes.get_xlim())
        ticks = [t for t in axes.get_xticks() if axes.get_xlim()[0] <= t <= axes.get_xlim()[1]]
        axes.set_xticks(ticks[:: max(1, -(-len(ticks) // 3))])
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(3))


def _sides(row: Sequence[Axes], frames: Frames, block: Block, name: str) -> None:
    """Give a row its vertical axis: logarithmic for distances, its upper part kept for failures."""
    parts = [f[f["block"] == block.key] for f in frames.values()]
    alive = [f.loc[f["value"].notna(), "outcome"] for f in parts]
    failing = any((o == float("inf")).any() for o in alive)
    finite = [v for o in alive for v in o if isfinite(v)]
    first = row[0]
    log = logged(name) and bool(finite)
    if log and max(finite) - min(finite) < 1e-6:  # one value alone spans no axis
        first.set_ylim(exp(finite[0]) / 2, 2 * exp(finite[0]))
    if log:
        first.set_yscale("log")
    low, edge = first.get_ylim()
    high = low + (edge - low) / ROOF
    if log:
        high = low * (edge / low) ** (1 / ROOF)
    if failing:
        first.set_ylim(low, high)
        for axes in row:
            axes.axhspan(edge, high, color=RULE, alpha=0.4, lw=0)
        row[-1].annotate(
            "failed",
            (1.03, (1 + ROOF) / 2),
            xycoords="axes fraction",
            va="center",
            color=MUTED,
            fontsize=7,
        )
    if log:
        log_ticks(first, "y", low, edge)
