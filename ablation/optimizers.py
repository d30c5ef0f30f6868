"""How weights move: an optimiser for one network's parameters."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn


def _positive(lr: float) -> None:
    if not lr > 0:
        raise ValueError(f"optimizer.lr is {lr}; it is above 0")


def adam(
    parameters: Iterable[nn.Parameter], *, lr: float, beta1: float, beta2: float
) -> torch.optim.Optimizer:
    """Return Adam (Kingma & Ba 2015) in its fused kernel."""
    _positive(lr)
    return torch.optim.Adam(parameters, lr=lr, betas=(beta1, beta2), fused=True)


def rmsprop(
    parameters: Iterable[nn.Parameter], *, lr: float, alpha: float
) -> torch.optim.Optimizer:
    """Return RMSProp (Tieleman & Hinton 2012), as WGAN was trained with."""
    _positive(lr)
    return torch.optim.RMSprop(parameters, lr=lr, alpha=alpha)
