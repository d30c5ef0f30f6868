"""What the compared activations are and what they learned: their facts, and their parameters after training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ablation.levels import noun
from reports.design import FAILED, Design
from reports.facts import Facts
from reports.names import natural
from reports.progress import LEARNED
from reports.rows import Table, cell, table
from reports.tables import Tables
from reports.words import number

KNOWN = (
    *("gain", "steepest", "bounded", "smooth", "twice_differentiable", "monotone"),
    *("learnable", "random"),
)
"""The facts in the order of the table; others stand behind them."""

MOST_OTHERS = 6


def activations(facts: Facts) -> Table:
    """Return what is known of every activation, with its source; no row where no trial tells anything."""
    told = {name for own in facts.values() for name in own if name != "cite"}
    others = sorted(told - set(KNOWN))[:MOST_OTHERS]
    columns = [name for name in KNOWN if name in told] + others
    body = []
    for name in sorted(facts, key=str.lower) if told else ():
        own = facts[name]
        body.append([name, *(_fact(own.get(c)) for c in columns), str(own.get("cite") or "–")])
    numbers = {c for c in columns if any(_is_number(own.get(c)) for own in facts.values())}
    heads = [c.replace("_", " ") + ("#" if c in numbers else "") for c in columns]
    caption = (
        "The activations, as they were initialised: gain gives unit second moment on standard"
        " normal input; steepest is the greatest slope"
    )
    return table("activations", caption, ["activation", *heads, "source"], body)


def _fact(value: Any) -> dict[str, Any]:
    """Return a fact in words: yes or no, a number, `low to high` of a pair, – where it is not known."""
    if isinstance(value, list) and len(value) == 2 and not any(isinstance(v, list) for v in value):
        return cell(" to ".join(_fact(v)["text"] for v in value))
    if isinstance(value, bool):
        return cell("yes" if value else "no")
    if value in ("inf", "-inf", "nan") and isinstance(value, str):
        value = float(value)
    if _is_number(value):
        whole = isinstance(value, int)
        return cell(f"{value:,}" if whole else number(float(value)), float(value))
    return cell(value[:60] if isinstance(value, str) and value else "–")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def learned(tables: Tables, trials: pd.DataFrame, found: Design, order: Sequence[str]) -> Table:
    """Return what every learned parameter was at the last probed step: median and range over seeds."""
    own = tables.readings
    mine = own["quantity"].astype(str).str.startswith(LEARNED)
    failed = set(trials.loc[trials["outcome"].isin(FAILED), "key"])
    own = own[mine & ~own["key"].isin(failed) & own["treatment"].isin(order)]
    own = own[np.isfinite(own["value"].astype(float))]
    labels = {b.key: b.label for b in found.blocks}
    rank = {name: i for i, name in enumerate(order)}
    groups: dict[Any, tuple[list[str], list[float]]] = {}
    place = ["key", "network", "layer", "quantity"]
    last = own.sort_values("step").drop_duplicates(place, keep="last")
    for row in last.to_dict("records"):
        block, name, network, layer, what = (
            str(row[k]) for k in ("block", "treatment", "network", "layer", "quantity")
        )
        if block in labels:
            at = (labels[block], rank[name], network != "generator", tuple(natural(layer)), what)
            told = [labels[block], name, layer or network, what.removeprefix(LEARNED)]
            groups.setdefault(at, (told, []))[1].append(float(row["value"]))
    several, rows = len(labels) > 1, []
    for _, (told, values) in sorted(groups.items(), key=lambda item: item[0]):
        low, middle, high = min(values), float(np.median(values)), max(values)
        reach = f"[{number(low)}, {number(high)}]"
        numbers = [cell(number(middle), middle), cell(reach, low), cell(len(values), len(values))]
        rows.append([*told[0 if several else 1 :], *numbers])
    heads = [*(["block"] if several else []), noun(found.factor), "site", "parameter"]
    caption = "Learned parameters at a trial's last probed step; failed trials left out"
    return table("learned", caption, [*heads, "median#", "range#", "n#"], rows)
