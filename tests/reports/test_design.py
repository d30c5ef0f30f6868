"""Which trials are compared: equal budgets, directions of scores, completeness and rates."""

from __future__ import annotations

import json
from math import log
from pathlib import Path

import pytest
import study_builder as builder
from test_verdict import _study
from told import judged

from reports.summary import completeness, failure_rates, seed_correlation
from reports.tables import load


@pytest.mark.slow
def test_unequal_budgets_and_protocols_are_refused(tmp_path: Path) -> None:
    def asked(name: str, loss: str, _dataset: str, _seed: int) -> dict:
        longer = name == "relu" and loss == "hinge"
        return {"steps": 3000} if longer else {}

    names = ("gelu", "leaky_relu", "relu")
    found, _, _ = judged(
        _study(tmp_path, activations=names, losses=("hinge", "minimax"), asked=asked, seeds=2)
    )
    assert [block.label for block in found.blocks] == ["minimax"]
    assert "only relu of gelu, leaky_relu, relu had 3,000 steps" in " ".join(found.refused)
    study = _study(tmp_path / "p", activations=names, seeds=5)
    stranger = builder.spec(activation="relu", seed=5)
    score = builder.Score("fid_other-cnn-ffffff_5k", 1.0, 5000, "lower")
    folder = builder.write_trial(study, stranger, None, probed=False)
    result = folder / "result.json"
    row = {score.name: {"value": score.value, "n": score.n, "better": score.better}}
    result.write_text(json.dumps(json.loads(result.read_text()) | {"scores": row}))
    found, _, _ = judged(study)
    assert "1 trials are scored as fid_other-cnn-ffffff_5k" in " ".join(found.refused)
    assert ("relu", found.blocks[0].key, 5) not in found.outcomes


@pytest.mark.slow
def test_two_budgets_that_everyone_had_are_blocks(tmp_path: Path) -> None:
    study = _study(tmp_path, activations=("relu", "gelu"), seeds=2)
    for name in ("relu", "gelu"):
        for seed in range(2):
            builder.write_trial(
                study, builder.spec(activation=name, seed=seed, steps=20), 30.0, probed=False
            )
    found, _, _ = judged(study)
    assert found.refused == ()
    assert [b.label for b in found.blocks] == [
        "non_saturating · steps 20",
        "non_saturating · steps 1500",
    ]


@pytest.mark.slow
def test_directions_of_scores(tmp_path: Path) -> None:
    pair = ("sigmoid", "leaky_relu")
    study = _study(
        tmp_path, activations=pair, datasets=("ring8",), declared={"score": "hq"}, spread=0.02
    )
    found, verdict, said = judged(study)
    assert (found.scale.ratio, found.scale.higher_is_better) == (False, True)
    test = verdict.overall("sigmoid", "leaky_relu")
    assert test is not None
    assert test.finding == "worse"
    assert found.scale.shown(test.interval).high < 0
    assert "HQ difference" in said
    builder.write_plan(study, declared={"score": "reverse-kl"})
    found, verdict, _ = judged(study)
    test = verdict.overall("sigmoid", "leaky_relu")
    assert test is not None
    assert found.scale.shown(test.interval).low > 0


@pytest.mark.slow
def test_the_outcomes_are_logarithms(tmp_path: Path) -> None:
    found, _, _ = judged(_study(tmp_path, activations=("relu", "gelu"), seeds=1, spread=0))
    block = found.blocks[0].key
    assert found.outcomes["relu", block, 0] == pytest.approx(log(12) + 0.10)


@pytest.mark.slow
def test_completeness_and_rates(tmp_path: Path) -> None:
    failing = {("relu", "non_saturating", 0): "diverged", ("relu", "non_saturating", 1): "missing"}
    study = _study(tmp_path, activations=("relu", "gelu"), seeds=5, failing=failing)
    tables = load([study])
    whole = completeness(tables.trials, 6)
    assert (whole.expected, whole.counts["finished"], whole.counts["missing"]) == (12, 8, 3)
    rates = {rate.treatment: rate for rate in failure_rates(tables.trials, ("gelu", "relu"))}
    assert (rates["relu"].trials, rates["relu"].rate) == (4, 0.25)
    assert rates["gelu"].low == 0 < rates["gelu"].high < 0.5


@pytest.mark.slow
def test_seed_correlation_sees_a_common_seed_effect(tmp_path: Path) -> None:
    study = tmp_path / "s"
    study.mkdir()
    builder.write_plan(study)
    for name in ("relu", "gelu"):
        for seed in range(6):
            builder.write_trial(
                study, builder.spec(activation=name, seed=seed), 10.0 + seed, probed=False
            )
    found, _, _ = judged(study)
    assert seed_correlation(found) == (pytest.approx(1.0), 1)
