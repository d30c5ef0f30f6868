"""Games in which a sample is judged beside samples of the other kind; both sides need both logits."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from ablation.losses.game import Loss, Side


def _mirrored(side: Side) -> Loss:
    """Return the game in which the generator minimises what the discriminator would, were the labels swapped."""

    def generator(*, real: Tensor, fake: Tensor) -> Tensor:
        return side(real=fake, fake=real)

    return Loss(side, generator, sees_real=True, bounded_below=True)


def relativistic_average() -> Loss:
    """Return the game of Jolicoeur-Martineau 2018 (RaSGAN): each sample against the mean of the others.

    The mean of the two terms, as in its code; the two batches may differ in size.
    """

    def discriminator(*, real: Tensor, fake: Tensor) -> Tensor:
        above, below = real - fake.mean(), fake - real.mean()
        return (softplus(-above).mean() + softplus(below).mean()) / 2

    return _mirrored(discriminator)


def relativistic_pairing() -> Loss:
    """Return the game of Huang et al. 2024 (R3GAN): each real sample against one fake.

    Raises ValueError if the batches differ in size: a broadcast would pair every sample with one.
    """

    def discriminator(*, real: Tensor, fake: Tensor) -> Tensor:
        if real.shape != fake.shape:
            raise ValueError(
                f"loss relativistic_pairing got {len(real)} real and {len(fake)} fake logits;"
                " it pairs them, so there are as many of each"
            )
        return softplus(fake - real).mean()

    return _mirrored(discriminator)
