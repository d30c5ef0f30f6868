"""Claims as a table for programs: `tables/claims.csv` and `tables/claims.parquet`, one row a part of a claim."""

from __future__ import annotations

from math import exp, nan
from pathlib import Path
from typing import Any

import pandas as pd

from reports.claim_tests import Effect
from reports.claim_words import verdict
from reports.claims import Claims


def frame(claims: Claims) -> pd.DataFrame:
    """Return one row a part of every claim: what is shown, and [L, U] in units of the smallest effect that matters."""
    rows = []
    for one in claims.judged:
        told = {
            "claim": one.claim.id,
            "statement": one.claim.statement,
            "verdict": one.verdict,
            "words": verdict(one).replace("\u00a0", " "),
            "weight": claims.weight if one.tested else nan,
            "command": one.claim.command,
            "ended_before": one.late.ended if one.late else 0,
        }
        rows += [told | _row(e) for e in one.effects] or [told | EMPTY]
    columns = [
        "claim",
        "statement",
        "verdict",
        "words",
        "weight",
        "command",
        "ended_before",
        *EMPTY,
    ]
    return pd.DataFrame(rows, columns=columns).astype({"n": "Int64", "blocks": "Int64"})


EMPTY: dict[str, Any] = dict.fromkeys(
    ("part", "between", "metric", "network", "part_verdict", "quantity", "units"), ""
) | dict.fromkeys(
    ("estimate", "low", "high", "level", "smallest", "share", "share_low", "share_high"), nan
)
EMPTY |= {"n": None, "blocks": None}


def _row(e: Effect) -> dict[str, Any]:
    return {
        "part": e.label,
        "between": e.pair,
        "metric": e.evidence.metric,
        "network": e.evidence.network,
        "part_verdict": e.verdict,
        "quantity": e.quantity,
        "units": e.units,
        "estimate": e.shown.estimate,
        "low": e.shown.low,
        "high": e.shown.high,
        "level": e.shown.level,
        "smallest": exp(e.unit) if e.quantity == "ratio" else e.unit,
        "share": e.estimate / e.unit,
        "share_low": e.low / e.unit,
        "share_high": e.high / e.unit,
        "n": e.n,
        "blocks": e.blocks,
    }


def write_claims(folder: Path, claims: Claims) -> None:
    """Write the claims as `claims.csv` and `claims.parquet` into `folder`."""
    found = frame(claims)
    found.to_csv(folder / "claims.csv", index=False, lineterminator="\n")
    found.to_parquet(folder / "claims.parquet", index=False)
