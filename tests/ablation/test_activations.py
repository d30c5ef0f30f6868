"""Facts of every activation, against quadrature-free estimates, and the sites in which they stand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from ablation.activations import Activation, ActivationSite, site_maker, sites, slopes
from ablation.catalogue import rows
from ablation.factories import make
from ablation.networks import Networks
from ablation.spec import Part, TrialSpec

NAMES = list(rows("activation"))
PUBLISHED = {
    "relu": (Part("relu", "torch.nn.ReLU"), 1.4142),
    "leaky_relu": (Part("leaky", "torch.nn.LeakyReLU", (("negative_slope", 0.2),)), 1.3868),
    "elu": (Part("elu", "torch.nn.ELU"), 1.2452),
    "tanh": (Part("tanh", "torch.nn.Tanh"), 1.5925),
    "silu": (Part("silu", "torch.nn.SiLU"), 1.6765),
    "gelu": (Part("gelu", "torch.nn.GELU"), 1.5335),
    "mish": (Part("mish", "torch.nn.Mish"), 1.4868),
    "selu": (Part("selu", "torch.nn.SELU"), 1.0000),
}
"""Unit-variance gains as the project's reference table prints them."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_gain_is_the_published_one(name: str) -> None:
    part, gain = PUBLISHED[name]
    assert Activation(part).gain == pytest.approx(gain, abs=5.1e-5)


def test_gain_of_our_rows_is_that_of_the_table(part: Callable[..., Part]) -> None:
    shared = [name for name in NAMES if name in PUBLISHED]
    assert len(shared) >= 6
    for name in shared:
        assert Activation(part("activation", name)).gain == pytest.approx(
            PUBLISHED[name][1], abs=5.1e-5
        )
    assert Activation(part("activation", "identity")).gain == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_gain_gives_unit_second_moment(name: str, part: Callable[..., Part]) -> None:
    """300,000 draws know the moment to about 0.3 % (one standard error; 1 % for tails like those of squares)."""
    activation = Activation(part("activation", name))
    incoming = activation.channels_in(2)
    torch.manual_seed(5)
    z = torch.randn(300_000, incoming)
    with torch.no_grad():
        squares = (activation.gain * activation.fresh()(z)).square().mean(1).double()
    error = float(squares.std()) / math.sqrt(len(z))
    assert error < 1e-2
    assert abs(float(squares.mean()) - 1) < 5 * error + 1e-6


def test_slopes_need_no_gradient_of_the_caller(part: Callable[..., Part]) -> None:
    phi = Activation(part("activation", "tanh")).fresh()
    with torch.no_grad():
        found = slopes(phi, torch.tensor([[0.0]], requires_grad=True))
    assert found.item() == 1.0
    assert not found.requires_grad


def test_an_activation_that_works_in_place_has_facts_too() -> None:
    inplace = Activation(Part("relu", "torch.nn.ReLU", (("inplace", True),)))
    assert inplace.gain == pytest.approx(math.sqrt(2), abs=1e-4)
    assert inplace.steepest == 1.0


@pytest.mark.usefixtures("trusted")
def test_an_activation_without_a_gain_is_refused() -> None:
    dead = Activation(Part("dead", "torch.nn.Hardtanh", (("max_val", 1e-200), ("min_val", 0.0))))
    with pytest.raises(ValueError, match="dead: its second moment on normal input is 0"):
        print(dead.gain)


LEARNING = ["prelu", "swish", "snake", "acon_c", "dynamic_tanh"]


@pytest.mark.parametrize("architecture", rows("architecture"))
@pytest.mark.parametrize("activation", ["relu", "rrelu", *LEARNING])
def test_every_site_has_a_module_of_its_own(
    activation: str,
    architecture: str,
    ask: Callable[..., TrialSpec],
    part: Callable[..., Part],
) -> None:
    spec = ask(activation=activation, architecture=architecture)
    networks = make(spec.architecture, Networks, shape=(1, 32, 32), site=site_maker(spec))
    found = sites(networks.generator, networks.discriminator)
    assert len(found) >= 2
    assert len({id(site.phi) for site in found}) == len(found)
    own = [parameter for site in found for parameter in site.phi.parameters()]
    assert len({p.data_ptr() for p in own}) == len(own)
    each = Activation(part("activation", activation)).facts["learnable"]
    assert sum(parameter.numel() for parameter in own) == each * len(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNING)
def test_learned_values_of_sites_part_ways(
    name: str, ask: Callable[..., TrialSpec], fit: Callable[..., object]
) -> None:
    """Every parameter of every site moves, no two sites to one place, and the readings say where to."""
    fitted = fit(ask(activation=name, probes=1, steps=30))
    start = dict(Activation(ask(activation=name).generator_activation).fresh().named_parameters())
    read = {(r.layer, r.quantity): r.value for r in fitted.probe.readings if r.step == 30}
    networks, places = fitted.training.networks, set()
    for site in sites(networks.generator, networks.discriminator):
        learned = {key: p.item() for key, p in site.phi.named_parameters()}
        for key, value in learned.items():
            assert value != start[key].item()
            assert read[site.name, f"learned_{key}"] == pytest.approx(value, rel=1e-6)
        places.add(tuple(learned.values()))
    assert len(places) == 4


def test_a_site_maker_puts_each_activation_in_its_place(ask: Callable[..., TrialSpec]) -> None:
    at = {"generator.1": "elu"}
    site = site_maker(ask(generator="tanh", discriminator="relu", at=at))
    found = {
        name: type(site(name).phi)
        for name in ("generator.0", "generator.1", "discriminator.0", "discriminator.1")
    }
    assert found == {
        "generator.0": nn.Tanh,
        "generator.1": nn.ELU,
        "discriminator.0": nn.ReLU,
        "discriminator.1": nn.ReLU,
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_site_is_its_activation_and_shows_what_passes(
    name: str, part: Callable[..., Part]
) -> None:
    site = ActivationSite("generator.0", Activation(part("activation", name)))
    u = torch.randn(5, site.channels_in(4), generator=torch.Generator().manual_seed(0))

    def alike(phi: nn.Module) -> torch.Tensor:
        torch.manual_seed(0)  # for what draws
        return phi(u)

    seen, expected = [], alike(site.activation.fresh())
    assert site.channels_out(u.shape[1]) == expected.shape[1] == 4
    assert torch.equal(alike(site), expected)
    site.tap = lambda *passed: seen.append(passed)
    assert torch.equal(alike(site), expected)
    assert len(seen) == 1
    assert seen[0][0] is site
    assert torch.equal(seen[0][1], u)
    assert torch.equal(seen[0][2], expected)
