"""Penalties on the logits themselves: how far they may stray from where they have been."""

from __future__ import annotations

import torch
from torch import Tensor

from ablation.part import check_number
from ablation.penalties.penalty import Penalty


def lecam(*, weight: float, decay: float) -> Penalty:
    """Return the penalty of Tseng et al. 2021: weight [E(a - mean b)^2 + E(b - mean a)^2].

    The two means run over the updates so far, each with `decay` (the first update sets them), and take in the present
    logits before they are compared; no gradient passes through them. As in the paper's equation the distance counts
    on both sides; its code counts it only where a > mean b and b < mean a.
    """
    check_number(weight, float, "penalty.weight", 0)
    check_number(decay, float, "penalty.decay", 0, 1, ends="[)")
    state = {name: torch.zeros(()) for name in ("real", "fake", "updates")}

    def on_logits(real: Tensor, fake: Tensor) -> Tensor:
        with torch.no_grad():
            rate = torch.where(state["updates"] > 0, 1 - decay, 1.0)
            state["real"].lerp_(real.mean().float(), rate)
            state["fake"].lerp_(fake.mean().float(), rate)
            state["updates"] += 1
        far = (real - state["fake"]).square().mean() + (fake - state["real"]).square().mean()
        return weight * far

    return Penalty(on_logits=on_logits, state=state)
