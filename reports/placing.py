"""In which network an activation matters: what the compared pairs of activations tell, split by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablation.levels import PLACED
from reports.design import Design
from reports.estimates import Floats
from reports.factors import Ints

IN = dict(zip(PLACED, ("in the generator", "in the discriminator"), strict=True))
"""What the part of an activation's share is called that goes with one place."""
BOTH = "in their combination"


@dataclass(frozen=True)
class Placed:
    """The levels of both places, 0.., of every compared pair in the design's order: all combinations of them."""

    generator: tuple[int, ...]
    discriminator: tuple[int, ...]

    @property
    def places(self) -> Mapping[str, tuple[int, ...]]:
        """The same by the place's column."""
        return dict(zip(PLACED, (self.generator, self.discriminator), strict=True))

    @property
    def levels(self) -> tuple[int, int]:
        """How many there are at each place."""
        return len(set(self.generator)), len(set(self.discriminator))


def placed(found: Design, trials: pd.DataFrame) -> Placed | None:
    """Return which activation each level of a study has where, if it crosses those of generator and discriminator.

    None where it compares something else, where single sites differ, or where a pair is missing.
    """
    if found.factor != "activation":
        return None
    rows = trials.drop_duplicates("treatment").set_index("treatment").reindex(found.treatments)
    if "sites" in rows and rows["sites"].fillna("").astype(str).any():
        return None
    codes = [pd.factorize(rows[place].astype(str))[0] for place in PLACED]
    counts = [len(set(own.tolist())) for own in codes]
    pairs = {(int(g), int(d)) for g, d in zip(*codes, strict=True)}
    whole = len(pairs) == counts[0] * counts[1] == len(found.treatments)
    if min(counts, default=0) < 2 or not whole:
        return None
    return Placed(tuple(map(int, codes[0])), tuple(map(int, codes[1])))


def units(
    streams: Sequence[tuple[Floats, Ints]], own: Sequence[int], other: Sequence[int]
) -> list[tuple[Floats, Ints]]:
    """Return units with the level of one place as their label, in strata that have the other place's level in common.

    `streams` are those of a test of the pairs: units, and the place of each one's pair in the design.
    """
    mine, theirs = np.array(own), np.array(other)
    return [
        (values[theirs[pairs] == level], mine[pairs[theirs[pairs] == level]])
        for values, pairs in streams
        for level in sorted(set(other))
    ]
