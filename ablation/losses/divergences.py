"""The f-GAN family of Nowozin et al. 2016: the discriminator's side is a bound on an f-divergence of data and samples.

With the output activation g and the conjugate f* of the paper's table 6 (g increasing in the logit, as it
asks), the discriminator minimises -E g(a) + E f*(g(b)); its best logits make that minus the sum of q f(p / q). Each
row writes -g and f*(g) as one function of the logit, so that nothing between them overflows or cancels; an
exponential that is itself out of range is inf, never nan, and so is its gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ablation.losses.game import Loss

GENERATORS = ("alternative", "saturating")
LOG2 = math.log(2)

Term = Callable[[Tensor], Tensor]


def _game(
    real_term: Term, fake_term: Term, generator: str, *, bounded_below: bool, boundary: float = 0.0
) -> Loss:
    """Return the game of `real_term` = -g and `fake_term` = f*(g).

    The `alternative` generator maximises E g(b), as the paper trains (section 3.2); the `saturating` one minimises
    the bound itself, -E f*(g(b)).
    """
    if generator not in GENERATORS:
        raise ValueError(f"loss.generator is {generator!r}; it is {' or '.join(GENERATORS)}")

    def discriminator(*, real: Tensor, fake: Tensor) -> Tensor:
        return real_term(real).mean() + fake_term(fake).mean()

    def alternative(*, real: Tensor, fake: Tensor) -> Tensor:
        return real_term(fake).mean()

    def saturating(*, real: Tensor, fake: Tensor) -> Tensor:
        return -fake_term(fake).mean()

    chosen = alternative if generator == "alternative" else saturating
    return Loss(discriminator, chosen, bounded_below=bounded_below, boundary=boundary)


def fgan_kl(*, generator: str) -> Loss:
    """Return the game of the sum of p log(p / q): g(v) = v, f*(t) = exp(t - 1)."""
    return _game(
        lambda v: -v, lambda v: (v - 1).exp(), generator, bounded_below=False, boundary=1.0
    )


def fgan_reverse_kl(*, generator: str) -> Loss:
    """Return the game of the sum of q log(q / p): g(v) = -exp(-v), f*(t) = -1 - log(-t)."""
    return _game(lambda v: (-v).exp(), lambda v: v - 1, generator, bounded_below=False)


def fgan_pearson(*, generator: str) -> Loss:
    """Return the game of the sum of (p - q)^2 / q: g(v) = v, f*(t) = t^2 / 4 + t.

    The saturating generator turns round at logit -2, where f* does.
    """
    return _game(lambda v: -v, lambda v: v.square() / 4 + v, generator, bounded_below=False)


def fgan_hellinger(*, generator: str) -> Loss:
    """Return the game of the sum of (sqrt p - sqrt q)^2: g(v) = 1 - exp(-v), f*(t) = t / (1 - t)."""
    return _game(lambda v: torch.expm1(-v), torch.expm1, generator, bounded_below=True)


def fgan_js(*, generator: str) -> Loss:
    """Return the game of twice the Jensen-Shannon divergence: g(v) = log 2 - softplus(-v), f*(t) = -log(2 - exp t).

    It is minimax (saturating) or non_saturating (alternative) but for constants.
    """
    return _game(
        lambda v: softplus(-v) - LOG2, lambda v: softplus(v) - LOG2, generator, bounded_below=True
    )
