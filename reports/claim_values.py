"""What a claim's metric is of every trial: outcomes of scores, means of readings, ends of trials, times of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pandas as pd

from ablation.claim import Claim, Evidence
from ablation.files import read_json
from ablation.instruments import about
from ablation.metrics import COST, DERIVED, RATES, SCORE, SPREAD, is_ratio, is_score
from reports.claim_source import KEPT, Absent, Source, applies, inside
from reports.design import FAILED, Design, outcomes
from reports.names import block_columns
from reports.scales import Scale, family, printed, scale
from reports.tables import LOST, Tables, with_primary_score

FAINTEST = 1e-45
"""What a gradient of nothing counts as where a logarithm is taken."""

COSTS = "costs.json"


def measured(evidence: Evidence, claim: Claim, source: Source) -> tuple[pd.DataFrame, Scale]:
    """Return the trials that a claim is about with `y`, NaN where nothing is known, and the scale of `y`.

    A score's `y` is lower-is-better with +inf for a failure, as a design has it; anything else is `y` itself, or its
    logarithm where it is a ratio. Raises Absent for what these trials do not have.
    """
    if evidence.metric == COST:
        return applies(_costs(source), claim, source), Scale("time per step", True, False)
    trials, shown = values(evidence, evidence.metric, source)
    trials = trials[trials["treatment"].notna() & trials["seed"].isin(source.found.seeds)]
    return applies(trials[[*KEPT, "y"]], claim, source), shown


def values(evidence: Evidence, metric: str, source: Source) -> tuple[pd.DataFrame, Scale]:
    """Return all trials with `y`, and its scale; raises Absent."""
    key = (metric, evidence.network, evidence.over)
    if key not in source.known:
        source.known[key] = _looked_up(evidence, metric, source)
    return source.known[key]


def _looked_up(evidence: Evidence, metric: str, source: Source) -> tuple[pd.DataFrame, Scale]:
    trials = source.trials
    if metric in (SCORE, SPREAD) or is_score(metric):
        if metric not in (SCORE, SPREAD):
            trials = with_primary_score(source.tables, metric)
        trials = trials[trials["score_name"].notna()]
        if trials.empty:
            raise Absent(f"no {printed(family(metric))}")
        known = outcomes(trials.assign(treatment=trials["key"], block=""))
        by_key = {key: y for (key, _, _), y in known.items()}
        shown = scale(trials)
        if metric == SPREAD:
            shown = Scale(f"spread of {shown.label}", shown.ratio, False)
        return trials.assign(y=trials["key"].map(by_key).astype(float)), shown
    if metric in RATES:
        return _ends(metric, source), Scale(f"rate of trials that {_verb(metric)}", False, False)
    found = readings(evidence, metric, source.tables)
    if found.empty:
        raise Absent(
            f"its trials did not read {inside(title(metric))}: trials of this version with probes do, so run them"
            " again, in another study"
        )
    return trials.assign(y=trials["key"].map(found).astype(float)), Scale(
        title(metric).lower(), is_ratio(metric), False
    )


def readings(evidence: Evidence, metric: str, tables: Tables) -> pd.Series[Any]:
    """Return by key a trial's reading: mean over the sites, at its last probe or over all of them."""
    if metric == "net_deaths":
        died, revived = (_rows(evidence, name, tables) for name in DERIVED[metric])
        sums = [r.groupby(["key", "layer"], observed=True)["value"].sum() for r in (died, revived)]
        return (sums[0] - sums[1]).groupby("key", observed=True).mean()
    quantity = DERIVED[metric][0] if metric in DERIVED else metric
    rows = _rows(evidence, quantity, tables)
    if metric == "predicted_attenuation":
        rows = rows.assign(value=-0.5 * np.log10(rows["value"].clip(lower=FAINTEST)))
    elif is_ratio(metric):
        rows = rows.assign(value=np.log(rows["value"].clip(lower=FAINTEST)))
    if evidence.over == "end":
        last = rows.groupby("key", observed=True)["step"].transform("max")
        rows = rows[rows["step"] == last]
    return rows.groupby("key", observed=True)["value"].mean()


def _rows(evidence: Evidence, quantity: str, tables: Tables) -> pd.DataFrame:
    rows = tables.readings
    kept = (rows["quantity"] == quantity) & rows["value"].notna()
    if evidence.network != "both":
        kept &= rows["network"] == evidence.network
    return rows.loc[kept, ["key", "layer", "step", "value"]].astype({"key": str, "layer": str})


def _ends(metric: str, source: Source) -> pd.DataFrame:
    """Return the trials with y = 1 where what a rate counts came about, 0 where it did not."""
    trials = source.trials
    outcome = trials["outcome"]
    if metric == "mode_loss_rate":
        if "perfect_count" not in trials:
            raise Absent("no data whose modes are known")
        trials = with_primary_score(source.tables, "modes")
        known = trials["perfect_count"].where(trials["score"].notna())
        lost = (trials["score"] < known).astype(float).where(known.notna())
        return trials.assign(y=lost)
    bad = {"failure_rate": FAILED, "collapse_rate": ("collapsed",)}
    event = outcome.isin(bad.get(metric, (*FAILED, "collapsed"))).astype(float)
    return trials.assign(y=event.where(~outcome.isin([*LOST, "pruned"])))


def _costs(source: Source) -> pd.DataFrame:
    """Return the interleaved rounds of `costs.json` as trials: a round is a seed, and all cells share one stream."""
    rows = []
    for study in source.tables.studies:
        path = study.folder / COSTS
        if path.is_file():
            rows += _cost_rows(path)
    if not rows:
        name = source.tables.studies[0].name
        raise Absent(
            f"its cells have not been timed: `ablation probe speed --study {name}` times them"
        )
    frame = pd.DataFrame(rows)
    for column in (*block_columns("activation"), "key"):
        if column not in frame:
            frame[column] = ""
    return frame.assign(treatment=frame["activation"], outcome="finished")


def _cost_rows(path: Any) -> list[dict[str, Any]]:
    """Return one row a round; raises Absent for a file that cannot be read."""
    told = ("activation", "architecture", "dataset", "loss", "penalty")
    try:
        found = read_json(path)
        return [
            {name: str(row[name]) for name in told} | {"seed": number, "y": log(float(took))}
            for row in found["rows"]
            for number, took in enumerate(row["milliseconds"])
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Absent(
            f"the file of times, {path.name}, is damaged ({type(error).__name__})"
        ) from None


def spread_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with y as its distance from the median of its cell's finite ones, widened for few seeds.

    A failure is infinitely far; a cell of fewer than two finite outcomes has no median to be far from.
    """
    cells = frame.assign(finite=frame["y"].where(np.isfinite(frame["y"]))).groupby(
        ["treatment", "block"], sort=False
    )["finite"]
    n = cells.transform("count")
    far = (frame["y"] - cells.transform("median")).abs() * np.sqrt(n / (n - 1).clip(lower=1))
    return frame.assign(y=far.where(n > 1).where(frame["y"] != np.inf, np.inf))


def title(metric: str) -> str:
    """Return what a metric is called."""
    found = about(metric)
    own: Mapping[str, str] = {
        SCORE: "Score",
        SPREAD: "Spread over seeds",
        COST: "Time per step",
        "tuned_score": "Score, both tuned",
        "predicted_attenuation": "Attenuation by slopes alone",
        "net_deaths": "Units died less revived",
        "failure_rate": "Failure rate",
        "collapse_rate": "Collapse rate",
        "bad_end_rate": "Rate of bad ends",
        "mode_loss_rate": "Rate of lost modes",
    }
    if metric in own:
        return own[metric]
    if is_score(metric):
        text = printed(family(metric))
        return text[:1].upper() + text[1:]
    return found.title if found is not None else metric


def _verb(metric: str) -> str:
    return "lost modes" if metric == "mode_loss_rate" else RATES[metric]


def narrowed(found: Design, trials: pd.DataFrame) -> Design:
    """Return a design of those of its blocks in which there are such trials."""
    present = set(trials["block"])
    return replace(found, blocks=tuple(b for b in found.blocks if b.key in present))
