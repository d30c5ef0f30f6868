"""In which network an activation matters: what the compared pairs of activations tell, split by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ablation.levels import PLACED
from reports.design import Design
from reports.estimates import Floats
from reports.factors import Ints

IN = dict(zip(PLACED, ("in the generator", "in the discriminator"), strict=True))
"""What the part of an activation's share is called that goes with one place."""
BOTH = "in their combination"


Placed = Mapping[str, Ints]
"""By place, generator first, the number of its level that each compared pair has, in the design's order."""


def placed(found: Design, trials: pd.DataFrame) -> Placed | None:
    """Return which activation each level of a study has where, if it crosses those of generator and discriminator.

    None where it compares something else, where single sites differ, or where a pair is missing.
    """
    if found.factor != "activation":
        return None
    rows = trials.drop_duplicates("treatment").set_index("treatment").reindex(found.treatments)
    if "sites" in rows and rows["sites"].fillna("").astype(str).any():
        return None
    codes = {place: pd.factorize(rows[place].astype(str))[0] for place in PLACED}
    g, d = (len(set(own.tolist())) for own in codes.values())
    pairs = set(zip(*(own.tolist() for own in codes.values()), strict=True))
    return codes if min(g, d) > 1 and len(pairs) == g * d == len(found.treatments) else None


def units(
    streams: Sequence[tuple[Floats, Ints]], own: Ints, other: Ints
) -> list[tuple[Floats, Ints]]:
    """Return units with the level of one place as their label, in strata that have the other place's level in common.

    `streams` are those of a test of the pairs: units, and the place of each one's pair in the design.
    """
    found = []
    for values, pairs in streams:
        for level in np.unique(other):
            inside = other[pairs] == level
            found.append((values[inside], own[pairs[inside]]))
    return found
