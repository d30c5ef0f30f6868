"""What is added to the discriminator's loss, or done to its weights, to keep it smooth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ablation.part import check_number


@dataclass(frozen=True)
class Penalty:
    """`value(discriminator, real, fake, stream)` is added to the loss; `constrain(discriminator)` follows each step."""

    value: Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor] | None = None
    constrain: Callable[[nn.Module], None] | None = None


def none() -> Penalty:
    """Return the penalty that does nothing."""
    return Penalty()


def weight_clip(*, bound: float) -> Penalty:
    """Return the constraint of Arjovsky et al. 2017, algorithm 1: every weight in [-bound, bound]."""
    check_number(bound, float, "penalty.bound", 0, ends="()")

    def constrain(discriminator: nn.Module) -> None:
        with torch.no_grad():
            for parameter in discriminator.parameters():
                parameter.clamp_(-bound, bound)

    return Penalty(constrain=constrain)


def gradient_penalty(*, weight: float) -> Penalty:
    """Return the two-sided penalty of Gulrajani et al. 2017, algorithm 1.

    Each sample has its own mixing factor, and its gradient's norm runs over all its own dimensions.
    """
    check_number(weight, float, "penalty.weight", 0)

    def value(
        discriminator: nn.Module, real: Tensor, fake: Tensor, stream: torch.Generator
    ) -> Tensor:
        shape = (len(real), *[1] * (real.dim() - 1))
        mix = torch.rand(shape, generator=stream, device=real.device)
        between = torch.lerp(fake.detach(), real, mix).requires_grad_(True)
        (slope,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
        penalty: Tensor = weight * (slope.flatten(1).norm(dim=1) - 1).square().mean()
        return penalty

    return Penalty(value=value)
