"""Does the answer stand? The declared comparison with failures left out, other scores, fewer steps, fewer blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, log

import numpy as np
import pandas as pd

from ablation.levels import noun
from reports.design import Design
from reports.estimates import Answer, best_set, compare, holm
from reports.pairs import OVERALL
from reports.rows import Table, cell, table
from reports.secondary import by_score
from reports.study import Declared
from reports.tables import Tables
from reports.verdict import Verdict
from reports.words import listed

SCORES = {
    "kid": "KID",
    "fid-inf": "FID∞",
    "fid-best": "best checkpoint",
    "frechet-best": "best checkpoint",
}
"""Score families that stand in for the declared one, and what that row is called."""

HALF = "half of the steps, on the selection split"

MOST_LEFT_OUT = 8
"""With more blocks, whole data sets and losses are left out in turn, not single blocks."""

SPLITS = 5_000
"""Random reassignments of a variation: it is looked at, not tested."""


@dataclass(frozen=True)
class Variation:
    """One other way to look: who is unbeaten then, and which pairs that were decided no longer are, or turned."""

    name: str
    answer: Answer
    lost: tuple[tuple[str, str], ...]
    turned: tuple[tuple[str, str], ...]
    trials: int


def variations(
    tables: Tables, found: Design, verdict: Verdict, declared: Declared
) -> list[Variation]:
    """Return the variations of a comparison that found something; none where nothing was tested or found."""
    tier = verdict.tier(OVERALL)
    if tier is None or tier.descriptive or not verdict.beats:
        return []
    alpha = verdict.alpha * tier.weight * tier.tests
    others = [*_others(tables, found, declared), *_fewer(found)]
    return [_judged(name, other, found, verdict, alpha) for name, other in others]


def _others(tables: Tables, found: Design, declared: Declared) -> Iterator[tuple[str, Design]]:
    """Yield the comparison without failures, by other scores, and at half the budget, where there are such."""
    if inf in found.outcomes.values():
        finite = {place: y for place, y in found.outcomes.items() if y < inf}
        yield "failures left out", replace(found, outcomes=finite)
    families = sorted(set(tables.own["family"]) & set(SCORES))
    for family in families:
        other = by_score(tables, found, declared, family)
        if other is not None:
            yield SCORES[family], other
    half = halfway(tables.readings, found)
    if half is not None:
        yield HALF, half


def halfway(readings: pd.DataFrame, found: Design) -> Design | None:
    """Return the comparison by the selection score nearest to half of each trial's steps; None without such distances.

    A trial that failed later still counts as failed: it never had a usable end.
    """
    own = readings[readings["quantity"] == "selection_score"]
    if own.empty or not found.scale.ratio:
        return None
    last = own.groupby("key", observed=True)["step"].transform("max")
    away = (own["step"] - last / 2).abs()
    nearest = own.loc[away.groupby(own["key"], observed=True).idxmin()]
    early = {
        (str(row["treatment"]), str(row["block"]), int(row["seed"])): float(row["value"])
        for row in nearest.to_dict("records")
    }
    outcomes = {
        place: y if y == inf else log(max(early[place], 1e-12))
        for place, y in found.outcomes.items()
        if y == inf or (place in early and isfinite(early[place]))
    }
    return replace(found, outcomes=outcomes)


def _fewer(found: Design) -> Iterator[tuple[str, Design]]:
    """Yield the comparison with each block left out, or with many blocks each data set and each loss."""
    blocks = found.blocks
    if len(blocks) < 2:
        return
    groups = {f"without {b.label}": {b} for b in blocks}
    if len(blocks) > MOST_LEFT_OUT:
        groups = {}
        for b in blocks:
            for part in (b.dataset, b.label.split(" · ")[0]):
                groups.setdefault(f"without {part}", set()).add(b)
    for name, left in groups.items():
        if len(left) < len(blocks):
            yield name, replace(found, blocks=tuple(b for b in blocks if b not in left))


def _judged(name: str, other: Design, found: Design, verdict: Verdict, alpha: float) -> Variation:
    declared = [(t.a, t.r) for t in verdict.tests if t.tier == OVERALL]
    pairs = [(a, r, sides) for a, r in declared if (sides := other.pair(a, r))[0]]
    tests = [compare(*sides, (a, r, name), most=SPLITS) for a, r, sides in pairs]
    adjusted = holm([t.p for t in tests], [1 / len(pairs)] * len(pairs)) if pairs else np.zeros(0)
    beats = {
        ((a, r) if test.probability > 0.5 else (r, a))
        for (a, r, _), test, p in zip(pairs, tests, adjusted, strict=True)
        if p <= alpha and test.probability != 0.5
    }
    turned = tuple(pair for pair in verdict.beats if pair[::-1] in beats)
    lost = tuple(pair for pair in verdict.beats if pair not in beats and pair not in turned)
    kept = {block.key for block in other.blocks}
    trials = sum(key in kept for _, key, _ in other.outcomes)
    return Variation(name, best_set(found.treatments, sorted(beats)), lost, turned, trials)


def robustness(found: Design, verdict: Verdict, told: Sequence[Variation]) -> Table:
    """Return a row for each variation: who is unbeaten, and which findings it loses or turns round."""
    body = []
    for one in told:
        same = _same(one, verdict)
        names = ", ".join(name for name in found.treatments if name in one.answer.names)
        kept = len(verdict.beats) - len(one.lost) - len(one.turned)
        body.append(
            [
                cell(one.name),
                cell(names or "none", strong=not same),
                cell(f"{kept} of {len(verdict.beats)}", kept),
                cell(_pairs(one.lost)),
                cell(_pairs(one.turned), strong=bool(one.turned)),
                cell(one.trials, one.trials),
            ]
        )
    caption = (
        f"The declared comparison of {noun(found.factor, 2)} again, each time with one thing changed (Holm within"
        " the row; exploratory). Bold: another answer than the declared one"
    )
    columns = [
        "changed",
        "unbeaten",
        "findings kept#",
        "no longer decided",
        "turned round",
        "trials#",
    ]
    return table("robustness", caption, columns, body)


def _same(one: Variation, verdict: Verdict) -> bool:
    """Whether the same levels are unbeaten; where only pairs with the reference were declared, whether these stand."""
    if not verdict.answer.names:
        return not one.lost and not one.turned
    return set(one.answer.names) == set(verdict.answer.names)


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{better} over {worse}" for better, worse in pairs) or "–"


def robustness_words(verdict: Verdict, told: Sequence[Variation]) -> str:
    """Say in a sentence whether the answer stands, empty where nothing was varied."""
    if not told:
        return ""
    turned = [one.name for one in told if one.turned]
    if turned:
        return f"Findings are turned round by: {listed(turned)}."
    other = [one.name for one in told if not _same(one, verdict)]
    ways = "1 other way" if len(told) == 1 else f"{len(told)} other ways"
    if not other:
        return f"The answer is the same in {ways} of looking."
    kept = len(told) - len(other)
    return f"The answer is the same in {kept} of {ways} of looking; these change it: {'; '.join(other)}."


def shaken(verdict: Verdict, told: Sequence[Variation]) -> list[str]:
    """Return what page one says where another way of looking gives another answer."""
    if all(_same(one, verdict) for one in told) and not any(one.turned for one in told):
        return []
    return [robustness_words(verdict, told)]
