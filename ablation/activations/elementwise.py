"""Activations of one number that torch does not have, finite with both derivatives from -1e4 to 1e4."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu6, softplus

from ablation.part import check_number

Forward = Callable[[Any, Tensor], Tensor]


def widened(forward: Forward) -> Forward:
    """Let a formula of several steps see half precision as float32, as torch's own activations do inside."""

    @wraps(forward)
    def wide(self: Any, x: Tensor) -> Tensor:
        if x.dtype in (torch.bfloat16, torch.float16):
            return forward(self, x.float()).to(x.dtype)
        return forward(self, x)

    return wide


class SquaredReLU(nn.Module):
    """max(x, 0)^2."""

    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return torch.relu(x).square()


class HardSigmoid(nn.Module):
    """min(max(x + 3, 0), 6) / 6: torch's own cannot be differentiated twice, which a gradient penalty does."""

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return relu6(x + 3) / 6


class ShiftedSoftplus(nn.Module):
    """softplus(2x + 2) / 2 - 1: like elu, with every derivative."""

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return softplus(2 * x + 2, threshold=40) / 2 - 1  # e^-40 is nothing; torch's e^-20 is 2e-9


class ArcTan(nn.Module):
    """arctan(x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return torch.atan(x)


class Erf(nn.Module):
    """erf(x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return torch.erf(x)


class Mish(nn.Module):
    """x tanh(softplus(x)): the second derivative of torch's own is not a number far out."""

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        power = torch.exp(x.clamp(max=20))  # from 20 on tanh(softplus(x)) is 1
        power = power * (power + 2)  # tanh(ln y) = (y^2 - 1) / (y^2 + 1) with y = 1 + e^x
        return x * (power / (power + 2))


class Serf(nn.Module):
    """x erf(softplus(x))."""

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return x * torch.erf(softplus(x, threshold=40))


class Smish(nn.Module):
    """x tanh(ln(1 + s)), s the logistic function of x."""

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        s = torch.sigmoid(x)
        power = s * (s + 2)  # tanh(ln y) = (y^2 - 1) / (y^2 + 1) with y = 1 + s
        return x * (power / (power + 2))


class TanhExp(nn.Module):
    """x tanh(e^x)."""

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return x * torch.tanh(
            torch.exp(x.clamp(max=4))
        )  # from 3 on tanh(e^x) is 1, and e^x overflows


class Gaussian(nn.Module):
    """exp(-x^2)."""

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return torch.exp(-x.square())


class Sine(nn.Module):
    """sin(x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        return torch.sin(x)


class Squareplus(nn.Module):
    """(x + sqrt(x^2 + b)) / 2."""

    def __init__(self, b: float) -> None:
        """Take the width of the bend: b > 0."""
        super().__init__()
        check_number(b, float, "squareplus.b", 0, ends="(]")
        self.b = b

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        above, below = x.clamp(min=0), torch.where(x < 0, x, 0)
        right = (above + torch.sqrt(above.square() + self.b)) / 2
        left = self.b / 2 / (torch.sqrt(below.square() + self.b) - below)  # without cancellation
        return torch.where(x < 0, left, right)


class BentIdentity(nn.Module):
    """(sqrt(x^2 + 1) - 1) / 2 + x."""

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map x elementwise."""
        square = x.square()
        return square / (torch.sqrt(square + 1) + 1) / 2 + x  # without cancellation near 0
