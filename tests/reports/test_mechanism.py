"""Early signals: what is planted within levels is found there, what lies between them is not, noise is no claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import study_builder as builder
from scipy.stats import spearmanr
from told import said_of

from ablation.record import Reading

LEVELS = ("leaky_relu", "gelu", "relu", "sigmoid", "tanh", "elu")
Plant = Callable[[int, int], tuple[float, float]]
"""Of a level's number and a seed: the early signal to G, and the log score in the end."""


def texts(table: dict[str, Any]) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in table["rows"]]


def planted(folder: Path, levels: Sequence[str], seeds: int, plant: Plant, **plan: Any) -> Path:
    """Write a study of 1,500 steps whose trials have one early signal, to G, read at steps 1, 150 and 1,500."""
    folder.mkdir()
    builder.write_plan(folder, declared={"seeds": seeds}, **plan)
    for i, name in enumerate(levels):
        for seed in range(seeds):
            x, y = plant(i, seed)
            more = [
                Reading(1, "generator", "", "signal_to_generator", 5.0),
                Reading(150, "generator", "", "signal_to_generator", x),
                Reading(1500, "generator", "", "signal_to_generator", 3.0 - seed % 3),
            ]
            asked = builder.spec(activation=name, seed=seed)
            if y == inf:
                builder.write_trial(
                    folder, asked, None, outcome="diverged", probed=False, more=more
                )
            else:
                builder.write_trial(folder, asked, exp(y), probed=False, more=more)
    return folder


def noise(*words: int) -> np.random.Generator:
    return np.random.default_rng(words)


@pytest.mark.slow
def test_a_signal_that_decides_the_score_within_a_level_is_found(tmp_path: Path) -> None:
    x = {(i, s): float(noise(i, s).normal()) for i in range(2) for s in range(6)}
    study = planted(tmp_path / "s", LEVELS[:2], 6, lambda i, s: (exp(x[i, s]), 3 + x[i, s] - i))
    told = said_of(study)
    (row,) = texts(told["signals"])
    assert row == ["signal to G", "10 %", "12", "0", "1.00", "< 0.001", "< 0.001"]
    assert told["signals_words"] == [
        "Exploratory: no signal was declared before training.",
        "Between seeds of one activation in one block, the end goes with signal to G (ρ 1.00, adjusted p < 0.001);"
        " Holm over 1 test.",
        "Between activations nothing is tested: whole activations are permuted, which needs at least 5 of them in"
        " every block, and there are 2 activations.",
    ]
    (numbers,) = told["signals_rows"]
    assert numbers["finding_within"] == "predicts"
    assert numbers["p_within"] == 2 / 20_000 or numbers["p_within"] < 0.001
    assert (numbers["finding_between"], numbers["rho_between"]) == ("not tested", None)
    assert {"id": "mechanism", "title": "Early signals"} in told["sections"]


@pytest.mark.slow
def test_a_signal_that_differs_between_levels_only_is_not_found_within(tmp_path: Path) -> None:
    def plant(i: int, s: int) -> tuple[float, float]:
        x, y = noise(7, i, s).normal(size=2)
        return 10 * i + 0.1 * x, 3 + i + 0.1 * y

    told = said_of(planted(tmp_path / "s", LEVELS, 5, plant))
    (numbers,) = told["signals_rows"]
    assert numbers["finding_within"] == "not shown"
    assert numbers["p_within"] > 0.05
    assert (numbers["rho_between"], numbers["finding_between"]) == (1.0, "predicts")
    assert numbers["p_between"] == pytest.approx(2 / 720), (
        "the levels in their order, or all the other way round"
    )
    assert numbers["adjusted_p_between"] == pytest.approx(4 / 720), "two tests"
    assert any(
        s.startswith("Between seeds of one activation in one block, no early")
        for s in told["signals_words"]
    )
    assert any(
        s.startswith("Between activations, the end goes with signal to G (ρ 1.00")
        for s in told["signals_words"]
    )


@pytest.mark.slow
def test_five_levels_can_be_claimed_where_few_tests_share_alpha(tmp_path: Path) -> None:
    def plant(i: int, s: int) -> tuple[float, float]:
        x, y = noise(8, i, s).normal(size=2)
        return 10 * i + 0.1 * x, 3 + i + 0.1 * y

    told = said_of(planted(tmp_path / "s", LEVELS[:5], 4, plant))
    (numbers,) = told["signals_rows"]
    assert numbers["p_between"] == pytest.approx(2 / 120)
    assert numbers["finding_between"] == "predicts", "2/120 is below a half of 0.05"


@pytest.mark.slow
def test_what_is_confounded_with_the_level_is_not_claimed(tmp_path: Path) -> None:
    """Simpson: pooled, a greater signal goes with a worse end; in every level it goes with a better one."""
    x = {(i, s): 10.0 * i + s for i in range(4) for s in range(6)}
    y = {(i, s): 3.0 + i - 0.05 * s for i in range(4) for s in range(6)}
    pooled = spearmanr(list(x.values()), list(y.values()))
    assert pooled.statistic > 0.8
    assert pooled.pvalue < 1e-4
    told = said_of(planted(tmp_path / "s", LEVELS[:4], 6, lambda i, s: (1 + x[i, s], y[i, s])))
    (numbers,) = told["signals_rows"]
    assert numbers["rho_within"] == -1.0
    assert numbers["rho_between"] is None, "four levels are too few to say anything between them"
    shuffled = [2, 5, 0, 4, 1, 3]
    flat = said_of(
        planted(
            tmp_path / "t", LEVELS[:4], 6, lambda i, s: (1 + x[i, s], 3.0 + i - 0.05 * shuffled[s])
        )
    )
    (numbers,) = flat["signals_rows"]
    assert abs(numbers["rho_within"]) < 0.3
    assert numbers["finding_within"] == "not shown"
    assert not [s for s in flat["signals_words"] if "goes with" in s]


@pytest.mark.slow
def test_failures_before_the_probe_are_counted_and_later_ones_are_last(tmp_path: Path) -> None:
    """A trial that failed at step 100 has no signal at 150, whatever its folder holds; one that failed later has."""

    def plant(_: int, s: int) -> tuple[float, float]:
        return 1.0 + s, (inf if s == 5 else 3 + 0.1 * s)

    study = planted(tmp_path / "s", LEVELS[:2], 6, plant)
    for seed in range(4):
        asked = builder.spec(activation="relu", seed=seed)
        more = [Reading(1, "generator", "", "signal_to_generator", 9.0)]
        lost = seed == 0
        builder.write_trial(
            study, asked, None if lost else 20.0 + seed, outcome="diverged" if lost else "finished",
            step=100 if lost else None, probed=False,
            more=more if lost else [*more, Reading(150, "generator", "", "signal_to_generator", 1.0 + seed)],
        )  # fmt: skip
    told = said_of(study)
    (row,) = texts(told["signals"])
    assert row[1:5] == ["10 %", "15", "1", "1.00"], "twelve, and three of four"
    assert sorted(texts(told["events_bad"])) == [
        [name, "1", "0", "1"] for name in ("gelu", "leaky_relu", "relu")
    ], "diverged, collapsed, no event before"
    assert told["signals_words"][-1] == (
        "1 trial diverged or crashed before the early probe: counted here and in the medians between activations, not"
        " ranked within."
    )


@pytest.mark.slow
def test_a_probe_that_is_not_early_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "late"
    folder.mkdir()
    builder.write_plan(folder)
    for name in LEVELS[:2]:
        for seed in range(4):
            late = [
                Reading(t, "generator", "", "signal_to_generator", 1.0 + seed)
                for t in (0, 750, 1500)
            ]
            builder.write_trial(
                folder,
                builder.spec(activation=name, seed=seed),
                9.0 + seed,
                probed=False,
                more=late,
            )
    told = said_of(folder)
    assert (told["signals"]["rows"], told["signals_words"], told["signals_rows"]) == ([], [], [])
    assert "mechanism" not in [section["id"] for section in told["sections"]]


@pytest.mark.slow
def test_the_early_score_stands_beside_every_signal(tmp_path: Path) -> None:
    folder = tmp_path / "scored"
    folder.mkdir()
    builder.write_plan(folder, declared={"seeds": 5})
    for i, name in enumerate(LEVELS[:2]):
        for seed in range(5):
            mixed = (seed * 2 + i) % 5
            more = [
                Reading(150, "discriminator", "", "separation", 0.5 + 0.1 * mixed),
                Reading(300, "generator", "", "selection_score", 100.0 + seed),
                Reading(1500, "generator", "", "selection_score", 50.0 - seed),
            ]
            asked = builder.spec(activation=name, seed=seed)
            builder.write_trial(folder, asked, 9.0 + seed + i, probed=False, more=more)
    told = said_of(folder)
    assert [c["name"] for c in told["signals"]["columns"]][-1] == "early score ρ"
    separation, score = texts(told["signals"])
    assert separation[0] == "accuracy of D, else separation"
    assert separation[-1] == score[-1] == score[4] == "1.00"
    assert score[:2] == ["early score (baseline)", "20 %"]
    assert score[6] == "–", "the baseline is no test of ours"
    assert told["signals_words"][-1] == (
        "For comparison, the early score itself, read at 20 % of training, has ρ 1.00 within activation; a signal is of"
        " use only beyond it."
    )
