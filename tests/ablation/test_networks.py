"""Architectures: shapes, sites in order, and how weights start."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ablation.activations import Activation, ActivationSite, site_maker, sites
from ablation.catalogue import rows
from ablation.factories import make
from ablation.networks import WEIGHTED, Networks, initialise
from ablation.probes import tapped
from ablation.spec import Part, TrialSpec

Ask = Callable[..., TrialSpec]
ACTIVATIONS = list(rows("activation"))
PIXELS = [(1, 8, 8), (3, 16, 16), (1, 28, 28), (3, 32, 32), (3, 64, 64)]
SHAPES = [("mlp", (2,)), *((name, shape) for name in rows("architecture") for shape in PIXELS)]


def build(
    spec: TrialSpec, shape: tuple[int, ...], init: str = "matched", seed: int = 0
) -> Networks:
    networks = make(spec.architecture, Networks, shape=shape, site=site_maker(spec))
    initialise(networks, init, torch.Generator().manual_seed(seed))
    return networks


def normal(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def weighted(network: nn.Module) -> list[Any]:
    """Return the layers with weights, which no longer need gradients."""
    return [m.requires_grad_(False) for m in network.modules() if isinstance(m, WEIGHTED)]


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=str)
def test_noise_becomes_samples_and_samples_become_logits(
    name: str, shape: tuple[int, ...], ask: Ask
) -> None:
    networks = build(ask(architecture=name), shape)
    with torch.no_grad():
        samples = networks.generator(10 * normal(5, networks.latent))
        logits = networks.discriminator(samples)
    assert samples.shape == (5, *shape)
    assert logits.shape == (5,)
    assert samples.dtype == logits.dtype == torch.float32
    if len(shape) == 3:
        assert float(samples.abs().max()) <= 1
    with torch.no_grad():
        assert networks.discriminator(samples[:2]).shape == (2,)
        assert networks.generator(normal(1, networks.latent)).shape == (1, *shape)


def test_vectors_are_not_squeezed_into_the_range_of_images(ask: Ask) -> None:
    generator = build(ask(architecture="mlp"), (2,)).generator
    with torch.no_grad():
        assert float(generator(30 * normal(200, 8)).abs().max()) > 1


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=str)
def test_sites_are_named_in_the_order_in_which_a_sample_passes(
    name: str, shape: tuple[int, ...], ask: Ask
) -> None:
    networks = build(ask(architecture=name), shape)
    for network, players in (
        ("generator", networks.generator),
        ("discriminator", networks.discriminator),
    ):
        passed: list[str] = []
        with (
            tapped(sites(players), lambda site, *_, to=passed: to.append(site.name)),
            torch.no_grad(),
        ):
            players(normal(4, networks.latent) if network == "generator" else normal(4, *shape))
        assert passed == [f"{network}.{number}" for number in range(len(passed))]
        assert passed == [site.name for site in sites(players)]
        assert passed


@pytest.mark.parametrize(
    ("shape", "levels"), [((1, 8, 8), 1), ((1, 28, 28), 2), ((3, 32, 32), 3), ((3, 64, 64), 4)]
)
def test_dcgan_has_a_site_at_each_halving(shape: tuple[int, ...], levels: int, ask: Ask) -> None:
    networks = build(ask(architecture="dcgan"), shape)
    assert len(sites(networks.generator)) == len(sites(networks.discriminator)) == levels
    norms = [m for m in networks.discriminator.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == levels - 1  # none next to the image (Radford et al. 2016)
    assert all(norm.momentum == 0.1 and norm.eps == 1e-5 for norm in norms)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_mlp_has_as_many_sites_as_it_is_deep(
    depth: int, ask: Ask, part: Callable[..., Part]
) -> None:
    spec = ask(architecture=part("architecture", "mlp", depth=depth, width=7))
    networks = build(spec, (1, 4, 4))
    assert len(sites(networks.generator)) == len(sites(networks.discriminator)) == depth
    assert [m.weight.shape[0] for m in weighted(networks.generator)] == [7] * depth + [16]


@pytest.mark.parametrize(
    "shape",
    [(2,), (1, 7, 7), (3, 9, 9), (1, 33, 33), (1, 3, 3), (3, 32, 16), (1, 22, 22), (1, 18, 18)],
)
def test_dcgan_refuses_shapes_that_do_not_halve(shape: tuple[int, ...], ask: Ask) -> None:
    with pytest.raises(ValueError, match="dcgan makes s") as refusal:
        build(ask(architecture="dcgan"), shape)
    assert str(shape[-1]) in str(refusal.value)


WRONG = [
    ("mlp", {"width": 0}, "architecture.width is 0"),
    ("mlp", {"depth": -1}, "architecture.depth is -1"),
    ("mlp", {"latent": 1.5}, "latent is 1.5"),
    ("mlp", {"width": True}, "width is True"),
    ("mlp", {"output": "relu"}, "architecture.output is 'relu'"),
    ("dcgan", {"width": 0}, "architecture.width is 0"),
    ("dcgan", {"output": "softmax"}, "architecture.output is 'softmax'"),
    ("dcgan", {"generator_norm": "layer"}, "generator_norm is 'layer'"),
    ("dcgan", {"discriminator_norm": "layer"}, "discriminator_norm is 'layer'"),
]


@pytest.mark.parametrize(("name", "settings", "told"), WRONG, ids=[told for *_, told in WRONG])
def test_a_wrong_setting_is_refused_by_its_place(
    name: str, settings: dict[str, Any], told: str, ask: Ask, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match=told):
        build(ask(architecture=part("architecture", name, **settings)), (1, 8, 8))


def moments(networks: Networks, shape: tuple[int, ...]) -> dict[str, float]:
    """Return the second moment of the pre-activations at each site, for unit normal noise and samples."""
    found: dict[str, float] = {}

    def tap(site: ActivationSite, u: Tensor, _: Tensor) -> None:
        found[site.name] = float(u.square().mean())

    with torch.no_grad(), tapped(sites(networks.generator, networks.discriminator), tap):
        networks.generator(normal(2000, networks.latent))
        networks.discriminator(normal(2000, *shape))
    return found


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


@pytest.mark.parametrize("name", rows("architecture"))
@pytest.mark.parametrize("other", [a for a in ACTIVATIONS if a != "relu"])
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


@pytest.mark.parametrize("name", rows("architecture"))
@pytest.mark.parametrize("other", [a for a in ACTIVATIONS if a != "relu"])
def test_equal_seeds_start_from_proportional_weights(other: str, name: str, ask: Ask) -> None:
    """So that two activations differ in the scale of their weights, and in no direction."""
    a, b = (build(ask(activation=x, architecture=name), (1, 16, 16)) for x in ("relu", other))
    ratio = Activation(sites(b.generator)[0].activation.part).gain / math.sqrt(2)
    seen = set()
    for mine, theirs in ((a.generator, b.generator), (a.discriminator, b.discriminator)):
        for x, y in zip(weighted(mine), weighted(theirs), strict=True):
            scale = float((x.weight * y.weight).sum() / x.weight.square().sum())
            torch.testing.assert_close(y.weight, x.weight * scale, rtol=1e-5, atol=1e-7)
            seen.add(min((1.0, ratio), key=lambda r: abs(r - scale)))
            assert scale == pytest.approx(1.0, rel=1e-4) or scale == pytest.approx(ratio, rel=1e-4)
    assert seen == {1.0, ratio} or ratio == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("name", rows("architecture"))
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
