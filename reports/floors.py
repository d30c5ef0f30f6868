"""What real samples score, as the trials of a block recorded it."""

from __future__ import annotations

import pandas as pd

from reports.scales import base


def floor(trials: pd.DataFrame, block: str, score: str) -> tuple[float, float] | None:
    """Return value and noise of real samples by a score; None where the block's trials do not say, or not by it.

    A trial's result records the floors of its own protocol, that of the declared score, by family; a generator scored
    again has those of the protocol by whole names. The best checkpoint's floor is the last one's.
    """
    inside, protocol = trials[trials["block"] == block], score.partition("_")[2]
    own = {str(name).partition("_")[2] for name in inside["score_name"].dropna()}
    stem = base(score) if protocol in own else f"{base(score)}_{protocol}"
    if f"floor_{stem}" not in inside:
        return None
    known = inside[[f"floor_{stem}", f"noise_{stem}"]].dropna()
    if known.empty:
        return None
    value, noise = known.iloc[0]
    return float(value), float(noise)
