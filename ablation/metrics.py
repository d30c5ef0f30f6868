"""What a claim may measure: scores, readings, ends of trials, times; which are ratios, and which have a better side."""

from __future__ import annotations

from typing import Any

from ablation.instruments import INSTRUMENTS, SCORES, about
from ablation.instruments.instrument import EVENTS

SCORE, TUNED, SPREAD, COST = "score", "tuned_score", "spread", "cost"
"""The declared score, the same with both sides tuned, its deviation from the median of its seeds, time per step."""

RATES = {
    "failure_rate": "diverged or crashed",
    "collapse_rate": "collapsed",
    "bad_end_rate": "diverged, crashed or collapsed",
    "mode_loss_rate": "modes lost",
}
"""Shares of trials."""

DERIVED = {
    "predicted_attenuation": ("slope_power",),
    "net_deaths": ("died_fraction", "revived_fraction"),
}
"""What is computed of readings: the decades by which slopes alone shrink a gradient at a site; units that died less
those revived, added up over training."""

DISTANCES = ("fid", "frechet")
"""Score families of which a difference is a ratio."""


def is_ratio(metric: str) -> bool:
    """Say whether differences of a metric are ratios: distances, norms, times and the declared score's own effect."""
    stem = metric.removesuffix("-best")
    named = (SCORE, TUNED, SPREAD, COST, "signal_to_generator", *DISTANCES)
    return stem in named or metric.endswith("_norm")


def is_score(metric: str) -> bool:
    """Say whether a metric is a score, of which one side is better."""
    found = about(metric)
    return metric in (SCORE, TUNED) or (found is not None and found.group == SCORES)


def check_metric(metric: Any, place: str) -> None:
    """Raise ValueError for a metric that no study measures."""
    own = (SCORE, TUNED, SPREAD, COST, *RATES, *DERIVED)
    found = about(metric) if isinstance(metric, str) else None
    if metric in own or (found is not None and found.group != EVENTS):
        return
    known = [name for name, row in INSTRUMENTS.items() if row.group != EVENTS]
    raise ValueError(f"{place} is {metric!r}; it is one of {', '.join([*own, *known])}")
