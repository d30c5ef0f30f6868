"""Texts that others wrote, safe to look at: what cannot be seen, or moves its neighbours, becomes its number."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of Unicode without a mark of their own: controls, marks of direction, halves of pairs, line separators."""

JOINERS = "\u200c\u200d"
"""Between letters or pictures beyond ASCII these two are part of how a word is written."""

STACKED, MARKS = frozenset({"Mn", "Me"}), 4
"""Marks over and under a letter; more than so many in a row would cover the lines beside them."""


def numbered(character: str) -> str:
    """Return a character as its number: `⟨U+202E⟩`."""
    return f"⟨U+{ord(character):04X}⟩"


def visible(text: str) -> str:
    """Return the text with the number of each character that cannot be seen; lines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(numbered(c) if _hidden(c, text, i) else c for i, c in enumerate(text))


def _hidden(character: str, text: str, i: int) -> bool:
    kind = unicodedata.category(character)
    if kind in UNSEEN:
        return not _kept(text, i)
    before = text[max(0, i - MARKS) : i]
    return (
        kind in STACKED
        and len(before) == MARKS
        and set(map(unicodedata.category, before)) <= STACKED
    )


def _kept(text: str, i: int) -> bool:
    if text[i] in "\n\t":
        return True
    inside = text[i] in JOINERS and 0 < i < len(text) - 1
    return inside and not text[i - 1].isascii() and not text[i + 1].isascii()


def one_line(text: str) -> str:
    """Return the text as one line that a terminal shows and does not obey."""
    return visible(" ".join(text.split()))


CODES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)")
"""What colours, moves or names a terminal: the sequences CSI and OSC."""


def plain(log: str) -> str:
    """Return a log as lines of text: without a terminal's sequences, each state of a progress bar a line."""
    return visible(CODES.sub("", log.replace("\r\n", "\n").replace("\r", "\n")))


def whole(value: Any) -> Any:
    """Return JSON values that every file can hold: half a surrogate pair becomes a question mark."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {whole(key): whole(item) for key, item in value.items()}
    return [whole(item) for item in value] if isinstance(value, list) else value
