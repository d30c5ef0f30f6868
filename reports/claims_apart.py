"""The claims of several studies side by side, each judged by one study alone: pooled blocks answer other questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.claim_words import DECIDED, verdict
from reports.claims import ABSENT, Claims, Judged
from reports.rows import Table, cell, table

Apart = Sequence[tuple[str, Claims]]
"""Studies by name, each with its claims as its own report judges them."""

NOTHING = "no evidence"


def claims_apart(studies: Apart) -> Table:
    """Return a row for each claim that any of the studies judges, and a column for each study."""
    own = [
        {one.claim.id: one for one in claims.judged if one.verdict != ABSENT}
        for _, claims in studies
    ]
    registered = {one.claim.id: one.claim for _, claims in studies for one in claims.judged}
    body = [
        [key, claim.statement, *(_cell(found.get(key)) for found in own)]
        for key, claim in registered.items()
        if any(key in found for found in own)
    ]
    caption = (
        "What each study says alone, as in its own report, at an alpha of its own; the verdicts above are those of"
        " all blocks together"
    )
    return table(
        "claims-apart", caption, ["claim", "statement", *(name for name, _ in studies)], body
    )


def _cell(one: Judged | None) -> dict[str, Any]:
    if one is None:
        return cell(NOTHING)
    return cell(verdict(one), strong=one.verdict in DECIDED and not one.late)
