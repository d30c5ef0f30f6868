"""A few simulated studies through the report's pipeline: it claims no more than it may and finds what is planted.

`make calibrate` draws many more and writes docs/calibration.md. Bounds are those of the binomial distribution that one
run in a thousand passes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))

import calibrate
from calibration_frames import Shape, Truth, draw, template
from calibration_page import page, share
from calibration_runs import Setting, added, chunk, study
from calibration_settings import SETTINGS, WHOLE

ALPHA, FEW = 0.05, 1e-3
PLACE = Path(__file__).resolve().parents[2] / "docs" / "calibration.md"


def _counts(setting: Setting) -> dict[str, int]:
    return added([chunk((setting, 0, setting.studies))[1]])


@pytest.mark.slow
@pytest.mark.parametrize(
    "truth", [Truth(), Truth("Student t(2)", failing=0.2)], ids=["gaussian", "heavy and failing"]
)
def test_equal_activations_are_rarely_told_apart_and_intervals_cover(truth: Truth) -> None:
    counts = _counts(Setting("equal", Shape(4, 1, 6), truth, 100))
    assert counts["claimed"] <= binom.ppf(1 - FEW, 100, ALPHA)
    assert counts["all_intervals"] == 100
    assert counts["all_covers"] >= binom.ppf(FEW, 100, 1 - ALPHA)


@pytest.mark.slow
def test_a_planted_activation_is_found_as_often_as_promised() -> None:
    counts = _counts(Setting("power", Shape(4, 1, 8), Truth(shift=2.12), 40))
    assert binom.ppf(FEW, 40, 0.80) <= counts["found"] <= binom.ppf(1 - FEW, 40, 0.80)
    assert counts["wrong"] <= binom.ppf(1 - FEW, 40, ALPHA)
    blocks = _counts(Setting("power", Shape(4, 6, 6), Truth(shift=2.12), 10))
    assert blocks["found"] == 10


@pytest.mark.long
def test_a_ladder_may_be_looked_at_on_every_rung() -> None:
    counts = _counts(Setting("looks", Shape(4, 1, 14), Truth(), 40))
    assert counts["ladder"] <= binom.ppf(1 - FEW, 40, ALPHA)
    assert counts["between"] == 0
    assert counts["every"] >= counts["once"]
    assert counts["every"] > counts["ladder"]


@pytest.mark.slow
def test_a_written_report_says_what_the_simulated_frames_say() -> None:
    for number, said in ((1, "are not distinguishable with 8 seeds"), (4, "is beaten by relu")):
        sentence, verdict = calibrate.whole(*WHOLE[number])
        assert sentence == verdict
        assert said in verdict


@pytest.mark.slow
def test_the_page_is_the_same_on_one_core_and_on_two() -> None:
    settings = [
        replace(one, studies=2) for one in SETTINGS if one.shape.activations * one.shape.blocks < 5
    ]
    first, second = (page(settings, calibrate.counted(settings, n), 0) for n in (1, 2))
    assert first == second
    assert "| 4 activations, 1 block | 6 | Gaussian | 2 | " in first


@pytest.mark.slow
def test_a_study_is_drawn_by_its_setting_and_number_alone() -> None:
    setting = Setting("equal", Shape(4, 1, 6), Truth(failing=0.2), 3)
    assert study(setting, 1) == study(setting, 1)
    assert chunk((setting, 0, 3))[1]["studies"] == 3
    assert len({setting.key for setting in SETTINGS}) == len(SETTINGS)


def test_outcomes_have_the_truth_that_is_asked_for() -> None:
    random, shape = np.random.default_rng(1), Shape(4, 2, 4_000)
    y = draw(shape, Truth(shift=2.0, block=0.5), random) / 0.05
    assert y.shape == (4, 1, 2, 1, 4_000)
    assert y.mean(axis=(1, 2, 3, 4)) == pytest.approx([0, -2, 0, 0], abs=0.06)
    assert y.std(axis=4) == pytest.approx(np.ones((4, 1, 2, 1)), abs=0.05)
    assert np.corrcoef(y[0, 0, 0, 0], y[0, 0, 1, 0])[0, 1] == pytest.approx(0.5, abs=0.05)
    apart = draw(shape, Truth(seed=-0.25), random)[:, 0, 0, 0]
    assert np.corrcoef(apart)[0, 1:] == pytest.approx([-0.25] * 3, abs=0.05)
    failing = np.isinf(draw(shape, Truth(failing=0.2), random))
    assert failing.mean(axis=(1, 2, 3, 4)) == pytest.approx([0.2] * 4, abs=0.02)


@pytest.mark.slow
def test_a_template_is_the_loaded_folder_with_other_scores() -> None:
    own = template(Shape(3, 1, 4, points=4))
    y = draw(Shape(3, 1, 4, points=4), Truth(failing=0.5), np.random.default_rng(2))
    frame = own.filled(y)
    assert len(frame) == 3 * 4 * 4
    row = frame[(frame["treatment"] == "relu") & (frame["seed"] == 3) & (frame["point"] == 2)].iloc[
        0
    ]
    value = y[1, 0, 0, 2, 3]
    assert row["outcome"] == ("finished" if np.isfinite(value) else "diverged")
    assert (frame["outcome"] == "diverged").sum() == np.isinf(y).sum() > 0
    assert np.log(frame["score"].dropna()).sum() == pytest.approx(y[np.isfinite(y)].sum())


def test_the_kept_page_says_what_is_drawn_now() -> None:
    kept = PLACE.read_text()
    assert f"{sum(one.studies for one in SETTINGS):,} simulated studies" in " ".join(kept.split())
    for one in SETTINGS:
        assert f"| {one.shape.words} | {one.shape.seeds} | " in kept or one.table == "looks"
    assert share(5, 100) == "5.0 [1.6, 11.3]"
