"""Tables in a browser: they sort and filter by mouse and keyboard, say so, and are quick with 5,000 rows."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from reports.page import Report

ROWS = 5_000
PATIENCE = 1.0
"""Seconds that sorting and filtering may take."""
SORT = """head => {
  const start = performance.now();
  [...document.querySelectorAll("#trials thead button")].find(b => b.textContent === head).click();
  document.body.offsetHeight;
  return (performance.now() - start) / 1000;
}"""
FILTER = """words => {
  const start = performance.now();
  const input = document.querySelector("#all .filter input");
  input.value = words;
  input.dispatchEvent(new Event("input"));
  document.body.offsetHeight;
  return (performance.now() - start) / 1000;
}"""
"""Seconds from the act to the page laid out anew."""
RIGHT = """() => [...document.querySelectorAll(".scroll, pre")].filter(e => e.checkVisibility()).every(e =>
  (e.scrollWidth > e.clientWidth) === (e.getAttribute("tabindex") === "0"))"""


def _column(page: Any, number: int) -> list[str]:
    cells = page.locator(f"#trials tbody tr:not([hidden]) > :nth-child({number})")
    return [str(text) for text in cells.all_inner_texts()]


def test_a_table_sorts_by_number_and_back_and_says_so(visit: Any, hostile_report: Report) -> None:
    page = visit(hostile_report.html)
    heading = page.locator("#trials thead th", has_text="FID")
    number = 1 + heading.evaluate("e => e.cellIndex")
    before = _column(page, number)
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert page.locator("#told").inner_text() == "Sorted by FID, ascending"
    values = [float(text) for text in _column(page, number) if text != "–"]
    assert len(values) == 8
    assert values == sorted(values)
    heading.locator("button").press("Enter")
    assert page.locator("#told").inner_text() == "Sorted by FID, descending"
    values = [float(text) for text in _column(page, number) if text != "–"]
    assert values == sorted(values, reverse=True)
    heading.locator("button").press("Space")
    assert page.locator("#told").inner_text() == "Rows in their first order"
    assert _column(page, number) == before


def test_a_table_filters_by_every_word(visit: Any, hostile_report: Report) -> None:
    page = visit(hostile_report.html)
    field = page.locator("#all").get_by_label("Filter")
    field.fill("relu crashed")
    rows = page.locator("#trials tbody tr:not([hidden])")
    assert rows.count() == 1
    assert "crashed" in rows.inner_text()
    assert page.locator("#all .filtering [role=status]").inner_text() == "1 of 12 rows"
    field.fill("")
    assert rows.count() == 12
    assert page.locator("#all .filtering [role=status]").inner_text() == ""


def test_every_table_has_a_caption_and_scoped_headings(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    bad = """all => all.filter(t => !t.caption?.textContent.trim()
      || [...t.tHead.querySelectorAll("th")].some(h => h.scope !== "col")
      || [...t.tBodies[0].rows].some(r => r.cells[0].scope !== "row")).map(t => t.id)"""
    assert page.locator("table").count() >= 5
    assert page.locator("table").evaluate_all(bad) == []


def test_only_what_scrolls_is_a_stop_for_the_tab_key(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    for width in (1280, 380):
        page.set_viewport_size({"width": width, "height": 800})
        patience = time.monotonic() + 120
        while not page.evaluate(RIGHT):
            assert time.monotonic() < patience
            page.wait_for_timeout(50)
    assert page.locator(".scroll[tabindex]").count() > 3


def test_five_thousand_rows_sort_and_filter_at_once(
    visit: Any, reader: Report, tmp_path: Path
) -> None:
    text = reader.html.read_text(encoding="utf-8")
    found = re.search(r'<table id="trials".*?<tbody>(.*?)</tbody>', text, flags=re.DOTALL)
    assert found is not None
    rows_of = re.findall(r"<tr>.*?</tr>", found[1], flags=re.DOTALL)
    assert len(rows_of) == 36
    many = "\n".join(
        re.sub(r'data-value="1(\d\.\d+)"', rf'data-value="{i * 7919 % ROWS}.5"', rows_of[i % 36])
        for i in range(ROWS)
    )
    file = tmp_path / "many.html"
    file.write_text(text.replace(found[1], many), encoding="utf-8")
    page = visit(file)
    table = page.locator("#trials")
    assert table.locator("tbody tr").count() == ROWS
    rows = table.locator("tbody tr:visible")
    assert rows.count() == 500
    status = page.locator("#all .filtering [role=status]")
    assert status.inner_text() == "first 500 of 5000 rows"
    fitting = sum(
        "relu-hinge" in rows_of[i % 36] and "-s1-" in rows_of[i % 36] for i in range(ROWS)
    )
    seconds = {f"sort by {head}": page.evaluate(SORT, head) for head in ("FID", "trial", "seed")}
    for words in ("relu hinge s1", "leaky_relu", "nothing has this", ""):
        seconds[f"filter {words}"] = page.evaluate(FILTER, words)
        if words == "relu hinge s1":
            assert status.inner_text() == f"first 500 of {fitting} of {ROWS} rows"
    print({name: round(took, 3) for name, took in seconds.items()})
    assert max(seconds.values()) < PATIENCE
    page.locator("#all").get_by_role("button", name="Show all").click()
    assert rows.count() == ROWS
    assert page.evaluate(SORT, "seed") < PATIENCE
    assert rows.count() == 500  # a browser would take seconds to lay out all in another order
