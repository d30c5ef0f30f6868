"""A strict reader of the LaTeX that we write: braces, environments, and as many cells in each row as columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

BARE = re.compile(r"(?<!\\)(?:\\\\)*[#$%^~_]")
MATH = re.compile(r"\$[^$]*\$")


@dataclass(frozen=True)
class Read:
    """A table as read back: its environment, caption, label, kinds of columns, and cells row by row."""

    place: str
    caption: str
    label: str
    kinds: str
    rows: tuple[tuple[str, ...], ...]


def tables(text: str) -> list[Read]:
    """Return the tables of a document; asserts that each is whole."""
    assert text.isascii(), [c for c in text if not c.isascii()]
    balanced(text)
    found = re.findall(r"\\begin\{(table\*?)\}\[t\]\n(.*?)\\end\{\1\}\n", text, re.DOTALL)
    assert len(found) == text.count("\\begin{table")
    return [_table(place, body) for place, body in found]


def balanced(text: str) -> None:
    """Assert that braces close in order, but for escaped ones."""
    depth = 0
    for mark in re.findall(r"\\.|[{}]", text, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        assert depth >= 0
    assert depth == 0


def _table(place: str, body: str) -> Read:
    lines = body.splitlines()
    assert lines[0] == "\\centering\\footnotesize"
    caption, label = (re.fullmatch(rf"\\{w}\{{(.*)\}}", lines[i]) for i, w in CAPTIONS)
    assert caption
    assert label
    assert re.fullmatch(r"tab:[A-Za-z0-9-]+", label[1])
    spec = re.fullmatch(r"\\begin\{tabular\}\{(.*)\}", lines[4])
    assert spec
    kinds = re.sub(r"p\{0\.\d\d\\linewidth\}", "p", spec[1])
    assert set(kinds) <= set("lrp")
    assert [lines[5], lines[7], lines[-2], lines[-1]] == [
        "\\toprule", "\\midrule", "\\bottomrule", "\\end{tabular}",
    ]  # fmt: skip
    rows = [lines[6], *(line for line in lines[8:-2] if line != "\\addlinespace")]
    return Read(place, caption[1], label[1], kinds, tuple(_row(row, kinds) for row in rows))


CAPTIONS = ((2, "caption"), (3, "label"))


def _row(line: str, kinds: str) -> tuple[str, ...]:
    assert line.endswith(" \\\\"), line
    cells = re.split(r"(?<!\\) & ", f" {line[:-3]}")
    assert len(cells) == len(kinds), line
    for cell in cells:
        plain = MATH.sub("", cell)
        assert not BARE.search(plain.replace("~", "")), cell
        assert not plain.strip().startswith(("[", "*")), "an option of the row before"
        balanced(cell)
    return tuple(cell.strip() for cell in cells)
