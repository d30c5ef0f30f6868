"""One look for every figure: colours, markers, axes, and files that are the same bytes twice."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.lettering import abreast, further_rows, letter
from reports.names import natural
from reports.narrow import fit
from reports.texts import shown as plainly

INK, MUTED, RULE = "#1b1f24", "#66707b", "#d5dbe1"
"""Colours of text and axes; an inline figure takes them from the page's theme instead."""

THEME = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)", "#0072b2": "var(--blue)"}

OKABE_ITO = {
    "leaky_relu": ("#0072B2", "o"),
    "relu": ("#D55E00", "s"),
    "sigmoid": (INK, "^"),
    "tanh": ("#E69F00", "v"),
    "gelu": ("#009E73", "D"),
    "silu": ("#CC79A7", "p"),
    "elu": ("#56B4E9", "P"),
    "identity": ("#F0E442", "h"),
}
"""Each activation keeps its colour and its marker in every figure of every report."""

MARKERS = "*dXPv<>"
"""Those of levels without one of their own; none is as round as a circle when it is small."""

STYLE: dict[Any, Any] = {
    "text.parse_math": False,
    "svg.hashsalt": "activation-ablation",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
LONGEST = 60
"""Letters of a text in a file name."""
WIDTH = 7.2
"""Inches: the text width of the PDF report."""
_WIDTH: ContextVar[float] = ContextVar("width", default=WIDTH)


@contextmanager
def drawn_at(width: float) -> Iterator[None]:
    """Draw the figures made inside at another width (inches), at the same sizes of type."""
    before = _WIDTH.set(width)
    try:
        yield
    finally:
        _WIDTH.reset(before)


def fitting(most: int) -> int:
    """Return how many things of equal width fit side by side, where `most` fit in the text width."""
    return max(1, min(most, int(most * _WIDTH.get() / WIDTH + 0.1)))


@dataclass(frozen=True)
class Look:
    """A treatment's colour and marker."""

    color: str
    marker: str


@dataclass(frozen=True)
class Drawing:
    """A figure with what a reader needs who cannot see it, and what its numbers stand on.

    `blocks` are those that it shows, in its order, `score` the family, `marks` the text of every trial's mark by key:
    the page chooses and tells by them.
    """

    name: str
    title: str
    alt: str
    caption: str
    figure: Figure
    blocks: tuple[str, ...] = ()
    score: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make visible what a word of it hides."""
        for name in ("title", "alt", "caption"):
            object.__setattr__(self, name, plainly(getattr(self, name)))


def looks(treatments: Sequence[str]) -> dict[str, Look]:
    """Return every treatment's look: an activation's own, or what is left in the order of names."""
    if not set(treatments) & set(OKABE_ITO):  # a study of something else has all looks to itself
        order = sorted(set(treatments), key=lambda name: (natural(name), name))
        every = [*OKABE_ITO.values()]
        every += [(c, m) for m in MARKERS for c, _ in OKABE_ITO.values()]
        taken = {name: Look(*every[i % len(every)]) for i, name in enumerate(order)}
        return {name: taken[name] for name in treatments}
    free = [c for name, (c, _) in OKABE_ITO.items() if name not in treatments]
    free += [color for color, _ in OKABE_ITO.values()]
    found, strangers = dict[str, Look](), sorted(set(treatments) - set(OKABE_ITO))
    for i, name in enumerate(strangers):
        color, at = free[i % len(free)], i % len(MARKERS)
        each = [Look(color, marker) for marker in MARKERS[at:] + MARKERS[:at]]
        worn = {*found.values(), *(Look(*own) for own in OKABE_ITO.values())}
        found[name] = next((look for look in each if look not in worn), each[0])
    return {name: found.get(name) or Look(*OKABE_ITO[name]) for name in treatments}


def svg(drawing: Drawing) -> str:
    """Return the figure as an SVG document without a date, text as outlines.

    One that is too narrow for what it holds is widened to the text width: `width_of` tells.
    """
    letter(drawing.figure)
    stream = io.StringIO()
    with rc_context(STYLE):
        fit(drawing.figure, WIDTH)
        drawing.figure.savefig(
            stream,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Title": drawing.title},
        )
    return stream.getvalue()


def width_of(document: str) -> float:
    """Return the width of an SVG document of ours, in inches."""
    found = re.search(r'<svg[^>]* width="([\d.]+)pt"', document)
    assert found is not None, "matplotlib gives every SVG its width in points"
    return float(found[1]) / 72


def inline(document: str, name: str, title: str, description: str) -> str:
    """Return an SVG element for a page: ids of its own, the colours of the theme, a title."""
    body = document[document.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<title>.*?</title>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'xlink:href="#', f'href="#{name}-', body)
    body = body.replace("url(#", f"url(#{name}-")
    for color, variable in THEME.items():
        body = body.replace(color, variable)
    opening, rest = body.split(">", 1)
    size = re.search(r'viewBox="[^"]*"', opening)
    assert size is not None, "matplotlib gives every SVG its viewBox"
    named = f'role="img" aria-labelledby="{name}-title {name}-desc" focusable="false"'
    head = f'<title id="{name}-title">{escape(title)}</title>'
    head += f'<desc id="{name}-desc">{escape(description)}</desc>'
    return f"<svg {size[0]} {named}>{head}{rest}"


def figure(height: float) -> Figure:
    """Return an empty figure of the width that is drawn at; `height` in inches."""
    return Figure(figsize=(_WIDTH.get(), height), layout="constrained")


def legend(fig: Figure, shown: dict[str, Look]) -> None:
    """Draw the legend of treatments above the axes."""
    handles = [
        Line2D([], [], color=look.color, marker=look.marker, markersize=5, lw=1.2, label=name)
        for name, look in shown.items()
    ]
    usual = min(len(handles), 5)
    room = 72 * _WIDTH.get() - 16
    columns = min(abreast([*shown], usual, room, STYLE["legend.fontsize"]), fitting(5))
    if handles:  # room for rows beyond three, and for those that a narrow figure has more
        more = further_rows([*shown], columns)
        more = max(more, ceil(len(handles) / columns) - ceil(len(handles) / usual))
        fig.set_figheight(fig.get_figheight() + 0.17 * more)
    fig.legend(handles=handles, loc="outside upper left", ncols=columns)


def log_ticks(axes: Axes, which: str, low: float, high: float) -> None:
    """Put round numbers on a logarithmic axis that spans low to high > 0."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(round_numbers(low, high)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def round_numbers(low: float, high: float) -> list[float]:
    """Return three to nine round numbers within low to high > 0, evenly spread by ratio."""
    first, last = floor(log10(low)), ceil(log10(high))
    decades = range(first, last + 1)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        found = [s * 10.0**d for d in decades for s in steps]
        found = [v for v in found if low <= v * (1 + 1e-9) and v <= high * (1 + 1e-9)]
        if len(found) >= 4:
            thin = max(1, ceil(len(found) / 9))
            return found[::thin]
    step = 10.0 ** floor(log10(high - low))
    step = next(step / d for d in (1, 2, 5, 10, 20) if (high - low) / step * d >= 4)
    return [k * step for k in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def slug(text: str) -> str:
    """Return a text as part of a file name; one that loses letters gets six digits that tell it from its likes."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-") or "all"
    if text.isascii() and len(plain) <= LONGEST:
        return plain
    return f"{plain[:LONGEST]}-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:6]}"
