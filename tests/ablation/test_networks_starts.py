"""How weights start: matched and fixed, by seed alone, proportional between activations."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from built import build, normal
from test_networks import ACTIVATIONS, ARCHITECTURES, SAME, Ask, weighted
from torch import Tensor, nn

from ablation.activations import Activation, ActivationSite, sites
from ablation.networks import Networks
from ablation.probes import tapped
from ablation.spec import Part


def moments(networks: Networks, shape: tuple[int, ...]) -> dict[str, float]:
    """Return the second moment of the pre-activations at each site, for unit normal noise and samples."""
    found: dict[str, float] = {}

    def tap(site: ActivationSite, u: Tensor, _: Tensor) -> None:
        found[site.name] = float(u.square().mean())

    with torch.no_grad(), tapped(sites(networks.generator, networks.discriminator), tap):
        networks.generator(normal(1000, networks.latent))
        networks.discriminator(normal(1000, *shape))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_matched_weights_give_pre_activations_of_unit_second_moment(
    name: str, ask: Ask, part: Callable[..., Part]
) -> None:
    """E u^2 = gain^2 E phi(v)^2 = 1 if the gain is that of the activation through which u's inputs came.

    Where slopes grow without end, so does a deviation from 1, layer by layer: there the first layers count.
    """
    wide = part("architecture", "mlp", width=400, depth=4, latent=400)
    found = moments(build(ask(activation=name, architecture=wide), (400,)), (400,))
    assert len(found) == 8
    endless = math.isinf(Activation(part("activation", name)).steepest)
    for site, moment in found.items():
        if not endless or site.endswith((".0", ".1")):
            assert 0.8 < moment < 1.25, (site, found)


@pytest.mark.parametrize("pair", [("sigmoid", "tanh"), ("relu", "identity")], ids=str)
def test_matched_weights_fit_sites_with_activations_of_their_own(
    pair: tuple[str, str], ask: Ask, part: Callable[..., Part]
) -> None:
    wide = part("architecture", "mlp", width=400, depth=3, latent=400)
    at = {"generator.1": pair[1], "discriminator.1": pair[1]}
    spec = ask(activation=pair[0], at=at, architecture=wide)
    for site, moment in moments(build(spec, (400,)), (400,)).items():
        assert 0.8 < moment < 1.25, site


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid"])
def test_convolutions_count_the_inputs_that_reach_one_output(
    name: str, ask: Ask, part: Callable[..., Part]
) -> None:
    """Away from the border: there some inputs are padding. A transposed one has a quarter of its kernel's."""
    bare = {"generator_norm": "none", "discriminator_norm": "none"}
    wide = part("architecture", "dcgan", width=32, latent=128, **bare)
    networks = build(ask(activation=name, architecture=wide), (3, 32, 32))
    found: dict[str, float] = {}

    def tap(site: ActivationSite, u: Tensor, _: Tensor) -> None:
        found[site.name] = float(u[..., 1:-1, 1:-1].square().mean())

    with torch.no_grad(), tapped(sites(networks.generator, networks.discriminator), tap):
        networks.generator(normal(60, 128))
        networks.discriminator(normal(60, 3, 32, 32))
    for site in ("generator.0", "generator.1", "discriminator.0", "discriminator.1"):
        assert 0.7 < found[site] < 1.4, (site, found)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("other", ["tanh", "sigmoid", "prelu"])
def test_fixed_weights_ignore_the_activation(other: str, name: str, ask: Ask) -> None:
    a, b = (
        build(ask(activation=activation, architecture=name), (1, 8, 8), "fixed")
        for activation in ("relu", other)
    )
    for mine, theirs in ((a.generator, b.generator), (a.discriminator, b.discriminator)):
        pairs = zip(weighted(mine), weighted(theirs), strict=True)
        assert all(torch.equal(x.weight, y.weight) for x, y in pairs)


def test_fixed_weights_are_those_of_the_papers(ask: Ask, part: Callable[..., Part]) -> None:
    """DCGAN starts from N(0, .02); an MLP from ReLU's gain."""
    wide = ask(architecture=part("architecture", "dcgan", width=32, latent=64))
    for module in weighted(build(wide, (3, 32, 32), "fixed").generator)[:-1]:
        assert float(module.weight.std()) == pytest.approx(0.02, rel=0.05)
    mlp = ask(activation="tanh", architecture=part("architecture", "mlp", width=300))
    module = weighted(build(mlp, (300,), "fixed").generator)[1]
    assert float(module.weight.std()) == pytest.approx(math.sqrt(2 / 300), rel=0.02)


@pytest.mark.parametrize(
    ("other", "name"),
    [
        *((other, "mlp") for other in SAME if other not in ("relu", "identity", "selu")),
        *((other, name) for other in ("tanh", "sigmoid") for name in ARCHITECTURES),
    ],
)
def test_equal_seeds_start_from_proportional_weights(other: str, name: str, ask: Ask) -> None:
    """So that two activations differ in the scale of their weights, and in no direction."""
    a, b = (build(ask(activation=x, architecture=name), (1, 8, 8)) for x in ("relu", other))
    ratio = Activation(sites(b.generator)[0].activation.part).gain / math.sqrt(2)
    seen = set()
    for mine, theirs in ((a.generator, b.generator), (a.discriminator, b.discriminator)):
        for x, y in zip(weighted(mine), weighted(theirs), strict=True):
            scale = float((x.weight * y.weight).sum() / x.weight.square().sum())
            torch.testing.assert_close(y.weight, x.weight * scale, rtol=1e-5, atol=1e-7)
            seen.add(min((1.0, ratio), key=lambda r: abs(r - scale)))
            assert scale == pytest.approx(1.0, rel=1e-4) or scale == pytest.approx(ratio, rel=1e-4)
    assert seen == {1.0, ratio} or ratio == pytest.approx(1.0, rel=1e-4)  # relu6's gain is relu's


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_weights_depend_on_the_seed_alone(name: str, ask: Ask) -> None:
    torch.manual_seed(1)
    first = build(ask(architecture=name), (1, 8, 8), seed=5)
    torch.manual_seed(2)
    again, other = (build(ask(architecture=name), (1, 8, 8), seed=n) for n in (5, 6))
    for mine, same, different in zip(
        weighted(first.generator), weighted(again.generator), weighted(other.generator), strict=True
    ):
        assert torch.equal(mine.weight, same.weight)
        assert not torch.equal(mine.weight, different.weight)
        assert not mine.bias.any()


def test_a_site_in_an_architecture_takes_the_place_of_its_name(ask: Ask) -> None:
    networks = build(ask(activation="relu", at={"discriminator.0": "tanh"}), (1, 8, 8))
    kinds = {s.name: type(s.phi) for s in sites(networks.generator, networks.discriminator)}
    assert {name for name, kind in kinds.items() if kind is nn.Tanh} == {"discriminator.0"}
    assert all(isinstance(s, ActivationSite) for s in sites(networks.generator))
