"""The parts of claims against what can be worked out by hand or by brute force."""

from __future__ import annotations

from itertools import permutations
from math import log
from pathlib import Path

import claim_studies as studies
import numpy as np
import pandas as pd
import pytest
import study_builder as builder
import test_tuned_study as tuned

from ablation.claim import Evidence
from ablation.record import Reading
from reports.claim_pools import Pooled
from reports.claim_ranks import slope, widened
from reports.claim_sides import Sides
from reports.claim_tests import Pairwise
from reports.claim_values import readings, spread_of
from reports.claim_words import section
from reports.claims import Judged
from reports.design import Block, Design
from reports.estimates import Floats
from reports.scales import Scale
from reports.tables import load


def standard(values: Floats) -> Floats:
    ranks = values.argsort(axis=1).argsort(axis=1).astype(float)
    ranks -= ranks.mean(axis=1, keepdims=True)
    return np.asarray(ranks / ranks.std(axis=1, keepdims=True))


def kept(x: Floats, y: Floats, b: float, tail: float) -> tuple[bool, bool]:
    """Return by brute force whether a slope is kept from below and from above."""
    left = y - b * x
    every = [float((x * left[:, list(o)]).sum()) for o in permutations(range(x.shape[1]))]
    seen = every[0]
    above = np.mean([s >= seen - 1e-9 for s in every])
    below = np.mean([s <= seen + 1e-9 for s in every])
    return bool(above > tail), bool(below > tail)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("blocks", [1, 3])
def test_a_slope_of_ranks_is_what_the_permutation_test_keeps(seed: int, blocks: int) -> None:
    random, level = np.random.default_rng(seed), 0.05
    base = random.normal(size=6)
    x = standard(base + 0.5 * random.normal(size=(blocks, 6)))
    y = standard(base + 0.5 * random.normal(size=(blocks, 6)))
    low, high, able = slope(x, y, level, ("x", "y"))
    assert able
    assert kept(x, y, low + 1e-6, level / 2)[0]
    assert low == -1 or not kept(x, y, low - 1e-6, level / 2)[0]
    assert kept(x, y, high - 1e-6, level / 2)[1]
    assert high == 1 or not kept(x, y, high + 1e-6, level / 2)[1]
    assert (low > 0) == (not kept(x, y, 0.0, level / 2)[0])


def test_too_few_levels_reach_no_level() -> None:
    x = standard(np.arange(5.0)[None])
    assert slope(x, x, 0.05, ("x", "x"))[2]
    assert slope(x, x, 0.01, ("x", "x")) == (-1.0, 1.0, False)


def test_ranks_that_agree_wholly_are_not_known_exactly() -> None:
    low, high = widened(1.0, 1.0, 1.0, 7, 0.05)
    assert low == pytest.approx(
        np.tanh(np.arctanh(1 - 1 / 56) - 1.959964 * (1 + (1 - 1 / 56) ** 2 / 2) ** 0.5 / 2)
    )
    assert high == 1.0
    assert 0 < widened(0.8, 0.1, 0.9, 5, 0.001)[0] < 1e-6
    assert widened(0.1, -0.2, 0.4, 7, 0.05)[0] < -0.6


def _sides(a: Floats, r: Floats, scale: Scale) -> Sides:
    """Return two sides of one block and stream."""
    block = Block("b", "b", "digits", "digits/mlp")
    outcomes = {
        (name, "b", seed): float(y)
        for name, side in (("a", a), ("r", r))
        for seed, y in enumerate(side)
    }
    planned = frozenset({("a", "b"), ("r", "b")})
    seeds = tuple(range(max(len(a), len(r))))
    design = Design(
        "activation", ("a", "r"), "r", (block,), seeds, (), planned, outcomes, scale, (), ()
    )
    return Sides(design, "a", "r", {"b": {}}, 1.0)


@pytest.mark.slow
def test_the_difference_of_two_rates_is_newcombes() -> None:
    # Newcombe 1998, table II, method 10: 56 of 70 against 48 of 80
    a, r = (np.arange(n) < k for n, k in ((70, 56), (80, 48)))
    evidence = Evidence("failure_rate", "a", "r", direction="higher", effect=0.1)
    sides = _sides(a.astype(float), r.astype(float), Scale("rate", False, False))
    found = Pairwise(evidence, sides, 1.1).judge(0.05, 1)
    assert found.estimate == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.verdict == "supported"
    other = Evidence("failure_rate", "a", "r", direction="lower", effect=0.1)
    assert Pairwise(other, sides, 1.1).judge(0.05, 1).opposite


def test_a_rate_pools_what_its_trials_are_worth() -> None:
    evidence = Evidence("mode_loss_rate", effect=0.2)
    none = Pooled(evidence, (np.zeros((40, 1)), np.zeros((40, 3))), 3).judge(0.05, 1)
    assert (none.low, none.n, none.verdict) == (0.0, 160, "refuted")
    assert none.high == pytest.approx(1.959964**2 / (80 + 1.959964**2))
    few = Pooled(evidence, (np.zeros((5, 3)),), 3).judge(0.05, 1)
    assert few.verdict == "not distinguishable"
    assert few.needed > few.n


def test_a_margin_is_what_a_may_be_worse_by() -> None:
    random = np.random.default_rng(0)
    r, a = 0.001 * random.normal(size=8), 0.02 + 0.001 * random.normal(size=8)
    scale = Scale("time", True, False)
    asked = {"metric": "cost", "a": "a", "r": "r", "direction": "lower"}
    found = Pairwise(Evidence(**asked, margin=1.05), _sides(a, r, scale), 1.1).judge(0.05, 1)
    assert (found.verdict, found.units) == ("supported", "round")
    assert found.low == pytest.approx(log(1.05) - 0.02, abs=0.003)
    tight = Pairwise(Evidence(**asked, margin=1.01), _sides(a, r, scale), 1.1).judge(0.05, 1)
    assert (tight.verdict, tight.opposite) == ("refuted", True)


def test_a_part_of_several_refutes_at_its_share() -> None:
    r = np.arange(5.0)
    evidence = Evidence("modes", "a", "r", direction="better", effect=0.5)
    sides = _sides(r + 10, r, Scale("modes", False, True))
    assert Pairwise(evidence, sides, 1.1).judge(0.02, 1).verdict == "refuted"
    assert Pairwise(evidence, sides, 1.1).judge(0.02, 5).verdict == "not distinguishable"


def test_the_spread_of_a_seed_is_its_distance_from_the_median() -> None:
    told = {"treatment": "a", "block": "b", "y": [1.0, 2.0, 4.0, np.inf, np.nan]}
    far = spread_of(pd.DataFrame(told))["y"]
    assert list(far[:4]) == pytest.approx([1.5**0.5, 0.0, 2 * 1.5**0.5, np.inf])
    assert np.isnan(far[4])


def test_readings_are_means_over_sites_at_the_end_or_over_training(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    builder.write_plan(tmp_path / "s")
    more = []
    for step, up in ((0, 0.0), (100, 1.0)):
        for layer, value in (("generator.0", 0.1), ("generator.1", 0.3), ("discriminator.0", 0.8)):
            network = layer.split(".")[0]
            more.append(Reading(step, network, layer, "dead_fraction", value * up))
            more.append(Reading(step, network, layer, "died_fraction", value))
            more.append(Reading(step, network, layer, "revived_fraction", value / 2))
            more.append(Reading(step, network, layer, "slope_power", 0.01))
    spec = builder.spec()
    builder.write_trial(tmp_path / "s", spec, 12.0, probed=False, more=more)
    tables = load([tmp_path / "s"])

    def value(metric: str, **asked: str) -> float:
        return float(readings(Evidence(metric, **asked), metric, tables)[spec.key])

    assert value("dead_fraction") == pytest.approx(0.4)
    assert value("dead_fraction", network="generator") == pytest.approx(0.2)
    assert value("dead_fraction", network="discriminator", over="mean") == pytest.approx(0.4)
    assert value("net_deaths", network="generator") == pytest.approx(0.2)
    assert value("predicted_attenuation") == pytest.approx(1.0)
    assert readings(Evidence("attenuation"), "attenuation", tables).empty


@pytest.fixture(scope="module")
def tuned_claim(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A7 where Leaky ReLU wins untuned, and ReLU at its best point."""

    def score(name: str, _: str, point: int, seed: int) -> float:
        level = {("relu", 0): 0.5, ("relu", 2): -0.5}.get((name, point), 0.0)
        return 12 * float(np.exp(level + 0.01 * seed))

    place = tmp_path_factory.mktemp("tuned") / "s"
    study = tuned.build(place, score, seeds=7, names=("leaky_relu", "relu"))
    return next(one for one in studies.claimed(study).judged if one.claim.id == "A7")


@pytest.mark.slow
def test_a_claim_holds_tuned_and_untuned(tuned_claim: Judged) -> None:
    plain, best = tuned_claim.effects
    assert (plain.verdict, best.verdict) == ("supported", "refuted")
    assert best.opposite
    assert best.shown.estimate > 1 > plain.shown.estimate
    assert tuned_claim.verdict == "refuted"
    assert best.label == "FID, both tuned"
    assert [section(e) for e in (plain, best)] == ["Scores", "Tuning"]
