"""The two players: architectures that name no activation, and how their weights start."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ablation.activations import ActivationSite
from ablation.part import check_number

SiteMaker = Callable[[str], ActivationSite]
Shape = tuple[int, ...]
OUTPUTS = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "identity": nn.Identity}
NORMS = {"batch": nn.BatchNorm2d, "none": nn.Identity}
WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


@dataclass(frozen=True)
class Networks:
    """Generator (z: N Z -> samples in [-1, 1]) and discriminator (samples, `packing` an input -> logits).

    `fixed_std` is the standard deviation with which `init: fixed` starts every weight; None means ReLU's gain.
    """

    generator: nn.Module
    discriminator: nn.Module
    latent: int
    fixed_std: float | None = None
    packing: int = 1

    def packed(self, samples: Tensor) -> Tensor:
        """Return the discriminator's inputs: `packing` samples side by side as channels (N C ... -> N/m mC ...)."""
        if self.packing == 1:
            return samples
        return samples.reshape(-1, self.packing * samples.shape[1], *samples.shape[2:])


class Logit(nn.Module):
    """Drops the last dimension: N 1 -> N."""

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit a sample."""
        return x.flatten(1).squeeze(1)


def _output(name: str, shape: Shape) -> nn.Module:
    if name == "auto":
        name = "tanh" if len(shape) == 3 else "identity"
    if name not in OUTPUTS:
        raise ValueError(f"architecture.output is {name!r}; it is auto, {', '.join(OUTPUTS)}")
    return OUTPUTS[name]()


def _whole(**values: int) -> None:
    for name, value in values.items():
        check_number(value, int, f"architecture.{name}", 1, 1_000 if name == "depth" else 65_536)


def mlp(
    shape: Shape, site: SiteMaker, *, width: int, depth: int, latent: int, output: str
) -> Networks:
    """Return fully connected players with `depth` hidden layers of `width` units and no normalisation."""
    _whole(width=width, depth=depth, latent=latent)
    size = math.prod(shape)

    def hidden(network: str, incoming: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for number in range(depth):
            layers += [nn.Linear(incoming if number == 0 else width, width)]
            layers += [site(f"{network}.{number}")]
        return layers

    generator = [*hidden("generator", latent), nn.Linear(width, size)]
    generator += [_output(output, shape), nn.Unflatten(1, shape)]
    discriminator = [nn.Flatten(), *hidden("discriminator", size), nn.Linear(width, 1), Logit()]
    return Networks(nn.Sequential(*generator), nn.Sequential(*discriminator), latent)


def dcgan(
    shape: Shape,
    site: SiteMaker,
    *,
    width: int,
    latent: int,
    output: str,
    generator_norm: str,
    discriminator_norm: str,
) -> Networks:
    """Return the convolutional players of Radford et al. 2016 for square images whose side halves down to 4..7."""
    _whole(width=width, latent=latent)
    for network, norm in (("generator", generator_norm), ("discriminator", discriminator_norm)):
        if norm not in NORMS:
            raise ValueError(f"architecture.{network}_norm is {norm!r}; it is {' or '.join(NORMS)}")
    channels, base, halvings = _pyramid(shape)
    widths = [width * 2**level for level in range(halvings)]  # next to the image first

    up: list[nn.Module] = [nn.Linear(latent, widths[-1] * base * base)]
    up += [nn.Unflatten(1, (widths[-1], base, base)), NORMS[generator_norm](widths[-1])]
    up += [site("generator.0")]
    for number, (wide, narrow) in enumerate(zip(widths[:0:-1], widths[-2::-1], strict=True), 1):
        up += [nn.ConvTranspose2d(wide, narrow, 4, 2, 1), NORMS[generator_norm](narrow)]
        up += [site(f"generator.{number}")]
    up += [nn.ConvTranspose2d(width, channels, 4, 2, 1), _output(output, shape)]

    down: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), site("discriminator.0")]
    for number, (narrow, wide) in enumerate(pairwise(widths), 1):
        down += [nn.Conv2d(narrow, wide, 4, 2, 1), NORMS[discriminator_norm](wide)]
        down += [site(f"discriminator.{number}")]
    down += [nn.Conv2d(widths[-1], 1, base), Logit()]
    return Networks(nn.Sequential(*up), nn.Sequential(*down), latent, fixed_std=0.02)


def _pyramid(shape: Shape) -> tuple[int, int, int]:
    """Return channels, the coarsest side and how often the side is halved to reach it."""
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"dcgan makes square images; this data has the shape {shape}")
    channels, side, halvings = shape[0], shape[1], 0
    while side > 7 and side % 2 == 0:
        side, halvings = side // 2, halvings + 1
    if not 4 <= side <= 7 or halvings == 0:
        raise ValueError(f"dcgan makes sides of 4 to 7 times a power of two, not {shape[1]}")
    return channels, side, halvings


def initialise(networks: Networks, init: str, stream: torch.Generator) -> None:
    """Draw every weight from N(0, (gain / sqrt(fan-in))^2), biases 0.

    `matched` takes the gain of the activation that the layer's input comes from (1 for the first layer), so that
    every pre-activation starts with unit second moment; `fixed` takes one gain for all.
    The draws do not depend on the gain, so equal seeds start from the same directions.
    """
    for network in (networks.generator, networks.discriminator):
        modules = [m for m in network.modules() if isinstance(m, (*WEIGHTED, ActivationSite))]
        for module, before in zip(modules, [None, *modules], strict=False):
            if isinstance(module, WEIGHTED):
                gain = before.activation.gain if isinstance(before, ActivationSite) else 1.0
                std = gain / math.sqrt(_fan_in(module))
                if init == "fixed":
                    std = networks.fixed_std or math.sqrt(2 / _fan_in(module))
                with torch.no_grad():
                    module.weight.normal_(0, std, generator=stream)
                    if module.bias is not None:
                        module.bias.zero_()


def _fan_in(module: nn.Module) -> float:
    """Return how many inputs reach one output."""
    if isinstance(module, nn.ConvTranspose2d):
        area = math.prod(module.kernel_size) / math.prod(module.stride)
        return module.in_channels * area
    assert isinstance(module, (nn.Linear, nn.Conv2d))
    return module.weight[0].numel()
