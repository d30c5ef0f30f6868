"""What real samples score, as the trials of a block recorded it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from reports.scales import base
from reports.scored import floor_names


@dataclass(frozen=True)
class Floor:
    """What `n` real samples score, and the standard deviation of drawing them."""

    value: float
    noise: float
    n: int


def floor(trials: pd.DataFrame, block: str, score: str) -> Floor | None:
    """Return the floor of a score in a block; None where its trials do not say it.

    A trial's result records the floors of its own protocol, that of the declared score, by family; a generator scored
    again has those of the protocol by whole names. The best checkpoint's floor is the last one's.
    """
    inside, protocol = trials[trials["block"] == block], score.partition("_")[2]
    names = inside["score_name"].map(lambda name: str(name).partition("_")[2])
    own = inside[names == protocol]
    stem, inside = (base(score), own) if len(own) else (f"{base(score)}_{protocol}", inside)
    columns = list(floor_names(stem))
    if columns[0] not in inside:
        return None
    known = inside[columns].dropna()
    if known.empty:
        return None
    value, noise, n = known.iloc[0]
    return Floor(float(value), float(noise), int(n))
