"""Light and dark: the page follows the system, obeys its button, and does without storage."""

from __future__ import annotations

from typing import Any

from reports.page import Report

DARK, LIGHT = "rgb(20, 24, 29)", "rgb(255, 254, 252)"
PAPER = "getComputedStyle(document.body).backgroundColor"


def test_figures_follow_a_dark_theme(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    colour = "e => getComputedStyle(e.querySelector('g:has(> use[href^=\"#L-\"])')).fill"
    figure = page.locator("#scores figure svg").first
    light = figure.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert figure.evaluate(colour) != light
    assert page.evaluate(PAPER) == DARK


def test_the_button_turns_the_theme_and_the_page_remembers(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    button = page.get_by_role("button", name="Theme: ")
    assert (page.evaluate(PAPER), button.text_content()) == (LIGHT, "Theme: light")
    button.press("Enter")
    assert (page.evaluate(PAPER), button.text_content()) == (DARK, "Theme: dark")
    page.reload()
    assert page.evaluate(PAPER) == DARK
    button.click()
    assert (page.evaluate(PAPER), button.text_content()) == (LIGHT, "Theme: light")
    page.emulate_media(color_scheme="dark")  # back to what the system says
    assert page.evaluate(PAPER) == DARK
    assert page.evaluate("localStorage.length") == 0


def test_a_dark_system_can_have_a_light_page(visit: Any, reader: Report) -> None:
    page = visit(reader.html, color_scheme="dark")
    button = page.get_by_role("button", name="Theme: ")
    assert (page.evaluate(PAPER), button.text_content()) == (DARK, "Theme: dark")
    button.click()
    assert (page.evaluate(PAPER), button.text_content()) == (LIGHT, "Theme: light")


def test_without_storage_the_button_still_works(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied'); } })"
    )
    page.reload()
    page.get_by_role("button", name="Theme: light").click()
    assert page.evaluate(PAPER) == DARK
    assert page.locator("#trials thead button").count() > 3  # the rest of the script ran


def test_the_skip_link_leads_to_the_results(visit: Any, reader: Report) -> None:
    page = visit(reader.html)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "results"
