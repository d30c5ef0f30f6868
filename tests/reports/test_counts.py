"""Numbers that a report counts: of tested seeds where it says so, and how much trials of one seed are worth."""

from __future__ import annotations

from math import copysign
from pathlib import Path

import pytest
import study_builder as builder
from packed import heads, texts
from told import read, said, said_of

from reports.costs import costs
from reports.exports import estimates, write_tables
from reports.summary import failure_rates

PAIR = ("leaky_relu", "relu")


@pytest.mark.slow
def test_seeds_that_are_not_declared_count_neither_as_tested_nor_as_cost(tmp_path: Path) -> None:
    study = builder.build(
        tmp_path / "s", activations=PAIR, seeds=4, probed=False, declared={"seeds": 4}
    )
    for seed in (4, 5):  # added later, on a slow day
        slow = {"seconds": {"train": 400.0, "total": 500.0}}
        for name in PAIR:
            asked = builder.spec(activation=name, seed=seed)
            builder.write_trial(study, asked, 12.0, probed=False, said=slow)
    own = read(study)
    assert len(own.found.outcomes) == 12
    assert said(own)["methods"][-1] == (
        "8 outcomes enter the tests, 0 of them failures (diverged or crashed); a collapsed trial keeps its score."
        " 4 more, of seeds that are not tested, are shown alone."
    )
    builder.write_plan(study, declared={"seeds": 6})
    assert said_of(study)["methods"][-1].startswith("12 outcomes enter the tests, 0 of them")
    builder.write_plan(study, declared={"seeds": [0, 4, 5]})
    slow_ones, plain = read(study), own
    paid = costs(plain.tables, plain.trials, plain.found)
    assert set(paid.values.values()) == {4.0}
    assert "of the tested seeds' trials" in paid.words[0]
    assert paid.unit == "seconds of training"
    paid = costs(slow_ones.tables, slow_ones.trials, slow_ones.found)
    assert set(paid.values.values()) == {400.0}


@pytest.mark.slow
def test_the_table_of_failures_says_how_many_trials_its_interval_counts(tmp_path: Path) -> None:
    study = builder.build(
        tmp_path / "s", activations=PAIR, losses=("minimax", "hinge"), seeds=5, probed=False,
        declared={"seeds": 5},
    )  # fmt: skip
    own = read(study)
    assert [rate.worth for rate in failure_rates(own.trials, PAIR)] == [5.0, 5.0]
    table = said(own)["rates"]
    assert heads(table)[4:] == ["collapsed", "worth", "failure rate", "95 % interval"]
    assert {tuple(row[1:2] + row[5:]) for row in texts(table)} == {
        ("10", "5", "0 %", "[0 %, 43 %]")
    }
    assert "worth: so many independent trials" in table["caption"]
    one = builder.build(tmp_path / "one", activations=PAIR, seeds=5, probed=False)
    table = said_of(one)["rates"]
    assert "worth" not in heads(table)  # one block: every trial counts
    assert "worth" not in table["caption"]


@pytest.mark.slow
def test_the_time_of_a_whole_trial_is_called_that(tmp_path: Path) -> None:
    table = said_of(builder.build(tmp_path / "s", activations=PAIR, seeds=2, probed=False))[
        "trials"
    ]
    assert heads(table)[-2] == "whole trial, s"
    assert texts(table)[0][-2] == "6.00"


@pytest.mark.slow
def test_a_zero_has_no_sign(tmp_path: Path) -> None:
    study = builder.build(
        tmp_path / "s", activations=("leaky_relu", "sigmoid"), seeds=8, probed=False,
        declared={"seeds": 8},
    )  # fmt: skip
    own = read(study)
    (test,) = own.verdict.tests
    frame = estimates(own.found, own.verdict)
    assert test.probability == pytest.approx(0.0, abs=1e-12)
    assert 0.0 <= frame["probability_better"].iloc[0] <= 1.0
    trials = own.every.assign(loss_seen=-0.0)
    write_tables(tmp_path / "tables", own.tables, trials, own.found, own.verdict)
    assert "-0.0" not in (tmp_path / "tables" / "trials.csv").read_text()
    assert copysign(1.0, frame["probability_better"].iloc[0]) == 1.0
