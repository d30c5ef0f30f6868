"""Readings over time, per site and treatment: the medians and spreads that figures draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from reports.design import Block
from reports.names import natural


@dataclass(frozen=True)
class Curve:
    """One treatment at one site: median and quartiles over seeds at every probed step."""

    treatment: str
    steps: tuple[int, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    trials: int
    failed: int


POINTS = 100
"""A curve is drawn with at most so many points: more are not seen on a page, and weigh."""


def thinned(curve: Curve, most: int) -> Curve:
    """Return the curve at no more than `most` of its steps, evenly spread, the first and the last among them."""
    n = len(curve.steps)
    if n <= most:
        return curve
    kept = [round(i * (n - 1) / (most - 1)) for i in range(most)]
    median, low, high = (
        tuple(values[i] for i in kept) for values in (curve.median, curve.low, curve.high)
    )
    steps = tuple(curve.steps[i] for i in kept)
    return replace(curve, steps=steps, median=median, low=low, high=high)


@dataclass(frozen=True)
class Panel:
    """One site of one network in one block."""

    network: str
    layer: str
    curves: tuple[Curve, ...]


def panels(
    readings: pd.DataFrame, quantity: str, block: Block, order: Sequence[str], failed: set[str]
) -> tuple[Panel, ...]:
    """Return the panels of a quantity in a block: generator first, sites in their order.

    `failed` holds the keys of failed trials: their readings count while they last.
    """
    kept = readings[(readings["quantity"] == quantity) & (readings["block"] == block.key)]
    sites = {(str(n), str(s)) for n, s in zip(kept["network"], kept["layer"], strict=True)}
    found = []
    for network, layer in sorted(sites, key=lambda s: (s[0] != "generator", *natural(s[1]))):
        part = kept[(kept["network"] == network) & (kept["layer"] == layer)]
        curves = []
        for name in order:
            own = part[part["treatment"] == name]
            finite = own[np.isfinite(own["value"])]
            if len(finite):
                curves.append(_curve(name, finite, failed))
        if curves:
            found.append(Panel(network, layer, tuple(curves)))
    return tuple(found)


def table(readings: pd.DataFrame) -> pd.DataFrame:
    """Return every curve's median and quartiles over seeds: one row a block, quantity, site, treatment and step."""
    by = ["block", "treatment", "network", "layer", "quantity", "step"]
    values = readings["value"].astype(float)
    finite = readings.assign(value=values)[np.isfinite(values)]
    groups = finite.groupby(by, observed=True, sort=True)["value"]
    spread = {
        name: groups.quantile(q) for name, q in (("low", 0.25), ("median", 0.5), ("high", 0.75))
    }
    return pd.DataFrame(spread | {"n": groups.size()}).reset_index()


def _curve(name: str, rows: pd.DataFrame, failed: set[str]) -> Curve:
    by_step, keys = rows.groupby("step")["value"], set(rows["key"])
    low, median, high = (by_step.quantile(q) for q in (0.25, 0.5, 0.75))
    return Curve(
        treatment=name,
        steps=tuple(map(int, median.index.to_list())),
        median=tuple(map(float, median)),
        low=tuple(map(float, low)),
        high=tuple(map(float, high)),
        trials=len(keys),
        failed=len(keys & failed),
    )
