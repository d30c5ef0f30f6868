"""Penalties on the discriminator's slope: the gradient of each sample's logit with respect to that sample.

A sample's slope is one vector over all its dimensions, so its norm is that sample's alone. A discriminator that mixes
the samples of a batch (batch norm) has no such slope.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ablation.part import check_number
from ablation.penalties.penalty import Penalty


def _slopes(discriminator: nn.Module, points: Tensor) -> Tensor:
    """Return the slope at each point (N D), itself differentiable in the discriminator's weights."""
    points = points.detach().requires_grad_(True)
    (slopes,) = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
    return slopes.flatten(1)


def _steepness(discriminator: nn.Module, points: Tensor) -> Tensor:
    """Return the norm of the slope at each point (N)."""
    norms: Tensor = _slopes(discriminator, points).norm(dim=1)
    return norms


def _between(real: Tensor, fake: Tensor, stream: torch.Generator) -> Tensor:
    """Return a point on each segment from a fake to a real sample, with a mixing factor of its own."""
    shape = (len(real), *[1] * (real.dim() - 1))
    mix = torch.rand(shape, generator=stream, device=real.device, dtype=real.dtype)
    return torch.lerp(fake.detach(), real, mix)


def gradient_penalty(*, weight: float) -> Penalty:
    """Return the two-sided penalty of Gulrajani et al. 2017, algorithm 1: weight E(|slope| - 1)^2.

    Each sample has its own mixing factor, and its gradient's norm runs over all its own dimensions.
    """
    return _near_one(weight, two_sided=True)


def gradient_penalty_one_sided(*, weight: float) -> Penalty:
    """Return the penalty on slopes above 1 alone: weight E max(0, |slope| - 1)^2, at the points of gradient_penalty.

    Gulrajani et al. 2017, section 4, name it; Petzka et al. 2018 argue for it.
    """
    return _near_one(weight, two_sided=False)


def _near_one(weight: float, *, two_sided: bool) -> Penalty:
    check_number(weight, float, "penalty.weight", 0)

    def value(
        discriminator: nn.Module, real: Tensor, fake: Tensor, stream: torch.Generator
    ) -> Tensor:
        excess = _steepness(discriminator, _between(real, fake, stream)) - 1
        return weight * (excess if two_sided else excess.relu()).square().mean()

    return Penalty(value=value, differentiates_twice=True)


def r1(*, gamma: float) -> Penalty:
    """Return gamma / 2 E|slope|^2 at real samples (Mescheder et al. 2018, section 4.1; the 1/2 as in StyleGAN3)."""
    return _near_zero(gamma, at_real=True)


def r2(*, gamma: float) -> Penalty:
    """Return gamma / 2 E|slope|^2 at generated samples: r1's twin in Mescheder et al. 2018, section 4.1."""
    return _near_zero(gamma, at_real=False)


def _near_zero(gamma: float, *, at_real: bool) -> Penalty:
    check_number(gamma, float, "penalty.gamma", 0)

    def value(
        discriminator: nn.Module, real: Tensor, fake: Tensor, _stream: torch.Generator
    ) -> Tensor:
        slopes = _slopes(discriminator, real if at_real else fake)
        return gamma / 2 * slopes.square().sum(1).mean()

    return Penalty(value=value, differentiates_twice=True)


def dragan(*, weight: float, noise: float) -> Penalty:
    """Return the penalty of Kodali et al. 2017 with k = 1: weight E(|slope| - 1)^2 around the data.

    The points are real samples plus normal noise, as the paper's equation has it (its code adds uniform noise of one
    sign and mixes again); `noise` is the noise's deviation in deviations of the whole batch (0.5, as in its code).
    """
    check_number(weight, float, "penalty.weight", 0)
    check_number(noise, float, "penalty.noise", 0, ends="()")

    def value(
        discriminator: nn.Module, real: Tensor, _fake: Tensor, stream: torch.Generator
    ) -> Tensor:
        draws = torch.randn(real.shape, generator=stream, device=real.device, dtype=real.dtype)
        around = real + noise * real.std(correction=0) * draws
        return weight * (_steepness(discriminator, around) - 1).square().mean()

    return Penalty(value=value, differentiates_twice=True)
