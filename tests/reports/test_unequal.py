"""What is not equal: lost seeds leave unequal numbers, which are tested as they are; other rulers are refused."""

from __future__ import annotations

from math import comb
from pathlib import Path

import pytest
import study_builder as builder
from told import judged

from ablation.record import Score
from reports.page import write_comparison, write_report

NAMES = ("gelu", "leaky_relu", "relu")
OTHER_RULERS = {
    "extractor": "fid_inception-aaaaaa_5k",
    "count": "fid_digits-cnn-1a2b3c_10k",
}


def _with_ruler(study: Path, name: str, seeds: int) -> None:
    """Add relu's trials, measured by another extractor or from another number of samples."""
    for seed in range(seeds):
        score = Score(name, 1.0 + seed, 10_000 if name.endswith("10k") else 5_000, "lower")
        asked = builder.spec(activation="relu", seed=seed)
        builder.write_trial(study, asked, 1.0, scores=(score,), probed=False)


@pytest.mark.slow
@pytest.mark.parametrize("lost", [1, 3])
def test_a_lost_seed_leaves_unequal_numbers_that_are_tested_as_they_are(
    tmp_path: Path, lost: int
) -> None:
    failing = {("sigmoid", "non_saturating", seed): "missing" for seed in range(lost)}
    study = builder.build(
        tmp_path / "s", activations=("leaky_relu", "sigmoid"), failing=failing, probed=False
    )
    found, verdict, said = judged(study)
    (test,) = verdict.tests
    assert (test.interval.n, test.n_r, test.units) == (6 - lost, 6, 6 - lost)
    assert test.splits == comb(12 - lost, 6)
    assert test.least_p == pytest.approx(2 / comb(12 - lost, 6))
    assert test.p == pytest.approx(
        2 / comb(12 - lost, 6)
    )  # sigmoid is apart from all of leaky_relu
    assert test.finding == "worse"
    assert said.startswith("leaky_relu is the best of 2; it beats sigmoid")
    assert found.refused == ()


@pytest.mark.slow
def test_fewer_seeds_than_a_test_needs_are_descriptive_however_many_the_other_has(
    tmp_path: Path,
) -> None:
    """1 against 6: the least p is 2/7."""
    failing = {("sigmoid", "non_saturating", seed): "missing" for seed in range(5)}
    study = builder.build(
        tmp_path / "s", activations=("leaky_relu", "sigmoid"), failing=failing, probed=False
    )
    _, verdict, said = judged(study)
    assert verdict.tests[0].least_p == pytest.approx(2 / 7)
    assert verdict.tests[0].finding == "descriptive"
    assert said.startswith("Not distinguishable with 1 seed: one comparison would need at least 4")


@pytest.mark.slow
@pytest.mark.parametrize("ruler", OTHER_RULERS)
def test_a_level_under_another_ruler_is_refused_and_never_compared(
    tmp_path: Path, ruler: str
) -> None:
    """relu would win by far if its numbers were put beside the others'."""
    study = builder.build(tmp_path / "s", activations=NAMES[:2], probed=False)
    _with_ruler(study, OTHER_RULERS[ruler], 6)
    found, verdict, said = judged(study)
    assert not [key for key in found.outcomes if key[0] == "relu"]
    assert {name for test in verdict.tests for name in (test.a, test.r)} == {"gelu", "leaky_relu"}
    assert found.refused == (
        f"6 trials are scored as {OTHER_RULERS[ruler]}, not as fid_digits-cnn-1a2b3c_5k: scores with"
        " different extractors or sample counts are not compared",
    )
    assert "relu beats" not in said.replace("leaky_relu", "")
    page = write_report(study).html.read_text()
    assert f"Refused: {found.refused[0]}." in page
    assert "relu shares no complete seed with leaky_relu: it is not compared." in page


@pytest.mark.slow
def test_studies_under_two_rulers_are_not_put_together(tmp_path: Path) -> None:
    one = builder.build(tmp_path / "one", activations=NAMES[:2], probed=False)
    two = tmp_path / "two"
    two.mkdir()
    builder.write_plan(two)
    _with_ruler(two, OTHER_RULERS["count"], 6)
    with pytest.raises(
        ValueError, match="different extractors or sample counts cannot be compared"
    ):
        write_comparison([one, two], tmp_path / "out")
    assert not (tmp_path / "out").exists()
