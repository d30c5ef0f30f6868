"""What bounds a step from outside the loss: the discriminator's layers, or the gradient of either player."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Constraint:
    """`dress(discriminator, stream)` changes its layers before training; `clip` bounds each player's gradient norm."""

    dress: Callable[[nn.Module, torch.Generator], None] | None = None
    clip: float | None = None


def none() -> Constraint:
    """Return the constraint that does nothing."""
    return Constraint()
