"""What stands in a `result.json`: the kind of each entry, whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("key", "outcome", "message", "weights", "protocol"), str),
    **dict.fromkeys(("scores", "spec", "provenance", "files"), dict),
    "step": (int, float),
    "citations": list,
}
"""What each entry of `result.json` is."""
RAN: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("attempt", "threads", "resumed"), int),
    **dict.fromkeys(
        ("seconds", "versions", "extractor", "activations", "parameters", "modes"), dict
    ),
    **dict.fromkeys(("cpu_seconds", "peak_memory_mb"), (int, float)),
    "hazards": list,
}
"""What each entry of a result's provenance is, where it has one."""


def check_names(scores: Mapping[str, Any]) -> None:
    """Raise ValueError for scores with a name that is none: FAMILY_EXTRACTOR_COUNT."""
    if any(not re.fullmatch(r"[a-z][a-z0-9-]*(_[\w.+-]+)?", name) for name in scores):
        raise ValueError(f"the scores are named {', '.join(scores)}")


def check_shape(row: Mapping[str, Any]) -> None:
    """Raise ValueError for an entry of a wrong kind, KeyError for one that is absent."""
    for name, kind in KINDS.items():
        if not isinstance(row[name], kind) or isinstance(row[name], bool):
            raise ValueError(f"{name} is {row[name]!r}")
    if not all(isinstance(text, str) for text in row["citations"]):
        raise ValueError("a citation is not a text")
    for name, kind in RAN.items():
        value = row["provenance"].get(name)
        if value is not None and not isinstance(value, kind):
            raise ValueError(f"provenance.{name} is {value!r}")
    seconds = row["provenance"].get("seconds") or {}
    if not all(isinstance(value, (int, float)) for value in seconds.values()):
        raise ValueError(f"provenance.seconds is {seconds!r}")
