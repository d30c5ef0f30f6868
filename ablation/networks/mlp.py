"""Fully connected players."""

from __future__ import annotations

import math

from torch import nn

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
from ablation.part import check_number


def mlp(
    shape: Shape,
    site: SiteMaker,
    *,
    width: int,
    depth: int,
    latent: int,
    output: str,
    generator_norm: str = "none",
    discriminator_norm: str = "none",
    discriminator_output: str = "identity",
    generator_width: int | None = None,
    generator_depth: int | None = None,
    fixed_std: float | None = None,
) -> Networks:
    """Return players with `depth` hidden layers of `width` units, the generator with its own if it has them."""
    wide = width if generator_width is None else generator_width
    deep = depth if generator_depth is None else generator_depth
    whole(width=width, depth=depth, latent=latent, generator_width=wide, generator_depth=deep)
    check_norms(generator=generator_norm, discriminator=discriminator_norm, images=False)
    if fixed_std is not None:
        check_number(fixed_std, float, "architecture.fixed_std", 0, ends="()")
    size, last = math.prod(shape), output_name(output, shape)

    def hidden(network: str, incoming: int, units: int, layers: int, norm: str) -> list[nn.Module]:
        found: list[nn.Module] = []
        for number in range(layers):
            place = site(f"{network}.{number}")
            fed = place.channels_in(units)
            found += [nn.Linear(incoming if number == 0 else units, fed)]
            found += [normal(norm, fed, images=False)] if norm != "none" else []
            found += [place]
        return found

    generator = hidden("generator", latent, wide, deep, generator_norm)
    generator += [nn.Linear(wide, size), OUTPUTS[last](), nn.Unflatten(1, shape)]
    discriminator: list[nn.Module] = [nn.Flatten()]
    discriminator += hidden("discriminator", size, width, depth, discriminator_norm)
    discriminator += [nn.Linear(width, 1), *judged_by(discriminator_output)]
    return Networks(
        nn.Sequential(*generator),
        nn.Sequential(*discriminator),
        latent,
        fixed_std,
        output=last,
        judged=discriminator_output,
    )
