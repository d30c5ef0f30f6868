"""Whether the levels that a claim names are rows of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ablation.catalogue import nearest, rows
from ablation.levels import ABSENT, PLACED, plain
from ablation.spec import PARTS

GROUPS = {"activation": "activation", **dict.fromkeys(PLACED, "activation")}
GROUPS |= {name: name for name in PARTS}
"""The group whose rows are the levels of a factor."""


def check_level(word: str, factor: str, place: str) -> None:
    """Raise ValueError for a level that no row of its group has; other factors have no rows."""
    group = GROUPS.get(factor)
    if group is None or word == ABSENT.get(factor):
        return
    known = [str(row.get("name", name)) for name, row in rows(group).items()]
    for name in _names(word, known) if group == "activation" else [plain(word)]:
        if name not in known:
            what = "which" if name == word else f"and {name!r}"
            raise ValueError(f"{place} is {word!r}, {what} is no {group}{nearest(name, known)}")


def _names(word: str, known: Sequence[str]) -> list[str]:
    """Return the rows that an activation's level names: `G_relu+D_tanh`, `relu+generator.2_tanh`."""
    found = []
    for piece in map(plain, word.split("+")):
        placed = piece.startswith(("generator.", "discriminator."))
        ends = [name for name in known if placed and piece.endswith(f"_{name}")]
        found.append(max(ends, key=len) if ends else re.sub("^[GD]_", "", piece))
    return found
