"""Figures of what matters: shares of variance as bars, and the critical-difference diagram."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.levels import noun
from reports.design import Design
from reports.drawing import INK, MUTED, STYLE, Drawing, Look, figure
from reports.factor_words import caps, p_text, summary
from reports.phrases import percent
from reports.ranks import Diagram
from reports.weighing import FACTOR, INTERACTION, PLACE, REST, SEEDS, Row, Weighed
from reports.words import listed, number

COLORS = {FACTOR: "#0072B2", PLACE: "#0072B2", INTERACTION: "#56B4E9", REST: MUTED, SEEDS: MUTED}
"""Blue for factors, light blue for interactions, grey for what none of them tells."""


def drawings(
    weighed: Weighed | None, found: Design, shown: dict[str, Look], alpha: float
) -> tuple[Drawing, ...]:
    """Draw the shares, and the diagram where there are data sets enough."""
    if weighed is None:
        return ()
    drawn = []
    rows = [row for row in weighed.rows if row.share.omega == row.share.omega]
    if rows:
        parts = any(row.kind == PLACE for row in rows)
        thin = "; thin: what of the activation's share goes with each network" if parts else ""
        caption = (
            "Omega squared: 0 where there is only noise. Dark: factors; light: interactions; grey: what they do not"
            f" tell{thin}. p of permutations, not adjusted. {caps(weighed)}"
        )
        title = "Share of the variance between outcomes"
        drawn.append(Drawing("shares", title, f"Bars. {summary(weighed)}", caption, bars(rows)))
    if weighed.across.diagram is not None:
        drawn.append(_diagram(weighed.across.diagram, found, shown, alpha))
    return tuple(drawn)


def bars(rows: Sequence[Row]) -> Figure:
    """Draw every row's share as a bar, its number and p at the right edge."""
    with rc_context(STYLE):
        fig = figure(0.7 + 0.27 * len(rows))
        axes = fig.add_subplot()
        for place, row in enumerate(rows):
            share, color = 100 * row.share.omega, COLORS[row.kind]
            grey = row.kind in (REST, SEEDS)
            thin = row.kind == PLACE  # a part of the bar above
            alpha = 0.6 if grey or thin else 1
            axes.barh(place, share, height=0.3 if thin else 0.62, color=color, lw=0, alpha=alpha)
            p = p_text(row.test.p) if row.test else row.basis if row.kind == INTERACTION else ""
            _beside(axes, place, 40, percent(row.share.omega), ha="right", color=INK, size=8.5)
            _beside(axes, place, 48, p, ha="left", color=MUTED, size=7.5)
        axes.set_yticks(range(len(rows)), [row.label for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, max(10.0, 105 * max(row.share.omega for row in rows)))
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_xlabel("share of variance (%)")
        return fig


def _beside(
    axes: Axes, y: float, points: float, text: str, *, ha: str, color: str, size: float
) -> None:
    """Write a text so many points to the right of the axes."""
    axes.annotate(
        text,
        (1.0, y),
        xycoords=("axes fraction", "data"),
        xytext=(points, 0),
        textcoords="offset points",
        ha=ha,
        va="center",
        color=color,
        fontsize=size,
        annotation_clip=False,
    )


def _diagram(told: Diagram, found: Design, shown: dict[str, Look], alpha: float) -> Drawing:
    names, many = found.treatments, noun(found.factor, 2)
    title = f"Mean ranks of {many} over {told.datasets} data sets"
    ranks = sorted(zip(told.ranks, names, strict=True))
    said = "; ".join(f"{name} {number(rank)}" for rank, name in ranks)
    same = "; ".join(listed([names[i] for i in group]) for group in told.groups) or "none"
    friedman = f" Friedman's test: {p_text(told.p)}." if told.p == told.p else ""
    caption = (
        f"Critical-difference diagram: rank 1 is best; levels over one bar are not told apart at {alpha:g} (Nemenyi:"
        f" {number(told.difference)} ranks).{friedman} n = {told.datasets} data sets, taken as independent; each is the"
        " mean over blocks and seeds, failures capped as above."
    )
    alt = f"{title}. {said}. Critical difference {number(told.difference)}. Not told apart: {same}."
    return Drawing("data-set-ranks", title, alt, caption, diagram(told, names, shown))


def diagram(told: Diagram, names: Sequence[str], shown: dict[str, Look]) -> Figure:
    """Draw mean ranks on a line, 1 at the left, and a bar under the levels of each group (Demsar 2006, figure 1)."""
    order = sorted(range(len(names)), key=lambda i: (told.ranks[i], names[i]))
    half, depth = (len(names) + 1) // 2, 0.28 * len(told.groups)
    bottom = -depth - 0.5 * half - 0.25
    with rc_context(STYLE):
        fig = figure(0.42 * (1.3 - bottom))
        axes = fig.add_subplot()
        axes.set_axis_off()
        low, high = 1.0, float(len(names))
        wide = 0.28 * (high - low)
        axes.set_xlim(low - wide, high + wide)
        axes.set_ylim(bottom, 1.3)
        axes.plot([low, high], [0, 0], color=INK, lw=0.8)
        for tick in range(1, len(names) + 1):
            axes.plot([tick, tick], [0, 0.1], color=INK, lw=0.8)
            axes.text(tick, 0.18, str(tick), ha="center", va="bottom", color=MUTED, fontsize=8)
        _critical(axes, low, told.difference)
        for line, group in enumerate(told.groups, 1):
            y, reach = -0.28 * line, [told.ranks[i] for i in group]
            ends = [min(reach) - 0.01 * wide, max(reach) + 0.01 * wide]
            axes.plot(ends, [y, y], color=INK, lw=3, solid_capstyle="round")
        for place, i in enumerate(order):
            left = place < half
            y = -depth - 0.5 * (place + 1 if left else len(names) - place)
            edge = low - 0.08 * wide if left else high + 0.08 * wide
            look, rank = shown[names[i]], told.ranks[i]
            axes.plot([rank, rank, edge], [0, y, y], color=MUTED, lw=0.7)
            axes.plot(rank, 0, look.marker, color=look.color, ms=6, clip_on=False)
            text, side = f"{names[i]}  {number(rank)}", "right" if left else "left"
            axes.text(edge + (-1 if left else 1) * 0.04 * wide, y, text, ha=side, va="center")
        return fig


def _critical(axes: Axes, start: float, difference: float) -> None:
    """Draw the length of the critical difference over the line."""
    axes.plot([start, start + difference], [0.85, 0.85], color=INK, lw=1.2, marker="|", ms=5)
    text = f"critical difference {number(difference)}"
    axes.text(start + difference / 2, 0.95, text, ha="center", va="bottom", fontsize=8)
