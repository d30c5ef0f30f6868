"""Failure rates against the reference: equal to Fisher's test in one block, silent where nothing failed."""

from __future__ import annotations

from pathlib import Path

import pytest
import study_builder as builder
from packed import heads, texts
from scipy.stats import fisher_exact
from told import read, said_of

from reports.failing import failing

LEVELS = ("leaky_relu", "relu", "gelu")


def _study(folder: Path, lost: dict[str, int]) -> Path:
    failing = {
        (n, "non_saturating", seed): "diverged" for n, k in lost.items() for seed in range(k)
    }
    return builder.build(
        folder / "s",
        activations=LEVELS,
        seeds=7,
        failing=failing,
        probed=False,
        declared={"seeds": 7},
    )


@pytest.mark.parametrize(("own", "other"), [(7, 0), (4, 1), (0, 5), (3, 3)])
def test_in_one_block_it_is_the_exact_test_of_fisher(tmp_path: Path, own: int, other: int) -> None:
    found = read(_study(tmp_path, {"relu": own, "leaky_relu": other})).found
    test = failing(found, LEVELS)["relu"]
    exact = float(fisher_exact([[own, 7 - own], [other, 7 - other]]).pvalue)
    assert test.p == pytest.approx(exact, rel=1e-9)
    assert test.more == (own > other)


def test_the_table_says_who_fails_more_often(tmp_path: Path) -> None:
    table = said_of(_study(tmp_path, {"relu": 7, "gelu": 1}))["rates"]
    rows = {row[0]: dict(zip(heads(table), row, strict=True)) for row in texts(table)}
    assert rows["relu"]["finding"] == "fails more often"
    assert rows["relu"]["adjusted p"] == "0.001"  # twice 2 / 3432, with Holm over two levels
    assert rows["gelu"]["finding"] == "not distinguishable"
    assert rows["leaky_relu"]["finding"] == "–"
    assert "tested against leaky_relu as scores are, with Holm over levels" in table["caption"]


def test_a_reference_that_fails_is_said_of_the_others(tmp_path: Path) -> None:
    table = said_of(_study(tmp_path, {"leaky_relu": 7}))["rates"]
    rows = {row[0]: row for row in texts(table)}
    assert [rows[name][-1] for name in ("relu", "gelu")] == ["fails less often"] * 2


def test_without_failures_nothing_is_tested(tmp_path: Path) -> None:
    table = said_of(_study(tmp_path, {}))["rates"]
    assert heads(table)[-1] == "95 % interval"
    assert "tested" not in table["caption"]
