"""Which trials a claim counts: what never was good enough cannot show what was lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import claim_studies as studies
import numpy as np
import pytest
import study_builder as builder

from ablation.claim import Claim
from reports.claim_source import reaching_words
from reports.claims import ABSENT, Judged
from reports.estimates import effective_trials

ROW: dict[str, Any] = {
    "id": "M1",
    "statement": "Modes are lost",
    "command": "ablation sweep",
    "parts": [{"metric": "mode_loss_rate", "effect": 0.2}],
}


def ring(study: Path, hits: dict[str, float], modes: dict[str, int], **plan: Any) -> Judged:
    """Return A10 of a study of eight seeds a level and loss with these shares on the modes and modes covered."""
    study.mkdir()
    builder.write_plan(study, declared={"seeds": 8, "score": "frechet"}, **plan)
    for name, share in hits.items():
        for loss in ("minimax", "non_saturating"):
            for seed in range(8):
                studies.add(
                    study, 0.1 * seed, studies.QUIET, activation=name, loss=loss, dataset="ring8",
                    seed=seed, hits=share, modes=modes[name],
                )  # fmt: skip
    return next(one for one in studies.claimed(study).judged if one.claim.id == "A10")


@pytest.mark.slow
def test_generators_that_never_hit_the_modes_have_lost_none(tmp_path: Path) -> None:
    found = ring(tmp_path / "s", {"relu": 0.002, "tanh": 0.002}, {"relu": 2, "tanh": 2})
    assert found.verdict == ABSENT
    assert found.lacks == (
        "no generator is good enough for it to count: high-quality samples 0.002 in the median trial, needed 0.5",
    )


@pytest.mark.slow
def test_only_generators_that_hit_the_modes_count(tmp_path: Path) -> None:
    found = ring(tmp_path / "s", {"relu": 0.8, "tanh": 0.002}, {"relu": 8, "tanh": 2})
    (rate,) = found.effects
    assert (rate.estimate, rate.n) == (0.0, 16)
    assert rate.pair == "trials with high-quality samples of 0.5 or precision of 0.5 or better"


@pytest.mark.slow
def test_data_without_any_such_score_do_not_count(tmp_path: Path) -> None:
    row = ROW | {"id": "A10", "reaching": {"precision": 0.5, "recall": 0.5}}
    found = ring(tmp_path / "s", {"relu": 0.8}, {"relu": 8}, claims=[row])
    assert found.verdict == ABSENT
    assert found.lacks == (
        "no trial that tells its precision or recall, without which it does not count",
    )


def test_a_seed_counts_in_the_blocks_where_it_is_good_enough() -> None:
    table = np.array([[1.0, np.nan], [0.0, 1.0], [np.nan, 0.0], [1.0, 0.0]])
    assert 4 <= effective_trials(table) <= 6
    assert effective_trials(np.array([[0.0, np.nan], [0.0, 0.0]])) == 2


@pytest.mark.slow
def test_a_distance_is_reached_from_above(tmp_path: Path) -> None:
    row = ROW | {"id": "A10", "reaching": {"frechet": 0.01}}
    found = ring(tmp_path / "s", {"relu": 0.8}, {"relu": 8}, claims=[row])
    (rate,) = found.effects
    assert rate.n == 2 * sum(np.exp(0.1 * seed - 5) <= 0.01 for seed in range(8)) == 8
    assert reaching_words(Claim.read(row, "m1")) == "fréchet distance of 0.01 or better"


@pytest.mark.parametrize(
    ("reaching", "told"),
    [
        ({"hits": 0.5}, r"m1\.reaching has an unknown key 'hits'.*hq"),
        ({"hq": "half"}, r"m1\.reaching\.hq is 'half'"),
        (0.5, r"m1\.reaching is 0\.5; it is like \{hq: 0\.5\}"),
    ],
)
def test_what_a_trial_must_reach_is_a_score_and_a_number(reaching: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Claim.read(ROW | {"reaching": reaching}, "m1")
