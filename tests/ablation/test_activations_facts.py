"""What is computed about activations, against a table written by hand, closed forms, and another quadrature."""

from __future__ import annotations

import json
import math
import random
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import mpmath
import numpy as np
import pytest
import torch
from formulas import FORMULAS
from scipy import integrate, optimize, stats

from ablation.activations import Activation, facts_of, slopes
from ablation.activations.facts import _computed, facts
from ablation.catalogue import rows
from ablation.factories import source_of
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


def moment(name: str) -> float:
    """Return E phi(z)^2 by adaptive quadrature between the places where a formula may bend."""
    formula, edges = FORMULAS[name], (-12, -6, -3, -1, -0.5, 0, 0.5, 1, 3, 6, 12)
    total = 0.0
    for low, high in pairwise(edges):
        total += integrate.quad(
            lambda z: formula(mpmath.fp, z) ** 2 * stats.norm.pdf(z), low, high, epsabs=1e-12
        )[0]
    return total


@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "rrelu"])
def test_gain_is_that_of_another_quadrature(
    name: str, part: Callable[..., Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To eight digits; to four where the value jumps, on a point of our grid."""
    density = 1 / math.sqrt(2 * math.pi)
    monkeypatch.setattr(stats.norm, "pdf", lambda z: density * math.exp(-z * z / 2))
    tolerance = 1e-4 if name == "hardshrink" else 1e-7
    assert Activation(part("activation", name)).gain == pytest.approx(
        moment(name) ** -0.5, rel=tolerance
    )


def largest_of_five() -> float:
    """Return E max(z1 ... z5)^2 from the density 5 f(z) F(z)^4 of the maximum."""
    normal = stats.norm
    return float(
        integrate.quad(lambda z: z**2 * 5 * normal.pdf(z) * normal.cdf(z) ** 4, -12, 12)[0]
    )


CLOSED = {
    "relu": 1 / 2,
    "squared_relu": 3 / 2,
    "leaky_relu": (1 + 0.2**2) / 2,
    "rrelu": (1 + (1 / 64 + 1 / 24 + 1 / 9) / 3) / 2,
    "crelu": 1 / 2,
    "erf": 2 / math.pi * math.asin(2 / 3),
    "sine": (1 - math.exp(-2)) / 2,
    "gaussian": 1 / math.sqrt(5),
    "squareplus": 3 / 2,
}
"""E phi(z)^2; for erf, Williams 1998; a slope drawn from [l, u] has the second moment (l^2 + l u + u^2) / 3."""


@pytest.mark.parametrize("name", CLOSED)
def test_gain_is_that_of_the_closed_form(name: str, part: Callable[..., Part]) -> None:
    tolerance = 2e-4 if name == "rrelu" else 1e-7  # drawn, 64 times a point
    gain = Activation(part("activation", name)).gain
    assert gain == pytest.approx(CLOSED[name] ** -0.5, rel=tolerance)


def test_gain_of_maxout_is_that_of_the_largest_of_five(part: Callable[..., Part]) -> None:
    gain = Activation(part("activation", "maxout")).gain
    assert gain == pytest.approx(largest_of_five() ** -0.5, rel=2e-4)
    pair = Activation(part("activation", "maxout", pieces=2)).gain
    assert pair == pytest.approx(1.0, rel=1e-4)  # E max(a, b)^2 = 1


@pytest.mark.parametrize(
    ("name", "gate"), [("glu", "sigmoid"), ("geglu", "gelu"), ("swiglu", "silu")]
)
def test_gain_of_a_gated_unit_is_that_of_its_gate(
    name: str, gate: str, part: Callable[..., Part]
) -> None:
    """E (a g(b))^2 = E g(b)^2."""
    gains = [Activation(part("activation", row)).gain for row in (name, gate)]
    assert gains[0] == pytest.approx(gains[1], rel=1e-9)


@pytest.mark.parametrize("gate", ["glu", "geglu", "swiglu"])
def test_scale_of_a_gated_unit_is_its_steepest_within_three_deviations(
    gate: str, part: Callable[..., Part]
) -> None:
    """|a g(b)| grows by |(g(b), a g'(b))|, most at a = 3; found here by another optimiser."""
    formula = FORMULAS[{"glu": "sigmoid", "geglu": "gelu", "swiglu": "silu"}[gate]]

    def minus(b: float) -> float:
        value, slope = formula(mpmath.fp, b), mpmath.diff(lambda t: formula(mpmath.mp, t), b)
        return -float(mpmath.hypot(value, 3 * slope))

    best = min(optimize.minimize_scalar(minus, bounds=(low, low + 1)).fun for low in range(-3, 3))
    activation = Activation(part("activation", gate))
    assert activation.steepest == INF
    assert activation.scale == pytest.approx(-best, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_scale_is_the_steepest_slope_where_there_is_one(
    name: str, part: Callable[..., Part]
) -> None:
    activation = Activation(part("activation", name))
    assert math.isfinite(activation.scale)
    assert activation.scale == activation.steepest or activation.steepest == INF
    if name == "squared_relu":
        assert activation.scale == pytest.approx(6.0, rel=1e-12)


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


ODD = """
import torch
from torch import nn

class Mapped(nn.Module):
    def forward(self, u):
        return self.of(u)

class Kinked(Mapped):
    of = staticmethod(lambda u: u + 1e-3 * torch.relu(u - 0.31831))
class Notched(Mapped):
    of = staticmethod(lambda u: u + 1e-2 * (u > 7.7777))
class Bent(Mapped):
    of = staticmethod(lambda u: u * u.abs())
class Steep(Mapped):
    of = staticmethod(lambda u: torch.tanh(100 * (u - 0.12345)))
class Step(Mapped):
    of = staticmethod(lambda u: torch.sign(u - 0.12345) + 0 * u)
class Cube(Mapped):
    of = staticmethod(lambda u: u ** 3)
class Exponential(Mapped):
    of = staticmethod(torch.exp)
class Slow(Mapped):
    of = staticmethod(torch.asinh)
class SlowSlope(Mapped):
    of = staticmethod(lambda u: u * torch.log1p(u * u))
class Wave(Mapped):
    of = staticmethod(lambda u: torch.sin(9 * u))
class Falling(Mapped):
    of = staticmethod(lambda u: -torch.relu(u))
class Constant(Mapped):
    of = staticmethod(lambda u: torch.full_like(u, 2.0))
class Nothing(Mapped):
    of = staticmethod(lambda u: 0 * u)
class Noise(Mapped):
    of = staticmethod(lambda u: u + torch.randn_like(u))

class Drawn(nn.Module):
    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.rand(()))
    def forward(self, u):
        return self.slope * u

class Once(torch.autograd.Function):
    @staticmethod
    def forward(context, u):
        context.save_for_backward(u)
        return torch.tanh(u)
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context, g):
        return g * (1 - torch.tanh(context.saved_tensors[0]) ** 2)
class OnceOnly(Mapped):
    of = staticmethod(Once.apply)

class Neighbours(nn.Module):
    def channels_out(self, incoming):
        return incoming // 2
    def forward(self, u):
        return u.unflatten(1, (-1, 2)).amax(2)

class Halves(nn.Module):
    def forward(self, u):
        return u[:, ::2]
class Sums(nn.Module):
    def forward(self, u):
        return torch.cat([u, u], 1)
"""


@pytest.fixture
def odd(trusted: Path) -> Callable[[str], Part]:
    (trusted / "oddities.py").write_text(ODD)

    def made(name: str) -> Part:
        part = Part(name.lower(), f"oddities.{name}")
        return replace(part, source=source_of(part))

    return made


STRANGE: dict[str, tuple[float, float, float, str]] = {
    "Kinked": (-INF, INF, 1.001, "monotone linear"),
    "Notched": (-INF, INF, 1, "monotone linear"),
    "Bent": (-INF, INF, INF, "monotone smooth"),
    "Steep": (-1, 1, 100, "monotone smooth twice"),
    "Step": (-1, 1, 0, "monotone linear"),
    "Cube": (-INF, INF, INF, "monotone smooth twice"),
    "Exponential": (0, INF, INF, "monotone smooth twice"),
    "Slow": (-INF, INF, 1, "monotone smooth twice"),
    "SlowSlope": (-INF, INF, INF, "monotone smooth twice"),
    "Wave": (-1, 1, 9, "smooth twice"),
    "Falling": (-INF, 0, 1, "monotone linear"),
    "Constant": (2, 2, 0, "monotone smooth twice linear"),
    "OnceOnly": (-1, 1, 1, "monotone smooth"),
    "Neighbours": (-INF, INF, 1, "monotone linear"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_modules_are_seen_as_they_are(name: str, odd: Callable[[str], Part]) -> None:
    """A small kink, a notch, a steep slope, slow growth, a unit of neighbours, autograd without a second derivative."""
    low, high, steepest, words = STRANGE[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Activation(odd(name)).facts
    assert found["bounds"] == [_told(low), _told(high)]
    assert found["steepest"] == _told(steepest, 1e-6)
    told = [
        word
        for word, fact in (
            ("monotone", "monotone"), ("smooth", "smooth"), ("twice", "twice_differentiable"),
            ("linear", "piecewise_linear"),
        )
        if found[fact]
    ]  # fmt: skip
    assert told == words.split()
    assert found["random"] is False


def test_what_draws_is_known_for_it(odd: Callable[[str], Part]) -> None:
    noise = Activation(odd("Noise"))
    assert noise.facts["random"] is True
    assert noise.gain == pytest.approx(2**-0.5, rel=2e-3)


def test_what_starts_from_a_draw_moves_no_stream_either(odd: Callable[[str], Part]) -> None:
    drawn, gains = odd("Drawn"), set()
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        activation = Activation(replace(drawn, name=f"drawn{seed}"))
        gains.add((activation.gain, activation.scale, activation.facts["gain"]))
        assert activation.channels_in(3) == activation.channels_out(3) == 3
        assert torch.equal(torch.get_rng_state(), before)
    assert len(gains) == 1


def test_a_zero_has_no_gain_and_the_other_facts(odd: Callable[[str], Part]) -> None:
    zero = Activation(odd("Nothing"))
    assert zero.facts["gain"] is None
    assert zero.facts["bounds"] == [0, 0]
    assert zero.scale == 0
    with pytest.raises(ValueError, match=r"nothing: its second moment on normal input is 0\.0"):
        print(zero.gain)


@pytest.mark.parametrize("name", ["Halves", "Sums"])
def test_a_module_that_hides_its_channels_is_refused(name: str, odd: Callable[[str], Part]) -> None:
    with pytest.raises(ValueError, match=rf"oddities\.{name} is no activation: it does not keep"):
        print(Activation(odd(name)).facts)


def test_a_layer_is_no_activation() -> None:
    with pytest.raises(ValueError, match=r"torch\.nn\.Linear is no activation"):
        print(
            Activation(
                Part("layer", "torch.nn.Linear", (("in_features", 3), ("out_features", 3)))
            ).gain
        )
