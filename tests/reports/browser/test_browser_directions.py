"""A browser shows words written from right to left without turning what stands beside them around."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile

from reports.page import write_report

Visit = Callable[..., Any]
PLACES = """
(item) => {
  const edges = (needle) => {
    const at = item.firstChild.data.indexOf(needle);
    const range = document.createRange();
    range.setStart(item.firstChild, at);
    range.setEnd(item.firstChild, at + needle.length);
    const box = range.getBoundingClientRect();
    return [box.left, box.right];
  };
  return [edges("שלום"), edges("12"), edges("1 trial")];
}
"""
"""The left and right edges of three words of one line."""


def test_the_words_beside_hebrew_keep_their_side(tmp_path: Path, visit: Visit) -> None:
    texts = [hostile.TEXTS[name] for name in ("override", "hebrew")]
    report = write_report(hostile.build(tmp_path / "s", texts))
    page = visit(report.html)
    item = page.locator("#methods li", has_text="1 trial").filter(has_text="שלום")
    hebrew, number, after = item.first.evaluate(PLACES)
    override = page.locator("#methods li", has_text="gnp.exe").first.inner_text()
    assert number[1] <= hebrew[0] + 1  # inside the run the second word stands on the left
    assert hebrew[1] <= after[0] + 1  # beside it the line goes on to the right
    assert override.startswith("a⟨U+202E⟩gnp.exe⟨U+202C⟩ b")
