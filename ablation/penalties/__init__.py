"""What is added to the discriminator's loss, or done to its weights, to keep it smooth."""

from __future__ import annotations

from ablation.penalties.gradients import (
    dragan,
    gradient_penalty,
    gradient_penalty_one_sided,
    r1,
    r2,
)
from ablation.penalties.logits import lecam
from ablation.penalties.penalty import Penalty
from ablation.penalties.weights import none, weight_clip

__all__ = [
    "Penalty",
    "dragan",
    "gradient_penalty",
    "gradient_penalty_one_sided",
    "lecam",
    "none",
    "r1",
    "r2",
    "weight_clip",
]
