"""The recommendation: what is beaten or dominated is not in it, what is alike is, and nothing is made up."""

from __future__ import annotations

import json
from math import exp
from pathlib import Path
from typing import Any

import pytest
import study_builder as builder
from told import read, said

from ablation.record import Reading
from reports.advice import Advice

ALIKE = (0.0, 0.31, -0.22, 0.17, -0.4, 0.08)
"""Shifts of log scores by seed, so wide that levels a little apart are not distinguishable with six seeds."""


def told(study: Path) -> tuple[dict[str, Any], tuple[Advice, ...]]:
    """Return the content of a study's report, without figures, and its advice."""
    own = read(study)
    return said(own), own.advice[0]


def study(
    folder: Path,
    levels: dict[str, float],
    *,
    losses: tuple[str, ...] = ("wasserstein",),
    dead: dict[str, float] | None = None,
    seconds: dict[str, float] | None = None,
    ends: dict[tuple[str, str, int], str] | None = None,
    seeds: int = 6,
    shifts: tuple[float, ...] = ALIKE,
    **plan: Any,
) -> Path:
    """Write a study: levels shift log scores that vary by seed; what is not given is alike in all."""
    folder.mkdir()
    builder.write_plan(folder, declared={"seeds": seeds, **plan.pop("declared", {})}, **plan)
    for loss in losses:
        for i, (name, shift) in enumerate(levels.items()):
            for seed in range(seeds):
                end = (ends or {}).get((name, loss, seed), "finished")
                value = 10 * exp(shift + shifts[(seed + i) % len(shifts)] + 0.001 * i)
                share = (dead or {}).get(name, 0.0)
                more = [Reading(1500, "generator", "generator.0", "dead_fraction", share)]
                paid = {"seconds": {"train": (seconds or {}).get(name, 4.0), "total": 6.0}}
                builder.write_trial(
                    folder,
                    builder.spec(activation=name, loss=loss, seed=seed),
                    None if end in ("diverged", "crashed") else value,
                    outcome=end, probed=False, more=more, said=paid,
                )  # fmt: skip
    return folder


def cells(table: dict[str, Any], column: str) -> list[tuple[str, bool]]:
    """Return a column's texts and whether each is strong."""
    i = [c["name"] for c in table["columns"]].index(column)
    return [(row[i]["text"], row[i]["strong"]) for row in table["rows"]]


@pytest.mark.slow
def test_the_sentence_says_what_is_alike_what_differs_and_what_it_costs(tmp_path: Path) -> None:
    folder = study(
        tmp_path / "s", {"leaky_relu": 0.0, "gelu": 0.05, "sigmoid": 2.0},
        dead={"leaky_relu": 0.25}, ends={("gelu", "wasserstein", 3): "collapsed"},
    )  # fmt: skip
    rows = [("leaky_relu", [5.0, 5.1, 4.9]), ("gelu", [5.4, 5.3, 5.6]), ("sigmoid", [4.0])]
    (folder / "costs.json").write_text(
        json.dumps(
            {
                "schema": 1,
                "rows": [
                    {"activation": n, "loss": "wasserstein", "milliseconds": m} for n, m in rows
                ],
            }
        )
    )
    said, _ = told(folder)
    assert said["advice_title"] == "Which activation?"
    assert said["advice_first"] == [
        "For wasserstein on digits: leaky_relu or gelu; gelu is not distinguishable in FID, has 0 dead units (against"
        " 25 %), costs 8 % more. Beware: gelu collapsed in 1 of 6 trials."
    ]
    assert said["advice"] == [
        f"{said['advice_first'][0]} Left out: sigmoid, beaten by leaky_relu and gelu."
    ]
    assert cells(said["criteria"], "activation") == [
        ("leaky_relu", True),
        ("gelu", True),
        ("sigmoid", False),
    ]
    assert cells(said["criteria"], "ms a step") == [
        ("5.00", False),
        ("5.40", False),
        ("4.00", True),
    ]
    assert cells(said["criteria"], "dead units") == [("25 %", False), ("0 %", True), ("0 %", True)]
    assert cells(said["criteria"], "advice") == [
        ("yes", True),
        ("yes", True),
        ("no, beaten", False),
    ]
    assert cells(said["criteria"], "bad ends") == [
        ("0 of 6", False),
        ("1 of 6", False),
        ("0 of 6", False),
    ]
    assert said["advice_notes"][-1].startswith("Cost: median milliseconds of a training step")
    assert [cell["text"] for cell in said["criteria_rules"]["rows"][-1]] == ["cost", "5 % more"]
    assert {"id": "advice", "title": "Recommendation"} in said["sections"]


@pytest.mark.slow
def test_a_dominated_level_is_not_recommended(tmp_path: Path) -> None:
    """Relu has the better median, which no test shows, and a fifth of its units are dead: it is out."""
    folder = study(tmp_path / "s", {"leaky_relu": 0.0, "relu": -0.05}, dead={"relu": 0.2})
    said, (advice,) = told(folder)
    assert advice.level("relu").score < advice.level("leaky_relu").score
    assert advice.beats == ()
    assert advice.chosen == ("leaky_relu",)
    assert advice.dominated == (("relu", ("leaky_relu",)),)
    assert said["advice"] == [
        "For wasserstein on digits: leaky_relu. Left out: relu, which beside leaky_relu has 20 % dead units (against"
        " 0)."
    ]
    assert said["advice_first"] == [
        "For wasserstein on digits: leaky_relu; relu is not beaten in FID, and left out by other criteria."
    ]


@pytest.mark.slow
def test_a_level_that_is_beaten_is_never_recommended_whatever_it_saves(tmp_path: Path) -> None:
    levels = {"leaky_relu": 0.0, "sigmoid": 2.0}
    folder = study(tmp_path / "s", levels, dead={"leaky_relu": 0.5}, seconds={"leaky_relu": 40.0})
    said, (advice,) = told(folder)
    assert said["advice"] == ["For wasserstein on digits: leaky_relu; it beats sigmoid in FID."]
    assert [(b.a, b.b, b.everywhere) for b in advice.beats] == [("leaky_relu", "sigmoid", True)]
    assert said["advice_notes"][-1].endswith(
        "Trials that run at once slow each other, so such times are rough."
    )


@pytest.mark.slow
def test_what_costs_little_more_on_rough_times_is_not_dominated(tmp_path: Path) -> None:
    levels = {"leaky_relu": 0.0, "gelu": 0.05}
    near, _ = told(study(tmp_path / "near", levels, seconds={"gelu": 5.6}))
    assert near["advice"] == [
        "For wasserstein on digits: leaky_relu or gelu; gelu is not distinguishable in FID."
    ]
    far, _ = told(study(tmp_path / "far", levels, seconds={"gelu": 8.4}))
    assert far["advice"] == [
        "For wasserstein on digits: leaky_relu. Left out: gelu, which beside leaky_relu costs 2.1 times as much."
    ]


@pytest.mark.slow
def test_too_few_seeds_are_no_evidence(tmp_path: Path) -> None:
    said, (advice,) = told(study(tmp_path / "s", {"leaky_relu": 0.0, "gelu": 3.0}, seeds=2))
    assert advice.chosen == ()
    assert said["advice_first"] == [
        "For wasserstein on digits: no evidence to choose by: with 2 seeds no declared test can conclude (4 are"
        " needed)."
    ]
    assert cells(said["criteria"], "advice") == [("no evidence", False)] * 2


@pytest.mark.slow
def test_ties_are_alike(tmp_path: Path) -> None:
    folder = study(
        tmp_path / "s", {"leaky_relu": 0.0, "gelu": 0.0, "relu": 0.0, "tanh": 0.0}, shifts=(0.0,)
    )
    for path in (folder / "trials").glob("*/result.json"):
        result = json.loads(path.read_text())
        result["scores"] = {k: v | {"value": 10.0} for k, v in result["scores"].items()}
        path.write_text(json.dumps(result))
    said, _ = told(folder)
    assert said["advice"] == [
        "For wasserstein on digits: leaky_relu, gelu, relu or tanh; the others are not distinguishable from leaky_relu"
        " in FID."
    ]
    assert {strong for _, strong in cells(said["criteria"], "median FID")} == {False}


@pytest.mark.slow
def test_a_block_in_which_all_failed_and_a_level_that_always_failed(tmp_path: Path) -> None:
    ends = {(name, "minimax", s): "diverged" for name in ("leaky_relu", "gelu") for s in range(6)}
    ends |= {("gelu", "hinge", s): "crashed" for s in range(6)}
    folder = study(
        tmp_path / "s",
        {"leaky_relu": 0.0, "gelu": 0.0},
        losses=("hinge", "minimax", "wasserstein"),
        ends=ends,
    )
    said, advised = told(folder)
    hinge, minimax, wasserstein = said["advice"]
    assert (
        minimax
        == "For minimax on digits: every trial diverged, crashed or collapsed: no activation can be recommended."
    )
    assert advised[1].chosen == ()
    assert hinge.startswith("For hinge on digits: leaky_relu")
    assert "gelu" not in advised[0].chosen
    assert cells(said["criteria"], "median FID")[1] == ("failed", False)
    assert "leaky_relu" in advised[2].chosen
    assert wasserstein.startswith("For wasserstein on digits: leaky_relu")


@pytest.mark.slow
def test_the_first_page_has_six_lines_at_most(tmp_path: Path) -> None:
    losses = ("hinge", "minimax", "wasserstein", "least_squares", "non_saturating", "kl", "js")
    ends = {
        (name, loss, s): "collapsed"
        for k, loss in enumerate(losses)
        for name in ("leaky_relu", "gelu")
        for s in range(k)
    }
    levels = {"leaky_relu": 0.0, "gelu": 0.02}
    said, _ = told(study(tmp_path / "s", levels, losses=losses, ends=ends))
    assert len(said["advice"]) == 7
    assert len(said["advice_first"]) == 6
    (minimax,) = (line for line in said["advice"] if "minimax" in line)
    assert minimax.endswith(
        "Beware: leaky_relu collapsed in 1 of 6 trials and gelu collapsed in 1 of 6 trials."
    )
    assert said["advice_first"][-1] == "2 more blocks below, in the section of this name."
    same, _ = told(study(tmp_path / "t", levels, losses=losses))
    assert same["advice_first"] == [
        "In all 7 blocks: leaky_relu or gelu; gelu is not distinguishable in FID."
    ]


@pytest.mark.slow
def test_what_collapsed_in_every_trial_is_never_recommended(tmp_path: Path) -> None:
    ends = {("gelu", "wasserstein", seed): "collapsed" for seed in range(6)}
    said, advised = told(study(tmp_path / "s", {"leaky_relu": 0.0, "gelu": 0.0}, ends=ends))
    assert advised[0].chosen == ("leaky_relu",)
    assert "gelu, which failed or collapsed in all 6 trials" in said["advice"][0]
