"""Claims in plain words: the sentence of page one, and the tables of the section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import isfinite
from typing import Any

from ablation.instruments import about
from ablation.instruments.instrument import GRADIENTS, SCORES, UNITS, WEIGHTS
from ablation.levels import noun
from ablation.metrics import DERIVED, RATES, TUNED
from reports.claim_tests import BROKEN, HOLDS, MIXED, OPEN, REFUTED, SUPPORTED, Effect
from reports.claims import ABSENT, Claims, Judged
from reports.phrases import counted
from reports.rows import Table, cell, table
from reports.sections import SECTIONS
from reports.stopping import moment
from reports.study import Late
from reports.words import ends, estimate, listed

SHOWN_IN = {SCORES: "scores", GRADIENTS: "gradients", UNITS: "units", WEIGHTS: "gradients"}
"""The section that draws what a claim is about, by the group of its instrument."""

MARK = "\x1f"
"""Stands before and after the id of a claim that leads to it."""

DECIDED = (SUPPORTED, REFUTED, MIXED)


def said(claims: Claims) -> dict[str, Any]:
    """Return what the report says of claims, in plain JSON types."""
    tested = bool(claims.tested)
    return {
        "claims_words": sentence(claims) if tested else "",
        "claims_pieces": pieces(claims) if tested else [],
        "claims_line": sentence(claims),
        "claims": main_table(claims if tested else Claims((), claims.alpha, 1.0)),
        "claims_parts": parts_table(claims if tested else Claims((), claims.alpha, 1.0)),
        "claims_notes": notes(claims) if tested else [],
    }


def sentence(claims: Claims) -> str:
    """Return how many claims came out how, and which, in one line; "" where none is registered."""
    return "".join(piece["text"] for piece in pieces(claims))


def pieces(claims: Claims) -> list[dict[str, str]]:
    """Return the same line in pieces: `to` is the place in the page to which a claim's id leads."""
    parts = _line(claims).split(MARK)
    return [
        {"text": text, "to": anchor(text) if number % 2 else ""}
        for number, text in enumerate(parts)
        if text
    ]


def anchor(name: str) -> str:
    """Return the place of a claim in the page."""
    return f"claim-{name}"


def _ids(claims: Sequence[Judged]) -> str:
    return ", ".join(f"{MARK}{one.claim.id}{MARK}" for one in claims)


def _line(claims: Claims) -> str:
    """Return the line with every id between marks."""
    total = len(claims.judged)
    counts = Counter(one.verdict for one in claims.judged)
    if not total:
        return ""
    held = f"{counts[HOLDS]} holds by construction" if counts[HOLDS] == 1 else ""
    held = f"{counts[HOLDS]} hold by construction" if counts[HOLDS] > 1 else held
    broken = f"{counts[BROKEN]} violated, though true by construction" if counts[BROKEN] else ""
    if not claims.tested:
        more = f"; {listed([*filter(None, (held, broken))])}" if held or broken else ""
        return (
            f"This study can test none of the {counted(total, 'registered claim')}{more}:"
            " `ablation list claim` shows them."
        )
    found = [
        f"{counts[v]} {v} ({_ids([one for one in claims.tested if one.verdict == v])})"
        for v in (SUPPORTED, REFUTED, MIXED, OPEN)
        if counts[v]
    ]
    rest = [*filter(None, (held, broken))]
    if counts[ABSENT]:
        rest.append(f"for {counts[ABSENT]} it has no evidence")
    more = f"; {listed(rest)}" if rest else ""
    count, late = len(claims.tested), [one for one in claims.tested if one.late]
    after = f" {_ids(late)} came after the trials: exploratory." if late else ""
    return f"Of {counted(total, 'registered claim')} this study tests {count}: {listed(found)}{more}.{after}"


def verdict(one: Judged) -> str:
    """Return a claim's verdict in full."""
    effect = one.deciding
    if effect is None:
        return f"{ABSENT}: {'; '.join(one.lacks)}"
    margin = effect.evidence.margin
    if one.verdict == HOLDS:
        return f"{HOLDS}: checked in {counted(effect.n, 'trial')}, not tested"
    if one.verdict == BROKEN:
        return f"{BROKEN}, though true by construction"
    if one.verdict == SUPPORTED:
        if margin is not None:
            return f"{SUPPORTED}, within its margin"
        size = all(e.matters for e in one.effects if not e.checked)
        return f"{SUPPORTED}, {'and it matters' if size else 'size open'}"
    if one.verdict == REFUTED:
        why = "opposite" if effect.opposite else "too small"
        why = "beyond its margin" if margin is not None else why
        hold = sum(e.verdict == SUPPORTED for e in one.effects)
        more = f" ({hold} of {counted(len(one.effects), 'part')} supported)"
        return f"{REFUTED}: {why}{more if len(one.effects) > 1 else ''}"
    if one.verdict == MIXED:
        return f"{MIXED}: depends on {effect.depends}"
    return undecided(effect)


def undecided(effect: Effect) -> str:
    """Return how many more units an undecided effect would need."""
    word, more = f"{OPEN} with {_count(effect.n, effect.units)}", effect.needed - effect.n
    if more <= 0:
        return word
    if more > 9 * effect.n or not isfinite(more):
        return f"{word}; many more needed"
    return f"{word}; about {more:.0f} more needed"


def main_table(claims: Claims) -> Table:
    """Return one row a claim, in the order in which they are registered."""
    body = []
    for one in claims.judged:
        effect, strong = one.deciding, one.verdict in DECIDED and not one.late
        told = f"{verdict(one)}; registered after the trials" if one.late else verdict(one)
        first = cell(one.claim.id) | {"id": anchor(one.claim.id)}
        row: list[Any] = [first, one.claim.statement, cell(told, strong=strong)]
        if effect is None:
            body.append([*row, "–", cell("–"), "–", one.claim.command])
            continue
        n = cell(_count(effect.n, effect.units), effect.n)
        body.append([*row, _effect(effect), n, section(effect), one.claim.command])
    columns = ["claim", "statement", "verdict", "effect", "n#", "curves", "command"]
    caption = (
        "Each claim with the part that decides its verdict: the effect, its interval, the section that shows the curves"
        " and the command that gets the evidence"
    )
    return table("claim-table", caption, columns, body)


def parts_table(claims: Claims) -> Table:
    """Return one row a comparison: what every part of every tested claim came to."""
    body = []
    for one in claims.judged:
        for e in one.effects:
            strong = e.verdict in DECIDED and not one.late
            row = [one.claim.id, e.label, e.pair, cell(f"{e.quantity} {_numbers(e)}", e.estimate)]
            row += [_smallest(e), cell(e.verdict, strong=strong)]
            body.append([*row, cell(e.blocks, e.blocks), cell(_count(e.n, e.units), e.n)])
    columns = ["claim", "what", "between", "effect", "smallest that matters", "verdict", "blocks#"]
    return table("claim-parts", "Every part of every claim", [*columns, "n#"], body)


def notes(claims: Claims) -> list[str]:
    """Return how the family is tested."""
    count = len(claims.tested)
    level = 100 * (1 - claims.alpha * claims.weight)
    told = [
        f"Claims are a second family of tests at an alpha of their own, {claims.alpha:.3g}, shared equally"
        f" by {counted(count, 'tested claim')}: intervals and p are adjusted over these, and each interval has the"
        f" level {level:.4g} %. One claim more widens the intervals of all. A claim is"
        " supported where the intervals of all its parts lie on its side of 0, refuted where that of one"
        " ends below the smallest effect that matters (tested at its share of the level), and mixed"
        " where one block supports it and another says the opposite.",
    ]
    told += [_late(one.claim.id, one.late) for one in claims.judged if one.late]
    if any(one.verdict in (HOLDS, BROKEN) for one in claims.judged):
        told.append(
            "What holds by construction is checked in every trial and takes no share of alpha."
        )
    if any(e.units == "round" for one in claims.judged for e in one.effects):
        told.append(
            "Times are those of an interleaved benchmark, never of trials that ran side by side."
        )
    return told


def _late(name: str, late: Late) -> str:
    """Return that a claim was registered after trials had ended: the date, and what it can then mean."""
    return (
        f"{name} was registered on {moment(late.when)}, when {counted(late.ended, 'trial')} had ended: who has seen"
        " trials may state what they suggest, so here it is exploratory; new seeds under another study name test it."
    )


def section(effect: Effect) -> str:
    """Return the title of the section that shows the curves of what was compared."""
    metric = effect.evidence.metric
    metric = DERIVED[metric][0] if metric in DERIVED else metric
    found = about(metric)
    name = SHOWN_IN.get(found.group, "") if found is not None else ""
    if metric in RATES:
        name = "scores" if metric == "mode_loss_rate" else "complete"
    name = {"score": "scores", "spread": "scores", TUNED: "tuning"}.get(metric, name)
    if metric == "predicted_attenuation" or effect.evidence.against == "attenuation":
        name = "gradients"
    return SECTIONS[name][0] if name else "–"


def _effect(e: Effect) -> str:
    head = f"{e.label}, {e.pair}" if e.pair else e.label
    return f"{head}: {e.quantity} {_numbers(e)}"


def _numbers(e: Effect) -> str:
    if e.checked:
        return f"{e.estimate:g}"
    if e.ratio and e.shown.estimate == 0:
        return f"beyond measure (failures) {ends(e.shown)}"
    return f"{estimate(e.shown)} {ends(e.shown, ratio=e.ratio)}"


def _smallest(e: Effect) -> str:
    if e.checked:
        return "–"
    margin, effect = e.evidence.margin, e.evidence.effect
    if margin is not None:
        return f"within {margin:g}"
    return f"{effect:g}" if effect is not None else "as declared"


def _count(n: int, units: str) -> str:
    return f"{n} {noun(units, n)}"
