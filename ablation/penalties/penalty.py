"""What a penalty is: hooks into the discriminator's update, the tensors they move, and what they differentiate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Penalty:
    """What a row does in each update of the discriminator; hooks that it does not need are None.

    `value(discriminator, real, fake, stream)` is added to the discriminator's loss. It asks the discriminator by
    itself, draws from `stream` alone and leaves the generator without a gradient.
    `on_logits(real, fake)` is added to it too, from the logits that the loss itself is computed from. It is called
    once an update, since it may move `state`.
    `constrain(discriminator)` follows the optimiser's step.
    `state` holds, by name, the tensors that the hooks move in place: training saves them, and restores them in place.
    `differentiates_twice` says whether the penalty's gradient takes second derivatives of the discriminator.
    """

    value: Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor] | None = None
    constrain: Callable[[nn.Module], None] | None = None
    on_logits: Callable[[Tensor, Tensor], Tensor] | None = None
    state: dict[str, Tensor] = field(default_factory=dict, compare=False)
    differentiates_twice: bool = False

    def to(self, device: torch.device | str) -> None:
        """Move the state to the device that training happens on."""
        for name, tensor in self.state.items():
            self.state[name] = tensor.to(device)

    def restore(self, saved: dict[str, Tensor]) -> None:
        """Take the values of a saved `state`; raises ValueError if it has other names."""
        if saved.keys() != self.state.keys():
            raise ValueError(
                f"the saved penalty has the state {sorted(saved)}, not {sorted(self.state)}"
            )
        for name, tensor in self.state.items():
            tensor.copy_(saved[name])
