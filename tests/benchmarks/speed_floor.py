"""What a step's matrix products and convolutions take alone: those of one step of ours, called again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from speed_lanes import WARM, Game, Ours
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

Call = Callable[[], object]


class Kernels(TorchDispatchMode):
    """Keeps each call of a kernel whose arithmetic torch counts, with its operands, which stay where they are."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        if func._overloadpacket in flop_registry:
            self.calls.append(partial(func, *args, **(kwargs or {})))
        return func(*args, **(kwargs or {}))


class Alone:
    """A lane that calls the kernels of one step of ours, again and again."""

    def __init__(self, game: Game) -> None:
        ours = Ours(game)
        ours.go(WARM)
        with Kernels() as seen:
            ours.go(1)
        self.calls = seen.calls

    def go(self, steps: int) -> None:
        """Call them as often as so many steps would."""
        with torch.no_grad():
            for _ in range(steps):
                for call in self.calls:
                    call()
