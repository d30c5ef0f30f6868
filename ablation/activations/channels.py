"""Activations whose outputs have more or fewer channels than their pre-activations (dimension 1 of N C ...)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, silu

from ablation.activations.elementwise import widened
from ablation.part import check_number


def share(incoming: int, pieces: int, name: str) -> int:
    """Return the number of channels that `pieces` equal parts of `incoming` have; raises ValueError if none."""
    if incoming < pieces or incoming % pieces:
        raise ValueError(f"{name} divides its channels by {pieces}; it cannot take {incoming}")
    return incoming // pieces


class Maxout(nn.Module):
    """The largest of `pieces` pre-activations: of channels c, c + C / pieces, c + 2 C / pieces ..."""

    def __init__(self, pieces: int) -> None:
        """Take how many pre-activations one unit has."""
        super().__init__()
        check_number(pieces, int, "maxout.pieces", 2, 1_000)
        self.pieces = pieces
        self.parts = (pieces, 1)

    def channels_out(self, incoming: int) -> int:
        """Return how many channels `incoming` become."""
        return share(incoming, self.pieces, "maxout")

    def forward(self, x: Tensor) -> Tensor:
        """Map N C ... to N C/pieces ..."""
        largest: Tensor = (
            x.unflatten(1, (self.pieces, -1)).max(1).values
        )  # one wins a tie; amax has all
        return largest


class CReLU(nn.Module):
    """max(x, 0) and max(-x, 0), one after the other."""

    parts = (1, 2)

    def channels_out(self, incoming: int) -> int:
        """Return how many channels `incoming` become."""
        return 2 * incoming

    def forward(self, x: Tensor) -> Tensor:
        """Map N C ... to N 2C ..."""
        return torch.relu(torch.cat([x, -x], 1))


class GLU(nn.Module):
    """a s(b), s the logistic function: half of the channels, each through the gate of its partner."""

    parts = (2, 1)

    def channels_out(self, incoming: int) -> int:
        """Return how many channels `incoming` become."""
        return share(incoming, 2, "glu")

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map N 2C ... to N C ..."""
        a, b = x.chunk(2, 1)
        return a * torch.sigmoid(b)


class GEGLU(nn.Module):
    """a gelu(b)."""

    parts = (2, 1)

    def channels_out(self, incoming: int) -> int:
        """Return how many channels `incoming` become."""
        return share(incoming, 2, "geglu")

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map N 2C ... to N C ..."""
        a, b = x.chunk(2, 1)
        return a * gelu(b)


class SwiGLU(nn.Module):
    """a silu(b)."""

    parts = (2, 1)

    def channels_out(self, incoming: int) -> int:
        """Return how many channels `incoming` become."""
        return share(incoming, 2, "swiglu")

    @widened
    def forward(self, x: Tensor) -> Tensor:
        """Map N 2C ... to N C ..."""
        a, b = x.chunk(2, 1)
        return a * silu(b)
