"""Games in which the discriminator classifies: each sample is pushed to the side that it comes from."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import relu, softplus

from ablation.losses.game import Loss


def _classify(*, real: Tensor, fake: Tensor) -> Tensor:
    return softplus(-real).mean() + softplus(fake).mean()


def minimax() -> Loss:
    """Return the saturating game of Goodfellow et al. 2014, equation 1."""

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return -softplus(fake).mean()

    return Loss(_classify, generator, bounded_below=True, boundary=0.0)


def non_saturating() -> Loss:
    """Return the game that Goodfellow et al. 2014, section 3, train with."""

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-fake).mean()

    return Loss(_classify, generator, bounded_below=True, boundary=0.0)


def probability_difference() -> Loss:
    """Return the tutorial's game: the discriminator widens the gap of the two probabilities."""

    def discriminator(*, real: Tensor, fake: Tensor) -> Tensor:
        return fake.sigmoid().mean() - real.sigmoid().mean()

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return -fake.sigmoid().mean()

    return Loss(discriminator, generator, bounded_below=True, boundary=0.0)


def least_squares() -> Loss:
    """Return the game of Mao et al. 2017, equation 9, on logits: targets 1 for real, 0 for fake."""

    def discriminator(*, real: Tensor, fake: Tensor) -> Tensor:
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return (fake - 1).square().mean() / 2

    return Loss(discriminator, generator, bounded_below=True, boundary=0.5)


def hinge() -> Loss:
    """Return the game of Lim & Ye 2017 and Miyato et al. 2018, equations 16 and 17: margins 1 and -1.

    The generator's side knows no margin: it is that of wasserstein.
    """

    def discriminator(*, real: Tensor, fake: Tensor) -> Tensor:
        return relu(1 - real).mean() + relu(1 + fake).mean()

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return -fake.mean()

    return Loss(discriminator, generator, bounded_below=True, boundary=0.0)
