"""What went wrong in training, how often, and what came first; and how the units lived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ablation.instruments import about
from ablation.levels import noun
from reports.design import Design
from reports.phrases import counted
from reports.rows import Table, cell, table

EVENT = "event_"
BAD = ("diverged", "collapsed")


def events(
    readings: pd.DataFrame, trials: pd.DataFrame, found: Design, order: Sequence[str]
) -> Table:
    """Return each event by level and block: trials, in how many it came first, and when."""
    quantity = readings["quantity"].astype(str)
    own = readings[quantity.str.startswith(EVENT)]
    bad = set(trials.loc[trials["outcome"].isin(BAD), "key"])
    body = []
    for block in found.blocks:
        inside = own[own["block"] == block.key]
        for name in order:
            mine = inside[inside["treatment"] == name]
            n = int(((trials["block"] == block.key) & (trials["treatment"] == name)).sum())
            by_event = sorted(
                mine.groupby(mine["quantity"].astype(str), sort=True),
                key=lambda pair: float(pair[1]["step"].median()),
            )
            for event, rows in by_event:
                what = about(event)
                count, first = len(rows), int((rows["value"] == 1).sum())
                step = float(rows["step"].median())
                badly = len(set(map(str, rows["key"])) & bad)
                row: list[Any] = [block.label, name, what.title if what else event]
                row += [cell(f"{count} of {n}", count), cell(first, first)]
                body.append([*row, cell(f"{step:,.0f}", step), cell(badly, badly)])
    columns = ["block", noun(found.factor), "event", "trials#", "came first#", "median step#"]
    caption = (
        "Events: in how many trials each happened and in how many of them it came first (events of one probe come"
        " together), the median step, and how many of these trials diverged or collapsed"
    )
    return table("events-all", caption, [*columns, "ended badly#"], body)


def first_of_bad(
    readings: pd.DataFrame, trials: pd.DataFrame, found: Design, order: Sequence[str]
) -> Table:
    """Return, by level, in how many of its diverged and collapsed trials each event came first."""
    bad = trials[trials["outcome"].isin(BAD) & trials["block"].isin([b.key for b in found.blocks])]
    quantity = readings["quantity"].astype(str)
    first = readings[quantity.str.startswith(EVENT) & (readings["value"] == 1)]
    first = first[first["key"].isin(bad["key"])]
    met = {(str(q), str(k)) for q, k in zip(first["quantity"], first["key"], strict=True)}
    names = [name for name in EVENTS if any(name == q for q, _ in met)]
    body: list[list[Any]] = []
    for level in order:
        own = bad[bad["treatment"] == level]
        if own.empty:
            continue
        keys = set(map(str, own["key"]))
        counts = [sum((name, key) in met for key in keys) for name in names]
        without = len(keys - {key for _, key in met})
        ended = [int((own["outcome"] == kind).sum()) for kind in BAD]
        body.append([level, *(cell(n, n) for n in (*ended, *counts, without))])
    titles = [i.title.lower() if (i := about(name)) else name for name in names]
    caption = (
        "What came first in the trials that diverged or collapsed: in how many of them, over all blocks, each event was"
        " the first (events of one probe come together, so a trial can stand in several columns)"
    )
    heads = [noun(found.factor), *(f"{word}#" for word in (*BAD, *titles, "no event"))]
    return table("events-bad", caption, heads, body)


def meanings(shown: Table) -> list[dict[str, str]]:
    """Return what each event of the table is."""
    titles = {row[2]["text"] for row in shown["rows"]}
    known = [i for name in EVENTS if (i := about(name)) is not None and i.title in titles]
    return [{"title": i.title, "text": i.text, "source": ""} for i in known]


EVENTS = tuple(
    f"{EVENT}{name}"
    for name in (
        *("discriminator_wins", "signal_falls", "units_die", "modes_lost", "classes_lost"),
        *("samples_collapse", "not_finite"),
    )
)


def lives(readings: pd.DataFrame, found: Design, order: Sequence[str]) -> Table:
    """Return how the units of each network lived: dead at the start, died, revived, dead at the end."""
    body = []
    for block in found.blocks:
        inside = readings[readings["block"] == block.key]
        for network in ("generator", "discriminator"):
            for name in order:
                mine = inside[(inside["treatment"] == name) & (inside["network"] == network)]
                if len(mine) and not mine[mine["quantity"] == "unborn_fraction"].empty:
                    shown = [cell(f"{100 * x:.3g} %", x) for x in _life(mine)]
                    body.append([block.label, network, name, *shown])
    columns = ["block", "network", noun(found.factor), "dead before training#", "died#"]
    columns += ["revived#", "born#", "dead at the end#"]
    caption = (
        "The life of units: mean over the sites of a network, median over seeds, of the share dead before training, of"
        " those that died, were revived and were born between probes (added up over all of them), and of those dead at"
        " the last probe; each column is a median of its own, so a row need not add up"
    )
    return table("lives", caption, columns, body)


def _life(mine: pd.DataFrame) -> list[float]:
    """Return the medians over trials of the five shares."""

    def over_sites(quantity: str) -> pd.Series:
        rows = mine[mine["quantity"] == quantity]
        return rows.groupby(["key", "step"], observed=True)["value"].mean()

    dead = over_sites("dead_fraction").groupby("key", observed=True)
    found = [float(dead.first().median())]
    for quantity in ("died_fraction", "revived_fraction", "born_fraction"):
        total = over_sites(quantity).groupby("key", observed=True).sum()
        found.append(float(total.median()) if len(total) else 0.0)
    return [*found, float(dead.last().median())]


def worst(shown: Table) -> str:
    """Return in a sentence which event is the most frequent first one."""
    firsts: dict[str, float] = {}
    for row in shown["rows"]:
        firsts[row[2]["text"]] = firsts.get(row[2]["text"], 0) + (row[4]["value"] or 0)
    if not firsts or not max(firsts.values()):
        return "No trial met an event of the list below." if not firsts else ""
    name = max(firsts, key=lambda title: (firsts[title], title))
    return f"What came first most often: {name.lower()}, in {counted(int(firsts[name]), 'trial')}."
