"""What captions of curves say: what a quantity is, n and failures, the last medians."""

from __future__ import annotations

from collections.abc import Sequence

from ablation.instruments import about
from reports.curves import Panel
from reports.drawing import Look
from reports.phrases import failures_word
from reports.words import number

SPREAD = "Median and quartiles over seeds"


def present(own: Sequence[Panel], shown: dict[str, Look]) -> dict[str, Look]:
    """Return the looks of those treatments that some panel has a curve of."""
    drawn = {curve.treatment for panel in own for curve in panel.curves}
    return {name: look for name, look in shown.items() if name in drawn}


def meaning(quantity: str) -> str:
    """Return what a quantity is, in the words of its instrument."""
    found = about(quantity)
    assert found is not None, quantity
    return found.text


def trials_word(own: Sequence[Panel]) -> str:
    """Return n and the failures of the fullest panel."""
    fullest = max(own, key=lambda p: sum(c.trials for c in p.curves))
    n, failed = (sum(getattr(c, name) for c in fullest.curves) for name in ("trials", "failed"))
    return f"n = {n} trials; {failures_word(failed)}{', drawn while they last' if failed else ''}."


def last_medians(own: Sequence[Panel]) -> str:
    """Return the last medians at the first site of every row, in words."""
    firsts = {panel.network: panel for panel in reversed(own)}
    return "; ".join(
        f"{panel.layer or panel.network}: "
        + ", ".join(f"{c.treatment} {number(c.median[-1], 2)}" for c in panel.curves)
        for panel in own
        if firsts[panel.network] is panel
    )
