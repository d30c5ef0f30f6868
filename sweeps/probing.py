"""How many trials fit on one GPU at once: one is tried in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection

from ablation.spec import TrialSpec
from sweeps.child import see_device
from sweeps.devices import cores, fitting, free_memory
from sweeps.guard import answered


def per_gpu(specs: Sequence[TrialSpec], gpus: Sequence[str]) -> int:
    """Return how many of these trials run at once on each of these GPUs.

    Raises ValueError where the memory is not told, RuntimeError with what kept the tried one from running.
    """
    device = gpus[0]
    free = free_memory(device)
    context = multiprocessing.get_context("spawn")
    found = answered(context, _try, list(specs), device)
    if isinstance(found, str):
        raise RuntimeError(f"--per-gpu auto: a trial was tried on {device}: {found}")
    return fitting(free, found, max(cores() // len(gpus), 1))


def _try(answer: Connection, specs: list[TrialSpec], device: str) -> None:
    try:
        name = see_device(device)
        from ablation.costs import room_left

        answer.send(room_left(specs, name))
    except Exception as error:  # whatever a GPU without room raises, its user wants to read
        answer.send(f"{type(error).__name__}: {error}")
