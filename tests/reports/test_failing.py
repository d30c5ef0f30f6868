"""Failure rates against the reference: equal to Fisher's test in one block, silent where nothing failed."""

from __future__ import annotations

from pathlib import Path

import pytest
import study_builder as builder
from packed import heads, texts
from scipy.stats import fisher_exact
from told import read, said_of

from reports.design import Design
from reports.estimates import wilson
from reports.failing import Failing, failing
from reports.summary import failure_rates

LEVELS = ("leaky_relu", "relu", "gelu")


def failing_of(found: Design) -> dict[str, Failing]:
    return failing(found, LEVELS)


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


@pytest.mark.slow
@pytest.mark.parametrize(("own", "other"), [(7, 0), (4, 1), (0, 5), (3, 3)])
def test_in_one_block_it_is_the_exact_test_of_fisher(tmp_path: Path, own: int, other: int) -> None:
    found = read(_study(tmp_path, {"relu": own, "leaky_relu": other})).found
    test = failing(found, LEVELS)["relu"]
    exact = float(fisher_exact([[own, 7 - own], [other, 7 - other]]).pvalue)
    assert test.p == pytest.approx(exact, rel=1e-9)
    assert test.more == (own > other)


@pytest.mark.slow
def test_the_table_says_who_fails_more_often(tmp_path: Path) -> None:
    table = said_of(_study(tmp_path, {"relu": 7, "gelu": 1}))["rates"]
    rows = {row[0]: dict(zip(heads(table), row, strict=True)) for row in texts(table)}
    assert rows["relu"]["finding"] == "fails more often"
    assert rows["relu"]["adjusted p"] == "0.001"  # twice 2 / 3432, with Holm over two levels
    assert rows["gelu"]["finding"] == "not distinguishable"
    assert rows["leaky_relu"]["finding"] == "–"
    assert "tested against leaky_relu as scores are, with Holm over levels" in table["caption"]


@pytest.mark.slow
def test_a_reference_that_fails_is_said_of_the_others(tmp_path: Path) -> None:
    table = said_of(_study(tmp_path, {"leaky_relu": 7}))["rates"]
    rows = {row[0]: row for row in texts(table)}
    assert [rows[name][-1] for name in ("relu", "gelu")] == ["fails less often"] * 2


@pytest.mark.slow
def test_without_failures_nothing_is_tested(tmp_path: Path) -> None:
    table = said_of(_study(tmp_path, {}))["rates"]
    assert heads(table)[-1] == "95 % interval"
    assert "tested against" not in table["caption"]


@pytest.mark.slow
def test_the_rates_are_of_the_seeds_that_are_tested(tmp_path: Path) -> None:
    """Twelve seeds where seven were declared: those that were added fail, and enter neither column."""
    failing = {("relu", "non_saturating", seed): "diverged" for seed in range(7, 12)}
    study = builder.build(
        tmp_path / "s", activations=LEVELS, seeds=12, failing=failing, probed=False, declared={"seeds": 7}
    )  # fmt: skip
    table = said_of(study)["rates"]
    rows = {row[0]: dict(zip(heads(table), row, strict=True)) for row in texts(table)}
    assert (rows["relu"]["trials"], rows["relu"]["diverged"]) == ("7", "0")
    assert heads(table)[-1] == "95 % interval"


@pytest.mark.slow
def test_below_the_first_rung_of_a_ladder_nothing_is_tested(tmp_path: Path) -> None:
    failing = {("relu", "non_saturating", seed): "diverged" for seed in range(6)}
    study = builder.build(
        tmp_path / "s", activations=LEVELS, seeds=6, failing=failing, probed=False,
        declared={"seeds": 17, "ladder": [7, 11, 17]},
    )  # fmt: skip
    own = read(study)
    assert own.found.ladder is not None
    assert own.found.ladder.reached == 0
    assert failing_of(own.found) == {}


@pytest.mark.slow
def test_the_direction_is_that_of_the_tested_statistic(tmp_path: Path) -> None:
    """Five losses on one data set outweigh one on another, though the mean over data sets says the opposite."""
    losses = ("minimax", "hinge", "least_squares", "non_saturating", "wasserstein")
    study = tmp_path / "s"
    study.mkdir()
    builder.write_plan(study, declared={"seeds": 14, "score": "auto"})
    for dataset, own in (("digits", losses), ("ring8", losses[:1])):
        for loss in own:
            for name in LEVELS[:2]:
                for seed in range(14):
                    lost = (
                        name == "leaky_relu" if dataset == "ring8" else name == "relu" and seed < 8
                    )
                    builder.write_trial(
                        study,
                        builder.spec(activation=name, loss=loss, dataset=dataset, seed=seed),
                        None if lost else 1.0,
                        outcome="diverged" if lost else "finished",
                        probed=False,
                    )
    found = read(study).found
    test = failing(found, LEVELS[:2])["relu"]
    a, r = found.pair("relu", "leaky_relu")
    counts = [sum(int((x == float("inf")).sum()) for x in side) for side in (a, r)]
    assert counts == [40, 14]
    assert test.more
    assert test.p < 0.05


@pytest.mark.slow
def test_streams_of_their_own_seeds_add_up_to_what_they_are_worth(tmp_path: Path) -> None:
    """Without a failure a stream is worth its seeds, whatever its blocks; one missing trial changes nothing of that."""
    losses = ("minimax", "hinge", "least_squares")
    gone = {("relu", "hinge", 0): "missing"}
    for name, data, worth in (("one", ("digits",), 6), ("two", ("digits", "ring8"), 12)):
        study = builder.build(
            tmp_path / name, activations=LEVELS[:2], losses=losses, datasets=data, failing=gone, probed=False
        )  # fmt: skip
        rates = {r.treatment: r for r in failure_rates(read(study).trials, LEVELS[:2])}
        for level in LEVELS[:2]:
            assert (rates[level].low, rates[level].high) == pytest.approx(wilson(0, worth))
