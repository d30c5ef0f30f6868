"""axe-core finds nothing to complain of: WCAG A and AA and good practice, light and dark, narrow and wide."""

from __future__ import annotations

from typing import Any

import pytest

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)
RULES = {
    "runOnly": [
        *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"),
    ],
    "resultTypes": ["violations"],
}


def _violations(page: Any) -> list[str]:
    found = axe.Axe().run(page, options=RULES).response["violations"]
    return [f"{v['id']}: {v['help']} {[n['target'] for n in v['nodes'][:3]]}" for v in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1280])
@pytest.mark.parametrize("which", ["reader", "hostile_report"])
def test_axe_finds_nothing(
    visit: Any, request: pytest.FixtureRequest, which: str, width: int, scheme: str
) -> None:
    report = request.getfixturevalue(which)
    page = visit(report.html, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert _violations(page) == []


def test_axe_finds_nothing_while_a_mark_tells_and_a_block_is_chosen(
    visit: Any, reader: Any
) -> None:
    page = visit(reader.html, "#loss=hinge&score=fid")
    page.locator("figure[id^=score-fid] .mark[tabindex='0']").focus()
    page.locator("#tip").wait_for(state="visible")
    assert _violations(page) == []


def test_axe_would_find_something(visit: Any, reader: Any) -> None:
    page = visit(reader.html)
    page.evaluate("document.querySelector('#samples img:not([hidden])').removeAttribute('alt')")
    page.evaluate("document.querySelector('h1').style.color = '#ddd'")
    found = {text.partition(":")[0] for text in _violations(page)}
    assert found == {"image-alt", "color-contrast"}
