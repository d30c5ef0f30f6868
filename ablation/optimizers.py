"""How weights move: an optimiser for one network's parameters."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from ablation.part import check_number


def adam(
    parameters: Iterable[nn.Parameter], *, lr: float, beta1: float, beta2: float
) -> torch.optim.Optimizer:
    """Return Adam (Kingma & Ba 2015) in its fused kernel."""
    check_number(lr, float, "optimizer.lr", 0, ends="()")
    check_number(beta1, float, "optimizer.beta1", 0, 1, ends="[)")
    check_number(beta2, float, "optimizer.beta2", 0, 1, ends="[)")
    return torch.optim.Adam(parameters, lr=lr, betas=(beta1, beta2), fused=True)


def rmsprop(
    parameters: Iterable[nn.Parameter], *, lr: float, alpha: float
) -> torch.optim.Optimizer:
    """Return RMSProp (Tieleman & Hinton 2012), as WGAN was trained with."""
    check_number(lr, float, "optimizer.lr", 0, ends="()")
    check_number(alpha, float, "optimizer.alpha", 0, 1, ends="[)")
    return torch.optim.RMSprop(parameters, lr=lr, alpha=alpha)
