"""What a step's matrix products and convolutions take alone: those of one step of ours, called again and again."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from speed_lanes import WARM, Game, Ours, environment
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from sweeps.worker import HUGE_PAGES

Call = Callable[[], object]
LEAST = 0.5
"""CPU seconds of a slice."""


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


def measured(game: Game, *, quick: bool) -> float:
    """Return the milliseconds of CPU time that the kernels of one step take alone, in a process of their own."""
    with environment(HUGE_PAGES), multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(alone, (game, 3 if quick else 9))


def alone(game: Game, slices: int) -> float:
    """Take the kernels of one step and time them, slice by slice; return the median of a step's milliseconds."""
    lane = Ours(game)
    lane.go(WARM)
    with Kernels() as seen:
        lane.go(1)
    found = []
    with torch.no_grad():
        for _ in range(slices):
            began, count = time.process_time(), 0
            while time.process_time() - began < LEAST:
                for call in seen.calls:
                    call()
                count += 1
            found.append(1000 * (time.process_time() - began) / count)
    return statistics.median(found)
