"""What is computed of modules that are not what activations usually are: kinks, steps, draws, layers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fixtures import written
from test_activations_facts import INF, _told

from ablation.activations import Activation
from ablation.spec import Part

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
    return written(trusted, "oddities", ODD)


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


@pytest.mark.slow
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
