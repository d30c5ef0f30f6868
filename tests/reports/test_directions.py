"""A browser shows words written from right to left without turning what stands beside them around."""

from __future__ import annotations

import shutil
from pathlib import Path

import hostile
import pytest

from reports.page import write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]
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


def test_the_words_beside_hebrew_keep_their_side(tmp_path: Path) -> None:
    texts = [hostile.TEXTS[name] for name in ("override", "hebrew")]
    report = write_report(hostile.build(tmp_path / "s", texts))
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(report.html.resolve().as_uri())
        item = page.locator("#methods li", has_text="1 trial").filter(has_text="שלום")
        hebrew, number, after = item.first.evaluate(PLACES)
        override = page.locator("#methods li", has_text="gnp.exe").first.inner_text()
        browser.close()
    assert number[1] <= hebrew[0] + 1  # inside the run the second word stands on the left
    assert hebrew[1] <= after[0] + 1  # beside it the line goes on to the right
    assert override.startswith("a⟨U+202E⟩gnp.exe⟨U+202C⟩ b")
