"""What a probe reads at sites whose answer is known: planted dead units of every kind, and what sites have learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ablation.activations import Activation, ActivationSite
from ablation.catalogue import rows
from ablation.factories import source_of
from ablation.networks import Logit, Networks
from ablation.probes import Probe
from ablation.spec import Part

NAMES = list(rows("activation"))
WIDTH = 6
Reader = Callable[..., dict[str, float]]


@pytest.fixture
def read(part: Callable[..., Part]) -> Reader:
    """Return the readings of one site of a discriminator whose pre-activations are `given` (one a channel).

    A tensor of two dimensions (samples, channels) varies them from sample to sample.
    """

    def readings(name: str, given: Tensor | float, **learned: float) -> dict[str, float]:
        activation = Activation(part("activation", name))
        site = ActivationSite("discriminator.0", activation)
        layer = nn.Linear(4, site.channels_in(WIDTH))
        u = torch.as_tensor(given, dtype=torch.float32)
        u = u.expand(4, layer.out_features) if u.dim() < 2 else u
        with torch.no_grad():
            layer.weight.copy_(u.T)  # sample i is the i-th unit vector
            layer.bias.zero_()
            for key, value in learned.items():
                site.phi.get_parameter(key).fill_(value)
        players = (
            nn.Sequential(nn.Linear(4, 4), nn.Identity()),
            nn.Sequential(layer, site, nn.Linear(WIDTH, 1), Logit()),
        )
        with torch.no_grad():  # fakes are the real samples
            players[0][0].weight.copy_(torch.eye(4))
            players[0][0].bias.zero_()
        probe = Probe(Networks(*players, 4), torch.eye(4), torch.eye(4), steps=1, probes=1)
        probe.units(1)
        assert {(r.step, r.network, r.layer) for r in probe.readings} == {
            (1, "discriminator", "discriminator.0"),
            (1, "generator", ""),
        }
        return {r.quantity: r.value for r in probe.readings}

    return readings


def one_at_a_time(high: float, low: float) -> Tensor:
    """Return 4 samples of `low` everywhere but for one channel each."""
    return torch.full((4, 4), low).fill_diagonal_(high)


DEAD_BELOW = ["relu", "relu6", "squared_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "serf",
              "smish", "tanhexp", "softplus", "shifted_softplus", "sigmoid", "tanh", "gaussian",
              "hardswish", "hardtanh", "hardsigmoid", "erf", "arctan", "softsign", "squareplus",
              "dynamic_tanh", "acon_c", "swish", "gelu_tanh"]  # fmt: skip
ALIVE_BELOW = ["identity", "leaky_relu", "prelu", "rrelu", "bent_identity", "logsigmoid", "maxout",
               "tanhshrink", "softshrink", "hardshrink"]  # fmt: skip


@pytest.mark.parametrize("name", DEAD_BELOW)
def test_far_below_a_unit_with_a_flat_side_is_dead_and_saturated(name: str, read: Reader) -> None:
    found = read(name, -1000.0)
    assert found["dead_fraction"] == found["saturated_fraction"] == 1.0


@pytest.mark.parametrize("name", ALIVE_BELOW)
@pytest.mark.parametrize("bias", [-1000.0, -1.0, 1.0, 1000.0])
def test_a_unit_without_a_flat_side_never_dies(name: str, bias: float, read: Reader) -> None:
    found = read(name, bias if name != "logsigmoid" else -abs(bias))  # its flat side is the right
    assert found["dead_fraction"] == found["saturated_fraction"] == 0.0


def test_every_row_is_one_of_these() -> None:
    others = {"crelu", "glu", "geglu", "swiglu", "sine", "snake"}
    assert set(DEAD_BELOW) | set(ALIVE_BELOW) | others == set(NAMES)


@pytest.mark.parametrize("spread", [0.0, 1e-6, 1e3])
def test_maxout_never_dies(spread: float, read: Reader) -> None:
    """One of its pieces always passes on; equal pieces too."""
    u = -500 + spread * torch.randn(4, 5 * WIDTH, generator=torch.Generator().manual_seed(0))
    found = read("maxout", u)
    assert found["dead_fraction"] == found["saturated_fraction"] == 0.0


@pytest.mark.parametrize("name", ["glu", "geglu", "swiglu"])
@pytest.mark.parametrize("shut", [0, 2, WIDTH])
def test_a_gated_unit_is_dead_where_its_gate_is_shut(name: str, shut: int, read: Reader) -> None:
    u = torch.ones(2 * WIDTH)
    u[WIDTH : WIDTH + shut] = -1000.0  # the second half are the gates
    found = read(name, u)
    assert found["dead_fraction"] == pytest.approx(shut / WIDTH, abs=1e-7)
    assert found["saturated_fraction"] == pytest.approx(shut / WIDTH, abs=1e-7)


def test_a_gate_without_a_value_is_alive(read: Reader) -> None:
    """a = 0 and an open gate: a s(b) follows a."""
    assert read("glu", torch.tensor([0.0] * WIDTH + [5.0] * WIDTH))["dead_fraction"] == 0.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_of_each_pair_of_crelu_one_is_alive_on_one_sign(sign: float, read: Reader) -> None:
    found = read("crelu", sign * torch.tensor([0.1, 2.0, 30.0]))
    assert found["dead_fraction"] == found["saturated_fraction"] == 0.5


def test_both_of_a_pair_of_crelu_are_alive_on_both_signs(read: Reader) -> None:
    signs = torch.tensor([[1.0], [-1.0], [1.0], [1.0]]).expand(4, 3)
    found = read("crelu", signs)
    assert found["dead_fraction"] == 0.0
    assert found["saturated_fraction"] == 0.5


def test_a_square_is_measured_against_its_slope_at_three(read: Reader) -> None:
    """2 u against 6: dead to .003, saturated below .03."""
    u = torch.tensor([-1.0, 0.0029, 0.0031, 0.029, 0.031, 100.0])
    found = read("squared_relu", u)
    assert found["dead_fraction"] == pytest.approx(2 / 6)
    assert found["saturated_fraction"] == pytest.approx(4 / 6)


def test_one_sample_that_opens_the_gate_revives_a_unit(read: Reader) -> None:
    gates = torch.full((4, WIDTH), -1000.0)
    gates[2, :3] = 1.0
    found = read("glu", torch.cat([torch.ones(4, WIDTH), gates], 1))
    assert found["dead_fraction"] == 0.5
    assert found["saturated_fraction"] == pytest.approx(1 - 3 / 24)


LEARNED = {
    "prelu": {"weight": 0.125},
    "swish": {"beta": -2.5},
    "snake": {"a": 3.0},
    "acon_c": {"p1": 1.5, "p2": -0.5, "beta": 4.0},
    "dynamic_tanh": {"alpha": 0.75, "weight": 2.0, "bias": -1.0},
}


@pytest.mark.parametrize("name", NAMES)
def test_every_learned_parameter_is_read_at_its_site(name: str, read: Reader) -> None:
    learned = LEARNED.get(name, {})
    found = {k: v for k, v in read(name, 0.5, **learned).items() if k.startswith("learned_")}
    assert found == {f"learned_{key}": value for key, value in learned.items()}


def test_of_several_numbers_the_mean_is_read(trusted: Path) -> None:
    (trusted / "two.py").write_text(
        "import torch\nclass Two(torch.nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.pair = torch.nn.Parameter(torch.tensor([1.0, 4.0]))\n"
        "    def forward(self, u):\n        return self.pair[0] * torch.tanh(self.pair[1] * u)\n"
    )
    own = Part("two", "two.Two")
    site = ActivationSite("discriminator.0", Activation(replace(own, source=source_of(own))))
    players = nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 3), site, nn.Linear(3, 1), Logit())
    probe = Probe(Networks(*players, 3), torch.eye(3), torch.eye(3), steps=1, probes=1)
    probe.units(1)
    assert {r.quantity: r.value for r in probe.readings}["learned_pair"] == 2.5
