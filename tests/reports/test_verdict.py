"""Studies with a known truth give the sentence that the truth deserves."""

from __future__ import annotations

from math import inf, isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import study_builder as builder
from told import judged

from reports import words
from reports.block_words import block_sentences
from reports.estimates import Interval
from reports.pairs import OVERALL, PER_BLOCK
from reports.stopping import flags
from reports.study import Declared
from reports.tables import load


def _study(tmp_path: Path, **asked: Any) -> Path:
    return builder.build(tmp_path / "s", probed=False, **asked)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four activations of which sigmoid is planted 3.3 times worse; never changed by a test."""
    return _study(tmp_path_factory.mktemp("planted"), spread=0.12)


def _declared(study: Path, place: Path, **declared: Any) -> Path:
    """Return a study of the same trials with another declaration."""
    copy = place / "declared"
    copy.mkdir()
    (copy / "trials").symlink_to(study / "trials")
    builder.write_plan(copy, declared=declared)
    return copy


@pytest.mark.slow
def test_the_planted_loser_is_named_and_the_rest_is_not_told_apart(planted: Path) -> None:
    found, verdict, said = judged(planted)
    assert set(verdict.answer.names) == {"gelu", "leaky_relu", "relu"}
    assert {worse for _, worse in verdict.beats} == {"sigmoid"}
    assert "cannot be told apart; each beats sigmoid (FID ratios 3." in said
    test = verdict.overall("sigmoid", "leaky_relu")
    assert test is not None
    shown = found.scale.shown(test.interval)
    assert shown.low < np.exp(builder.LEVEL["sigmoid"]) < shown.high
    assert (test.finding, test.p) == ("worse", pytest.approx(2 / 924))
    assert test.adjusted == pytest.approx(6 * 2 / 924)


@pytest.mark.slow
def test_a_turned_pair_says_the_same(planted: Path) -> None:
    found, verdict, _ = judged(planted)
    there, back = verdict.overall("relu", "sigmoid"), verdict.overall("sigmoid", "relu")
    assert there is not None
    assert back is not None
    assert (there.finding, back.finding) == ("better", "worse")
    one, other = found.scale.shown(there.interval), found.scale.shown(back.interval)
    assert one.estimate * other.estimate == pytest.approx(1)
    assert one.low * other.high == pytest.approx(1)
    assert there.probability + back.probability == pytest.approx(1)


@pytest.mark.slow
def test_equal_activations_are_not_distinguishable_and_seeds_are_asked_for(tmp_path: Path) -> None:
    study = _study(tmp_path, activations=("leaky_relu", "gelu", "relu"), spread=0.4, seeds=6)
    _, verdict, said = judged(study)
    assert len(verdict.answer.names) == 3
    assert "not distinguishable with 6 seeds" in said
    assert verdict.seeds is not None
    assert verdict.seeds.needed > 6


@pytest.mark.slow
def test_too_few_seeds_are_descriptive(planted: Path, tmp_path: Path) -> None:
    _, verdict, said = judged(_declared(planted, tmp_path, seeds=4))
    assert said.startswith("Not distinguishable with 4 seeds: 6 comparisons need at least 5 seeds")
    assert all(isnan(test.adjusted) for test in verdict.tests)
    assert verdict.beats == ()


@pytest.mark.slow
def test_tiers_share_alpha_and_a_hopeless_one_gives_up_its_share(tmp_path: Path) -> None:
    two = ("non_saturating", "wasserstein")
    _, verdict, _ = judged(_study(tmp_path, losses=two))
    assert {t.name: t.weight for t in verdict.tiers} == {OVERALL: 1 / 12, PER_BLOCK: 1 / 12}
    assert sum(t.weight * t.tests for t in verdict.tiers) == pytest.approx(1)
    # 5 seeds: p_min = 2/252 is above .05/12 in both; the per-block tier leaves, overall keeps .05/6
    (tmp_path / "five").mkdir()
    five = _declared(tmp_path / "s", tmp_path / "five", seeds=5)
    found, verdict, _ = judged(five)
    tiers = {t.name: t for t in verdict.tiers}
    assert (tiers[OVERALL].descriptive, tiers[PER_BLOCK].descriptive) == (False, True)
    assert tiers[OVERALL].weight == pytest.approx(1 / 6)
    assert "Too few seeds to test single blocks (" in block_sentences(found, verdict)[0]


@pytest.mark.slow
def test_blocks_of_a_seed_move_together(tmp_path: Path) -> None:
    pair = ("relu", "leaky_relu")
    study = _study(tmp_path, activations=pair, losses=("minimax", "hinge"), seeds=6)
    found, verdict, _ = judged(study)
    a, r = found.pair("relu", "leaky_relu")
    assert [side[0].shape for side in (a, r)] == [(2, 6), (2, 6)]
    assert verdict.tests[0].splits == 924
    several, _, _ = judged(
        _study(tmp_path / "two", activations=pair, datasets=("digits", "ring8"), seeds=4)
    )
    streams, _ = several.pair("relu", "leaky_relu")
    assert [x.shape for x in streams] == [(1, 4)]  # ring8 has no fid: it is refused
    assert any("ring8 has no score" in reason for reason in several.refused)
    builder.write_plan(tmp_path / "two" / "s", declared={"score": "auto"})
    several, _, _ = judged(tmp_path / "two" / "s")
    assert [x.shape for x in several.pair("relu", "leaky_relu")[0]] == [(1, 4), (1, 4)]


@pytest.mark.slow
def test_failures_are_worst_and_a_missing_block_drops_the_seed(tmp_path: Path) -> None:
    losses = ("minimax", "hinge")
    failing = {("relu", "minimax", 0): "diverged", ("relu", "hinge", 1): "crashed"}
    failing |= {("gelu", "hinge", 2): "missing", ("gelu", "minimax", 3): "collapsed"}
    names = ("gelu", "relu", "leaky_relu")
    found, verdict, _ = judged(_study(tmp_path, activations=names, losses=losses, failing=failing))
    relu, _ = found.pair("relu", "leaky_relu")
    assert np.isinf(relu[0]).sum() == 2
    gelu, _ = found.pair("gelu", "leaky_relu")
    assert gelu[0].shape == (2, 5)
    assert np.isfinite(gelu[0]).all()
    test = verdict.overall("relu", "leaky_relu")
    assert test is not None
    assert (test.interval.n, test.interval.failed) == (6, 2)


@pytest.mark.slow
def test_one_that_always_fails_loses_to_all_without_a_number(tmp_path: Path) -> None:
    failing = {("sigmoid", "non_saturating", seed): "diverged" for seed in range(6)}
    _, verdict, said = judged(_study(tmp_path, failing=failing, spread=0.12))
    assert {worse for _, worse in verdict.beats} == {"sigmoid"}
    assert "unbounded (failures)" in said
    assert "nan" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"activations": ("relu",)}, "Only relu was tried: there is nothing to compare it with."),
        ({"seeds": 1}, "Not distinguishable with 1 seed: 6 comparisons need at least 5 seeds"),
        ({"seeds": 0}, "No trial has ended with the declared score yet"),
        ({"declared": {"score": "kid"}}, "No trial has ended with the declared score yet"),
        (
            {
                "activations": ("relu", "leaky_relu"),
                "failing": {
                    (name, "non_saturating", seed): "diverged"
                    for name in ("relu", "leaky_relu")
                    for seed in range(6)
                },
            },
            "Every trial diverged or crashed: no activation can be recommended.",
        ),
    ],
)
def test_when_nothing_can_be_concluded_the_sentence_says_why(
    tmp_path: Path, asked: dict, wanted: str
) -> None:
    assert judged(_study(tmp_path, **asked))[2].startswith(wanted)


@pytest.mark.slow
def test_undeclared_seeds_are_shown_and_not_tested(planted: Path, tmp_path: Path) -> None:
    found, verdict, _ = judged(_declared(planted, tmp_path, seeds=4))
    assert (found.seeds, found.undeclared_seeds) == ((0, 1, 2, 3), (4, 5))
    assert verdict.tests[0].units == 4
    told, _ = flags(load([tmp_path / "declared"]).studies, found, verdict)
    assert told.startswith(
        "Not declared: seeds 4 and 5 (4 were), and no launch tells of them: shown and not"
    )


@pytest.mark.slow
def test_reference_alone_and_a_reference_that_is_not_there(planted: Path, tmp_path: Path) -> None:
    _, verdict, said = judged(_declared(planted, tmp_path, pairs="reference"))
    assert (len(verdict.tests), verdict.answer.names) == (3, ())
    assert "sigmoid (FID ratio 3." in said
    assert "is worse than leaky_relu; gelu and relu are not distinguishable" in said
    other = tmp_path / "other"
    other.mkdir()
    found, _, _ = judged(_declared(planted, other, reference="mish"))
    assert found.reference == "gelu"
    assert any("mish has no trial" in note for note in found.notes)


def test_words() -> None:
    assert [words.number(v) for v in (0.3084, 12.34, 1234.5, 0, inf, 0.999)] == [
        "0.308",
        "12.3",
        "1,234",
        "0.00",
        "∞",
        "0.999",
    ]
    open_end = Interval(1.2, 0.9, inf, 6, 1, 0.95)
    assert words.ends(open_end) == "[0.900,\u00a0unbounded (failures)]"
    assert words.ends(Interval(1.2, 0.0, inf, 1, 0, 0.0)) == "no interval (one seed)"
    assert words.level(Interval(1, 1, 1, 3, 0, 0.9)) == "90 %"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.p_value(0.0004) == "< 0.001"
    with pytest.raises(ValueError, match=r"declared\.alpha is 2"):
        Declared(alpha=2)


@pytest.mark.slow
def test_a_winner_that_collapsed_is_named_as_such(planted: Path) -> None:
    """A collapsed trial keeps its score, so the sentence has to say it; a loser needs no warning."""
    tables = load([planted])
    _, verdict, _ = judged(planted)
    trials = tables.trials.copy()
    assert words.collapses(trials, verdict) == ""
    trials.loc[trials["activation"] == "sigmoid", "outcome"] = "collapsed"
    assert words.collapses(trials, verdict) == ""
    trials.loc[trials["activation"] == "gelu", "outcome"] = "collapsed"
    assert words.collapses(trials, verdict) == " Beware: gelu collapsed in 6 of 6 trials."


@pytest.mark.slow
def test_declared_seeds_are_tested_whatever_their_numbers(planted: Path, tmp_path: Path) -> None:
    """Seeds are declared by number: a lower seed that came later does not take a declared one's place."""
    found, _, _ = judged(_declared(planted, tmp_path, seeds=[1, 2, 3, 4, 5]))
    assert found.seeds == (1, 2, 3, 4, 5)
    assert found.undeclared_seeds == (0,)
