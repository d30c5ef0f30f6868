"""A mark of a score figure tells its trial and the command that runs it again, by pointer and by keyboard."""

from __future__ import annotations

from typing import Any

import study_builder as builder

from reports.page import Report

FID = "figure[id^=score-fid]"
NAME = "document.activeElement.getAttribute('aria-label')"


def _middle(mark: Any) -> tuple[float, float]:
    box = mark.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_hovering_tells_the_trial_and_its_command(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    key = builder.spec(activation="relu", loss="hinge", dataset="digits", seed=1).key
    number = page.evaluate(
        "key => document.querySelector('#marks').textContent.split('\\n').findIndex(l => l.startsWith(key))",
        key,
    )
    mark = page.locator(f"{FID} .mark[data-trial='{number}']")
    mark.scroll_into_view_if_needed()
    x, y = _middle(mark)
    page.mouse.move(x + 2, y + 1)
    tip = page.locator("#tip")
    assert tip.is_visible()
    value = mark.get_attribute("data-value")
    row = page.locator("#trials tbody tr", has_text=key)
    assert value in row.all_inner_texts()[0].split()
    said = tip.inner_text().split("\n")
    assert [line for line in said if line] == [
        *("relu hinge · digits", f"FID {value} · seed 1 · finished"),
        *(f"ablation rerun 'my study' {key}", "Copy"),
    ]
    # the pointer may go onto it, and it stays; away from both it goes
    box = tip.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 10, steps=4)
    page.wait_for_timeout(700)
    assert tip.is_visible()
    page.mouse.move(5, 5)
    tip.wait_for(state="hidden")


def test_escape_dismisses_what_the_pointer_opened(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    mark = page.locator(f"{FID} .mark").first
    mark.scroll_into_view_if_needed()
    page.mouse.move(*_middle(mark))
    page.locator("#tip").wait_for(state="visible")
    page.keyboard.press("Escape")
    assert not page.locator("#tip").is_visible()
    assert page.locator(".ring").count() == 0


def test_arrow_keys_visit_every_mark_and_one_is_a_stop(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    marks = page.locator(f"{FID} .mark")
    stops = page.locator(f"{FID} .mark[tabindex='0']")
    assert (marks.count(), stops.count()) == (18, 1)
    stops.focus()
    told = [page.evaluate(NAME)]
    for _ in range(17):
        page.keyboard.press("ArrowRight")
        assert stops.count() == 1
        told.append(page.evaluate(NAME))
    assert len(set(told)) == 18
    assert [t for t in told if "diverged" in t] == [
        "gelu, minimax · digits, seed 1: FID –, diverged"
    ]
    seeds = [t.partition(", seed ")[2][0] for t in told]
    assert seeds == ["0", "1", "2"] * 6
    page.keyboard.press("ArrowRight")
    assert page.evaluate(NAME) == told[-1]
    page.keyboard.press("Home")
    assert page.evaluate(NAME) == told[0]
    page.keyboard.press("ArrowDown")
    assert page.evaluate(NAME) == told[3]
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(NAME) == told[2]
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(NAME) == told[14]


def test_the_command_is_copied_by_keyboard(visit: Any, reader: Report) -> None:
    page = visit(reader.html, permissions=["clipboard-read", "clipboard-write"])
    page.locator(f"{FID} .mark[tabindex='0']").focus()
    mark = page.evaluate(NAME)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Copy"
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Copied")
    button.wait_for()
    assert page.locator("#told").inner_text() == "Copied"
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#tip code").inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate(NAME) == mark
    assert not page.locator("#tip").is_visible()


def test_without_the_clipboard_the_command_is_copied_as_a_selection(
    visit: Any, reader: Report
) -> None:
    page = visit(reader.html)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.locator(f"{FID} .mark[tabindex='0']").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Copy"
    page.keyboard.press("Space")
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("getSelection().toString()") == page.locator("#tip code").inner_text()


def test_a_chosen_block_leaves_its_marks_alone_to_visit(visit: Any, reader: Report) -> None:
    page = visit(reader.html, "#loss=hinge")
    page.locator(f"{FID} .mark[tabindex='0']").focus()
    told = {page.evaluate(NAME)}
    for _ in range(20):
        page.keyboard.press("ArrowRight")
        told.add(page.evaluate(NAME))
    assert len(told) == 9
    assert all("hinge · digits" in t for t in told)


def test_a_tap_opens_a_mark(visit: Any, reader: Report) -> None:
    page = visit(reader.html, has_touch=True, viewport={"width": 380, "height": 800})
    mark = page.locator(f"{FID} .mark").first
    mark.scroll_into_view_if_needed()
    page.touchscreen.tap(*_middle(mark))
    box = page.locator("#tip").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 380
