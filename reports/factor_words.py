"""What matters, in tables and sentences: each number follows from `reports.weighing`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ablation.levels import noun
from reports.design import Design
from reports.factors import LEAST_DATASETS
from reports.generality import Across, Generality
from reports.pairs import PER_BLOCK
from reports.phrases import counted, percent
from reports.rows import Table, cell, table, tested
from reports.verdict import DECIDED, Verdict
from reports.weighing import FACTOR, INTERACTION, PLACE, SEEDS, Row, Weighed
from reports.winners import Change
from reports.words import ends, estimate, listed, p_value

MOST = 3
"""Terms, pairs of levels, or blocks, that a sentence names."""

LEAST = 0.01
"""The least share of variance that the sentence names."""


def said(weighed: Weighed, found: Design, verdict: Verdict) -> dict[str, Any]:
    """Return what the report says of factors: tables, and sentences for the first page and for the section."""
    changes = winners(weighed.changes, found)
    return {
        "matters": _table(weighed, found),
        "matters_words": summary(weighed),
        "winner_words": changes,
        "winner_notes": changes or _steady(found, verdict),
        "across": _across(weighed.across, found),
        "across_words": generality(weighed.across, found),
    }


def summary(weighed: Weighed) -> str:
    """Return the shares of variance as one sentence, the largest first and the compared factor in any case."""
    shown = [r for r in weighed.rows if r.share.omega == r.share.omega]
    if not shown:
        unknown = "No cell has two seeds: what the outcomes go with is not known."
        return unknown if weighed.rows else ""
    ordered = sorted(
        (r for r in shown if r.kind in (FACTOR, INTERACTION)), key=lambda r: -r.share.omega
    )
    large = [r for r in ordered[:MOST] if r.share.omega >= LEAST]
    told = [r for r in ordered if r in large or r is weighed.rows[0]]
    parts: list[str] = []
    for row in told:
        goes = "with" if parts else "goes with"
        tested = f" ({p_text(row.test.p)})" if row.test else ""
        parts.append(f"{percent(row.share.omega)} {goes} {_the(row)}{tested}")
    others = [r.share.omega for r in ordered if r not in told]
    rest = f", at most {percent(max(others))} with anything else that was varied" if others else ""
    seeds = next(r for r in shown if r.kind == SEEDS)
    return (
        f"Of the variance between outcomes, {listed(parts)}{rest};"
        f" {percent(seeds.share.omega)} is left to the seeds of a cell.{_places(weighed)}"
    )


def _places(weighed: Weighed) -> str:
    """Say what of the activation's share goes with each network, where the study crosses them."""
    told = [
        f"{percent(row.share.omega)} {row.label}{f' ({p_text(row.test.p)})' if row.test else ''}"
        for row in weighed.rows
        if row.kind == PLACE and row.share.omega == row.share.omega
    ]
    return f" By network, the activation's share is {listed(told)}." if told else ""


def _the(row: Row) -> str:
    if row.kind == INTERACTION:
        return f"the interaction {row.label}"
    return f"the {row.label}"


def p_text(p: float) -> str:
    """Return `p = 0.03` or `p < 0.001`."""
    text = p_value(p)
    return f"p\u00a0{'' if text.startswith('<') else '= '}{text}".replace(" ", "\u00a0")


def caps(weighed: Weighed) -> str:
    """Say how many outcomes there are, and what a failure counts as."""
    inside, told = weighed.capped, []
    both = inside.untrained and inside.worst
    if inside.untrained:
        where = f" in {counted(inside.untrained, 'block')}" if both else ""
        told.append(f"what the untrained generator scores (median at step 0){where}")
    if inside.worst:
        where = f" in {counted(inside.worst, 'block')}" if both else ""
        told.append(f"the worst finite outcome of the block (no score at step 0){where}")
    return (
        f"n = {counted(weighed.n, 'outcome')} in {counted(len(inside.blocks), 'block')},"
        f" {inside.changed or 'none'} capped: a failure counts as {listed(told)}"
        f"{', and so does what is worse' if inside.untrained else ''}."
    )


def _table(weighed: Weighed, found: Design) -> Table:
    body = []
    for row in weighed.rows:
        share = row.share.omega
        text = percent(share) if share == share else "–"
        p = cell(p_value(row.test.p), row.test.p) if row.test else cell("–")
        levels = (
            cell(row.levels, row.levels) if row.kind in (FACTOR, PLACE) and row.levels else cell("")
        )
        label = f"… {row.label}" if row.kind == PLACE else row.label
        body.append(
            [label, levels, cell(row.share.df, row.share.df), cell(text, share), p, _basis(row)]
        )
    columns = ["what", "levels#", "df#", "share of variance#", "p#", "what was permuted"]
    figure = any(row.share.omega == row.share.omega for row in weighed.rows)
    caption = (
        f"Share of the variance of {_outcome(found)} (omega squared); p is exploratory, not adjusted."
        f"{'' if figure else f' {caps(weighed)}'}{_inside(weighed, found)}"
    )
    return table("factors", caption if body else "", columns, body)


def _outcome(found: Design) -> str:
    return f"log {found.scale.label}" if found.scale.ratio else found.scale.label


def _inside(weighed: Weighed, found: Design) -> str:
    """Say in how many blocks every level was run, where these are not all."""
    kept = len(weighed.capped.blocks)
    if kept == weighed.total:
        return ""
    return f" {kept} of {weighed.total} blocks enter: those with every {noun(found.factor)} and a finite outcome."


def _basis(row: Row) -> str:
    if row.kind in (FACTOR, INTERACTION) and not row.share.df:
        return "other factors tell all of it"
    if row.test is None:
        return row.basis or "–"
    return f"{row.basis}, {'all ' if row.test.exact else ''}{row.test.draws:,} ways"


def winners(changes: Sequence[Change], found: Design) -> list[str]:
    """Return one sentence for each factor with which the winner changes."""
    told = []
    for names in dict.fromkeys(change.factors for change in changes):
        own = [change for change in changes if change.factors == names]
        parts = [
            f"{c.a} is better than {c.r} with {_few(c.better)} and worse with {_few(c.worse)}"
            for c in own[:MOST]
        ]
        more = len(own) - MOST
        parts += [f"likewise {more} more {noun(found.factor, more)}"] if more > 0 else []
        joint = "" if len(names) == 1 else ", which are not told apart"
        told.append(f"The winner changes with the {listed(names)}{joint}: {'; '.join(parts)}.")
    return told


def _few(blocks: Sequence[str]) -> str:
    shown, more = list(blocks[:MOST]), len(blocks) - MOST
    return listed([*shown, *([f"{more} more"] if more > 0 else [])])


def _steady(found: Design, verdict: Verdict) -> list[str]:
    """Say that no winner changes, and whether one could have been seen to."""
    tier = verdict.tier(PER_BLOCK)
    if tier is None:
        return []
    if tier.descriptive:
        return [
            "Whether the winner changes from block to block is not tested: a block alone needs"
            f" {tier.seeds} seeds."
        ]
    return [
        f"No winner is seen to change: no {noun(found.factor)} is significantly better than"
        f" {found.reference} in one block and worse in another."
    ]


def generality(across: Generality, found: Design) -> list[str]:
    """Say for which data the conclusions hold, and how many data sets more would take."""
    names, k = across.datasets, len(found.treatments)
    if not names or k < 2:
        return []
    n, told = len(names), []
    if n < LEAST_DATASETS:
        these = f"this data set, {names[0]}" if n == 1 else f"these data sets, {listed(names)}"
        told.append(
            f"What this report says holds for {these}. To test differences over data like these takes"
            f" {LEAST_DATASETS} independent data sets."
        )
    else:
        told.append(_like_these(across, found))
    if n > 1:
        told.append(
            "Scores of different data sets have scales of their own: what goes with the data set says how hard"
            " the data are, not what to choose."
        )
    if across.diagram is None:
        many = noun(found.factor, 2)
        told.append(
            f"A critical-difference diagram of {k} {many} takes {across.needed} independent data sets;"
            f" there {'is' if n == 1 else 'are'} {n}."
        )
    return told


def _like_these(across: Generality, found: Design) -> str:
    parts = []
    for side in DECIDED:
        if own := [t for t in across.tests if t.finding == side]:
            names = listed([f"{t.a} ({_ratio(t, found)})" for t in own])
            parts.append(f"{names} {_is(own)} {side} than {found.reference}")
    if own := [t for t in across.tests if t.finding == "not distinguishable"]:
        names = listed([t.a for t in own])
        parts.append(f"{names} {_is(own)} not distinguishable from {found.reference}")
    return f"On data like these {len(across.datasets)} data sets: {'; '.join(parts)}."


def _ratio(test: Across, found: Design) -> str:
    shown = found.scale.shown(test.shift)
    reach = ends(shown, ratio=found.scale.ratio)
    return f"{found.scale.quantity} {estimate(shown)} {reach}"


def _is(tests: Sequence[Across]) -> str:
    return "is" if len(tests) == 1 else "are"


def _across(across: Generality, found: Design) -> Table:
    """Return every level against the reference over data sets; empty where they are too few."""
    body = []
    for test in sorted(across.tests, key=lambda t: t.shift.estimate):
        strong = test.finding in DECIDED
        row = tested(test.shift, test.p, test.adjusted, test.finding, found)
        body.append([cell(test.a, strong=strong), *row])
    columns = [noun(found.factor), f"{found.scale.quantity} to {found.reference}#", "interval#"]
    columns += ["level#", "p#", "adjusted p#", "finding", "data sets#"]
    caption = (
        f"Each {noun(found.factor)} against {found.reference} over data like these: data sets are the"
        " independent units, their mean differences are flipped in sign; p adjusted by Holm"
        " within this table, which is no declared tier"
    )
    return table("across", caption if body else "", columns, body)
