"""What goes on paper: captions of two lines that lose nothing, texts cut at words, failures of one kind shown once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reports.printing import CAPTION, RUN, SOFT, Room, clipped, grouped, loose, on_paper, shortened
from reports.texts import isolated

ROOM = Room(rows=2, figures=1, samples=1, failures=1, lines=2, sentences=1)
LONG = "Share of units whose slope is small, over a fixed batch. It is zero for a constant. " * 3


def test_a_short_caption_stays_and_ends_with_a_full_stop() -> None:
    assert shortened("Each against leaky_relu; n: seeds", 80) == (
        "Each against leaky_relu; n: seeds.",
        "",
    )


def test_a_long_caption_keeps_whole_sentences_and_what_says_n() -> None:
    caption = "Median of all. " + LONG + "n = 24 trials; 2 diverged or crashed."
    kept, rest = shortened(caption, 100)
    assert kept == "Median of all. n = 24 trials; 2 diverged or crashed."
    assert rest == LONG.strip()
    both = shortened("One. Two. Three is longer. Four.", 10)
    assert both == ("One. Two.", "Three is longer. Four.")


def test_a_first_sentence_that_is_too_long_ends_at_a_mark_and_is_whole_in_the_note() -> None:
    caption = "Medians over seeds, failures as worst, real samples last, their spread beside them."
    kept, rest = shortened(caption, 60)
    assert kept == "Medians over seeds, failures as worst, real samples last …"
    assert rest == caption


@pytest.mark.parametrize("most", range(20, 260, 7))
@pytest.mark.parametrize(
    "caption", [LONG, LONG + "n = 3 trials; none failed.", "x" * 300, "Ab. " * 90, "a b " * 90]
)
def test_no_caption_is_longer_than_its_place(caption: str, most: int) -> None:
    kept, rest = shortened(caption, most)
    assert 0 < len(kept) <= most
    words = f"{kept} {rest}".replace("…", "").split()
    assert {word.rstrip(".") for word in caption.split()} - {w.rstrip(".") for w in words} == set()


def test_clipped_ends_at_a_word() -> None:
    assert clipped("three short words", 17) == "three short words"
    assert clipped("three short words", 16) == "three short …"
    assert clipped(50 * "x", 10) == "xxxxxxxx …"


def test_loose_words_may_break_after_marks_and_lose_nothing() -> None:
    word = 30 * "ab_c" + 90 * "w"
    told = loose(f"a {word} b")
    assert told.replace(SOFT, "") == f"a {word} b"
    assert max(map(len, told.replace(SOFT, " ").split())) <= 20
    assert loose("x" * (RUN - 1)) == "x" * (RUN - 1)


def _failure(outcome: str, message: str, log: str = "") -> dict[str, Any]:
    return {"key": "k", "outcome": outcome, "step": "", "message": message, "log": log,
            "commands": ["ablation logs s k"]}  # fmt: skip


def test_failures_of_one_kind_are_shown_once_the_most_frequent_first() -> None:
    found = grouped([
        _failure("diverged", "at 3"), _failure("crashed", "size 64"), _failure("crashed", "size 8"),
        _failure("crashed", "other"),
    ])  # fmt: skip
    told = [(f["outcome"], f["message"], f["alike"]) for f in found]
    assert told == [("crashed", "size 64", 1), ("diverged", "at 3", 0), ("crashed", "other", 0)]


def test_paper_has_the_first_rows_and_says_how_many_are_left_out() -> None:
    cell = {"text": "w" * 500, "value": None, "strong": False}
    table = {
        "id": "t",
        "caption": LONG,
        "columns": [{"name": "a", "number": False}],
        "rows": [[cell]] * 5,
    }
    figure = {"name": 70 * "f", "title": "Dead units", "alt": "alt", "caption": LONG}
    said = {
        "kicker": "Study",
        "questions": ["Which?"],
        "failures": [_failure("crashed", 10_000 * "m", "1\n2\n3")] * 3,
        "samples": [],
        "trials": table,
        "own": table,
        "figures": {"units": [figure, {**figure, "name": "g"}]},
    }
    told = on_paper(said, ROOM)
    assert "trials" not in told
    assert (len(told["own"]["rows"]), told["own"]["left_out"]) == (2, 3)
    assert len(told["own"]["rows"][0][0]["text"].replace(SOFT, "")) == 140
    assert len(told["own"]["caption"]) <= CAPTION
    assert told["figures"]["units"][0]["name"] == 70 * "f"
    assert [n["names"] for n in told["notes"]] == [["table-t"], [f"figure-{70 * 'f'}", "figure-g"]]
    assert told["failures_left"] == 0
    assert len(told["failures"][0]["message"]) < 350
    assert told["failures"][0]["log"] == "2\n3"
    json.dumps(told, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("relu שלום 12", "relu \u2068שלום\u2069 12"),
        ("א (1) ב, gelu", "\u2068א (1) ב\u2069, gelu"),
        ("א gelu ב", "\u2068א\u2069 gelu \u2068ב\u2069"),
        ("א\nב", "\u2068א\u2069\n\u2068ב\u2069"),
        ("Fréchet 日本", "Fréchet 日本"),
    ],
)
def test_what_is_written_from_right_to_left_stands_alone(text: str, seen: str) -> None:
    assert isolated(text) == seen
