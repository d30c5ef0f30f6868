"""What a loss is: one scalar for each side of the game, and two facts about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Side(Protocol):
    """One side of the game: logits of shape N in, a scalar out."""

    def __call__(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """Return what this side minimises."""
        ...


@dataclass(frozen=True)
class Loss:
    """What each side minimises.

    `sees_real` says whether the generator's side needs the real logits; `bounded_below` whether the discriminator's
    side has a lower bound over all logits: where it has none, only the critic's smoothness keeps it from running away.
    `boundary` is the logit at which its best discriminator finds a sample as likely real as not, None where only
    differences of logits count.
    """

    discriminator: Side
    generator: Side
    sees_real: bool = False
    bounded_below: bool = False
    boundary: float | None = None
