"""A study's own claims in study.yaml, and which of them were registered after trials had ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CLAIMS, REGISTERED = "claims", "registered"


def enrol(plan: dict[str, Any], claims: Sequence[Mapping[str, Any]], study: Path) -> bool:
    """Add to a study's plan the claims that it does not have, one that was changed among them; says whether any was.

    Beside those that come when trials have ended stands when they came and how many had.
    """
    kept = plan.get(CLAIMS)
    had = kept if isinstance(kept, list) else []
    current = {row.get("id"): row for row in had if isinstance(row, Mapping)}
    new = [dict(row) for row in claims if current.get(row["id"]) != dict(row)]
    if not new:
        return False
    plan[CLAIMS] = [*had, *new]
    ended = sum(1 for _ in (study / "trials").glob("*/result.json"))
    if ended:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        told = {str(row["id"]): {"when": now, "ended": ended} for row in new}
        before = plan.get(REGISTERED)
        plan[REGISTERED] = (before if isinstance(before, dict) else {}) | told
    return True
