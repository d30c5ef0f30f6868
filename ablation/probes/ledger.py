"""The readings of one step: tensors are noted where they arise and fetched from the device together, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from ablation.record import Reading

Row = tuple[str, str, str, float]
"""Network, layer, quantity, value."""
Finish = Callable[[Tensor], Iterable[Row]]
"""Makes rows of a tensor that has come to the CPU, float64 in the shape in which it was noted."""


class Ledger:
    """Notes tensors and makes readings of them."""

    def __init__(self) -> None:
        """Begin with nothing noted."""
        self._noted: list[tuple[Tensor, Finish]] = []

    def scalar(self, network: str, layer: str, quantity: str, value: Tensor) -> None:
        """Note one number."""
        self.later(value, lambda found: [(network, layer, quantity, float(found))])

    def later(self, value: Tensor, finish: Finish) -> None:
        """Note a tensor of any shape, from which `finish` makes rows on the CPU."""
        self._noted.append((value.detach(), finish))

    def close(self, step: int) -> list[Reading]:
        """Return the readings of everything noted, in that order: one transfer from the device."""
        if not self._noted:
            return []
        flat = torch.cat([value.double().flatten() for value, _ in self._noted]).cpu()
        parts = flat.split([value.numel() for value, _ in self._noted])
        found = []
        for (value, finish), part in zip(self._noted, parts, strict=True):
            found += [Reading(step, *row) for row in finish(part.reshape(value.shape))]
        self._noted.clear()
        return found
