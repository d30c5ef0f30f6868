"""What bounds a step from outside the loss: the discriminator's layers, or the gradient of either player."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, parametrizations

from ablation.part import check_number

NORMALISED = (nn.Linear, nn.Conv2d)
"""The layers of a discriminator whose weight spectral normalisation divides."""


@dataclass(frozen=True)
class Constraint:
    """What a row does around a player's update; hooks that it does not need are None.

    `dress(discriminator, stream)` changes the discriminator's layers once, on the CPU: after its weights are drawn
    (a dressed layer computes its weight) and before it is moved, copied, compiled or given to an optimiser.
    `clip` bounds the norm of each player's whole gradient; `limit` does it.
    """

    dress: Callable[[nn.Module, torch.Generator], None] | None = None
    clip: float | None = None

    def limit(self, network: nn.Module) -> None:
        """Scale a player's gradient down to norm `clip` where it is longer; called before its optimiser's step."""
        if self.clip is not None:
            clip_grad_norm_(network.parameters(), self.clip)


def none() -> Constraint:
    """Return the constraint that does nothing."""
    return Constraint()


def spectral_norm() -> Constraint:
    """Return the constraint of Miyato et al. 2018: each layer's weight is divided by its largest singular value.

    That value is followed by one power iteration in each forward pass of training, from vectors that the stream
    draws. A convolution's weight counts as the matrix of its filters (out, in x height x width), as in the paper.
    """

    def dress(discriminator: nn.Module, stream: torch.Generator) -> None:
        layers = [m for m in discriminator.modules() if isinstance(m, NORMALISED)]
        if not layers:
            raise ValueError("constraint spectral_norm finds no Linear or Conv2d to normalise")
        assert all(p.device.type == "cpu" for layer in layers for p in layer.parameters())
        seed = int(torch.randint(2**62, (), generator=stream, device=stream.device))
        with torch.random.fork_rng(devices=[]):  # torch draws the vectors from the global stream
            torch.default_generator.manual_seed(seed)
            for layer in layers:
                parametrizations.spectral_norm(layer)

    return Constraint(dress=dress)


def gradient_clip(*, clip: float) -> Constraint:
    """Return the constraint of Pascanu et al. 2013, algorithm 1: a player's gradient has at most the norm `clip`."""
    check_number(clip, float, "constraint.clip", 0, ends="()")
    return Constraint(clip=clip)
