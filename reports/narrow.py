"""Figures narrower than a page: labels folded and turned until they fit, or the figure widened where they cannot."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from textwrap import fill
from warnings import catch_warnings, filterwarnings

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

NARROW = 6.0
"""Inches: a narrower figure is looked at."""
LEAST = 0.6
"""Inches: the least width of a panel that can be read."""
LETTERS = 13.5
"""Letters of a label to the inch."""
SLACK = 0.05
"""Inches by which a mark may stand out over the figure's edge."""


def fit(figure: Figure, wide: float) -> None:
    """Make a narrow figure legible at its width, else `wide` inches wide; call it with the style set."""
    if figure.get_figwidth() >= NARROW:
        return
    for axes in figure.axes:
        label = axes.xaxis.label
        label.set_text(fill(label.get_text(), int(LETTERS * figure.get_figwidth())))
    try:
        _draw(figure)
        if turned := [axes for axes in figure.axes if _cross(_ticks(axes))]:
            before = max(_height(axes, figure.dpi) for axes in turned)
            for axes in turned:
                axes.tick_params(axis="x", labelrotation=90)
            more = max(_height(axes, figure.dpi) for axes in turned) - before
            figure.set_figheight(figure.get_figheight() + more)
            _draw(figure)
        fits = _legible(figure)
    except UserWarning:  # no room is left for a panel
        fits = False
    if not fits:
        figure.set_figwidth(wide)


def _draw(figure: Figure) -> None:
    """Lay the figure out; raises UserWarning where there is no room for it."""
    with catch_warnings():
        filterwarnings("error", "constrained_layout not applied")
        figure.draw_without_rendering()


def _legible(figure: Figure) -> bool:
    """Say whether panels are wide enough, no text crosses another, and none runs over the edge."""
    shown = [axes for axes in figure.axes if axes.get_visible()]
    reach = figure.get_tightbbox()
    return (
        all(axes.get_position().width * figure.get_figwidth() >= LEAST for axes in shown)
        and not any(_cross(_ticks(axes)) or _cross(axes.texts) for axes in shown)
        and all(map(_inside, shown))
        and reach.x0 > -SLACK
        and reach.x1 < figure.get_figwidth() + SLACK
    )


def _ticks(axes: Axes) -> list[Text]:
    return [text for text in axes.get_xticklabels() if text.get_visible() and text.get_text()]


def _height(axes: Axes, dpi: float) -> float:
    """Return the height of the highest tick label below (or above) these axes, in inches."""
    high = max(text.get_window_extent().height for text in _ticks(axes))
    return float(high) / dpi


def _inside(axes: Axes) -> bool:
    """Say whether the plain texts of these axes, which stand in cells of theirs, stay within them."""
    box = axes.get_window_extent()
    own = [text.get_window_extent() for text in axes.texts if not isinstance(text, Annotation)]
    return all(box.x0 - 1 <= one.x0 and one.x1 <= box.x1 + 1 for one in own)


def _cross(texts: Sequence[Text]) -> bool:
    """Say whether two of these texts lie over one another."""
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    return any(_overlap(a, b) for a, b in combinations(boxes, 2))


def _overlap(a: Bbox, b: Bbox) -> bool:
    """Say whether two boxes share more than a pixel each way."""
    wide = min(a.x1, b.x1) - max(a.x0, b.x0)
    high = min(a.y1, b.y1) - max(a.y0, b.y0)
    return bool(wide > 1 and high > 1)
