"""Figures of tuning: how scores answer to a setting, and what the best of more settings brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, isfinite

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.design import Design
from reports.drawing import MUTED, STYLE, Drawing, Look, figure, fitting, legend, log_ticks, slug
from reports.phrases import failures_word
from reports.tuned import best_of
from reports.tuning import Choice, Search
from reports.tuning_words import value_of
from reports.words import number

MOST = 6
"""Blocks that a figure shows; the table has the others."""
COLUMNS = 3


@dataclass(frozen=True)
class Line:
    """A level's numbers in one panel, from left to right; NaN marks a failure."""

    level: str
    x: tuple[float, ...]
    y: tuple[float, ...]


def drawings(
    told: Search | None, found: Design, order: Sequence[str], shown: Mapping[str, Look]
) -> tuple[Drawing, ...]:
    """Draw scores along every number that is tuned, and the best of k settings; nothing where nothing is tuned."""
    if told is None:
        return ()
    choices = told.choices(found, order)
    blocks = [b for b in found.blocks if any(c.block == b.key for c in choices)][:MOST]
    if not blocks:
        return ()
    left = len(found.blocks) - len(blocks)
    more = f" {left} more blocks are in the table." if left else ""

    def panels(line: Callable[[Choice], Line]) -> list[tuple[str, list[Line]]]:
        return [(b.label, [line(c) for c in choices if c.block == b.key]) for b in blocks]

    drawn = []
    n, failed = min(c.outcomes.shape[1] for c in choices), sum(c.failed for c in choices)
    told_of = f"n = {n} seeds a setting; {failures_word(failed)}.{more}"
    ratio = all(told.signs.get(b.key, (False, False))[0] for b in blocks)
    for one in told.tune.space:
        if one.kind == "choice":
            continue
        lines = panels(partial(_response, told, one.name))
        title = f"{found.scale.label} along {one.name}"
        drawn.append(
            Drawing(
                f"tuned-{slug(one.name)}",
                title,
                f"{title}. {_spoken(lines)}",
                f"Median over seeds of every setting, failures as worst (a cross on top). {told_of}",
                _figure(lines, shown, one.name, found.scale.label, x=one.kind == "log", y=ratio),
            )
        )
    lines = panels(partial(_curve, told))
    title = f"{found.scale.label} of the best of k settings"
    caption = (
        "What the best of k random settings reaches, chosen on the other seeds: the median over seeds and over all"
        f" ways to draw k of them. Left: no tuning but chance. {told_of}"
    )
    drawn.append(
        Drawing(
            "tuned-best-of",
            title,
            f"{title}. {_spoken(lines)}",
            caption,
            _figure(lines, shown, "settings tried (k)", found.scale.label, x=False, y=ratio),
        )
    )
    return tuple(drawn)


def _response(told: Search, name: str, choice: Choice) -> Line:
    pairs = sorted(
        (value_of(setting, name), told.score(choice.block, y))
        for setting, y in zip(choice.settings, choice.median, strict=True)
    )
    return Line(choice.level, tuple(x for x, _ in pairs), tuple(y for _, y in pairs))


def _curve(told: Search, choice: Choice) -> Line:
    values = [told.score(choice.block, y) for y in best_of(choice.outcomes)]
    return Line(choice.level, tuple(map(float, range(1, len(values) + 1))), tuple(values))


def _spoken(panels: Sequence[tuple[str, Sequence[Line]]]) -> str:
    """Return the numbers of a figure in words."""
    said = [
        f"{label}, {line.level}: "
        + ", ".join(
            f"{number(y) if isfinite(y) else 'failed'} at {number(x)}"
            for x, y in zip(line.x, line.y, strict=True)
        )
        for label, lines in panels
        for line in lines
    ]
    return f"{'; '.join(said)}."


def _figure(
    panels: Sequence[tuple[str, Sequence[Line]]],
    shown: Mapping[str, Look],
    x_label: str,
    y_label: str,
    *,
    x: bool,
    y: bool,
) -> Figure:
    """Draw a panel a block; `x` and `y` say whether an axis is logarithmic."""
    with rc_context(STYLE):
        columns = min(fitting(COLUMNS), len(panels))
        rows = ceil(len(panels) / columns)
        fig = figure(0.8 + 2.1 * rows)
        grid = fig.subplots(rows, columns, squeeze=False)
        for number_, axes in enumerate(grid.flat):
            if number_ >= len(panels):
                axes.set_visible(False)
                continue
            label, lines = panels[number_]
            if len(panels) > 1:
                axes.set_title(label, loc="left", fontsize=7.5)
            _panel(axes, lines, shown, x=x, y=y)
            if number_ % columns == 0:
                axes.set_ylabel(y_label)
            if number_ + columns >= len(panels):
                axes.set_xlabel(x_label)
        present = {line.level for _, lines in panels for line in lines}
        legend(fig, {name: look for name, look in shown.items() if name in present})
        return fig


def _panel(
    axes: Axes, lines: Sequence[Line], shown: Mapping[str, Look], *, x: bool, y: bool
) -> None:
    for line in lines:
        look = shown[line.level]
        axes.plot(line.x, line.y, marker=look.marker, color=look.color, ms=4.5, lw=1.3)
        bad = [at for at, value in zip(line.x, line.y, strict=True) if not isfinite(value)]
        if bad:
            axes.plot(
                bad, [1.03] * len(bad), "x", color=look.color, ms=5, mew=1.4, clip_on=False,
                transform=axes.get_xaxis_transform(),
            )  # fmt: skip
    numbers = [v for line in lines for v in line.y if isfinite(v)]
    places = [v for line in lines for v in line.x]
    if x and min(places) > 0:
        axes.set_xscale("log")
        log_ticks(axes, "x", min(places), max(places))
        axes.tick_params(axis="x", labelsize=7)
    elif all(v == int(v) for v in places):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if y and numbers and min(numbers) > 0:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        log_ticks(axes, "y", low, high)
    if not numbers:
        axes.annotate("all failed", (0.5, 0.5), xycoords="axes fraction", ha="center", color=MUTED)
    axes.grid(axis="y")
