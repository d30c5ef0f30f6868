"""Choosing data set, loss and score: figures, samples and tables follow, and the address keeps it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import study_builder as builder

from reports.page import Report, write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

FIGURES = "all => all.filter(f => f.checkVisibility()).map(f => f.id)"
MARKS = "svg => svg.querySelectorAll('.mark:not([display])').length"
FID = "figure[id^=score-fid]"


def _field(page: Any, label: str) -> Any:
    return page.locator("#choice").get_by_label(label, exact=True)


def _rows(page: Any) -> list[str]:
    return [
        str(t) for t in page.locator("#cells tbody tr:visible > :first-child").all_inner_texts()
    ]


def _heads(page: Any) -> list[str]:
    return [str(t).strip() for t in page.locator("#cells thead th:visible").all_text_contents()]


def test_a_block_is_chosen_by_keyboard_and_the_address_keeps_it(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    field = _field(page, "data set")
    field.focus()
    page.keyboard.type("digits")
    _field(page, "loss").select_option("minimax")
    assert page.locator("#chosen").inner_text() == "minimax · digits"
    assert page.evaluate("location.hash") == "#dataset=digits&loss=minimax"
    shown = page.locator("#scores figure").evaluate_all(FIGURES)
    assert len(shown) == 3
    assert not [name for name in shown if "ring8" in name]
    assert page.locator(f"{FID} svg").evaluate(MARKS) == 9
    assert page.locator(f"{FID} .now").inner_text().strip() == "Shown: 9 of 18 trials."
    assert set(_rows(page)) == {"minimax · digits"}
    assert page.locator("#samples .of-block:visible h3").all_inner_texts() == [
        "minimax · digits, seed 0"
    ]
    again = visit(reader.html, "#dataset=digits&loss=minimax")
    assert _field(again, "data set").input_value() == "digits"
    assert again.locator("#scores figure").evaluate_all(FIGURES) == shown
    assert again.locator("#chosen").inner_text() == "minimax · digits"


def test_a_score_is_chosen_in_figures_and_columns(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    before = _heads(page)
    _field(page, "score").select_option("FID")
    shown = page.locator("#scores figure").evaluate_all(FIGURES)
    assert len(shown) == 2
    assert all("fid" in name for name in shown)
    assert _heads(page) == [
        h for h in before if not h.startswith(("IS", "Fr", "modes", "HQ", "rev"))
    ]
    assert page.evaluate("location.hash") == "#score=fid"
    page.get_by_role("button", name="Show all").click()
    assert _heads(page) == before
    assert page.locator("#scores figure").evaluate_all(FIGURES)[:3] == [
        "score-fid-digits-cnn-1a2b3c-5k",
        "score-frechet-ring8-2.5k",
        "score-is-digits-cnn-1a2b3c-5k",
    ]
    assert page.evaluate("document.activeElement.name") == "dataset"
    assert not page.get_by_role("button", name="Show all").is_visible()


def test_the_shown_groups_take_the_whole_width_and_come_back(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    places = """svg => [...svg.querySelectorAll(".mark:not([display])")].map(m => {
      const [left, width] = [Number(svg.dataset.left), Number(svg.dataset.width)];
      return (m.x.baseVal.value - left) / width; })"""
    bars = "svg => svg.querySelectorAll('[data-role=wide]:not([display])').length"
    svg = page.locator(f"{FID} svg")
    before = svg.evaluate(places)
    _field(page, "loss").select_option("hinge")
    after = svg.evaluate(places)
    assert len(after) == 9
    hinge = [x for x in before if x < 0.5]
    assert max(after) - min(after) == pytest.approx(2.1 / 1.1 * (max(hinge) - min(hinge)), rel=1e-3)
    assert (max(after) + min(after)) / 2 == pytest.approx(0.5, abs=1e-3)
    assert svg.evaluate(bars) == 3
    words = svg.evaluate(
        "svg => [...svg.querySelectorAll('[data-role=label]:not([display])')].map(w => w.getBoundingClientRect().x)"
    )
    assert len(words) == 1
    middle = svg.evaluate(
        "svg => { const b = svg.getBoundingClientRect(); return b.x + b.width / 2; }"
    )
    assert abs(words[0] - middle) < 60
    _field(page, "loss").select_option("")
    assert svg.evaluate(places) == before


def test_what_does_not_exist_is_said(visit: Any, tmp_path: Path) -> None:
    study = builder.build(tmp_path / "s", activations=("relu", "gelu"), seeds=2, probed=False)
    for name in ("relu", "gelu"):
        for seed in range(2):
            asked = {"activation": name, "seed": seed, "dataset": "other", "loss": "hinge"}
            builder.write_trial(study, builder.spec(**asked), 12.0 + seed, probed=False)
    page = visit(write_report(study).html)
    assert page.locator("#choice select").count() == 2  # the loss follows from the data set
    assert _field(page, "data set").locator("option").all_inner_texts() == [
        *("all", "digits", "other")
    ]


def test_one_block_and_one_score_leave_nothing_to_choose(visit: Any, tmp_path: Path) -> None:
    study = builder.build(tmp_path / "s", activations=("relu", "gelu"), seeds=0)
    for name in ("relu", "gelu"):
        for seed in range(2):
            spec, score = builder.spec(activation=name, seed=seed), builder.image_scores(9.0 + seed)
            builder.write_trial(study, spec, 1.0, probed=False, scores=score[:1])
    page = visit(write_report(study).html)
    assert page.locator("#scores .mark").count() == 4
    assert not page.locator("#choice").is_visible()


def test_a_link_to_a_section_keeps_the_choice(visit: Any, reader: Report) -> None:
    page = visit(reader.html, "#loss=hinge")
    page.locator("nav a", has_text="Samples").click()
    sync_api.expect(page).to_have_url(re.compile("#samples&loss=hinge$"), timeout=120_000)
    assert _field(page, "loss").input_value() == "hinge"
    again = visit(reader.html, "#samples&loss=hinge")
    assert _field(again, "loss").input_value() == "hinge"
    assert again.evaluate("scrollY") > 500
    wrong = visit(reader.html, "#loss=none-such&dataset=%3Cb%3E&x")
    assert not wrong.locator("#chosen").inner_text()


@pytest.mark.parametrize("width", [660, 1280])
def test_a_jump_ends_below_the_bar_however_many_lines_it_takes(
    width: int, visit: Any, reader: Report
) -> None:
    page = visit(
        reader.html, "#loss=hinge&dataset=digits", viewport={"width": width, "height": 700}
    )
    page.locator("nav a", has_text="Samples").click()
    sync_api.expect(page).to_have_url(re.compile("#samples"), timeout=120_000)
    page.wait_for_timeout(200)
    bar, heading = (
        page.locator("#choice").bounding_box(),
        page.locator("#samples h2").bounding_box(),
    )
    assert bar["y"] == 0
    assert (bar["height"] > 60) is (width == 660)
    assert bar["height"] <= heading["y"] < bar["height"] + 60


def test_gradients_of_other_blocks_go_away(visit: Any, hostile_report: Report) -> None:
    page = visit(hostile_report.html)
    assert page.locator("#gradients details, #gradients > figure").count() == 4
    _field(page, "loss").select_option("minimax")
    shown = page.locator("#gradients figure").evaluate_all(FIGURES)
    assert len(shown) == 2
    assert all("minimax" in name for name in shown)
