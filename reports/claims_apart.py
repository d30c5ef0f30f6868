"""The claims of several studies side by side, each judged by one study alone: pooled blocks answer other questions."""

from __future__ import annotations

from collections.abc import Sequence

from reports.claim_words import DECIDED, verdict
from reports.claims import ABSENT, Claims
from reports.rows import Table, cell, table

Apart = Sequence[tuple[str, Claims]]
"""Studies by name, each with its claims as its own report judges them."""

NOTHING = "no evidence"


def claims_apart(studies: Apart) -> Table:
    """Return a row for each claim that any of the studies judges, and a column for each study."""
    own = [{one.claim.id: one for one in claims.judged} for _, claims in studies]
    statements = {key: one.claim.statement for found in own for key, one in found.items()}
    body = []
    for key, statement in statements.items():
        found = [one.get(key) for one in own]
        if all(one is None or one.verdict == ABSENT for one in found):
            continue
        told = [
            cell(NOTHING)
            if one is None or one.verdict == ABSENT
            else cell(verdict(one), strong=one.verdict in DECIDED and not one.late)
            for one in found
        ]
        body.append([key, statement, *told])
    caption = (
        "What each study says alone, as in its own report, at an alpha of its own; the verdicts above are those of"
        " all blocks together"
    )
    return table(
        "claims-apart", caption, ["claim", "statement", *(name for name, _ in studies)], body
    )
