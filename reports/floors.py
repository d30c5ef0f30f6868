"""What real samples score, as the trials of a block recorded it."""

from __future__ import annotations

import pandas as pd

from reports.scales import base


def floor(trials: pd.DataFrame, block: str, score: str) -> tuple[float, float] | None:
    """Return value and noise of real samples by a score; None where the block's trials do not say, or not by it.

    A trial records the floors of its own protocol alone: that of the declared score. The best checkpoint's floor is
    the last one's.
    """
    stem, inside = base(score), trials[trials["block"] == block]
    if f"floor_{stem}" not in inside:
        return None
    own = {str(name).partition("_")[2] for name in inside["score_name"].dropna()}
    known = inside[[f"floor_{stem}", f"noise_{stem}"]].dropna()
    if score.partition("_")[2] not in own or known.empty:
        return None
    value, noise = known.iloc[0]
    return float(value), float(noise)
