"""Facts of every activation, against quadrature-free estimates, and the sites in which they stand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from ablation.activations import Activation, ActivationSite, site_maker, sites, slopes
from ablation.catalogue import rows
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
    """A million draws know the moment to about 0.15 % (one standard error), whatever the quadrature does."""
    activation = Activation(part("activation", name))
    z = torch.from_numpy(np.random.default_rng(5).normal(size=(1_000_000, 1)))
    with torch.no_grad():
        squares = (activation.gain * activation.fresh().double()(z)).square()
    error = float(squares.std()) / 1000
    assert error < 3e-3
    assert abs(float(squares.mean()) - 1) < 5 * error + 1e-9


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAMES)
def test_value_and_slope_are_finite_far_out(
    name: str, dtype: torch.dtype, part: Callable[..., Part]
) -> None:
    phi = Activation(part("activation", name)).fresh().to(dtype)
    u = torch.tensor([[-1e4], [-100.0], [-1.0], [0.0], [1.0], [100.0], [1e4]], dtype=dtype)
    assert torch.isfinite(phi(u)).all()
    assert torch.isfinite(slopes(phi, u)).all()
    assert phi(u).shape == slopes(phi, u).shape == u.shape


@pytest.mark.parametrize("name", NAMES)
def test_slopes_are_those_of_finite_differences(name: str, part: Callable[..., Part]) -> None:
    phi = Activation(part("activation", name)).fresh().double()
    u = torch.linspace(-4.03, 4.01, 201, dtype=torch.float64).reshape(3, 67)  # away from kinks at 0
    width = 1e-6
    with torch.no_grad():
        difference = (phi(u + width) - phi(u - width)) / (2 * width)
    torch.testing.assert_close(slopes(phi, u), difference, rtol=1e-5, atol=1e-7)


STEEPEST = {
    "relu": 1.0,
    "leaky_relu": 1.0,
    "elu": 1.0,
    "sigmoid": 0.25,
    "tanh": 1.0,
    "identity": 1.0,
}


@pytest.mark.parametrize(("name", "slope"), STEEPEST.items())
def test_steepest_slope_is_the_known_one(
    name: str, slope: float, part: Callable[..., Part]
) -> None:
    assert Activation(part("activation", name)).steepest == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_no_slope_exceeds_the_steepest(name: str, part: Callable[..., Part]) -> None:
    activation = Activation(part("activation", name))
    u = torch.from_numpy(np.random.default_rng(1).uniform(-30, 30, (20_000, 1)))
    highest = float(slopes(activation.fresh().double(), u).abs().max())
    assert highest <= activation.steepest * (1 + 1e-7)
    assert highest >= activation.steepest * 0.99


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


PRELU = Part("prelu", "torch.nn.PReLU")


@pytest.mark.parametrize("architecture", rows("architecture"))
@pytest.mark.parametrize("activation", [*NAMES, PRELU], ids=str)
def test_every_site_has_a_module_of_its_own(
    activation: str | Part,
    architecture: str,
    ask: Callable[..., TrialSpec],
    begun: Callable[..., object],
) -> None:
    networks = begun(ask(activation=activation, architecture=architecture)).training.networks
    found = sites(networks.generator, networks.discriminator)
    assert len(found) >= 2
    assert len({id(site.phi) for site in found}) == len(found)
    own = [parameter for site in found for parameter in site.phi.parameters()]
    assert len({p.data_ptr() for p in own}) == len(own)
    if activation is PRELU:
        assert len(own) == len(found)


@pytest.mark.slow
def test_learnable_slopes_of_sites_part_ways(
    ask: Callable[..., TrialSpec], fit: Callable[..., object]
) -> None:
    networks = fit(ask(activation=PRELU)).training.networks
    learned = [
        float(s.phi.weight.detach()) for s in sites(networks.generator, networks.discriminator)
    ]
    assert len(set(learned)) == len(learned) == 4
    assert all(value != 0.25 for value in learned)  # where PReLU starts


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
    u, seen = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), []
    expected = site.activation.fresh()(u)
    assert torch.equal(site(u), expected)
    site.tap = lambda *passed: seen.append(passed)
    assert torch.equal(site(u), expected)
    assert len(seen) == 1
    assert seen[0][0] is site
    assert torch.equal(seen[0][1], u)
    assert torch.equal(seen[0][2], expected)
