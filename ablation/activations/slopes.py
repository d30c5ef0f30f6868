"""How a unit answers its pre-activations: which of them it sees, and how steeply it follows them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def channels(phi: nn.Module) -> tuple[int, int]:
    """Return how many pre-activations a unit sees and how many outputs share them: (1, 1) if it is elementwise.

    A module that changes the number of channels states `channels_out(incoming)`. If it also states `parts`, such a
    pair, then output c of each part sees channel c of each equal part of the incoming channels, and no other;
    otherwise the least number of channels that it accepts counts.
    """
    rule = getattr(phi, "channels_out", None)
    if rule is None:
        return 1, 1
    stated = getattr(phi, "parts", None)
    if stated is not None:
        return int(stated[0]), int(stated[1])
    for incoming in range(1, 1025):
        try:
            outgoing = int(rule(incoming))
        except (ValueError, ArithmeticError, AssertionError):
            continue
        if outgoing > 0:
            return incoming, outgoing
    raise ValueError(f"{type(phi).__name__} makes no channel of 1,024 or fewer")


def slopes(phi: nn.Module, u: Tensor) -> Tensor:
    """Return what every unit's output does when its pre-activations u (N C ...) move.

    Elementwise, phi'(u) in the shape of u; else, of each output of phi, the L2 norm of its gradient with respect to
    the pre-activations at its position: one backward pass for each output that shares them, or for each channel if
    the module does not state its `parts`.
    """
    u = u.detach().requires_grad_(True)
    with torch.enable_grad():
        h = phi(u.clone())
        if getattr(phi, "channels_out", None) is None:
            return gradient(h.sum(), u).detach()
        stated = getattr(phi, "parts", None)
        seen, sharing = (1, h.shape[1]) if stated is None else (u.shape[1] // stated[0], stated[1])
        found = [gradient(part.sum(), u) for part in h.chunk(sharing, 1)]
    return torch.cat([g.detach().unflatten(1, (-1, seen)).norm(dim=1) for g in found], 1)


def gradient(total: Tensor, u: Tensor, *, create_graph: bool = False) -> Tensor:
    """Return d total / d u; zeros where it does not depend on u."""
    if not total.requires_grad:
        return torch.zeros_like(u)
    (found,) = torch.autograd.grad(
        total, u, create_graph=create_graph, retain_graph=True, allow_unused=True
    )
    return torch.zeros_like(u) if found is None else found
