"""Texts that others wrote, safe to look at: what cannot be seen, or moves its neighbours, becomes its number."""

from __future__ import annotations

import unicodedata

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of Unicode without a mark of their own: controls, marks of direction, halves of pairs, line separators."""

JOINERS = "\u200c\u200d"
"""Between letters or pictures beyond ASCII these two are part of how a word is written."""


def numbered(character: str) -> str:
    """Return a character as its number: `⟨U+202E⟩`."""
    return f"⟨U+{ord(character):04X}⟩"


def visible(text: str) -> str:
    """Return the text with the number of each character that cannot be seen; lines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(
        numbered(c) if unicodedata.category(c) in UNSEEN and not _kept(text, i) else c
        for i, c in enumerate(text)
    )


def _kept(text: str, i: int) -> bool:
    if text[i] in "\n\t":
        return True
    inside = text[i] in JOINERS and 0 < i < len(text) - 1
    return inside and not text[i - 1].isascii() and not text[i + 1].isascii()


def one_line(text: str) -> str:
    """Return the text as one line that a terminal shows and does not obey."""
    return visible(" ".join(text.split()))
