"""The residual players of Miyato et al. 2018 (SNGAN), tables 3 and 4 of their appendix."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from ablation.activations import ActivationSite
from ablation.networks.players import (
    OUTPUTS,
    Networks,
    Shape,
    SiteMaker,
    check_norms,
    judged_by,
    normal,
    output_name,
    whole,
)

PLAIN = 2
"""Blocks of a discriminator that keep the side, where every block is equally wide (table 3)."""


class Block(nn.Module):
    """Norm, site, convolution, twice, beside a shortcut; a resize of both ways changes the side.

    `first` is the discriminator's block next to the image: no norm and no site stand before its first convolution.
    """

    def __init__(
        self,
        incoming: int,
        outgoing: int,
        places: tuple[ActivationSite | None, ActivationSite],
        *,
        norm: str,
        grow: bool = False,
        shrink: bool = False,
    ) -> None:
        """Make the residual branch and the shortcut, in the order in which a sample passes them."""
        super().__init__()
        before, between = places
        fed, inner = incoming, between.channels_in(outgoing)
        branch: list[nn.Module] = []
        if before is not None:
            branch += [normal(norm, incoming, images=True), before]
            fed = before.channels_out(incoming)
        branch += [nn.Upsample(scale_factor=2)] if grow else []
        branch += [nn.Conv2d(fed, inner, 3, 1, 1)]
        branch += [normal(norm if before is not None else "none", inner, images=True), between]
        branch += [nn.Conv2d(outgoing, outgoing, 3, 1, 1)]
        branch += [nn.AvgPool2d(2)] if shrink else []
        way: list[nn.Module] = [nn.Upsample(scale_factor=2)] if grow else []
        way += [nn.AvgPool2d(2)] if shrink and before is None else []
        way += [nn.Conv2d(incoming, outgoing, 1)] if incoming != outgoing or grow or shrink else []
        way += [nn.AvgPool2d(2)] if shrink and before is not None else []
        self.branch, self.shortcut = nn.Sequential(*branch), nn.Sequential(*way)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both ways (N C H W -> N C' H' W')."""
        return cast(Tensor, self.branch(x) + self.shortcut(x))


class SumPool(nn.Module):
    """Sums over space: N C H W -> N C."""

    def forward(self, x: Tensor) -> Tensor:
        """Return one vector a sample."""
        return x.sum(dim=(2, 3))


def resnet(
    shape: Shape,
    site: SiteMaker,
    *,
    width: int,
    latent: int,
    output: str,
    generator_norm: str,
    discriminator_norm: str,
    discriminator_output: str = "identity",
) -> Networks:
    """Return residual players for square images of 32 pixels (all blocks `width` wide) or 64 (a pyramid).

    At 64 pixels the generator narrows from 16 to 1 times `width` and the discriminator widens so, as in the paper.
    """
    whole(width=width, latent=latent)
    check_norms(generator=generator_norm, discriminator=discriminator_norm, images=True)
    if len(shape) != 3 or shape[1:] not in ((32, 32), (64, 64)):
        raise ValueError(f"resnet makes images of 32 or 64 pixels a side, not of the shape {shape}")
    channels, small, last = shape[0], shape[1] == 32, output_name(output, shape)
    counts = {"generator": 0, "discriminator": 0}

    def place(network: str) -> ActivationSite:
        counts[network] += 1
        return site(f"{network}.{counts[network] - 1}")

    widths = [width] * 4 if small else [width * n for n in (16, 8, 4, 2, 1)]
    up: list[nn.Module] = [nn.Linear(latent, widths[0] * 16), nn.Unflatten(1, (widths[0], 4, 4))]
    for wide, narrow in pairwise(widths):
        both = (place("generator"), place("generator"))
        up += [Block(wide, narrow, both, norm=generator_norm, grow=True)]
    end = place("generator")
    up += [normal(generator_norm, widths[-1], images=True), end]
    up += [nn.Conv2d(end.channels_out(widths[-1]), channels, 3, 1, 1), OUTPUTS[last]()]

    norm = discriminator_norm
    first = (None, place("discriminator"))
    down: list[nn.Module] = [Block(channels, width, first, norm=norm, shrink=True)]
    widths = [width] * (2 + PLAIN) if small else [width * n for n in (1, 2, 4, 8, 16, 16)]
    for number, (narrow, wide) in enumerate(pairwise(widths)):
        halves = number == 0 if small else number < 4
        both = (place("discriminator"), place("discriminator"))
        down += [Block(narrow, wide, both, norm=norm, shrink=halves)]
    end = place("discriminator")
    down += [end, SumPool(), nn.Linear(end.channels_out(widths[-1]), 1)]
    down += judged_by(discriminator_output)
    return Networks(
        nn.Sequential(*up),
        nn.Sequential(*down),
        latent,
        fixed_std=0.02,
        output=last,
        judged=discriminator_output,
    )
