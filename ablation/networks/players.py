"""The two players and what all architectures share: outputs, normalisation, the logit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from ablation.activations import ActivationSite
from ablation.part import check_number

SiteMaker = Callable[[str], ActivationSite]
Shape = tuple[int, ...]
OUTPUTS = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "identity": nn.Identity}
RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "identity": (-math.inf, math.inf)}
JUDGED = ("identity", "sigmoid")
NORMS = ("none", "batch", "layer", "instance", "group")
GROUPS, MEMBERS = 32, 4
"""The most groups of `group` (Wu & He 2018), and the fewest channels of one, where the layer has so many: a vector's
only channel less its own mean is 0, whatever the network learns."""


@dataclass(frozen=True)
class Networks:
    """Generator (z: N Z -> samples) and discriminator (samples, `packing` an input -> logits).

    `output` names the generator's last nonlinearity, `judged` the discriminator's (identity: logits). `fixed_std` is
    the standard deviation with which `init: fixed` starts every weight; None means ReLU's gain.
    """

    generator: nn.Module
    discriminator: nn.Module
    latent: int
    fixed_std: float | None = None
    packing: int = 1
    output: str = "identity"
    judged: str = "identity"

    @property
    def output_range(self) -> tuple[float, float]:
        """The infimum and supremum of a sample's values."""
        return RANGES[self.output]

    def packed(self, samples: Tensor) -> Tensor:
        """Return the discriminator's inputs: `packing` samples side by side as channels (N C ... -> N/m mC ...)."""
        if self.packing == 1:
            return samples
        return samples.reshape(-1, self.packing * samples.shape[1], *samples.shape[2:])


def parameters(networks: Networks) -> dict[str, int]:
    """Return the number of trained parameters of each player."""
    players = {"generator": networks.generator, "discriminator": networks.discriminator}
    return {name: sum(p.numel() for p in own.parameters()) for name, own in players.items()}


class Logit(nn.Module):
    """Drops the last dimension: N 1 -> N."""

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit a sample."""
        return x.flatten(1).squeeze(1)


class SumPool(nn.Module):
    """Sums over space, `positions` values a channel: N C H W -> N C."""

    def __init__(self, positions: int) -> None:
        """Take how many values are summed: the layer that follows starts smaller by it."""
        super().__init__()
        self.positions = positions

    def forward(self, x: Tensor) -> Tensor:
        """Return one vector a sample."""
        return x.sum(dim=(2, 3))


def output_name(name: str, shape: Shape) -> str:
    """Return the generator's last nonlinearity: `auto` is tanh for images and identity for vectors."""
    if name == "auto":
        return "tanh" if len(shape) == 3 else "identity"
    if name not in OUTPUTS:
        raise ValueError(f"architecture.output is {name!r}; it is auto, {', '.join(OUTPUTS)}")
    return name


def judged_by(name: str) -> list[nn.Module]:
    """Return what ends a discriminator: a logit, and after it a sigmoid where one is asked for."""
    if name not in JUDGED:
        raise ValueError(
            f"architecture.discriminator_output is {name!r}; it is {', '.join(JUDGED)}"
        )
    return [Logit()] if name == "identity" else [Logit(), OUTPUTS[name]()]


def check_norms(*, generator: str, discriminator: str, images: bool) -> None:
    """Raise ValueError for a normalisation that is none, and for instance norm of vectors."""
    for network, norm in (("generator", generator), ("discriminator", discriminator)):
        if norm == "spectral":
            raise ValueError(
                f"architecture.{network}_norm is 'spectral'; spectral normalisation is"
                " constraint=spectral_norm, for the discriminator, beside any norm"
            )
        if norm not in NORMS:
            raise ValueError(
                f"architecture.{network}_norm is {norm!r}; it is one of {', '.join(NORMS)}"
            )
        if norm == "instance" and not images:
            known = ", ".join(name for name in NORMS if name != norm)
            raise ValueError(
                f"architecture.{network}_norm is 'instance'; instance norm needs pictures, these"
                f" layers hold vectors: it is one of {known}"
            )


def normal(norm: str, channels: int, *, images: bool) -> nn.Module:
    """Return a normalisation of `channels` channels, of images N C H W or of vectors N C.

    Layer norm of images is over C H W with a weight a channel, as WGAN-GP's critics have it; group norm has the most
    groups that divide the channels, up to 32 and of at least four channels.
    """
    if norm == "none":
        return nn.Identity()
    if norm == "batch":
        return nn.BatchNorm2d(channels) if images else nn.BatchNorm1d(channels)
    if norm == "layer":
        return nn.GroupNorm(1, channels) if images else nn.LayerNorm(channels)
    if norm == "group":
        most = max(1, min(GROUPS, channels // MEMBERS))
        return nn.GroupNorm(max(n for n in range(1, most + 1) if channels % n == 0), channels)
    assert images, "check_norms refuses instance norm of vectors"
    return nn.InstanceNorm2d(channels, affine=True)


def whole(**values: int) -> None:
    """Raise ValueError for a size that is no whole number in its range."""
    for name, value in values.items():
        check_number(value, int, f"architecture.{name}", 1, 1_000 if "depth" in name else 65_536)


def pyramid(shape: Shape, name: str) -> tuple[int, int, int]:
    """Return channels, the coarsest side and how often the side is halved to reach it.

    Raises ValueError, in the name of the architecture, for a shape that does not halve so.
    """
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"{name} makes square images; this data has the shape {shape}")
    channels, side, halvings = shape[0], shape[1], 0
    while side > 7 and side % 2 == 0:
        side, halvings = side // 2, halvings + 1
    if not 4 <= side <= 7 or halvings == 0:
        raise ValueError(f"{name} makes sides of 4 to 7 times a power of two, not {shape[1]}")
    return channels, side, halvings
