"""What the two networks minimise: logits in, scalar out, mean over the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor
from torch.nn.functional import softplus


class Side(Protocol):
    """One side of the game: logits of shape N in, a scalar out."""

    def __call__(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """Return what this side minimises."""
        ...


@dataclass(frozen=True)
class Loss:
    """What each side minimises; `sees_real` says whether the generator's side needs the real logits."""

    discriminator: Side
    generator: Side
    sees_real: bool = False


def _classify(*, real: Tensor, fake: Tensor) -> Tensor:
    return softplus(-real).mean() + softplus(fake).mean()


def minimax() -> Loss:
    """Return the saturating game of Goodfellow et al. 2014, equation 1."""

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return -softplus(fake).mean()

    return Loss(_classify, generator)


def non_saturating() -> Loss:
    """Return the game that Goodfellow et al. 2014, section 3, train with."""

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-fake).mean()

    return Loss(_classify, generator)


def probability_difference() -> Loss:
    """Return the tutorial's game: the discriminator widens the gap of the two probabilities."""

    def discriminator(*, real: Tensor, fake: Tensor) -> Tensor:
        return fake.sigmoid().mean() - real.sigmoid().mean()

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return -fake.sigmoid().mean()

    return Loss(discriminator, generator)


def least_squares() -> Loss:
    """Return the game of Mao et al. 2017, equation 9, on logits: targets 1 for real, 0 for fake."""

    def discriminator(*, real: Tensor, fake: Tensor) -> Tensor:
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return (fake - 1).square().mean() / 2

    return Loss(discriminator, generator)


def wasserstein() -> Loss:
    """Return the game of Arjovsky et al. 2017; its critic wants a penalty or a constraint beside it."""

    def discriminator(*, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return -fake.mean()

    return Loss(discriminator, generator)
