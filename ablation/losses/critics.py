"""Games in which the discriminator is a critic: its logits are heights, and only their difference counts."""

from __future__ import annotations

from torch import Tensor

from ablation.losses.game import Loss


def wasserstein() -> Loss:
    """Return the game of Arjovsky et al. 2017; its critic wants a penalty or a constraint beside it."""

    def discriminator(*, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return -fake.mean()

    return Loss(discriminator, generator, bounded_below=False)
