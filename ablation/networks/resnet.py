"""The residual players of Miyato et al. 2018 (SNGAN), tables 3 and 4 of their appendix."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from ablation.networks.players import (
    OUTPUTS,
    Networks,
    Shape,
    SiteMaker,
    SumPool,
    check_norms,
    judged_by,
    normal,
    output_name,
    pyramid,
    whole,
)

SMALL, LARGEST = 32, 64
"""The largest side at which all blocks are equally wide (table 3), and the largest at all."""


class Copy(nn.Module):
    """Copies the stream, so that an activation that works in place does not reach the shortcut."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the same values in a tensor of their own."""
        return x.clone()


class Block(nn.Module):
    """Adds a branch to its shortcut (both N C H W -> N C' H' W').

    Layers that read the stream, of the shortcut too, are registered after no site, so that they start with gain 1.
    """

    def __init__(self, branch: Sequence[nn.Module], shortcut: Sequence[nn.Module]) -> None:
        """Take the modules of both ways; a shortcut of none hands the stream on."""
        super().__init__()
        self.branch, self.shortcut = nn.Sequential(*branch), nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both ways."""
        return cast(Tensor, self.shortcut(x) + self.branch(x))


def resnet(
    shape: Shape,
    site: SiteMaker,
    *,
    width: int,
    generator_width: int | None,
    latent: int,
    output: str,
    generator_norm: str,
    discriminator_norm: str,
    discriminator_output: str,
) -> Networks:
    """Return residual players for square images of 8 to 64 pixels a side that halve down to 4..7.

    To 32 pixels they are those of table 3, whose blocks are equally wide (`generator_width` in the generator); a
    smaller side has fewer blocks that change it. Above, they are those of table 4 and, at 64 pixels, of the authors'
    code: `width` channels next to the image, twice as many a level. A norm precedes every activation but those of the
    discriminator's first block and of its end.
    """
    wide = width if generator_width is None else generator_width
    whole(width=width, generator_width=wide, latent=latent)
    check_norms(generator=generator_norm, discriminator=discriminator_norm, images=True)
    channels, base, halvings = pyramid(shape, "resnet")
    side, last = shape[1], output_name(output, shape)
    if side > LARGEST:
        raise ValueError(f"resnet makes sides of 8 to {LARGEST}, not {side}")
    if side <= SMALL:
        ups = [wide] * (halvings + 1)
        downs, shrinking = [width] * (max(1, halvings - 1) + 2), max(1, halvings - 1)
    else:
        ups = [wide * 2**level for level in range(halvings, -1, -1)]
        downs, shrinking = [width * 2**level for level in range(5)], 5

    up: list[nn.Module] = [nn.Linear(latent, ups[0] * base * base)]
    up += [nn.Unflatten(1, (ups[0], base, base))]
    for number, (before, after) in enumerate(pairwise(ups)):
        names = f"generator.{2 * number}", f"generator.{2 * number + 1}"
        up += [_block(site, names, (before, after, after), generator_norm, grow=True)]
    end = site(f"generator.{2 * halvings}")
    up += [normal(generator_norm, ups[-1], images=True), end]
    up += [_conv(end.channels_out(ups[-1]), channels), OUTPUTS[last]()]

    down: list[nn.Module] = [_first(site, channels, width)]
    side //= 2
    for number, (before, after) in enumerate(pairwise(downs), 1):
        names = f"discriminator.{2 * number - 1}", f"discriminator.{2 * number}"
        shrink = number < shrinking and side % 2 == 0
        down += [_block(site, names, (before, before, after), discriminator_norm, shrink=shrink)]
        side = side // 2 if shrink else side
    end = site(f"discriminator.{2 * len(downs) - 1}")
    down += [end, SumPool(side * side), nn.Linear(end.channels_out(downs[-1]), 1)]
    down += judged_by(discriminator_output)
    return Networks(
        nn.Sequential(*up),
        nn.Sequential(*down),
        latent,
        output=last,
        judged=discriminator_output,
    )


def _conv(incoming: int, outgoing: int, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(incoming, outgoing, kernel, padding=kernel // 2)


def _first(site: SiteMaker, channels: int, width: int) -> Block:
    """Return the discriminator's block next to the image: no norm and no site before its first convolution."""
    here = site("discriminator.0")
    branch = [_conv(channels, here.channels_in(width)), here, _conv(width, width), nn.AvgPool2d(2)]
    return Block(branch, [nn.AvgPool2d(2), _conv(channels, width, 1)])


def _block(
    site: SiteMaker,
    names: tuple[str, str],
    widths: tuple[int, int, int],
    norm: str,
    *,
    grow: bool = False,
    shrink: bool = False,
) -> Block:
    """Return norm, site, convolution, twice, beside a shortcut; `widths` are those before, inside and after.

    The shortcut's 1x1 layer commutes with doubling and with averaging, so it works at the smaller side.
    """
    before, inside, after = widths
    first, second = site(names[0]), site(names[1])
    fed = second.channels_in(inside)
    doubled: list[nn.Module] = [nn.Upsample(scale_factor=2)] if grow else []
    halved: list[nn.Module] = [nn.AvgPool2d(2)] if shrink else []
    branch = [Copy() if norm == "none" else normal(norm, before, images=True), first, *doubled]
    branch += [_conv(first.channels_out(before), fed), normal(norm, fed, images=True), second]
    branch += [_conv(inside, after), *halved]
    changed = grow or shrink or before != after
    return Block(branch, [*halved, _conv(before, after, 1), *doubled] if changed else [])
