"""Architectures: shapes, sites in order, and how weights start."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from built import build, normal
from torch import nn

from ablation.activations import Activation, sites
from ablation.catalogue import row, rows
from ablation.networks import WEIGHTED, parameters
from ablation.part import BEFORE
from ablation.probes import tapped
from ablation.spec import Part, TrialSpec

Ask = Callable[..., TrialSpec]


ACTIVATIONS = list(rows("activation"))


SAME = [
    name
    for name in ACTIVATIONS
    if Activation(Part.read(row("activation", name), "")).channels_out(60) == 60
]
"""The activations that keep the number of channels."""


PIXELS = [(1, 8, 8), (3, 16, 16), (6, 16, 16), (1, 28, 28), (3, 32, 32), (3, 64, 64), (6, 32, 32)]


VECTORS = [(2,), (8,)]


ARCHITECTURES = list(rows("architecture"))


PERCEPTRONS = [name for name in ARCHITECTURES if "mlp" in name]


SHAPES = [
    *((name, shape) for name in PERCEPTRONS for shape in VECTORS),
    *((name, shape) for name in ARCHITECTURES for shape in PIXELS),
]


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
    networks.generator.eval()  # batch norm has nothing to say of one sample
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
@pytest.mark.parametrize("name", ["dcgan", "resnet"])
def test_shapes_that_do_not_halve_are_refused(name: str, shape: tuple[int, ...], ask: Ask) -> None:
    with pytest.raises(ValueError, match=f"{name} makes s") as refusal:
        build(ask(architecture=name), shape)
    assert str(shape[-1]) in str(refusal.value)


WRONG = [
    ("mlp", {"width": 0}, "architecture.width is 0"),
    ("mlp", {"depth": -1}, "architecture.depth is -1"),
    ("mlp", {"latent": 1.5}, "latent is 1.5"),
    ("mlp", {"width": True}, "width is True"),
    ("mlp", {"output": "relu"}, "architecture.output is 'relu'"),
    ("dcgan", {"width": 0}, "architecture.width is 0"),
    ("dcgan", {"output": "softmax"}, "architecture.output is 'softmax'"),
    ("dcgan", {"generator_norm": "weight"}, "generator_norm is 'weight'"),
    ("dcgan", {"discriminator_norm": "weight"}, "discriminator_norm is 'weight'"),
    ("dcgan", {"discriminator_norm": "spectral"}, "constraint=spectral_norm"),
    ("mlp", {"discriminator_norm": "spectral"}, "constraint=spectral_norm"),
    ("mlp", {"generator_norm": "instance"}, "generator_norm is 'instance'; instance norm needs p"),
    ("mlp", {"discriminator_norm": "instance"}, "architecture.discriminator_norm is 'instance'"),
    ("mlp", {"discriminator_output": "tanh"}, "discriminator_output is 'tanh'"),
    ("mlp", {"generator_width": 0}, "architecture.generator_width is 0"),
    ("mlp", {"generator_depth": -2}, "architecture.generator_depth is -2"),
    ("mlp", {"fixed_std": 0.0}, "architecture.fixed_std is 0.0"),
    ("resnet", {"width": 2.0}, "architecture.width is 2.0"),
    ("resnet", {"generator_width": 0}, "architecture.generator_width is 0"),
]


@pytest.mark.parametrize(("name", "settings", "told"), WRONG, ids=[told for *_, told in WRONG])
def test_a_wrong_setting_is_refused_by_its_place(
    name: str, settings: dict[str, Any], told: str, ask: Ask, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match=told):
        build(ask(architecture=part("architecture", name, **settings)), (1, 8, 8))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_gradient_reaches_every_weight(name: str, ask: Ask) -> None:
    shape = (2,) if name in PERCEPTRONS else (3, 32, 32)
    networks = build(ask(activation="tanh", architecture=name), shape)
    D = networks.discriminator
    D(networks.generator(normal(6, networks.latent))).square().sum().backward()
    for player in (networks.generator, D):
        for layer in player.modules():
            if isinstance(layer, WEIGHTED):
                assert layer.weight.grad is not None
                assert layer.weight.grad.any()


@pytest.mark.parametrize("changing", [a for a in ACTIVATIONS if a not in SAME])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_activation_may_change_the_number_of_channels(
    changing: str, name: str, ask: Ask, part: Callable[..., Part]
) -> None:
    """The widths after a site stay the architecture's; where a stream enters one, the next layer follows."""
    shape = (4,) if name in PERCEPTRONS else (3, 32, 32)
    chosen = part("architecture", name, width=10)  # a stream that maxout can divide by 5
    networks = build(ask(activation=changing, architecture=chosen), shape)
    plain = build(ask(activation="relu", architecture=chosen), shape)
    samples = networks.generator(normal(4, networks.latent))
    assert samples.shape == (4, *shape)
    assert networks.discriminator(samples).shape == (4,)
    assert parameters(networks) != parameters(plain)
    assert len(sites(networks.generator)) == len(sites(plain.generator))


def test_a_width_that_an_activation_cannot_make_is_refused(
    ask: Ask, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match="crelu makes no layer of 7 channels"):
        build(ask(activation="crelu", architecture=part("architecture", "mlp", width=7)), (2,))


def test_parameters_are_counted_by_player(ask: Ask, part: Callable[..., Part]) -> None:
    spec = ask(architecture=part("architecture", "mlp", width=10, depth=2, latent=3))
    assert parameters(build(spec, (2,))) == {
        "generator": 3 * 10 + 10 + 10 * 10 + 10 + 10 * 2 + 2,
        "discriminator": 2 * 10 + 10 + 10 * 10 + 10 + 10 + 1,
    }


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_an_activation_that_works_in_place_leaves_the_shortcut_alone(
    norm: str, ask: Ask, part: Callable[..., Part]
) -> None:
    bare = part("architecture", "resnet", width=8, generator_norm=norm, discriminator_norm=norm)
    inplace = Part("inplace", "torch.nn.ReLU", (("inplace", True),))
    plain, other = (
        build(ask(activation=a, architecture=bare), (3, 16, 16)) for a in ("relu", inplace)
    )
    for network in (plain, other):
        samples = network.generator(normal(6, network.latent))
        network.discriminator(samples + normal(6, 3, 16, 16)).square().sum().backward()
    for mine, theirs in (
        (plain.generator, other.generator),
        (plain.discriminator, other.discriminator),
    ):
        for x, y in zip(mine.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(x.grad, y.grad)


@pytest.mark.parametrize(
    ("output", "ends"),
    [("tanh", (-1, 1)), ("sigmoid", (0, 1)), ("identity", (-math.inf, math.inf))],
)
def test_the_output_s_range_is_known(
    output: str, ends: tuple[float, float], ask: Ask, part: Callable[..., Part]
) -> None:
    networks = build(ask(architecture=part("architecture", "mlp", output=output)), (1, 8, 8))
    assert networks.output_range == ends
    with torch.no_grad():
        found = networks.generator(300 * normal(50, networks.latent))
    assert float(found.min()) >= ends[0]
    assert float(found.max()) <= ends[1]


def test_a_sigmoid_discriminator_answers_with_probabilities(
    ask: Ask, part: Callable[..., Part]
) -> None:
    chosen = part("architecture", "mlp", discriminator_output="sigmoid")
    D = build(ask(architecture=chosen), (2,)).discriminator
    with torch.no_grad():
        found = D(100 * normal(40, 2))
    assert 0 <= float(found.min()) < 0.5 < float(found.max()) <= 1


def test_keys_of_older_questions_stay() -> None:
    """An mlp or dcgan that spells out the later arguments at their earlier values is the same question."""
    for name in ("mlp", "dcgan"):
        whole = Part.read(row("architecture", name), "")
        before = BEFORE[whole.target]
        old = replace(whole, arguments=tuple(a for a in whole.arguments if a[0] not in before))
        assert len(old.arguments) < len(whole.arguments)
        assert old.canonical() == whole.canonical()
        other = whole.keywords | {"discriminator_output": "sigmoid"}
        assert replace(whole, arguments=tuple(sorted(other.items()))).canonical() != old.canonical()
