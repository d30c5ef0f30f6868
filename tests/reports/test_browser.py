"""The page as a reader's browser sees it: quiet, alone, sortable, filterable, narrow and dark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from reports.page import Report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: sync_api.Browser, hostile_report: Report) -> Iterator[sync_api.Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.complaints, opened.requests = [], []
    opened.on("console", lambda message: opened.complaints.append(message.text))
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.on("request", lambda request: opened.requests.append(request.url))
    opened.goto(hostile_report.html.resolve().as_uri())
    yield opened
    opened.close()


def _column(page: sync_api.Page, number: int) -> list[str]:
    cells = page.locator(f"#trials tbody tr:not([hidden]) > :nth-child({number})")
    return cells.all_inner_texts()


def test_the_page_is_quiet_and_asks_for_nothing_else(
    page: sync_api.Page, hostile_report: Report
) -> None:
    page.wait_for_load_state("networkidle")
    assert page.complaints == []
    outside = [url for url in page.requests if not url.startswith("data:")]
    assert outside == [hostile_report.html.resolve().as_uri()]
    assert page.locator("img").evaluate_all("all => all.every(i => i.naturalWidth > 0)")


def test_a_table_sorts_by_number_and_back(page: sync_api.Page) -> None:
    heading = page.locator("#trials thead th", has_text="FID")
    number = 1 + heading.evaluate("e => e.cellIndex")
    before = _column(page, number)
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    values = [float(text) for text in _column(page, number) if text != "–"]
    assert len(values) == 8
    assert values == sorted(values)
    heading.locator("button").press("Enter")
    values = [float(text) for text in _column(page, number) if text != "–"]
    assert values == sorted(values, reverse=True)
    heading.locator("button").click()
    assert _column(page, number) == before


def test_a_table_filters_by_every_word(page: sync_api.Page) -> None:
    field = page.locator("#all .filter input")
    field.fill("relu crashed")
    rows = page.locator("#trials tbody tr:not([hidden])")
    assert rows.count() == 1
    assert "crashed" in rows.inner_text()
    assert "1 of 12 rows" in page.locator("#all .filter").inner_text()
    field.fill("")
    assert rows.count() == 12


@pytest.mark.parametrize("width", [320, 380, 1280])
def test_nothing_is_wider_than_the_window(page: sync_api.Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_figures_follow_a_dark_theme(page: sync_api.Page) -> None:
    colour = "e => getComputedStyle(e.querySelector('[style*=\"--ink\"]')).fill"
    figure = page.locator("#forest svg")
    light = figure.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert figure.evaluate(colour) != light
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
