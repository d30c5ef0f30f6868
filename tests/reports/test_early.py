"""The tests of early signals on simulated studies: how often noise is claimed, and what the numbers are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from math import exp, inf, isnan, nan

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, spearmanr

from reports.association import associate
from reports.design import Block, Design
from reports.early import SIGNALS, early_frames, looked
from reports.mechanism import Early, measured
from reports.scales import Scale

LEVELS = ("leaky_relu", "gelu", "relu", "sigmoid", "tanh", "elu")


def noise(*words: int) -> np.random.Generator:
    return np.random.default_rng(words)


BLOCKS = tuple(Block(key, key, "digits", "digits/mlp") for key in ("hinge", "minimax"))


def simulated(random: np.random.Generator, strength: float) -> list[Early]:
    """Judge six levels x two blocks x six seeds: levels and seeds differ in signals and in ends, apart from each other.

    Blocks share their seeds' luck, as trials with the same data and initial weights do. `strength` is what the first
    signal adds to the end within levels.
    """
    levels, seeds, steps = LEVELS, tuple(range(6)), 1000
    luck = random.normal(size=(5, len(levels), len(seeds)))
    of_level = 3 * random.normal(size=(5, len(levels)))
    readings, trials, outcomes = [], [], {}
    for block in BLOCKS:
        for i, name in enumerate(levels):
            for s in seeds:
                key = f"{name}-{block.key}-{s}"
                shown = of_level[:, i] + luck[:, i, s] + 0.3 * random.normal(size=5)
                for signal, value in zip(SIGNALS, shown[:4], strict=True):
                    readings.append((key, block.key, 100, signal.quantities[0], exp(value)))
                outcomes[name, block.key, s] = float(shown[4] + strength * shown[0])
                trials.append((key, name, block.key, s, steps, steps, "finished"))
    columns = ["key", "treatment", "block", "seed", "steps", "step", "outcome"]
    found = Design(
        factor="activation",
        treatments=levels,
        reference=levels[0],
        blocks=BLOCKS,
        seeds=seeds,
        undeclared_seeds=(),
        planned=frozenset((n, b.key) for n in levels for b in BLOCKS),
        outcomes=outcomes,
        scale=Scale("FID", True, False),
        refused=(),
        notes=(),
    )
    told = pd.DataFrame(readings, columns=["key", "block", "step", "quantity", "value"])
    frames = early_frames(told, pd.DataFrame(trials, columns=columns), found)
    return measured(frames, found, 0.05)


def _claims(early: Sequence[Early]) -> int:
    return sum(side.finding == "predicts" for e in early for side in (e.within, e.between))


@pytest.mark.long
def test_noise_is_claimed_in_at_most_five_percent_of_studies() -> None:
    told = [simulated(noise(11, k), 0.0) for k in range(200)]
    tests = {
        sum(not isnan(side.adjusted) for e in early for side in (e.within, e.between))
        for early in told
    }
    assert tests == {8}, "four signals, within and between: all are tested"
    claimed = sum(_claims(early) > 0 for early in told)
    assert claimed <= binom.ppf(0.999, 200, 0.05)
    found = [simulated(noise(12, k), 1.0)[0].within.finding for k in range(20)]
    assert found.count("predicts") >= 18, "what is there is found in the same frames"


@pytest.mark.slow
def test_association_is_spearmans_rho_and_its_exact_p() -> None:
    random = noise(3)
    x, y = random.normal(size=(2, 1, 6))
    found = associate([(x, y)])
    assert found.rho == pytest.approx(spearmanr(x[0], y[0]).statistic)
    rows = [spearmanr(x[0], y[0][list(p)]).statistic for p in permutations(range(6))]
    assert found.p == pytest.approx(np.mean(np.abs(rows) >= abs(found.rho) - 1e-9))
    assert (found.least_p, found.points) == (2 / 720, 6)
    failed = associate([(np.array([[1.0, 2, 3, 4]]), np.array([[1.0, 2, inf, inf]]))])
    assert failed.rho == pytest.approx(4.5 / 22.5**0.5), "failures are tied last"
    flat = associate([(np.ones((1, 4)), y[:, :4])])
    assert isnan(flat.rho)
    assert isnan(flat.p)
    assert associate([]).points == 0
    several = associate([(x, x), (y, -y)])
    assert several.rho == 0.0, "groups that say the opposite say nothing together"


def test_what_was_looked_at_is_the_first_quantity_of_a_block() -> None:
    readings = pd.DataFrame(
        [
            ("a", "hinge", 90, "separation", 0.6),
            ("a", "hinge", 90, "accuracy", 0.7),
            ("a", "hinge", 120, "accuracy", 0.9),
            ("b", "minimax", 110, "separation", nan),
            ("b", "minimax", 130, "separation", 0.8),
        ],
        columns=["key", "block", "step", "quantity", "value"],
    )
    trials = pd.DataFrame(
        [
            ("a", "relu", "hinge", 0, 1000, 1000, "finished"),
            ("b", "relu", "minimax", 0, 1000, 1000, "finished"),
        ],
        columns=["key", "treatment", "block", "seed", "steps", "step", "outcome"],
    )
    found = Design(
        "activation", ("relu",), "relu", BLOCKS, (0,), (), frozenset(),
        {("relu", "hinge", 0): 1.0, ("relu", "minimax", 0): 2.0}, Scale("FID", True, False), (), (),
    )  # fmt: skip
    frame = looked(readings, trials, found, SIGNALS[3])
    assert frame[["block", "step", "value"]].to_numpy().tolist() == [
        ["hinge", 90, 0.7],
        ["minimax", 130, 0.8],
    ]
