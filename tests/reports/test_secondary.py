"""Every other score by the declared estimator: tied, equal and missing outcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import study_builder as builder
from packed import said_all, texts

from reports import words
from reports.design import Design
from reports.estimates import compare, interval
from reports.secondary import ALL_EQUAL, designs
from reports.tables import Tables


@pytest.mark.slow
def test_every_score_is_compared_as_the_declared_one_is(
    told: tuple[dict[str, Any], Tables, Design],
) -> None:
    said, tables, found = told
    rows = {row[0]: row for row in texts(said["secondary"])}
    assert next(iter(rows)) == "reverse KL difference"
    assert rows["reverse KL difference"][2:4] == texts(said["comparison"])[0][1:3]
    assert "best Fréchet distance ratio" in rows
    assert set(rows) == {
        *("reverse KL difference", "Fréchet distance ratio", "best Fréchet distance ratio"),
        *("modes difference", "best modes difference", "HQ difference"),
    }
    assert not any(cell["strong"] for row in said["secondary"]["rows"] for cell in row)
    assert "not adjusted" in said["secondary"]["caption"]
    declared = tables.studies[0].declared
    for other in designs(tables, found, declared):
        sides = other.pair("packing 2", "packing 1")
        known = interval(*sides, ("packing 2", "packing 1", ""))
        shown = rows[other.scale.quantity]
        assert shown[2] == words.estimate(other.scale.shown(known))
        assert shown[5] == words.p_value(compare(*sides, ("packing 2", "packing 1", "")).p)


@pytest.mark.slow
def test_a_score_that_a_block_lacks_is_left_out(tmp_path: Path) -> None:
    study = builder.build(
        tmp_path / "s", activations=("relu", "gelu"), losses=("hinge", "minimax"), seeds=2,
        probed=False, declared={"reference": "relu"},
    )  # fmt: skip
    for path in study.glob("trials/*minimax*/result.json"):
        row = json.loads(path.read_text())
        row["scores"] = {k: v for k, v in row["scores"].items() if k.startswith("fid")}
        path.write_text(json.dumps(row))
    said, _, _ = said_all(study)
    assert [row[0] for row in texts(said["secondary"])] == ["FID ratio"]


def _scores(values: list[float]) -> list[np.ndarray]:
    return [np.array([values], dtype=float)]


@pytest.mark.parametrize("seed", range(12))
def test_intervals_of_tied_outcomes_are_what_a_full_search_finds(seed: int) -> None:
    """Modes saturate: the ends are the hull of all shifts that the test keeps, looked at one by one."""
    random = np.random.default_rng(seed)
    a, r = ([random.integers(5, 9, size=(1 + seed % 2, 5)).clip(max=8) * 1.0] for _ in range(2))
    found = interval(a, r, ("a", "r"))
    steps = np.unique([x - y for p, q in zip(a[0], r[0], strict=True) for x in p for y in q])
    between = [steps[0] - 1, *(steps[1:] + steps[:-1]) / 2, steps[-1] + 1]
    tail = (1 - found.level) / 2 + 1e-12
    kept = []
    for at, shift in enumerate(between):
        tested = compare(a, r, ("a", "r"), shift=shift)
        if tested.p_better > tail and tested.p_worse > tail:
            kept.append(at)
    low, high = (steps[kept[0] - 1], steps[kept[-1]]) if kept else (found.low, found.high)
    assert (found.low, found.high) == (low, high)
    assert found.low <= found.estimate <= found.high
    if compare(a, r, ("a", "r")).p > 1 - found.level:
        assert found.low <= 0 <= found.high


def test_all_outcomes_equal_are_called_so_and_no_failure_is_invented(
    told: tuple[dict[str, Any], Tables, Design],
) -> None:
    said, _, _ = told
    rows = {row[0]: row for row in texts(said["secondary"])}
    assert rows["best modes difference"][3] != ALL_EQUAL  # one diverged
    same = _scores([8.0] * 5)
    found = interval(same, same, ("a", "r"))
    assert (found.estimate, found.low, found.high) == (0, 0, 0)
    assert compare(same, same, ("a", "r")).p == 1
    assert words.ends(found, ratio=False) == "[0.00,\u00a00.00]"
    assert words.ends(found) == "[unbounded,\u00a00.00]"
    assert words.number(-0.0) == "0.00"
