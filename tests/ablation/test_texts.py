"""Texts of others: what hides becomes its number, what is seen stays, and a terminal obeys none of it."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from ablation.files import read_json
from ablation.texts import one_line, plain, visible, whole


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("re\u200blu", "re⟨U+200B⟩lu"),
        ("a\x00\x07\x7f\x9b", "a⟨U+0000⟩⟨U+0007⟩⟨U+007F⟩⟨U+009B⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("\u2028\ufeff\ue000\uffff", "⟨U+2028⟩⟨U+FEFF⟩⟨U+E000⟩⟨U+FFFF⟩"),
        ("a\u200dd", "a⟨U+200D⟩d"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("نمی\u200cخواهم", "نمی\u200cخواهم"),
        ("two\nlines\tand 3\u00a0%", "two\nlines\tand 3\u00a0%"),
        ("Fréchet ≥ 日本 🧨", "Fréchet ≥ 日本 🧨"),
        ("a" + 6 * "\u0301", "a" + 4 * "\u0301" + 2 * "⟨U+0301⟩"),
    ],
)
def test_what_hides_becomes_its_number(text: str, seen: str) -> None:
    assert visible(text) == seen
    assert visible(seen) == seen


@pytest.mark.slow
def test_no_character_of_unicode_hides() -> None:
    every = "".join(f"x{chr(i)}x" for i in range(0x110000))
    kinds = {unicodedata.category(c) for c in visible(every)} - {"Zs"}
    assert kinds & {"Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert {c for c in visible(every) if unicodedata.category(c) == "Cc"} == {"\n", "\t"}


def test_one_line_is_one_line() -> None:
    assert one_line("a\nb\r\n\x1b[2Jc\u2028d ") == "a b ⟨U+001B⟩[2Jc d"


def test_a_log_loses_what_moves_a_terminal_and_keeps_its_words() -> None:
    log = "\x1b[31mred\x1b[0m\r\n10 %\r20 %\n\x1b]0;my title\x07end\x1b[2J\x1b[H\x1bc\x08\n"
    assert plain(log) == "red\n10 %\n20 %\nend⟨U+001B⟩c⟨U+0008⟩\n"


def test_half_a_pair_becomes_a_question_mark_wherever_it_stands(tmp_path: Path) -> None:
    value = {"a\ud800": ["\udfff", {"b": "ok\ud83d\ude00"}, 3, None]}
    path = tmp_path / "r.json"
    path.write_text(json.dumps(value))
    assert "\\ud800" in path.read_text()
    assert read_json(path) == {"a?": ["?", {"b": "ok😀"}, 3, None]}
    assert whole("🧨") == "🧨"
