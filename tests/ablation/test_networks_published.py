"""Networks of the published sizes, and the blocks of the paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from built import build, normal
from test_networks import Ask, weighted

from ablation.activations import sites
from ablation.catalogue import row
from ablation.networks import parameters
from ablation.networks.resnet import Block
from ablation.spec import Part


def test_the_published_networks_have_their_sizes(ask: Ask) -> None:
    """PacGAN's: G 2-400-400-400-400-2, D three layers of 200 maxout units with 5 pieces."""
    whole = Part.read(row("architecture", "maxout_mlp"), "")
    networks = build(ask(generator="relu", discriminator="maxout", architecture=whole), (2,))
    shapes = [
        [tuple(m.weight.shape) for m in weighted(p)]
        for p in (networks.generator, networks.discriminator)
    ]
    assert shapes[0] == [(400, 2), (400, 400), (400, 400), (400, 400), (2, 400)]
    assert shapes[1] == [(1000, 2), (1000, 200), (1000, 200), (1, 200)]
    deep = build(ask(architecture=Part.read(row("architecture", "deep_mlp"), "")), (2,))
    assert len(sites(deep.discriminator)) == 12


SIDES = [  # widths of the generator's streams, of the discriminator's blocks, and the side at its end
    (8, (2, 2), (1, 1, 1), 4),
    (16, (2, 2, 2), (1, 1, 1), 8),
    (28, (2, 2, 2), (1, 1, 1), 14),
    (32, (2, 2, 2, 2), (1, 1, 1, 1), 8),  # table 3
    (48, (16, 8, 4, 2), (1, 2, 4, 8, 16), 3),  # table 4
    (64, (32, 16, 8, 4, 2), (1, 2, 4, 8, 16), 2),  # the authors' code
]


@pytest.mark.parametrize(("side", "above", "below", "end"), SIDES)
def test_resnet_has_the_paper_s_blocks(
    side: int,
    above: tuple[int, ...],
    below: tuple[int, ...],
    end: int,
    ask: Ask,
    part: Callable[..., Part],
) -> None:
    chosen = part("architecture", "resnet", width=1, generator_width=2, latent=8)
    networks = build(ask(architecture=chosen), (3, side, side))
    streams: dict[str, list[tuple[int, ...]]] = {"generator": [], "discriminator": []}
    for name, found in streams.items():
        for module in getattr(networks, name).modules():
            if isinstance(module, Block):
                module.register_forward_hook(lambda _, __, out, to=found: to.append(out.shape[1:]))
    networks.discriminator(networks.generator(normal(2, 8)))
    assert [c for c, *_ in streams["generator"]] == list(above[1:])
    assert [c for c, *_ in streams["discriminator"]] == list(below)
    assert streams["generator"][-1][1:] == (side, side)
    assert streams["discriminator"][-1][1:] == (end, end)
    assert len(sites(networks.generator)) == 2 * (len(above) - 1) + 1
    assert len(sites(networks.discriminator)) == 2 * len(below)  # none before the first block


@pytest.mark.slow
def test_resnet_of_the_paper_s_widths_has_the_paper_s_size(
    ask: Ask, part: Callable[..., Part]
) -> None:
    chosen = part("architecture", "resnet", width=128, generator_width=256, latent=128)
    assert parameters(build(ask(architecture=chosen), (3, 32, 32))) == {
        "generator": 4_276_739,
        "discriminator": 1_053_825,
    }


def test_resnet_refuses_sides_for_which_there_is_no_table(ask: Ask) -> None:
    with pytest.raises(ValueError, match="resnet makes sides of 8 to 64, not 128"):
        build(ask(architecture="resnet"), (3, 128, 128))
