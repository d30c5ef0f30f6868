"""The page's figures in fewer bytes: the same lines to a tenth of a point, every letter's outline once."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from reports.compact import compact, shared_glyphs
from reports.curves import table
from reports.design import Block
from reports.drawing import Drawing, figure, inline, svg
from reports.progress import MOST_DRAWN, drawn_blocks, drawn_words


def _drawn(name: str, label: str) -> str:
    fig = figure(2)
    axes = fig.add_subplot()
    axes.plot([1, 2, 3.333], [0.123456, 7.891, -3.21], label=label)
    axes.set_xlabel(label)
    return inline(svg(Drawing(name, name, name, "", fig)), name, label, label)


def _ends(data: str) -> list[tuple[float, float]]:
    """Return every point that path data of M, L and l pass through."""
    points: list[tuple[float, float]] = []
    for letter, x, y in re.findall(r"([MLl])\s*(-?[\d.]+) (-?[\d.]+)", data):
        step = points[-1] if letter == "l" else (0.0, 0.0)
        points.append((float(x) + step[0], float(y) + step[1]))
    return points


def test_lines_stay_within_a_twentieth_of_a_point() -> None:
    whole = _drawn("figure-1", "step")
    short = compact(whole)
    assert len(short) < 0.75 * len(whole)
    lines = [re.findall(r'<path [^>]*\bd="(M[^"]*)"', text) for text in (whole, short)]
    assert len(lines[0]) == len(lines[1]) > 10
    compared = 0
    for before, after in zip(*lines, strict=True):
        if not set(re.findall("[A-Za-z]", before)) <= {"M", "L", "z"}:
            continue
        ends = _ends(" ".join(before.split())), _ends(after)
        np.testing.assert_allclose(ends[1], ends[0], atol=0.0501)
        compared += len(ends[0])
    assert compared > 20


def test_numbers_in_words_are_left_alone() -> None:
    text = '<svg><title id="t">ratio 1.23456 [0.98765, 2.0]</title><path d="M 1.23456 0.05 L 2 -0.04"/></svg>'
    assert compact(text) == (
        '<svg><title id="t">ratio 1.23456 [0.98765, 2.0]</title><path d="M1.2 0l.8 0"/></svg>'
    )


def test_every_letter_is_there_once_for_all_figures() -> None:
    drawn = {f"figure-{i}": compact(_drawn(f"figure-{i}", f"abc {i}")) for i in (1, 2)}
    without, shared = shared_glyphs(drawn)
    outlines = re.findall(r'<path id="(g[\w-]+)"', shared)
    assert len(outlines) == len(set(outlines)) > 5
    used = set(re.findall(r'href="#(g[\w-]+)"', "".join(without.values())))
    assert used == set(outlines)
    assert "DejaVu" not in "".join(without.values())
    known = set(re.findall(r'\bid="([^"]+)"', shared + "".join(without.values())))
    for text in without.values():
        assert set(re.findall(r'(?:href="|url\()#([\w.-]+)', text)) <= known


@pytest.mark.parametrize("count", [1, MOST_DRAWN, MOST_DRAWN + 1, 25])
def test_some_of_many_blocks_are_drawn_evenly(count: int) -> None:
    blocks = [Block(str(i), f"block {i}", "digits", "digits") for i in range(count)]
    chosen = [int(block.key) for block in drawn_blocks(blocks)]
    if count <= MOST_DRAWN:
        assert chosen == list(range(count))
        assert drawn_words(blocks) == ""
        return
    assert (chosen[0], chosen[-1], len(chosen)) == (0, count - 1, MOST_DRAWN)
    gaps = [b - a for a, b in pairwise(chosen)]
    assert max(gaps) - min(gaps) <= 1
    assert f"{MOST_DRAWN} of {count} blocks" in drawn_words(blocks)


def test_the_table_of_curves_has_every_block() -> None:
    rows = [
        {"block": block, "treatment": "relu", "network": "generator", "layer": "generator.0"}
        | {"quantity": "gradient_norm", "step": step, "value": float(seed + step)}
        for block in ("a", "b")
        for step in (0, 10)
        for seed in range(5)
    ]
    rows.append(rows[0] | {"value": float("inf")})
    found = table(pd.DataFrame(rows)).set_index(["block", "step"])
    assert found.index.to_list() == [("a", 0), ("a", 10), ("b", 0), ("b", 10)]
    assert found.loc[("b", 10), ["low", "median", "high", "n"]].to_list() == [11, 12, 13, 5]
    assert found.loc[("a", 0), "n"] == 5
