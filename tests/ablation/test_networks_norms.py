"""The norms of an architecture: every one a choice, each sample or each batch judged as it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from built import build, normal
from test_networks import ARCHITECTURES, PERCEPTRONS, Ask
from torch import nn

from ablation.networks import NORMS, Networks
from ablation.networks.players import normal as norm_of
from ablation.spec import Part

KINDS = {
    "none": nn.Identity,
    "batch": (nn.BatchNorm1d, nn.BatchNorm2d),
    "layer": (nn.LayerNorm, nn.GroupNorm),
    "instance": nn.InstanceNorm2d,
    "group": nn.GroupNorm,
}


def normed(name: str, norm: str, ask: Ask, part: Callable[..., Part]) -> Networks:
    both = {"generator_norm": norm, "discriminator_norm": norm}
    shape = (3, 16, 16) if name in ("dcgan", "resnet") else (1, 8, 8)
    return build(ask(architecture=part("architecture", name, width=8, **both)), shape)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_norm_is_a_choice(name: str, norm: str, ask: Ask, part: Callable[..., Part]) -> None:
    if norm == "instance" and name in PERCEPTRONS:
        with pytest.raises(ValueError, match="instance norm needs pictures"):
            normed(name, norm, ask, part)
        return
    networks = normed(name, norm, ask, part)
    for player in (networks.generator, networks.discriminator):
        found = [m for m in player.modules() if isinstance(m, KINDS[norm])]
        kept = [m for m in player.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
        assert found or (norm == "none" and name in PERCEPTRONS)
        assert bool(kept) is (norm == "batch")
        assert all(m.momentum == 0.1 and m.eps == 1e-5 for m in kept)  # BatchNorm(n, 0.8) sets eps
    moved = networks.generator(normal(6, networks.latent))
    again = networks.generator(normal(6, networks.latent))
    torch.testing.assert_close(moved, again)
    networks.generator.eval()
    calm = networks.generator(normal(6, networks.latent))
    assert torch.allclose(calm, moved, rtol=1e-4, atol=1e-5) is (norm != "batch")


@pytest.mark.parametrize("norm", ["none", "layer", "instance", "group"])
def test_a_norm_without_a_batch_judges_each_sample_alone(
    norm: str, ask: Ask, part: Callable[..., Part]
) -> None:
    D = normed("resnet", norm, ask, part).discriminator
    x = normal(4, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(D(x)[:1], D(torch.cat([x[:1], 5 * x[1:]]))[:1])


@pytest.mark.parametrize("norm", ["layer", "group", "instance"])
def test_norms_leave_channels_of_unit_variance(norm: str) -> None:
    layer = norm_of(norm, 48, images=True)
    out = layer(3 + 2 * normal(5, 48, 6, 6)).detach()
    over = {"layer": (1, 2, 3), "group": (1, 2, 3), "instance": (2, 3)}[norm]
    assert float(out.mean(over).abs().max()) < 1e-4
    torch.testing.assert_close(
        out.var(over, correction=0).mean(), torch.tensor(1.0), rtol=1e-3, atol=0
    )


def test_group_norm_has_the_most_groups_of_four_channels_or_more() -> None:
    """At 128 channels and above, those of Wu & He 2018."""
    channels = (1, 4, 13, 24, 48, 64, 128, 512, 1000)
    groups = [norm_of("group", number, images=True).num_groups for number in channels]
    assert groups == [1, 1, 1, 6, 12, 16, 32, 32, 25]


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_norms_of_vectors_leave_narrow_layers_alive(
    norm: str, ask: Ask, part: Callable[..., Part]
) -> None:
    """A group of one channel would be 0 for every input."""
    narrow = part("architecture", "mlp", width=16, generator_norm=norm, discriminator_norm=norm)
    networks = build(ask(architecture=narrow), (2,))
    with torch.no_grad():
        samples = networks.generator(normal(50, networks.latent))
        assert float(samples.std(0).min()) > 0.1
        assert float(networks.discriminator(samples).std()) > 0.1
