"""The words inside a figure: only what its font has, nothing hidden, and names no longer than their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from matplotlib import get_data_path
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter

from ablation.texts import numbered, visible

LABEL = 44
"""Letters of a line of a tick's label."""
NAME = 36
"""Letters of a name in a legend."""
ACROSS = 116
"""Letters side by side in a figure: of the titles of its panels."""


def fonts() -> Path:
    """Return the folder of fonts that matplotlib ships: the same on every machine."""
    return Path(get_data_path()) / "fonts" / "ttf"


@cache
def characters() -> frozenset[int]:
    """Return the code points that the font of the figures has."""
    return frozenset(_font().get_charmap())


@cache
def _font() -> FT2Font:
    return FT2Font(str(fonts() / "DejaVuSans.ttf"))


def drawable(text: str) -> str:
    """Return the text with the number of each character that cannot be seen, or that the font lacks."""
    seen = visible(text).replace("\t", " ")
    if seen.isascii():
        return seen
    known = characters()
    kept = (
        c if c == "\n" or ord(c) in known else " " if c.isspace() else numbered(c) for c in seen
    )
    return "".join(kept)


def shortened(text: str, most: int = LABEL) -> str:
    """Return each line with at most `most` letters, what is cut out of its middle as one mark."""
    return "\n".join(_shortened(line, most) for line in text.split("\n"))


def _shortened(line: str, most: int) -> str:
    half = (most - 1) // 2
    return line if len(line) <= most else f"{line[: most - 1 - half]}…{line[-half:]}"


def letter(fig: Figure) -> None:
    """Make every word of a figure drawable, and every name fit its place; a second time changes nothing."""
    for text in fig.findobj(Text):
        assert isinstance(text, Text)
        text.set_text(drawable(text.get_text()))
    for legend in fig.legends:
        for text in legend.get_texts():
            text.set_text(shortened(text.get_text(), NAME))
    for axes in fig.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _tick_labels(axis)
        place = axes.get_subplotspec()
        most = ACROSS // (place.get_gridspec().ncols if place else 1)
        titles = {axes.get_title("left"), axes.get_title()} - {""}
        for text in axes.texts + [t for t in axes.get_children() if isinstance(t, Text)]:
            if text.get_text() in titles:
                text.set_text(shortened(text.get_text(), most))


def _tick_labels(axis: Axis) -> None:
    made = axis.get_major_formatter()
    if isinstance(made, FixedFormatter):
        made.seq = [shortened(drawable(label)) for label in made.seq]
    elif isinstance(made, FuncFormatter):
        made.func = _drawn(made.func)


def _drawn(said: Callable[..., str]) -> Callable[..., str]:
    def label(*place: Any) -> str:
        return shortened(drawable(said(*place)))

    return label


def breadth(text: str, size: float) -> float:
    """Return the width of a text's widest line in the font of the figures, in points."""
    font, widest = _font(), 0.0
    font.set_size(size, 72)
    for line in text.split("\n"):
        font.set_text(line, 0.0)
        widest = max(widest, float(font.get_width_height()[0]) / 64)
    return widest


def abreast(names: Sequence[str], most: int, room: float, size: float) -> int:
    """Return how many columns a legend of these names has in `room` points of width, at most `most`.

    Beside its name, an entry takes 4.8 times the font's size: the line, a gap, and the space to the next column.
    """
    wide = [breadth(shortened(drawable(name), NAME), size) + 4.8 * size for name in names]
    for columns in range(min(most, len(wide)), 1, -1):
        rows = ceil(len(wide) / columns)
        if sum(max(wide[i : i + rows]) for i in range(0, len(wide), rows)) <= room:
            return columns
    return 1


def further_rows(names: Sequence[str], columns: int) -> int:
    """Return how many rows beyond three a legend of so many columns has."""
    return max(0, ceil(len(names) / columns) - 3)
