"""What the starts of an architecture owe: gains by what feeds a layer, fan-in, and every layer drawn as it was."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from built import build, normal
from test_networks_contract import ARCHITECTURES, Ask, Rows, layers
from torch import Tensor, nn

from ablation.activations import ActivationSite, sites
from ablation.networks import WEIGHTED, Networks
from ablation.probes import tapped
from ablation.spec import Part

BARE = {"generator_norm": "none", "discriminator_norm": "none"}


class Silence(nn.Module):
    def forward(self, u: Tensor) -> Tensor:
        return 0 * u


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_layer_takes_the_gain_of_the_activation_that_feeds_it(
    name: str, ask: Ask, part: Rows, own: Callable[[str], Part]
) -> None:
    """Where every activation is silent, the layers that read nothing are those that one feeds."""
    spec = ask(activation=own("Thrice"), architecture=part("architecture", name, **BARE))
    networks = build(spec, (3, 32, 32))
    scales = {}
    for layer in layers(networks):  # a standard deviation times the square root of the fan-in
        fan = layer.weight[0].numel()
        if isinstance(layer, nn.ConvTranspose2d):
            fan = layer.in_channels * 4
        scales[layer] = float(layer.weight.detach().square().mean().sqrt()) * math.sqrt(fan)
    for site in sites(networks.generator, networks.discriminator):
        site.phi = Silence()
    fed = {}
    for layer in layers(networks):
        layer.register_forward_hook(lambda m, x, _: fed.update({m: not x[0].any()}))
    with torch.no_grad():
        networks.generator(normal(2, networks.latent))
        networks.discriminator(normal(2, 3, 32, 32))
    assert set(fed.values()) == {True, False}
    last = layers(networks)[-1]
    summed = 64 if name == "resnet" else 1  # of 8 x 8 positions
    for layer, here in fed.items():
        expected = (1 / 3 if here else 1) / (summed if layer is last else 1)
        assert scales[layer] == pytest.approx(expected, rel=0.5), (name, layer, here)


def moments(networks: Networks, shape: tuple[int, ...], n: int) -> dict[str, float]:
    """Return the second moment of the pre-activations at each site, and of the logits."""
    found: dict[str, float] = {}

    def tap(site: ActivationSite, u: Tensor, _: Tensor) -> None:
        found[site.name] = float(u.square().mean())

    with torch.no_grad(), tapped(sites(networks.generator, networks.discriminator), tap):
        fakes = networks.generator(normal(n, networks.latent))
        found["logit"] = float(networks.discriminator(fakes).square().mean())
        networks.discriminator(normal(n, *shape))
    return found


@pytest.mark.slow
def test_the_fan_in_counts_the_channels_that_really_come_in(
    ask: Ask, part: Rows, own: Callable[[str], Part]
) -> None:
    wide = part("architecture", "mlp", width=400, depth=4, latent=400)
    found = moments(build(ask(activation=own("Both"), architecture=wide), (400,)), (400,), 1000)
    assert len(found) == 9
    for site, moment in found.items():
        assert site == "logit" or 0.8 < moment < 1.25, (site, found)


@pytest.mark.parametrize("side", [8, 32])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_residual_players_start_neither_silent_nor_loud(
    activation: str, side: int, ask: Ask, part: Rows
) -> None:
    """Each block adds about 1 to its stream; averaging takes some away. Logits stay where losses have a slope."""
    wide = part("architecture", "resnet", width=32, latent=128, **BARE)
    found = moments(
        build(ask(activation=activation, architecture=wide), (3, side, side)), (3, side, side), 8
    )
    assert 0.01 < found.pop("logit") < 9
    for site, moment in found.items():
        assert 0.15 < moment < 8, (site, found)


def drawn(seed: int, *wanted: tuple[tuple[int, ...], float]) -> list[Tensor]:
    """Return normal draws of given shapes and standard deviations, one after the other."""
    stream = torch.Generator().manual_seed(seed)
    return [torch.empty(shape).normal_(0, std, generator=stream) for shape, std in wanted]


def test_an_mlp_is_drawn_layer_by_layer(ask: Ask, part: Rows) -> None:
    """By hand, so that no later release moves the weights of an older trial."""
    chosen = part("architecture", "mlp", width=20, depth=2, latent=5)
    networks = build(ask(activation="relu", architecture=chosen), (3,), seed=9)
    gain = sites(networks.generator)[0].activation.gain
    expected = drawn(
        9,
        *[((20, 5), 5**-0.5), ((20, 20), gain / 20**0.5), ((3, 20), gain / 20**0.5)],
        *[((20, 3), 3**-0.5), ((20, 20), gain / 20**0.5), ((1, 20), gain / 20**0.5)],
    )
    for layer, weight in zip(layers(networks), expected, strict=True):
        assert torch.equal(layer.weight, weight)
    names = ["1", "3", "5"]  # of the discriminator's layers: stored states are read by them
    assert [
        n for n, m in networks.discriminator.named_children() if isinstance(m, WEIGHTED)
    ] == names


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_a_dcgan_is_drawn_layer_by_layer(norm: str, ask: Ask, part: Rows) -> None:
    norms = {"generator_norm": norm, "discriminator_norm": norm}
    chosen = part("architecture", "dcgan", width=4, latent=5, **norms)
    networks = build(ask(activation="relu", architecture=chosen), (1, 16, 16), "fixed", seed=9)
    shapes = [(8 * 4 * 4, 5), (8, 4, 4, 4), (4, 1, 4, 4), (4, 1, 4, 4), (8, 4, 4, 4), (1, 8, 4, 4)]
    expected = drawn(9, *((shape, 0.02) for shape in shapes))
    for layer, weight in zip(layers(networks), expected, strict=True):
        assert torch.equal(layer.weight, weight)
    names = ["0", "2", "5"]
    assert [
        n for n, m in networks.discriminator.named_children() if isinstance(m, WEIGHTED)
    ] == names
