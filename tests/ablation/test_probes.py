"""Readings against planted truths and hand-computed gradients; and that looking moves nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ablation.activations import Activation, ActivationSite, sites
from ablation.networks import Logit, Networks
from ablation.probes import Probe
from ablation.spec import Part, TrialSpec

Ask = Callable[..., TrialSpec]


UNITS = ("dead_fraction", "saturated_fraction", "unborn_fraction")


BOTH = tuple(
    f"{kind}_fraction_{which}" for kind in ("dead", "saturated") for which in ("real", "fake")
)


POWER = "slope_power"


DEPTH = ("effective_rank", "dormant_fraction", "dormant_10_fraction")


WIDTH = 10


def pair(activation: Activation) -> Networks:
    """Return two small players of 3-vectors in float64, two sites each."""

    def player(network: str, *sizes: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for number, (narrow, wide) in enumerate(pairwise(sizes[:-1])):
            site = ActivationSite(f"{network}.{number}", activation)
            layers += [nn.Linear(narrow, site.channels_in(wide)), site]
        return [*layers, nn.Linear(*sizes[-2:])]

    torch.manual_seed(0)
    generator = nn.Sequential(*player("generator", 4, WIDTH, WIDTH, 3)).double()
    discriminator = nn.Sequential(*player("discriminator", 3, WIDTH, WIDTH, 1), Logit()).double()
    return Networks(generator, discriminator, 4)


def normal(n: int, size: int, seed: int) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    return torch.randn(n, size, generator=stream, dtype=torch.float64)


def probe_of(networks: Networks, probes: int = 1) -> Probe:
    return Probe(networks, normal(30, 3, 1), normal(20, 4, 2), steps=1, probes=probes)


def units(networks: Networks) -> dict[tuple[str, str], float]:
    probe = probe_of(networks)
    probe.units(1)
    found = {(r.layer, r.quantity): r.value for r in probe.readings}
    assert len(found) == len(probe.readings)
    assert {quantity for _, quantity in found} >= {*UNITS, *BOTH, POWER, *DEPTH}
    return found


def incoming(networks: Networks, site: str) -> nn.Linear:
    """Return the layer that feeds a site."""
    network, number = site.split(".")
    return [m for m in getattr(networks, network) if isinstance(m, nn.Linear)][int(number)]


SITES = ["generator.0", "generator.1", "discriminator.0", "discriminator.1"]


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("planted", [1, 5, WIDTH])
def test_units_below_every_threshold_are_dead_to_the_last_digit(
    planted: int, site: str, part: Callable[..., Part]
) -> None:
    networks = pair(Activation(part("activation", "relu")))
    with torch.no_grad():
        for module in sites(networks.generator, networks.discriminator):
            incoming(networks, module.name).weight.mul_(0.01)
            incoming(networks, module.name).bias.fill_(20.0)  # alive for certain
        incoming(networks, site).bias[:planted] = -1000.0
    found = units(networks)
    for name in SITES:
        expected = planted / WIDTH if name == site else 0.0
        assert found[name, "dead_fraction"] == pytest.approx(expected, abs=1e-7)
    assert planted < WIDTH or found[site, "dead_fraction"] == 1.0


@pytest.mark.parametrize("name", ["relu", "elu", "gelu", "silu", "sigmoid", "tanh"])
def test_far_out_every_such_activation_is_dead_and_saturated(
    name: str, part: Callable[..., Part]
) -> None:
    networks = pair(Activation(part("activation", name)))
    with torch.no_grad():
        incoming(networks, "generator.0").bias.fill_(-1000.0)
    found = units(networks)
    assert found["generator.0", "dead_fraction"] == 1.0
    assert found["generator.0", "saturated_fraction"] == 1.0


@pytest.mark.parametrize("name", ["identity", "leaky_relu"])
@pytest.mark.parametrize("bias", [0.0, -1000.0, 1000.0])
def test_identity_and_leaky_relu_are_never_dead(
    name: str, bias: float, part: Callable[..., Part]
) -> None:
    networks = pair(Activation(part("activation", name)))
    with torch.no_grad():
        incoming(networks, "discriminator.1").bias.fill_(bias)
    found = units(networks)
    kinds = (*UNITS, *BOTH)
    assert {value for (_, quantity), value in found.items() if quantity in kinds} == {0.0}


def set_to(networks: Networks, site: str, values: Tensor) -> None:
    """Let a site see `values` (one a unit) as pre-activations, whatever comes in."""
    layer = incoming(networks, site)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(values)


def test_tanh_is_saturated_beyond_its_known_point(part: Callable[..., Part]) -> None:
    """|phi'| < 1 % of its supremum is tanh(u)^2 > .99, |u| > 2.9932."""
    networks = pair(Activation(part("activation", "tanh")))
    edge = math.atanh(math.sqrt(0.99))
    u = [0.0, 1.0, -2.9, edge - 1e-3, -edge + 1e-3, edge + 1e-3, -edge - 1e-3, 3.5, -10.0, 1000.0]
    set_to(networks, "generator.1", torch.tensor(u, dtype=torch.float64))
    found = units(networks)
    assert found["generator.1", "saturated_fraction"] == pytest.approx(0.5, abs=1e-7)
    dead = sum(1 - math.tanh(x) ** 2 <= 1e-3 for x in u) / WIDTH
    assert dead == 0.2
    assert found["generator.1", "dead_fraction"] == pytest.approx(dead, abs=1e-7)


def test_sigmoid_is_measured_against_its_own_steepest_slope(part: Callable[..., Part]) -> None:
    """4 s(u) s(-u) is the share of the supremum 1/4: below 1 % from |u| = 5.99, below 1/1000 from 8.29."""
    networks = pair(Activation(part("activation", "sigmoid")))
    u = [0.0, 5.9, -5.9, 6.1, -6.1, 8.2, -8.2, 8.4, -8.4, 30.0]
    set_to(networks, "generator.0", torch.tensor(u, dtype=torch.float64))
    found = units(networks)
    assert found["generator.0", "saturated_fraction"] == pytest.approx(0.7, abs=1e-7)
    assert found["generator.0", "dead_fraction"] == pytest.approx(0.3, abs=1e-7)


@pytest.mark.parametrize("alive_on", ["one real", "one fake"])
def test_a_unit_that_fires_once_on_real_or_fake_is_not_dead(
    alive_on: str, part: Callable[..., Part]
) -> None:
    networks = pair(Activation(part("activation", "relu")))
    with torch.no_grad():
        networks.generator[-1].weight.zero_()  # all fakes are equal
        networks.generator[-1].bias.fill_(0.0)
    probe = probe_of(networks)
    probe.real.zero_()
    layer = incoming(networks, "discriminator.0")
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.fill_(-1.0)
        if alive_on == "one real":
            probe.real[7] = 5.0
        else:
            networks.generator[-1].weight[0] = 100.0  # some fake has a first coordinate above 1
    probe.units(1)
    found = {(r.layer, r.quantity): r.value for r in probe.readings}
    assert found["discriminator.0", "dead_fraction"] == 0.0
    if alive_on == "one real":
        saturated = 1 - 1 / 50  # 20 fake and 29 real samples lie below the threshold
        assert found["discriminator.0", "saturated_fraction"] == pytest.approx(saturated, abs=1e-7)


def test_of_a_convolution_a_unit_is_a_channel_over_all_positions(
    ask: Ask, begun: Callable[..., Any]
) -> None:
    training = begun(ask(architecture="dcgan", activation="relu", dataset="digits")).training
    first = training.networks.discriminator[0]
    with torch.no_grad():
        first.weight.zero_()
        first.bias.copy_(torch.tensor([-5.0, -5.0, -5.0, 5.0]))
        first.weight[1, 0, 0, 0] = 1e3  # this channel fires where a corner pixel is bright
    probe = begun(ask(architecture="dcgan", activation="relu")).probe
    watching = Probe(training.networks, probe.real, probe.noise, steps=1, probes=1)
    watching.units(1)
    found = {(r.layer, r.quantity): r.value for r in watching.readings}
    assert found["discriminator.0", "dead_fraction"] == 0.5
    assert 0.5 < found["discriminator.0", "saturated_fraction"] < 0.75
