"""What of a large study is drawn over training: evenly chosen blocks, and the table that has the curves of all."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import pytest

from reports.curves import table
from reports.design import Block
from reports.progress import MOST_DRAWN, drawn_blocks, drawn_words


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
