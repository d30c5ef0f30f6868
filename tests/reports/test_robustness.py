"""Whether the answer stands: what is planted to move it moves it, and nothing else does."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import study_builder as builder
from told import read, said

from ablation.record import Reading, Score
from reports.robustness import HALF, Variation, robustness, robustness_words, shaken, variations
from reports.verdict import Verdict

SEEDS = 6


def _looked(study: Path) -> tuple[list[Variation], Verdict, str, list[str]]:
    """Return the variations of a study, its verdict, the sentence, and the names of the table's rows."""
    own = read(study)
    found, verdict = own.found, own.verdict
    told = variations(own.tables, found, verdict, own.declared)
    rows = robustness(found, verdict, told)["rows"]
    return told, verdict, robustness_words(verdict, told), [row[0]["text"] for row in rows]


def _planted(
    study: Path,
    fid: dict[tuple[str, str], float],
    *,
    kid: dict[str, float] | None = None,
    early: dict[str, float] | None = None,
    failing: tuple[str, int] = ("", 0),
) -> Path:
    """Write trials whose FID is that of (activation, loss), up to noise; `failing` (activation, seeds) diverge."""
    study.mkdir(parents=True)
    builder.write_plan(study)
    for (name, loss), level in fid.items():
        for seed in range(SEEDS):
            random = np.random.default_rng([seed, *map(ord, name + loss)])
            value = level * math.exp(0.02 * random.normal())
            scores = [Score("fid_digits-cnn-1a2b3c_5k", value, 5000, "lower")]
            if kid:
                scores.append(
                    Score(
                        "kid_digits-cnn-1a2b3c_5k",
                        kid[name] + 0.01 * random.random(),
                        5000,
                        "lower",
                    )
                )
            more = [Reading(1500, "generator", "", "selection_score", value)]
            if early:
                more.append(
                    Reading(750, "generator", "", "selection_score", early[name] + random.random())
                )
            dead = name == failing[0] and seed < failing[1]
            builder.write_trial(
                study, builder.spec(activation=name, loss=loss, seed=seed), None if dead else value,
                outcome="diverged" if dead else "finished", scores=() if dead else scores,
                more=() if dead else more, probed=False,
            )  # fmt: skip
    return study


def _by_name(told: list[Variation]) -> dict[str, Variation]:
    return {one.name: one for one in told}


@pytest.mark.slow
def test_a_finding_that_failures_make_goes_with_them(tmp_path: Path) -> None:
    fid = {(name, "minimax"): 10.0 for name in ("leaky_relu", "relu")}
    told, verdict, sentence, rows = _looked(_planted(tmp_path / "s", fid, failing=("relu", 6)))
    assert verdict.beats == (("leaky_relu", "relu"),)
    assert rows == ["failures left out", HALF]
    assert told[0].lost == (("leaky_relu", "relu"),)
    assert told[0].turned == ()
    assert sentence == (
        "The answer is the same in 1 of 2 other ways of looking; these change it: failures left out."
    )


@pytest.mark.slow
def test_another_score_and_the_half_budget_may_turn_it_round(tmp_path: Path) -> None:
    fid = {("leaky_relu", "minimax"): 10.0, ("relu", "minimax"): 20.0}
    study = _planted(
        tmp_path / "s", fid, kid={"leaky_relu": 2.0, "relu": 1.0}, early={"leaky_relu": 90.0, "relu": 30.0}
    )  # fmt: skip
    told, verdict, sentence, _ = _looked(study)
    assert verdict.beats == (("leaky_relu", "relu"),)
    assert {name: one.turned for name, one in _by_name(told).items()} == {
        "KID": (("leaky_relu", "relu"),),
        HALF: (("leaky_relu", "relu"),),
    }
    assert all(one.answer.names == ("relu",) for one in told)
    assert sentence == f"Findings are turned round by: KID and {HALF}."


@pytest.mark.slow
def test_a_finding_of_one_block_goes_with_that_block(tmp_path: Path) -> None:
    fid = {("leaky_relu", loss): 10.0 for loss in ("hinge", "minimax")}
    fid |= {("relu", "hinge"): 10.0, ("relu", "minimax"): 30.0}
    told, verdict, sentence, rows = _looked(_planted(tmp_path / "s", fid))
    assert verdict.beats == (("leaky_relu", "relu"),)
    assert rows == [HALF, "without hinge", "without minimax"]
    found = _by_name(told)
    assert found["without minimax"].lost == (("leaky_relu", "relu"),)
    assert found["without hinge"].lost == ()
    assert found["without hinge"].trials == 12
    assert sentence.startswith(
        "The answer is the same in 2 of 3 other ways of looking; these change it: without minimax"
    )
    own = found["without minimax"]
    assert robustness_words(verdict, [own, replace(own, name=HALF)]).endswith(
        f"the same in 0 of 2 other ways of looking; these change it: without minimax; {HALF}."
    )


@pytest.mark.slow
def test_page_one_says_that_the_answer_does_not_stand(tmp_path: Path) -> None:
    fid = {("leaky_relu", loss): 10.0 for loss in ("hinge", "minimax")}
    shaky = fid | {("relu", "hinge"): 10.0, ("relu", "minimax"): 30.0}
    firm = fid | {("relu", "hinge"): 30.0, ("relu", "minimax"): 30.0}
    told = {}
    for name, scores in (("shaky", shaky), ("firm", firm)):
        alerts = said(read(_planted(tmp_path / name, scores)))["alerts"]
        told[name] = [line for line in alerts if "ways of looking" in line]
    assert told["firm"] == []
    assert told["shaky"] == [
        "The answer is the same in 2 of 3 other ways of looking; these change it: without minimax."
    ]


@pytest.mark.slow
def test_where_pairs_with_the_reference_are_declared_only_they_are_varied(tmp_path: Path) -> None:
    fid = {(n, loss): 10.0 for n in ("leaky_relu", "gelu") for loss in ("hinge", "minimax")}
    fid |= {("relu", loss): 30.0 for loss in ("hinge", "minimax")}
    study = _planted(tmp_path / "s", fid)
    builder.write_plan(study, declared={"pairs": "reference"})
    told, verdict, sentence, _ = _looked(study)
    assert verdict.answer.names == ()
    assert [(one.lost, one.turned) for one in told] == [((), ())] * 3
    assert sentence == "The answer is the same in 3 other ways of looking."
    assert shaken(verdict, told) == []


@pytest.mark.slow
def test_many_blocks_are_left_out_by_data_set_and_by_loss(tmp_path: Path) -> None:
    losses, data = ("hinge", "minimax", "least_squares"), ("digits", "mnist", "svhn")
    study = tmp_path / "s"
    builder.build(
        study, activations=("leaky_relu", "sigmoid"), losses=losses, datasets=data, seeds=4, probed=False,
        declared={"seeds": 4},
    )  # fmt: skip
    told, _, sentence, _ = _looked(study)
    wanted = {f"without {name}" for name in (*losses, *data)}
    assert {one.name for one in told if one.name.startswith("without")} == wanted
    assert all(one.trials == 48 for one in told if one.name.startswith("without"))
    assert sentence == "The answer is the same in 6 other ways of looking."


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 6])
def test_nothing_is_varied_where_nothing_was_found(tmp_path: Path, seeds: int) -> None:
    builder.build(
        tmp_path / "s", activations=("leaky_relu", "gelu"), seeds=seeds, spread=0.5, probed=False,
        declared={"seeds": seeds},
    )  # fmt: skip
    told, verdict, sentence, rows = _looked(tmp_path / "s")
    assert (told, verdict.beats, sentence, rows) == ([], (), "", [])
