"""The criteria of a recommendation as tables: every level of every block, which differences count, and what to know."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from ablation.levels import noun
from reports.advice import Advice
from reports.costs import Costs
from reports.criteria import Rated, width
from reports.design import Design
from reports.pairs import PER_BLOCK, TUNED
from reports.phrases import article, percent
from reports.rows import Table, cell, table
from reports.scales import family, logged, printed
from reports.verdict import Verdict
from reports.words import number

EMPTY = cell("–")


def criteria_table(advised: Sequence[Advice], found: Design, paid: Costs) -> Table:
    """Return every level of every block by every criterion that was read; what is best by its rule stands strong."""
    several = len(advised) > 1
    families = sorted({printed(family(a.score)) for a in advised if a.score})
    body = [[*([a.block.label] if several else []), *_line(a, r)] for a in advised for r in a.rated]
    columns = [*(["block"] if several else []), noun(found.factor)]
    columns += [f"median {families[0] if len(families) == 1 else 'score'}#", "bad ends#", "spread#"]
    columns += ["dead units#", "attenuation#", "signal to G#"]
    columns += ["ms a step#" if paid.timed else f"{paid.unit}#", "advice"]
    caption = (
        "The criteria, from the declared seeds. Median score, failures as worst; bad ends: trials that failed or"
        " collapsed; spread of scores over seeds (standard deviation, as a factor for distances); then medians over"
        " trials that did not fail, at the last probe: dead units (mean over all sites), attenuation of G's loss in D"
        " (decades a site, in size), signal to G. Strong: no other is better by the rules below, which tell some apart"
    )
    kept = [i for i in range(len(columns)) if any(row[i] != EMPTY for row in body) or not body]
    return table(
        "criteria", caption, [columns[i] for i in kept], [[r[i] for i in kept] for r in body]
    )


def _line(a: Advice, r: Rated) -> list[dict[str, Any]]:
    rules = {c.name: any(c.better(s, r) for s in a.rated) for c in a.criteria}
    apart = {c.name: any(c.better(s, t) for s in a.rated for t in a.rated) for c in a.criteria}

    def best(name: str, value: float) -> bool:
        return isfinite(value) and apart[name] and not rules[name]

    spread = width(r.spread, ratio=logged(a.score))
    chosen, quality = r.level in a.chosen, bool(a.beats) and not a.beaters(r.level)
    return [
        cell(r.level, strong=chosen),
        cell(
            number(r.score) if isfinite(r.score) or not r.failed else "failed",
            r.score,
            strong=quality and r.failed < r.n,
        ),
        cell(f"{r.bad} of {r.n}", r.bad / r.n, strong=best("failed or collapsed", r.bad)),
        cell(spread, r.spread, strong=best("spread over seeds", r.spread)),
        cell(
            percent(r.dead) if isfinite(r.dead) else "–", r.dead, strong=best("dead units", r.dead)
        ),
        cell(number(r.attenuation, 2), r.attenuation, strong=best("attenuation", r.attenuation)),
        cell(number(r.signal, 2), r.signal, strong=best("signal to G", r.signal)),
        cell(number(r.cost), r.cost, strong=best("cost", r.cost)),
        cell(_verdict(a, r), strong=chosen),
    ]


def _verdict(a: Advice, r: Rated) -> str:
    """Return in a word or two what becomes of a level."""
    if r.level in a.chosen:
        return "yes"
    if a.beaters(r.level):
        return "no, beaten"
    if r.bad == r.n:
        return "no, failed" if r.failed == r.n else "no, bad ends"
    if a.why == "untrained":
        return "not learned"
    return "no, dominated" if r.level in dict(a.dominated) and not a.why else "no evidence"


def rules_table(advised: Sequence[Advice]) -> Table:
    """Return from which size on a difference counts."""
    body: list[list[Any]] = [
        ["quality", "a declared test says so, in this block or over all blocks"]
    ]
    body += [[c.name, c.rule] for c in (advised[0].criteria if advised else ())]
    return table(
        "criteria-rules", "What counts as worse", ["criterion", "worse is"], body if advised else []
    )


def row(a: Advice, r: Rated, paid: Costs, factor: str) -> dict[str, Any]:
    """Return a level of a block as plain numbers, None where there is none; the level under its factor's name."""
    values = {
        "median_score": r.score,
        "spread": r.spread,
        "dead_fraction": r.dead,
        "attenuation": r.attenuation,
        "signal_to_generator": r.signal,
        "cost": r.cost,
    }
    return {
        "block": a.block.label,
        factor: r.level,
        "score_name": a.score,
        "n": r.n,
        "failed": r.failed,
        "collapsed": r.collapsed,
        **{name: value if isfinite(value) else None for name, value in values.items()},
        "cost_unit": paid.unit,
        "beaten_by": " ".join(b.a for b in a.beaters(r.level)),
        "dominated_by": " ".join(dict(a.dominated).get(r.level, ())),
        "recommended": r.level in a.chosen,
    }


def notes(found: Design, verdict: Verdict, paid: Costs) -> list[str]:
    """Return what holds for every recommendation."""
    tier = verdict.tier(PER_BLOCK)
    told = [
        f"In quality {article(noun(found.factor))} is better only where a declared test says so, in the block itself or"
        " over all blocks; what is not distinguishable may still differ. Differences in the other criteria count from"
        " the sizes in the table “What counts as worse” on; they are described, not tested. Recommended: what no other"
        " beats in quality, unless another unbeaten one, whose median is not worse by the smallest effect that matters,"
        " is better in some other criterion and worse in none."
    ]
    if tier is not None and tier.descriptive:
        told.append(
            f"The blocks alone have too few seeds to be tested ({tier.seeds} are needed): who is beaten is known only"
            " over all blocks."
        )
    if (
        verdict.tests
        and all(t.r == found.reference for t in verdict.tests)
        and len(found.treatments) > 2
    ):
        told.append(
            f"Only comparisons with {found.reference} were declared: the others were not compared with each other."
        )
    if any(t.tier == TUNED for t in verdict.tests):
        told.append(
            "All of this holds at the common setting; what tuning changes stands in the section on tuning."
        )
    return [*told, *paid.words]
