"""What the figures of built-in experiments share: curves over trials, panels in order, a caption under the figure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.curves import Curve
from reports.drawing import MUTED, STYLE, Drawing
from reports.names import natural
from reports.words import listed, seeds_word

LINE = 0.13
"""Inches of one line of a figure's caption."""
LETTERS = 142
"""Letters in one line of it."""


@dataclass(frozen=True)
class Story:
    """A figure, and the same numbers in sentences."""

    drawing: Drawing
    told: tuple[str, ...]


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


def lower_edge(own: Sequence[Curve]) -> float:
    """Return where a zero stands on a logarithmic axis: under all that is positive."""
    return min((v for curve in own for v in (*curve.low, *curve.median) if v > 0), default=1.0) / 2


def panel_order(asked: Mapping[str, Any], rows: pd.DataFrame) -> list[str]:
    """Return the panels for which there are numbers, in the order in which they were asked."""
    present = set(rows["panel"])
    panels = dict.fromkeys(row["panel"] for row in asked["trials"])
    return [panel for panel in panels if panel in present]


def heading(axes: Axes, text: str) -> None:
    """Write a panel's heading."""
    axes.set_title(text, loc="left", fontsize=7.5)


def counted(asked: Mapping[str, Any]) -> str:
    """Return over how many seeds: n of the cells that have an answer."""
    counts = pd.Series([r["cell"] for r in asked["trials"] if _answered(r)]).value_counts()
    low, high = int(counts.min()), int(counts.max())
    return f"n = {seeds_word(low)}" if low == high else f"n = {low} to {high} seeds"


def _answered(row: Mapping[str, Any]) -> bool:
    return row["outcome"] not in ("missing", "crashed")


def lost(asked: Mapping[str, Any]) -> str:
    """Return what became of the trials that did not end as they should, "" where all did."""
    kinds = pd.Series([r["outcome"] for r in asked["trials"]]).value_counts()
    bad = {
        str(kind): int(kinds[kind]) for kind in ("missing", "crashed", "diverged") if kind in kinds
    }
    words = [f"{count} {kind}" for kind, count in bad.items()]
    return f"Of {len(asked['trials'])} trials {listed(words)}. " if words else ""


def story_of(name: str, title: str, caption: str, fig: Figure, told: tuple[str, ...]) -> Story:
    """Return the figure with its caption under it, since it stands alone."""
    lines = textwrap.wrap(caption, LETTERS)
    wide, high = fig.get_size_inches()
    fig.set_size_inches(wide, high + LINE * len(lines))
    with rc_context(STYLE):
        fig.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7, color=MUTED)
    alt = f"{title}. {' '.join(f'{text}.' for text in told)}"
    return Story(Drawing(name, title, alt, caption, fig), told)
