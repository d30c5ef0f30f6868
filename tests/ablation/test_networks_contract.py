"""What every architecture owes the rest: its starts, old keys and old weights, channels, gradients, packing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from built import build, normal
from torch import nn

from ablation.catalogue import rows
from ablation.compose import compose
from ablation.networks import WEIGHTED, Networks
from ablation.part import BEFORE
from ablation.spec import Part, TrialSpec

Ask = Callable[..., TrialSpec]


Rows = Callable[..., Part]


ARCHITECTURES = list(rows("architecture"))


def layers(networks: Networks) -> list[Any]:
    both = nn.ModuleList([networks.generator, networks.discriminator])
    return [m for m in both.modules() if isinstance(m, WEIGHTED)]


# Keys of digits moved once, with the split held out for selection (REVISED in ablation/part.py).
OLD = {
    "leaky_relu-non_saturating-digits-mlp-s0-4641007adf": ["architecture=mlp"],
    "leaky_relu-non_saturating-ring8-mlp-s0-da4830693b": ["architecture=mlp", "dataset=ring8"],
    "leaky_relu-non_saturating-digits-mlp-s3-544ace1526": ["architecture.width=128", "seed=3"],
    "leaky_relu-non_saturating-digits-dcgan-s0-47fb02414b": ["architecture=dcgan"],
    "leaky_relu-non_saturating-digits-dcgan-s2-17c9581b8b": [
        "architecture=dcgan", "architecture.discriminator_norm=none", "seed=2"
    ],
}  # fmt: skip
"""Keys of before the architectures had their later arguments."""


@pytest.mark.slow
@pytest.mark.parametrize("key", OLD)
def test_a_question_keeps_its_key(key: str) -> None:
    assert compose(OLD[key]).key == key


@pytest.mark.parametrize("name", ["mlp", "dcgan"])
def test_a_row_stored_before_builds_the_same_players(name: str, ask: Ask, part: Rows) -> None:
    """`ablation rerun` makes them from stored arguments, without the later ones."""
    now = part("architecture", name)
    later = BEFORE[now.target]
    stored = replace(now, arguments=tuple((k, v) for k, v in now.arguments if k not in later))
    assert set(later) <= set(now.keywords)
    assert len(stored.arguments) < len(now.arguments)
    old, new = (build(ask(architecture=chosen), (1, 8, 8)) for chosen in (stored, now))
    for player in ("generator", "discriminator"):
        mine, theirs = (getattr(n, player).state_dict() for n in (old, new))
        assert list(mine) == list(theirs)
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)


@pytest.mark.parametrize("norm", ["batch", "layer", "instance", "group"])
def test_norms_start_with_scale_1_and_shift_0_and_biases_with_0(
    norm: str, ask: Ask, part: Rows
) -> None:
    both = {"generator_norm": norm, "discriminator_norm": norm}
    networks = build(ask(architecture=part("architecture", "resnet", width=8, **both)), (1, 8, 8))
    counted = 0
    for module in nn.ModuleList([networks.generator, networks.discriminator]).modules():
        own = dict(module.named_parameters(recurse=False))
        if own and not isinstance(module, WEIGHTED):
            assert (own["weight"] == 1).all()
            counted += 1
        if own:
            assert not own["bias"].any()
    assert counted == 7  # three in the generator, four in the discriminator's two later blocks


CHANGING = ["Both", "Pairs"]


@pytest.mark.parametrize("changing", CHANGING)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_widths_after_a_site_are_the_architecture_s(
    name: str, changing: str, ask: Ask, part: Rows, own: Callable[[str], Part]
) -> None:
    """Layers before a site make room for it; only a stream of fixed width leaves it wider or narrower."""
    sized = {"width": 8} | ({"generator_width": 12} if "mlp" in name else {})
    chosen = part("architecture", name, **sized)
    networks, plain = (
        build(ask(activation=a, architecture=chosen), (3, 16, 16)) for a in (own(changing), "relu")
    )
    samples = networks.generator(normal(4, networks.latent))
    assert samples.shape == (4, 3, 16, 16)
    networks.discriminator(samples).sum().backward()
    assert all(p.grad is not None for p in networks.discriminator.parameters())
    factor = {"Both": 2, "Pairs": 0.5}[changing]
    for mine, theirs in zip(layers(networks), layers(plain), strict=True):
        (out, into), (old_out, old_into) = (
            (m.out_channels, m.in_channels)
            if hasattr(m, "out_channels")
            else (m.out_features, m.in_features)
            for m in (mine, theirs)
        )
        assert out in (old_out, old_out / factor)
        assert into in (old_into, old_into * factor) if name == "resnet" else into == old_into


def test_a_width_that_no_layer_gives_is_refused(
    ask: Ask, part: Rows, own: Callable[[str], Part]
) -> None:
    chosen = part("architecture", "mlp", width=7)
    with pytest.raises(ValueError, match="both makes no layer of 7 channels"):
        build(ask(activation=own("Both"), architecture=chosen), (2,))


NORMS = ["none", "batch", "layer", "group"]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_gradient_reaches_every_parameter(name: str, norm: str, ask: Ask, part: Rows) -> None:
    """All but the biases that batch norm takes away again."""
    both = {"generator_norm": norm, "discriminator_norm": norm}
    spec = ask(activation="tanh", architecture=part("architecture", name, **both))
    networks = build(spec, (3, 16, 16))
    networks.discriminator(networks.generator(normal(6, networks.latent))).square().sum().backward()
    for player in (networks.generator, networks.discriminator):
        free = {n for n, p in player.named_parameters() if n.endswith("bias") and p.ndim == 1}
        for key, parameter in player.named_parameters():
            assert parameter.grad is not None, key
            assert (norm == "batch" and key in free) or bool(parameter.grad.any()), key


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_layout_of_memory_and_a_copy_change_nothing(name: str, ask: Ask, part: Rows) -> None:
    networks = build(ask(architecture=part("architecture", name)), (3, 16, 16))
    z, x = normal(4, networks.latent), normal(4, 3, 16, 16)
    with torch.no_grad():
        expected = networks.generator(z), networks.discriminator(x)
        other = copy.deepcopy(networks)
        last = x.contiguous(memory_format=torch.channels_last)
        for player in (other.generator, other.discriminator):
            player.to(memory_format=torch.channels_last)
        found = other.generator(z), other.discriminator(last)
        again = networks.generator(z), networks.discriminator(x)
    for mine, theirs, same in zip(found, expected, again, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
        assert torch.equal(theirs, same)
    mine, theirs = other.generator.parameters(), networks.generator.parameters()
    assert not {p.data_ptr() for p in mine} & {p.data_ptr() for p in theirs}


@pytest.mark.parametrize(("shape", "packing"), [((2,), 3), ((1, 8, 8), 2), ((3, 8, 8), 2)], ids=str)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_packed_discriminator_sees_consecutive_samples_side_by_side(
    name: str, shape: tuple[int, ...], packing: int, ask: Ask, part: Rows
) -> None:
    if len(shape) == 1 and "mlp" not in name:
        return
    spec = ask(architecture=part("architecture", name))
    wide = build(spec, (packing * shape[0], *shape[1:]))
    networks = replace(build(spec, shape), discriminator=wide.discriminator, packing=packing)
    samples = normal(4 * packing, *shape)
    packed = networks.packed(samples.contiguous())
    assert packed.shape == (4, packing * shape[0], *shape[1:])
    for row, group in zip(packed, samples.split(packing), strict=True):
        assert torch.equal(row, torch.cat(list(group)))
    assert networks.discriminator(packed).shape == (4,)
    if len(shape) == 3:
        last = samples.contiguous(memory_format=torch.channels_last)
        assert torch.equal(networks.packed(last), packed)
