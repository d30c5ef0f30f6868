"""Attenuation, spectral norms and updates of weights whose truth is planted."""

from __future__ import annotations

import math

import pytest
import torch
from test_probes_planted import Parts, normal
from torch import nn
from torch.nn.utils import parametrizations

from ablation.activations import Activation, ActivationSite
from ablation.networks import Logit, Networks
from ablation.probes import Probe, attenuation
from ablation.probes.ledger import Ledger
from ablation.probes.watch import Watching
from ablation.probes.weights import gram, spectral_norm, weights


@pytest.mark.parametrize(("rate", "depth"), [(10.0, 5), (0.5, 12), (1.0, 3)])
def test_the_attenuation_is_the_decades_lost_per_site(rate: float, depth: int) -> None:
    """In a chain of identity sites between layers w the gradient at site l is w^(L - l) in size."""
    networks = Networks(nn.Linear(1, 1), nn.Linear(1, 1), 1)
    ledger = Ledger()
    watching = Watching("generator", ledger)
    h = torch.ones(3, 1, dtype=torch.float64, requires_grad=True) * 1.0
    for number in range(depth):
        h = h / rate
        watching.tap(named(f"generator.{number}"), h, h)
    h.sum().backward()
    watching.finish(networks.generator)
    found = {(r.layer, r.quantity): r.value for r in ledger.close(1)}
    assert found["", "attenuation"] == pytest.approx(math.log10(rate), abs=1e-12)
    for number in range(depth):
        norm = math.sqrt(3) * rate ** (number + 1 - depth)
        assert found[f"generator.{number}", "gradient_norm"] == pytest.approx(norm)


def named(name: str) -> ActivationSite:
    site = ActivationSite.__new__(ActivationSite)
    nn.Module.__init__(site)
    site.name = name
    return site


def test_a_gradient_of_nothing_has_a_finite_attenuation() -> None:
    assert attenuation(torch.tensor([0.0, 1.0])) == pytest.approx(45.0)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (40, 40), (256, 256), (64, 784), (16, 8, 4, 4)])
def test_the_spectral_norm_is_the_largest_singular_value(shape: tuple[int, ...]) -> None:
    a = normal(*shape, seed=4)
    exact = float(torch.linalg.matrix_norm(a.flatten(1), 2))
    assert spectral_norm(gram(a)) == pytest.approx(exact, rel=1e-5)
    assert spectral_norm(gram(a)) <= exact * (1 + 1e-5)


@pytest.mark.parametrize("noise", [0.0, 1e-3, 1e-2, 0.1])
def test_the_spectral_norm_of_a_nearly_orthogonal_weight(noise: float) -> None:
    a = (torch.linalg.qr(normal(256, 256)).Q + noise * normal(256, 256, seed=1) / 16).float()
    exact = float(torch.linalg.matrix_norm(a.double(), 2))
    for scale in (1e-30, 1.0, 1e30):
        assert spectral_norm(gram(a * scale).double()) == pytest.approx(exact * scale, rel=1e-5)


def test_a_transposed_convolution_is_a_matrix_of_its_outputs() -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(6, 3, 4)
    ((name, weight),) = weights(nn.Sequential(layer))
    matrix = layer.weight.detach().transpose(0, 1).flatten(1)
    assert (name, tuple(weight.shape)) == ("0.weight", (3, 6, 4, 4))
    exact = float(torch.linalg.matrix_norm(matrix, 2))
    assert spectral_norm(gram(weight).double()) == pytest.approx(exact, rel=1e-5)


def test_the_spectral_norm_of_what_has_no_rank() -> None:
    outer = normal(6, 1) @ normal(1, 9, seed=1)
    assert spectral_norm(gram(outer)) == pytest.approx(float(outer.norm()))
    assert spectral_norm(gram(torch.zeros(4, 7))) == 0.0
    assert math.isnan(spectral_norm(gram(torch.full((4, 7), math.nan))))


def test_a_parametrised_weight_counts_as_its_layer_uses_it() -> None:
    layer = nn.Linear(6, 4)
    network = nn.Sequential(parametrizations.spectral_norm(layer, n_power_iterations=50))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    (name, weight), *rest = weights(network)
    assert (name, rest) == ("0.weight", [])
    assert spectral_norm(gram(weight)) == pytest.approx(1, abs=1e-3)
    after = network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert network.training


def test_updates_are_the_difference_of_weights(part: Parts) -> None:
    torch.manual_seed(0)
    site = ActivationSite("generator.0", Activation(part("activation", "prelu")))
    generator = nn.Sequential(nn.Linear(4, 5), site, nn.Linear(5, 3))
    networks = Networks(generator, nn.Sequential(nn.Linear(3, 1), Logit()), 4)
    probe = Probe(networks, torch.randn(8, 3), torch.randn(8, 4), steps=1, probes=1)
    with probe.moving("generator", on=True), torch.no_grad():
        generator[0].weight.add_(0.5)
        generator[2].weight.mul_(0)
    last = generator[0].weight.detach().clone()
    probe.units(1)
    found = {(r.layer, r.quantity): r.value for r in probe.readings}
    assert found["generator.0.weight", "update_norm"] == pytest.approx(0.5 * math.sqrt(20))
    assert found["generator.0.weight", "weight_norm"] == pytest.approx(float(last.norm()))
    assert found["generator.2.weight", "weight_norm"] == 0.0
    assert found["generator.2.weight", "spectral_norm"] == 0.0
    assert not [layer for layer, quantity in found if "phi" in layer and "norm" in quantity]
