"""LaTeX that prints what it is given: every character escaped, tables whole, and pdflatex agrees where there is one."""

from __future__ import annotations

import shutil
import string
import subprocess
from pathlib import Path

import latex_reader
import pytest
from study_builder import HOSTILE, WARNING

from reports.latex import MOST_ROWS, booktabs, escaped, label
from reports.rows import cell, table

NASTY = (
    *(HOSTILE, WARNING, string.punctuation, "100 % & more_#1 $x$ {a} ~b ^c \\d"),
    *("[option]", "* starred", "--- three dashes", "``quotes'' ?` !`", "a\tb\nc\r\nd"),
    *("Fréchet Müller Łódź naïve Ångström café São šč ğ", "αβγ → ∞ ≤ ≥ ± − – — … ×", "日本 🙂"),
    *("\u202eright to left\u202c", "zero\u200bwidth", "\x00\x1b[31mred", "\\input{/etc/passwd}"),
    *("\\\\", "}", "{", "$", "\\", "%", "&", "x" * 200),
)


def test_each_special_character_is_written_so_that_it_prints() -> None:
    assert escaped("a_b % c & d # e $ f { g } h") == "a\\_b \\% c \\& d \\# e \\$ f \\{ g \\} h"
    assert escaped("~^\\") == "\\textasciitilde{}\\textasciicircum{}\\textbackslash{}"
    assert escaped("[0.9,\u00a01.1]") == "{[}0.9,~1.1{]}"
    assert escaped("−0.5 ± 0.1 → ∞") == "$-$0.5 $\\pm$ 0.1 $\\to$ $\\infty$"
    assert escaped("é ü ç ï Å š") == '\\\'{e} \\"{u} \\c{c} \\"{\\i} \\r{A} \\v{s}'
    assert escaped("α σ ω φ") == "$\\alpha$ $\\sigma$ $\\omega$ $\\phi$"
    assert escaped("日") == "U+65E5"
    assert escaped(" a\n\tb\x00\u202e ") == "a b"


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_leave_a_table_whole(text: str) -> None:
    t = table("t", text, [text, "n#"], [[text, cell(text, 1.0, strong=True)], ["plain", "2"]])
    (read,) = latex_reader.tables(booktabs(t, label(text, "x")))
    assert read.rows[2] == ("plain", "2")
    assert read.rows[1][0] == escaped(text)


def test_a_table_says_what_is_strong_and_prints_a_block_once() -> None:
    body = [["a", "relu", cell("1.5", 1.5)], ["a", "gelu", cell("1.2", 1.2, strong=True)]]
    body.append(["b", "relu", cell("9", 9)])
    t = table("t", "Medians", ["block", "activation", "FID#"], body)
    text = booktabs(t, "tab:s-medians", note="Bold: better.")
    (read,) = latex_reader.tables(text)
    assert read == latex_reader.Read(
        "table", "Medians. Bold: better.", "tab:s-medians", "llr",
        (("block", "activation", "FID"), ("a", "relu", "1.5"), ("", "gelu", "\\textbf{1.2}"),
         ("b", "relu", "9")),
    )  # fmt: skip
    assert text.count("\\addlinespace") == 1


def test_long_and_wide_tables_continue() -> None:
    heads = ["block", *(f"score number {i} of many#" for i in range(14))]
    t = table("t", "All", heads, [[f"b{i}", *["12345678901"] * 14] for i in range(MOST_ROWS + 5)])
    read = latex_reader.tables(booktabs(t, "tab:s-all"))
    assert len(read) % 2 == 0
    assert len(read) >= 4
    assert [one.label for one in read[:3]] == ["tab:s-all", "tab:s-all-2", "tab:s-all-3"]
    assert [one.caption for one in read[:2]] == ["All.", "All (continued)."]
    assert {one.rows[0][0] for one in read} == {"block"}
    assert sum(len(one.rows) - 1 for one in read) == (MOST_ROWS + 5) * len(read) // 2
    assert sum(len(one.kinds) - 1 for one in read) == 14 * 2


def test_long_texts_are_paragraphs() -> None:
    t = table("t", "What", ["what", "value"], [["a", "word " * 30], ["b", "short"]])
    (read,) = latex_reader.tables(booktabs(t, "tab:x"))
    assert read.kinds == "lp"
    assert read.place == "table"


@pytest.mark.slow
def test_pdflatex_prints_them(tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip(
            "pdflatex is not installed (texlive-latex-recommended): only our reader read it"
        )
    rows = [[text[:40], cell(text[:9], 1.0, strong=True)] for text in NASTY]
    body = booktabs(table("t", NASTY[3], ["nasty_text", "n#"], rows), "tab:nasty")
    page = f"\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\\begin{{document}}\n{body}"
    (tmp_path / "t.tex").write_text(f"{page}\\end{{document}}\n")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    if shutil.which("pdftotext") is not None:
        said = subprocess.run(
            ["pdftotext", "-layout", "t.pdf", "-"], cwd=tmp_path, capture_output=True, text=True,
            check=True,
        ).stdout  # fmt: skip
        assert "100 % & more #1 $x$ {a}" in said  # plain fonts draw _ as a rule
        assert "\\input{/etc/passwd}" in said
