"""The slider of samples: it moves all grids, by mouse and keyboard, and says at which step they are."""

from __future__ import annotations

from typing import Any

from reports.page import Report

SHOWN = "all => all.map(i => i.dataset.step)"


def test_the_slider_moves_every_grid(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    slider = page.get_by_role("slider", name="Step")
    shown = page.locator("#samples li img:visible")
    assert slider.get_attribute("aria-valuetext") == "step 1,500 of 1,500"
    assert shown.evaluate_all(SHOWN) == ["1500"] * 12
    last = shown.first.get_attribute("src")
    slider.press("Home")
    assert slider.get_attribute("aria-valuetext") == "step 375 of 1,500"
    assert page.locator(".slider output").inner_text() == "step 375 of 1,500"
    assert shown.evaluate_all(SHOWN) == ["375"] * 12
    assert shown.first.get_attribute("src") != last
    assert shown.first.get_attribute("alt").endswith("seed 0, step 375")
    slider.press("ArrowRight")
    assert shown.evaluate_all(SHOWN) == ["750"] * 12
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    assert shown.evaluate_all(SHOWN) == ["1500"] * 12


def test_pictures_of_a_row_are_of_one_seed(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    for row in page.locator("#samples .of-block").all():
        seed = row.locator("h3").inner_text().rpartition("seed ")[2]
        alts = row.locator("img").evaluate_all("all => all.map(i => i.alt)")
        assert len(alts) == 12
        assert {alt.rpartition(", step")[0].rpartition("seed ")[2] for alt in alts} == {seed}
