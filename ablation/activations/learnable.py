"""Activations that learn: each place in a network has parameters of its own, one number each.

Papers that learn a number per channel are followed with one per place, so that an activation needs no width. Every
parameter starts from the number that its row gives.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ablation.activations.elementwise import widened


def number(value: float) -> nn.Parameter:
    """Return a learnable number."""
    return nn.Parameter(torch.tensor(float(value)))


class Swish(nn.Module):
    """x s(beta x), s the logistic function."""

    def __init__(self, beta: float) -> None:
        """Start from `beta`."""
        super().__init__()
        self.beta = number(beta)

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return x * torch.sigmoid(self.beta * x)


class Snake(nn.Module):
    """x + sin^2(a x) / a; x where a is 0."""

    def __init__(self, a: float) -> None:
        """Start from `a`."""
        super().__init__()
        self.a = number(a)

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return x + torch.sin(self.a * x).square() / torch.where(self.a == 0, 1, self.a)


class AconC(nn.Module):
    """(p1 - p2) x s(beta (p1 - p2) x) + p2 x, s the logistic function."""

    def __init__(self, p1: float, p2: float, beta: float) -> None:
        """Start from the slopes `p1` (far right) and `p2` (far left), and the sharpness of the bend."""
        super().__init__()
        self.p1, self.p2, self.beta = number(p1), number(p2), number(beta)

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        difference = (self.p1 - self.p2) * x
        return difference * torch.sigmoid(self.beta * difference) + self.p2 * x


class DynamicTanh(nn.Module):
    """weight tanh(alpha x) + bias."""

    def __init__(self, alpha: float, weight: float, bias: float) -> None:
        """Start from these numbers."""
        super().__init__()
        self.alpha, self.weight, self.bias = number(alpha), number(weight), number(bias)

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return self.weight * torch.tanh(self.alpha * x) + self.bias
