"""Tables as people read them: columns with a kind, cells with a text and a value to sort by."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import pandas as pd

from ablation.levels import noun
from reports import phrases
from reports.design import Design
from reports.estimates import Interval
from reports.failing import Failing, failing
from reports.pairs import OVERALL, TUNED
from reports.scales import base, family, printed, score_label
from reports.summary import certificate, failure_rates, varying
from reports.tables import Tables
from reports.verdict import DECIDED, Test, Verdict
from reports.words import ends, estimate, level, number, p_value, reading

Table = dict[str, Any]
FIRST = ("fid", "frechet", "recall", "kid", "is", "modes", "hq", "reverse-kl", "memorisation")
"""Families in the order in which they are shown; all others follow."""
SECONDARY = ("precision", "classes", "class-kl", "class-recall", "fid-inf")
"""Families that the table of trials leaves to the files."""


def cell(text: Any, value: float | None = None, *, strong: bool = False) -> dict[str, Any]:
    """Return a cell; `value` sorts it where the text would sort wrongly."""
    kept = value if value is not None and isfinite(value) else None
    return {"text": str(text), "value": kept, "strong": strong}


def table(name: str, caption: str, columns: Sequence[str], body: Sequence[Sequence[Any]]) -> Table:
    """Return a table; a column's name ends in # where it holds numbers."""
    return {
        "id": name,
        "caption": caption,
        "columns": [{"name": c.rstrip("#"), "number": c.endswith("#")} for c in columns],
        "rows": [[c if isinstance(c, dict) else cell(c) for c in row] for row in body],
    }


def comparison(found: Design, verdict: Verdict, order: Sequence[str]) -> Table:
    """Return every level against the reference over all blocks."""
    body = []
    for name in order:
        test = verdict.overall(name, found.reference)
        if name == found.reference:
            body.append(_reference_row(found, verdict))
        elif test is None:
            body.append([name, *[cell("–")] * 6, cell("0", 0), cell("0", 0)])
        else:
            body.append([cell(name, strong=test.decided), *_numbers(test, found)])
    quantity = f"{found.scale.quantity} to {found.reference}#"
    columns = [noun(found.factor), quantity, "interval#", "level#", "p#", "adjusted p#", "finding"]
    caption = (
        f"Each {noun(found.factor)} against {found.reference}, over all blocks"
        " (n: seeds, counted in every independent random stream)"
    )
    caption += reading(found, [t for t in verdict.tests if t.tier == OVERALL], verdict.alpha)
    return table("comparison", caption, [*columns, "n#", "failed#"], body)


def _reference_row(found: Design, verdict: Verdict) -> list[Any]:
    own = [y for (name, _, _), y in found.outcomes.items() if name == found.reference]
    units = [
        t.n_r if t.r == found.reference else t.interval.n
        for t in verdict.tests
        if t.tier == OVERALL and found.reference in (t.a, t.r)
    ]
    failed, n = sum(not isfinite(y) for y in own), max(units, default=len(own))
    null = number(1.0 if found.scale.ratio else 0.0)
    dash = [cell("–")] * 4
    return [found.reference, cell(null, 1.0), *dash, "reference", cell(n, n), cell(failed, failed)]


def _numbers(test: Test, found: Design) -> list[dict[str, Any]]:
    own = tested(test.interval, test.p, test.adjusted, test.finding, found)
    return [*own, cell(test.interval.failed, test.interval.failed)]


def tested(
    shift: Interval, p: float, adjusted: float, finding: str, found: Design
) -> list[dict[str, Any]]:
    """Return the cells of a test: estimate, interval, level, p, adjusted p, finding, n; strong where it claims."""
    shown, strong = found.scale.shown(shift), finding in DECIDED
    return [
        cell(estimate(shown), shown.estimate, strong=strong),
        cell(ends(shown, ratio=found.scale.ratio), shown.low),
        cell(level(shown), shown.level),
        cell(p_value(p), p),
        cell(p_value(adjusted), adjusted, strong=strong),
        cell(finding, strong=strong),
        cell(shift.n, shift.n),
    ]


def tests(found: Design, verdict: Verdict) -> Table:
    """Return every declared test, overall and per block."""
    body = []
    for test in verdict.tests:
        least = cell(p_value(test.least_p), test.least_p)
        where = "all blocks, tuned" if test.tier == TUNED else test.block or "all blocks"
        kept = _numbers(test, found)
        body.append([where, test.a, test.r, *kept[:5], least, *kept[5:]])
    one = noun(found.factor)
    columns = ["block", one, "against", f"{found.scale.quantity}#", "interval#", "level#"]
    columns += ["p#", "adjusted p#", "least p#", "finding", "n#", "failed#"]
    caption = f"Every declared comparison{reading(found, verdict.tests, verdict.alpha)}"
    return table("tests", caption, columns, body)


def certificate_table(
    trials: pd.DataFrame, found: Design, more: Sequence[tuple[str, str, bool]] = ()
) -> Table:
    """Return what all compared trials share, and `more` that the cells do."""
    body = [
        [label, value or "–", "one" if same else "several"]
        for label, value, same in (*certificate(trials, found), *more)
    ]
    return table(
        "certificate", "What the compared trials share", ["what", "value", "one or several"], body
    )


def rates(trials: pd.DataFrame, order: Sequence[str], found: Design, alpha: float) -> Table:
    """Return each level's failures, and where any failed, its test against the reference."""
    body, tests = [], failing(found, order)
    every = failure_rates(trials[trials["seed"].isin(found.seeds)], order)
    shared = any(rate.worth != rate.trials for rate in every)
    for rate in every:
        counts = [
            cell(rate.counts[k], rate.counts[k]) for k in ("diverged", "crashed", "collapsed")
        ]
        if rate.trials:
            interval = f"[{phrases.percent(rate.low)}, {phrases.percent(rate.high)}]"
            share = [cell(phrases.percent(rate.rate), rate.rate), cell(interval, rate.low)]
        else:
            share = [cell("–"), cell("–")]
        worth = [cell(f"{rate.worth:.3g}", rate.worth)] if shared else []
        row = [rate.treatment, cell(rate.trials, rate.trials), *counts, *worth, *share]
        body.append([*row, *_tested_rate(tests.get(rate.treatment), alpha)] if tests else row)
    columns = [noun(found.factor), "trials#", "diverged#", "crashed#", "collapsed#"]
    columns += ["worth#"] if shared else []
    columns += ["failure rate#", "95 % interval#"]
    caption = (
        "How often training failed, with the tested seeds (diverged or crashed; Wilson intervals)"
    )
    if shared:
        caption += (
            "; worth: so many independent trials, from which the interval follows, since the trials of one seed in"
            " several blocks are alike"
        )
    if tests:
        columns += ["adjusted p#", "finding"]
        caption += f"; tested against {found.reference} as scores are, with Holm over levels"
    return table("rates", caption, columns, body)


def _tested_rate(test: Failing | None, alpha: float) -> list[dict[str, Any]]:
    if test is None:
        return [cell("–"), cell("–")]
    finding, strong = test.finding(alpha), test.adjusted <= alpha
    return [
        cell(p_value(test.adjusted), test.adjusted, strong=strong),
        cell(finding, strong=strong),
    ]


def score_names(tables: Tables, trials: pd.DataFrame) -> list[str]:
    """Return every score's name: the declared ones first, then as `FIRST` has them, the trials' own before others."""
    primary, own = set(trials["score_name"].dropna()), set(tables.own["score_name"])

    def place(name: str) -> tuple[bool, int, bool, bool, str]:
        plain = base(name)
        known = FIRST.index(plain) if plain in FIRST else len(FIRST)
        best = family(name) != plain
        return name not in primary, known, best, name not in own, name

    return sorted(set(tables.scores["score_name"]), key=place)


def trial_table(tables: Tables, trials: pd.DataFrame, found: Design) -> Table:
    """Return one row a trial: what differs between trials, outcome, scores, time."""
    known = [c for c in varying(trials, found.factor) if c in trials]
    known += ["setting"] if (trials["setting"] != "").any() else []
    ended = ["step"] if (trials["outcome"] == "converged").any() else []
    scores = [n for n in score_names(tables, trials) if base(n) not in SECONDARY]
    waiting = found.ladder.waiting if found.ladder else ()
    undeclared, fresh = {*found.undeclared_seeds, *waiting}, bool(trials["fresh"].any())
    body = []
    for row in trials.to_dict("records"):
        seed = int(row["seed"]) if pd.notna(row["seed"]) else None
        star = "*" if seed in undeclared or row["fresh"] else ""
        body.append(
            [
                _text(row["treatment"]),
                *(_text(row[name]) for name in known),
                cell("–" if seed is None else f"{seed}{star}", seed),
                cell(row["outcome"], strong=row["outcome"] not in ("finished", "converged")),
                *(_step(row[name]) for name in ended),
                *(_value(row[name]) for name in scores),
                _value(row["seconds"]),
                row["key"],
            ]
        )
    heads = [f"{printed(family(name))}#" for name in scores]
    if len(set(heads)) < len(heads):
        heads = [f"{score_label(name)}#" for name in scores]
    one, stopped = noun(found.factor), ["step#"] if ended else []
    columns = [one, *known, "seed#", "outcome", *stopped, *heads, "whole trial, s#", "trial"]
    why = "seed not tested" if waiting else "seed not declared"
    caption = "All trials" + (f"; * {why}" if undeclared or fresh else "")
    return table("trials", caption, columns, body)


def _step(value: Any) -> dict[str, Any]:
    return cell("–") if pd.isna(value) else cell(f"{int(value):,}", int(value))


def _text(value: Any) -> str:
    return "–" if value is None or pd.isna(value) or value == "" else str(value)


def _value(value: Any) -> dict[str, Any]:
    if value is None or pd.isna(value):
        return cell("–")
    return cell(number(float(value)), float(value))


def skipped(tables: Tables) -> Table:
    """Return the cells that the planner left out, with its reasons."""
    body = [[cell_text, reason] for study in tables.studies for cell_text, reason in study.skipped]
    return table("skipped", "Cells that were not run", ["cell", "reason"], body)


def provenance(tables: Tables, trials: pd.DataFrame) -> Table:
    """Return where and with what the trials ran, each value with its number of trials."""
    body = []
    for study in tables.studies:
        if study.created:
            body.append([f"{study.name} planned", study.created])
        if study.overrides:
            body.append([f"{study.name} asked", "  ".join(study.overrides)])
    shown = ["device", "instruction_set", "commit", "threads", "host", "extractor_name"]
    shown += sorted(str(name) for name in trials if str(name).startswith("version_"))
    for name in shown:
        if name in trials and trials[name].notna().any():
            counts = trials[name].dropna().astype(str).value_counts().sort_index()
            values = [f"{value or 'unknown'} ({n})" for value, n in counts.items()]
            text = values[0] if len(counts) == 1 else "; ".join(values)
            body.append([str(name).replace("version_", "").replace("_", " "), text])
    caption = "Where and with what the trials ran (number of trials)"
    return table("provenance", caption, ["what", "value"], body)
