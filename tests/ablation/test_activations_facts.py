"""What is computed about activations, against a table written by hand, closed forms, and another quadrature."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from ablation.activations import Activation, facts_of, slopes
from ablation.activations.facts import _computed, facts
from ablation.catalogue import rows
from ablation.known import Facts
from ablation.spec import Part, TrialSpec

NAMES = list(rows("activation"))


INF = math.inf


TRUTH: dict[str, tuple[float, float, float, str]] = {
    "identity": (-INF, INF, 1, "monotone smooth twice linear"),
    "relu": (0, INF, 1, "monotone linear"),
    "leaky_relu": (-INF, INF, 1, "monotone linear"),
    "prelu": (-INF, INF, 1, "monotone linear"),
    "rrelu": (-INF, INF, 1, "monotone linear"),
    "relu6": (0, 6, 1, "monotone linear"),
    "squared_relu": (0, INF, INF, "monotone smooth"),
    "elu": (-1, INF, 1, "monotone smooth"),
    "selu": (-1.7580993408, INF, 1.7580993408, "monotone"),
    "celu": (-2, INF, 1, "monotone smooth"),
    "softplus": (0, INF, 1, "monotone smooth twice"),
    "shifted_softplus": (-1, INF, 1, "monotone smooth twice"),
    "gelu": (-0.16997120748, INF, 1.12890414519, "smooth twice"),
    "gelu_tanh": (-0.170040750571, INF, 1.12899306866, "smooth twice"),
    "silu": (-0.278464542761, INF, 1.09983932013, "smooth twice"),
    "swish": (-0.278464542761, INF, 1.09983932013, "smooth twice"),
    "mish": (-0.308843413017, INF, 1.08849816125, "smooth twice"),
    "hardswish": (-0.375, INF, 1.5, ""),
    "hardsigmoid": (0, 1, 1 / 6, "monotone linear"),
    "hardtanh": (-1, 1, 1, "monotone linear"),
    "sigmoid": (0, 1, 0.25, "monotone smooth twice"),
    "logsigmoid": (-INF, 0, 1, "monotone smooth twice"),
    "tanh": (-1, 1, 1, "monotone smooth twice"),
    "tanhshrink": (-INF, INF, 1, "monotone smooth twice"),
    "softshrink": (-INF, INF, 1, "monotone linear"),
    "hardshrink": (-INF, INF, 1, "monotone linear"),
    "softsign": (-1, 1, 1, "monotone smooth"),
    "arctan": (-math.pi / 2, math.pi / 2, 1, "monotone smooth twice"),
    "erf": (-1, 1, 2 / math.sqrt(math.pi), "monotone smooth twice"),
    "serf": (-0.34843745876, INF, 1.08612544415, "smooth twice"),
    "smish": (-0.24999366366, INF, 0.636884222881, "smooth twice"),
    "tanhexp": (-0.353285777848, INF, 1.06197530872, "smooth twice"),
    "gaussian": (0, 1, math.sqrt(2 / math.e), "smooth twice"),
    "sine": (-1, 1, 1, "smooth twice"),
    "snake": (-INF, INF, 2, "monotone smooth twice"),
    "squareplus": (0, INF, 1, "monotone smooth twice"),
    "bent_identity": (-INF, INF, 1.5, "monotone smooth twice"),
    "acon_c": (-0.278464542761, INF, 1.09983932013, "smooth twice"),
    "dynamic_tanh": (-1, 1, 0.5, "monotone smooth twice"),
    "maxout": (-INF, INF, 1, "monotone linear"),
    "crelu": (0, INF, 1, "monotone linear"),
    "glu": (-INF, INF, INF, "smooth twice"),
    "geglu": (-INF, INF, INF, "smooth twice"),
    "swiglu": (-INF, INF, INF, "smooth twice"),
}
"""Infimum, supremum, steepest slope (minima of 12 digits: roots of the formulas' derivatives in 40), and what holds."""


LEARNABLE = {"prelu": 1, "swish": 1, "snake": 1, "acon_c": 3, "dynamic_tanh": 3}


CHANNELS = {"maxout": (5, 1), "crelu": (1, 2), "glu": (2, 1), "geglu": (2, 1), "swiglu": (2, 1)}


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_those_of_the_table(name: str, part: Callable[..., Part]) -> None:
    low, high, steepest, words = TRUTH[name]
    found = Activation(part("activation", name)).facts
    assert found["bounds"] == [_told(low), _told(high)]
    assert found["steepest"] == _told(steepest, 1e-8)
    assert found["bounded"] is (math.isfinite(low) and math.isfinite(high))
    for word, fact in (
        ("monotone", "monotone"), ("smooth", "smooth"), ("twice", "twice_differentiable"),
        ("linear", "piecewise_linear"),
    ):  # fmt: skip
        assert found[fact] is (word in words.split()), fact
    assert found["learnable"] == LEARNABLE.get(name, 0)
    assert found["random"] is (name == "rrelu")
    assert found["channels"] == [*CHANNELS.get(name, (1, 1))]


def _told(value: float, tolerance: float = 1e-9) -> object:
    return str(value) if math.isinf(value) else pytest.approx(value, abs=tolerance)


def test_the_table_has_every_row() -> None:
    assert set(TRUTH) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_no_slope_exceeds_the_steepest(name: str, part: Callable[..., Part]) -> None:
    """And some come near it: within three deviations, `scale`; if slopes have no bound, far out any number."""
    activation = Activation(part("activation", name))
    phi = activation.fresh().double().eval()
    seen = activation.facts["channels"][0]
    u = torch.from_numpy(np.random.default_rng(1).uniform(-30, 30, (20_000, seen)))
    highest = float(slopes(phi, u).abs().max())
    assert highest <= activation.steepest * (1 + 1e-7)
    usual = float(slopes(phi, u / 10).abs().max())
    assert usual <= activation.scale * (1 + 1e-7)
    assert max(usual, 0 if activation.steepest == INF else highest) >= 0.97 * activation.scale
    if activation.steepest == INF:
        assert float(slopes(phi, u / 10 * torch.tensor([1e9, *[1.0] * (seen - 1)])).max()) > 1e6


@pytest.mark.parametrize("name", NAMES)
def test_no_value_leaves_the_bounds(name: str, part: Callable[..., Part]) -> None:
    activation = Activation(part("activation", name))
    low, high = map(float, activation.facts["bounds"])
    seen = activation.facts["channels"][0]
    u = torch.from_numpy(np.random.default_rng(2).uniform(-30, 30, (20_000, seen)))
    with torch.no_grad():
        h = activation.fresh().double().eval()(u)
    assert float(h.min()) >= low - 1e-9
    assert float(h.max()) <= high + 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_computing_facts_moves_no_stream_and_depends_on_none(
    name: str, part: Callable[..., Part]
) -> None:
    part_of = part("activation", name)
    expected = facts(part_of)
    for generator in (torch.manual_seed, np.random.seed, random.seed):
        generator(17)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    found = _computed(replace(part_of, name="again"))  # by another name: not what is known already
    after = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert found == expected


def test_a_fact_of_a_drawing_module_is_no_single_draw(part: Callable[..., Part]) -> None:
    """RReLU draws in the caller's stream as ever, and its second moment counts the spread of its slopes."""
    activation = Activation(part("activation", "rrelu", lower=0.0, upper=2.0))
    phi, u = activation.fresh(), -torch.ones(8, 1)
    assert not torch.equal(phi(u), phi(u))
    mean_slope = (1 + 1) / 2
    assert activation.gain**-2 == pytest.approx((1 + 4 / 3) / 2, rel=2e-3)
    assert activation.gain**-2 > mean_slope + 0.1


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_plain_and_come_back(name: str, part: Callable[..., Part]) -> None:
    found = facts(part("activation", name))
    text = json.dumps(found.plain(), allow_nan=False)
    assert Facts.read(json.loads(text)) == found
    activation = Activation(part("activation", name))
    for fact in ("gain", "steepest", "scale"):
        assert getattr(found, fact) == pytest.approx(getattr(activation, fact), rel=1e-9)


def test_facts_of_a_trial_are_those_of_every_activation_in_it(
    ask: Callable[..., TrialSpec],
) -> None:
    spec = ask(generator="tanh", discriminator="glu", at={"generator.1": "prelu"})
    found = facts_of(spec)
    assert list(found) == ["tanh", "glu", "prelu"]
    assert found["glu"] == Activation(spec.discriminator_activation).facts
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(facts_of(ask(activation="relu"))) == ["relu"]
