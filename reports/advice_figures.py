"""The figure of quality against cost: a panel a block, what nothing dominates in these two joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, isfinite

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ablation.levels import noun
from reports.advice import Advice
from reports.costs import Costs
from reports.criteria import COST, Rated
from reports.design import Design
from reports.drawing import MUTED, STYLE, Drawing, Look, figure, legend, log_ticks, slug
from reports.lettering import NAME, shortened
from reports.phrases import article, failures_word
from reports.scales import family, logged, printed
from reports.words import listed, number

COLUMNS, PANELS = 3, 6
"""Panels in a row, and in one figure; further blocks stand in figures of their own."""

NAMED = 5
"""Lines of a panel that name levels with failures."""
WIDE = 1.5
"""The axis of costs spans more than this factor on either side of costs that lie within it."""


def trades(
    advised: Sequence[Advice], paid: Costs, found: Design, shown: Mapping[str, Look]
) -> tuple[Drawing, ...]:
    """Draw every block in which some level has both a median score and a cost, six a figure."""
    known = [a for a in advised if any(map(_placed, a.rated))]
    parts = [known[i : i + PANELS] for i in range(0, len(known), PANELS)]
    return tuple(_drawing(part, paid, found, shown, k) for k, part in enumerate(parts, 1))


def _placed(r: Rated) -> bool:
    return isfinite(r.score) and isfinite(r.cost)


def front(a: Advice) -> list[Rated]:
    """Return the levels that none dominates in quality and cost, the cheapest first.

    A level dominates another that it beats at no more cost that counts, and one that costs more without beating it.
    """
    rule = next(c for c in a.criteria if c.name == "cost")
    beats = {(b.a, b.b) for b in a.beats}

    def dominates(x: Rated, y: Rated) -> bool:
        if (y.level, x.level) in beats or rule.better(y, x):
            return False
        return (x.level, y.level) in beats or rule.better(x, y)

    own = [r for r in a.rated if _placed(r)]
    kept = [r for r in own if not any(dominates(other, r) for other in own)]
    return sorted(kept, key=lambda r: (r.cost, r.level))


def _drawing(
    part: Sequence[Advice], paid: Costs, found: Design, shown: Mapping[str, Look], k: int
) -> Drawing:
    n, failed = (sum(getattr(r, name) for a in part for r in a.rated) for name in ("n", "failed"))
    title = f"Quality against cost{'' if len(part) > 1 else ': ' + part[0].block.label}"
    rough = "" if paid.timed else "; times of trials that may have run at once are rough"
    worst = ", counted as worst in the median (no mark where that failed)" if failed else ""
    caption = (
        f"Median score over seeds (mark) with its range (line) against cost ({paid.unit}{rough}). Filled: recommended."
        f" Joined: dominated by none in these two; {article(noun(found.factor))} dominates what it beats by a declared"
        f" test unless it costs over {100 * (COST[paid.timed] - 1):.0f} % more, and what costs over that more and does"
        f" not beat it. n = {n} trials; {failures_word(failed)}{worst}."
    )
    said = [
        f"{a.block.label}: "
        + ", ".join(
            f"{r.level} {number(r.score)} at {number(r.cost)}" for r in a.rated if _placed(r)
        )
        + f"; joined {listed([r.level for r in front(a)])}"
        for a in part
    ]
    alt = f"Median score and cost in {paid.unit}. {'. '.join(said)}."
    return Drawing(
        f"cost-{k}-{slug(part[0].block.label)}", title, alt, caption, _figure(part, paid, shown)
    )


def _figure(part: Sequence[Advice], paid: Costs, shown: Mapping[str, Look]) -> Figure:
    with rc_context(STYLE):
        columns = min(COLUMNS, len(part))
        rows = ceil(len(part) / columns)
        fig = figure(0.75 + (2.1 if columns > 1 else 2.6) * rows)
        grid = fig.subplots(rows, columns, squeeze=False).ravel()
        for axes, a in zip(grid, part, strict=False):
            _panel(axes, a, shown)
            axes.set_ylabel(printed(family(a.score)))
            if len(part) > 1:
                axes.set_title(a.block.label.replace(" · ", "\n"), loc="left", fontsize=7.5)
        for axes in grid[len(part) :]:
            axes.set_visible(False)
        fig.supxlabel(f"cost ({paid.unit})", fontsize=8.5)
        present = {r.level for a in part for r in a.rated if _placed(r)}
        legend(fig, {name: look for name, look in shown.items() if name in present})
        return fig


def _more(failed: Sequence[str]) -> str:
    return f"and {len(failed) - NAMED + 1} more with failures"


def _panel(axes: Axes, a: Advice, shown: Mapping[str, Look]) -> None:
    joined = front(a)
    axes.plot([r.cost for r in joined], [r.score for r in joined], color=MUTED, lw=0.9, zorder=1)
    for r in filter(_placed, a.rated):
        look = shown[r.level]
        axes.plot([r.cost, r.cost], r.reach, color=look.color, lw=0.9, alpha=0.6)
        face = look.color if r.level in a.chosen else "none"
        axes.plot(r.cost, r.score, look.marker, color=look.color, mfc=face, ms=6, mew=1.2)
    if failed := [
        f"{shortened(r.level, NAME)}: {r.failed} of {r.n} failed" for r in a.rated if r.failed
    ]:
        told = failed if len(failed) <= NAMED else [*failed[: NAMED - 1], _more(failed)]
        axes.annotate(
            "\n".join(told),
            (0.98, 0.97),
            xycoords="axes fraction",
            va="top",
            ha="right",
            fontsize=7,
            color=MUTED,
        )
    axes.margins(0.16)
    if logged(a.score) and min(r.reach[0] for r in a.rated if _placed(r)) > 0:
        axes.set_yscale("log")
        log_ticks(axes, "y", *axes.get_ylim())
    paid = [r.cost for r in a.rated if _placed(r)]
    if max(paid) < WIDE * min(paid):  # small differences shall look small
        axes.set_xlim(min(paid) / WIDE, max(paid) * WIDE)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.grid(axis="both")
