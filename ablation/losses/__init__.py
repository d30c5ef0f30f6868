"""What the two networks minimise: logits in, scalar out, mean over the batch."""

from __future__ import annotations

from ablation.losses.classifiers import (
    hinge,
    least_squares,
    minimax,
    non_saturating,
    probability_difference,
)
from ablation.losses.critics import wasserstein
from ablation.losses.divergences import (
    fgan_hellinger,
    fgan_js,
    fgan_kl,
    fgan_pearson,
    fgan_reverse_kl,
)
from ablation.losses.game import Loss, Side
from ablation.losses.relativistic import relativistic_average, relativistic_pairing

__all__ = [
    "Loss",
    "Side",
    "fgan_hellinger",
    "fgan_js",
    "fgan_kl",
    "fgan_pearson",
    "fgan_reverse_kl",
    "hinge",
    "least_squares",
    "minimax",
    "non_saturating",
    "probability_difference",
    "relativistic_average",
    "relativistic_pairing",
    "wasserstein",
]
