"""The convolutional players of Radford et al. 2016."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from ablation.networks.few import FromPicture, ToPicture
from ablation.networks.players import (
    OUTPUTS,
    Networks,
    Shape,
    SiteMaker,
    check_norms,
    judged_by,
    normal,
    output_name,
    pyramid,
    whole,
)


def dcgan(
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
    """Return convolutional players for square images whose side halves down to 4..7.

    `width` counts the channels next to the image; they double at each halving. No norm stands next to the image.
    """
    whole(width=width, latent=latent)
    check_norms(generator=generator_norm, discriminator=discriminator_norm, images=True)
    channels, base, halvings = pyramid(shape, "dcgan")
    widths = [width * 2**level for level in range(halvings)]  # next to the image first
    last = output_name(output, shape)

    place = site("generator.0")
    fed = place.channels_in(widths[-1])
    up: list[nn.Module] = [nn.Linear(latent, fed * base * base)]
    up += [nn.Unflatten(1, (fed, base, base)), normal(generator_norm, fed, images=True), place]
    for number, (wide, narrow) in enumerate(zip(widths[:0:-1], widths[-2::-1], strict=True), 1):
        place = site(f"generator.{number}")
        fed = place.channels_in(narrow)
        up += [nn.ConvTranspose2d(wide, fed, 4, 2, 1), normal(generator_norm, fed, images=True)]
        up += [place]
    up += [ToPicture(width, channels, 4, 2, 1), OUTPUTS[last]()]

    place = site("discriminator.0")
    down: list[nn.Module] = [FromPicture(channels, place.channels_in(width), 4, 2, 1), place]
    for number, (narrow, wide) in enumerate(pairwise(widths), 1):
        place = site(f"discriminator.{number}")
        fed = place.channels_in(wide)
        down += [nn.Conv2d(narrow, fed, 4, 2, 1), normal(discriminator_norm, fed, images=True)]
        down += [place]
    down += [nn.Conv2d(widths[-1], 1, base), *judged_by(discriminator_output)]
    return Networks(
        nn.Sequential(*up),
        nn.Sequential(*down),
        latent,
        fixed_std=0.02,
        output=last,
        judged=discriminator_output,
    )
