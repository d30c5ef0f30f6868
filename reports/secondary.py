"""Every score of a study by the declared estimator: what else the levels differ in, for exploration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

import numpy as np

from ablation.levels import noun
from reports.design import Design, design
from reports.estimates import Interval, Outcomes, compare, interval
from reports.rows import Table, cell, table
from reports.study import Declared
from reports.tables import Tables, with_primary_score
from reports.verdict import Verdict
from reports.words import ends, estimate, level, p_value

ALL_EQUAL = "all equal"


def secondary(
    tables: Tables, found: Design, verdict: Verdict, declared: Declared, order: Sequence[str]
) -> Table:
    """Return each level against the reference by every score that all blocks have, the declared one first."""
    body = []
    for other in designs(tables, found, declared):
        for name in order:
            sides = other.pair(name, found.reference)
            if name == found.reference or not sides[0]:
                continue
            test = verdict.overall(name, found.reference)
            if test is not None and other.outcomes == found.outcomes:  # the declared score itself
                body.append(_row(other, name, sides, test.p, test.interval))
                continue
            names = (name, found.reference, "")
            p, shift = compare(*sides, names).p, interval(*sides, names)
            body.append(_row(other, name, sides, p, shift))
    columns = ["score", noun(found.factor), "estimate#", "interval#", "level#"]
    caption = (
        f"Against {found.reference}, over all blocks, by the estimator of the declared comparison."
        " Exploratory: p is not adjusted, and nothing here is a finding"
    )
    return table("secondary", caption, [*columns, "p, not adjusted#", "n#", "failed#"], body)


def designs(tables: Tables, found: Design, declared: Declared) -> Iterator[Design]:
    """Yield the comparison by each score family that no block lacks, the declared one first."""
    every = (by_score(tables, found, declared, name) for name in sorted(set(tables.own["family"])))
    others = [other for other in every if other is not None]
    yield from sorted(others, key=lambda d: d.outcomes != found.outcomes)


def by_score(tables: Tables, found: Design, declared: Declared, family: str) -> Design | None:
    """Return the comparison by another score family, None where some block of `found` lacks it."""
    other = design(with_primary_score(tables, family), declared)
    return other if _scored(found) and _scored(found) <= _scored(other) else None


def _scored(some: Design) -> set[str]:
    """Return the blocks in which there is a score."""
    return {block for (_, block, _), y in some.outcomes.items() if isfinite(y)}


def _row(
    other: Design, name: str, sides: tuple[Outcomes, Outcomes], p: float, shift: Interval
) -> list[dict[str, Any]]:
    shown = other.scale.shown(shift)
    reach = ALL_EQUAL if _tied(sides) else ends(shown, ratio=other.scale.ratio)
    return [
        cell(other.scale.quantity),
        cell(name),
        cell(estimate(shown), shown.estimate),
        cell(reach, shown.low),
        cell(level(shown), shown.level),
        cell(p_value(p), p),
        cell(shift.n, shift.n),
        cell(shift.failed, shift.failed),
    ]


def _tied(sides: tuple[Outcomes, Outcomes]) -> bool:
    """Say whether all outcomes of every block are one number: as where every seed finds all modes."""
    return all(
        len(np.unique(np.concatenate([x, y]))) == 1
        for a, r in zip(*sides, strict=True)
        for x, y in zip(a, r, strict=True)
    )
