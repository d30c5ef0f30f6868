"""The page as a reader's browser sees it: quiet, alone, no wider than the window, nothing cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reports.page import Report

CUT = """() => {
  const found = [];
  const told = (e) => e.textContent.trim().slice(0, 60);
  for (const svg of document.querySelectorAll("figure svg")) {
    const own = svg.getBoundingClientRect();
    for (const word of svg.querySelectorAll("g > use[href^='#L-']")) {
      const box = word.getBoundingClientRect();
      if (box.width && (box.left < own.left - 1 || box.right > own.right + 1
        || box.top < own.top - 1 || box.bottom > own.bottom + 1))
        found.push(`letter of ${svg.closest("figure").id}`);
    }
  }
  for (const e of document.querySelectorAll("body *:not(svg *)")) {
    const style = getComputedStyle(e);
    const hides = /hidden|clip/.test(style.overflowX) || style.textOverflow === "ellipsis";
    const holds = e.matches("button, h1, h2, h3, p, li, label, summary, figcaption") && style.display !== "inline";
    if ((hides || holds) && !e.classList.contains("unseen") && e.scrollWidth > e.clientWidth + 1)
      found.push(`${e.tagName} ${told(e)}`);
  }
  return found;
}"""
"""What is cut off: letters beyond their figure, words beyond their box."""


def test_the_page_asks_for_nothing_else(visit: Any, hostile_report: Report) -> None:
    page = visit(hostile_report.html)
    page.wait_for_load_state("networkidle")
    assert page.locator("img").evaluate_all("all => all.every(i => i.naturalWidth > 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 380, 1280, 1920])
@pytest.mark.parametrize("which", ["reader", "hostile_report"])
def test_nothing_is_cut_off_or_wider_than_the_window(
    visit: Any,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    width: int,
    scheme: str,
    which: str,
) -> None:
    report = request.getfixturevalue(which)
    page = visit(report.html, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CUT) == []
    picture = tmp_path / "page.png"
    page.screenshot(path=picture, full_page=True)
    with Image.open(picture) as image:
        assert image.width == width
        assert image.convert("L").getextrema()[0] < image.convert("L").getextrema()[1]  # not blank


def test_a_cut_word_would_be_found(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    page.evaluate(
        "document.querySelector('#scores h2').style.cssText = 'width: 3rem; white-space: nowrap'"
    )
    assert page.evaluate(CUT)[0].startswith("H2 ")


def test_without_a_script_everything_is_shown(visit: Any, reader: Report) -> None:
    page = visit(reader.html, java_script_enabled=False)
    assert not page.locator("#choice").is_visible()
    assert not page.locator("#theme").is_visible()
    assert not page.locator(".slider").is_visible()
    assert page.locator("#scores figure").count() == 8
    assert page.locator("#samples li img:visible").count() == 12


def test_on_paper_there_are_no_controls(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for control in ("nav", "#theme", "#choice", ".slider", ".filtering", ".skip"):
        assert page.locator(f"{control}:visible").count() == 0, control
    assert page.locator("#verdict").is_visible()
