"""The words of a report as a reader may see them: nothing hidden, and no script that turns its neighbours around."""

from __future__ import annotations

import unicodedata
from typing import Any

from ablation.texts import visible

ISOLATE, END = "\u2068", "\u2069"
"""Unicode's marks around a run whose direction concerns nobody else (FSI, PDI): what `<bdi>` is to a page."""

BACKWARDS = frozenset({"R", "AL", "AN"})


def shown(value: Any) -> Any:
    """Return JSON values whose texts hide nothing: see `visible` and `isolated`."""
    if isinstance(value, str):
        return isolated(visible(value))
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    return value


def isolated(text: str) -> str:
    """Return the text with marks around each run that is written from right to left."""
    if text.isascii() or not any(_backwards(c) for c in text):
        return text
    found, start = [], 0
    while start < len(text):
        if not _backwards(text[start]):
            found.append(text[start])
            start += 1
            continue
        end = stop = start + 1
        while end < len(text) and text[end] != "\n" and unicodedata.bidirectional(text[end]) != "L":
            end += 1
            stop = end if _backwards(text[end - 1]) else stop
        found.append(f"{ISOLATE}{text[start:stop]}{END}")
        start = stop
    return "".join(found)


def _backwards(character: str) -> bool:
    return unicodedata.bidirectional(character) in BACKWARDS
