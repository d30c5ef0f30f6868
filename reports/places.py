"""Where the groups of a figure stand on its horizontal axis, and how their labels find room there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from reports.lettering import LABEL

LETTERS = 96
"""Letters that stand side by side under a figure."""
CROWDED = 112
"""Letters with which those of neighbours touch."""
MANY = 14
"""Groups above which labels stand upright, as they do where their words do not fit side by side."""
LONGEST = 36
"""Letters of an upright label."""
LETTER = 0.058
"""Inches of an upright letter."""


@dataclass(frozen=True)
class Group:
    """A block's place on the horizontal axis; `floor` is what real samples score there."""

    key: str
    label: str
    floor: float | None = None


def height(groups: Sequence[Group]) -> float:
    """Return the inches that labels take beyond the four lines which every figure has room for."""
    if not _upright(groups):
        return 0.0
    return LETTER * max(len(line) for label in _shortened(groups) for line in label.split("\n"))


def name_groups(axes: Axes, groups: Sequence[Group]) -> None:
    """Label the groups, and name frame and labels, so that the page can give room to some of them."""
    upright = _upright(groups)
    labels = _shortened(groups) if upright else [wrapped(g.label, len(groups)) for g in groups]
    axes.set_xticks(range(len(groups)), labels)
    axes.patch.set_gid("frame")
    for i, label in enumerate(axes.get_xticklabels()):
        label.set_gid(f"label-{i}")
        if upright:
            label.set(rotation=90, fontsize=7)


def _upright(groups: Sequence[Group]) -> bool:
    lines = [line for g in groups for line in wrapped(g.label, len(groups)).split("\n")]
    return len(groups) > MANY or len(groups) * max(map(len, lines), default=0) > CROWDED


def _shortened(groups: Sequence[Group]) -> list[str]:
    """Return the labels, cut where they can still be told apart, else broken at their dots."""
    labels = [group.label for group in groups]
    for tail in (0, LONGEST // 2):
        cut = [_cut(label, LONGEST, tail) for label in labels]
        if len(set(cut)) == len(set(labels)):
            return cut
    return [
        "\n".join(_cut(word, LABEL, LABEL // 2) for word in label.split(" · ")) for label in labels
    ]


def _cut(label: str, most: int, tail: int) -> str:
    end = label[len(label) - tail :]
    return label if len(label) <= most else f"{label[: most - tail - 1]}…{end}"


def wrapped(label: str, groups: int) -> str:
    """Break a label where there are several groups: at its dots, and within names as long as that takes."""
    if groups < 2:
        return label
    most = max(9, LETTERS // groups)
    lines: list[str] = []
    for word in label.split(" · "):
        for part in re.findall(r"[^_\s-]+[_\s-]*", word) or [word]:
            if lines and len(lines[-1]) + len(part) <= most and not lines[-1].endswith("\n"):
                lines[-1] += part
            else:
                lines.append(part)
        lines[-1] += "\n"
    told = [line.rstrip("\n ") for line in lines]
    return "\n".join([*told[:4], "…"] if len(told) > 5 else told)
