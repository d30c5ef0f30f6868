"""Penalties that touch no loss: nothing at all, and what bounds the discriminator's weights after each step."""

from __future__ import annotations

import torch
from torch import nn

from ablation.part import check_number
from ablation.penalties.penalty import Penalty


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
