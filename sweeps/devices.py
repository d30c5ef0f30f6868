"""Which devices this machine has, and how workers share them; torch is not asked."""

from __future__ import annotations

import os
import shutil
import subprocess

MOST = 4_096
"""The most workers of one machine."""


def slots(devices: str, workers: int | None, each: int = 1) -> list[str]:
    """Return the device of each worker: `each` per GPU if there are any, else one per CPU core.

    `devices` is auto, cpu, cuda (all GPUs), or a list such as cuda:0,cuda:2. Raises ValueError.
    """
    if workers is not None and not 1 <= workers <= MOST:
        raise ValueError(f"workers is {workers}; it is at least 1 and at most {MOST:,}")
    gpus = _gpus() if devices != "cpu" else []
    if devices in ("auto", "cuda"):
        if devices == "cuda" and not gpus:
            raise ValueError("devices is 'cuda', but nvidia-smi finds no GPU on this machine")
        known = gpus
    else:
        known = [] if devices == "cpu" else devices.split(",")
        for name in known:
            if name not in ("cpu", *gpus):
                raise ValueError(f"device {name!r} is none of {', '.join(['auto', 'cpu', *gpus])}")
    known = known or ["cpu"] * cores()
    known = known + [name for name in known if name != "cpu"] * (each - 1)
    count = workers or len(known)
    return [known[number % len(known)] for number in range(count)]


def cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _gpus() -> list[str]:
    """Return cuda:0, cuda:1 ... for the GPUs that this process may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        count = len([word for word in visible.split(",") if word.strip() not in ("", "-1")])
    elif shutil.which("nvidia-smi") is None:
        count = 0
    else:
        found = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=False
        )
        count = sum(line.startswith("GPU ") for line in found.stdout.splitlines())
    return [f"cuda:{number}" for number in range(count)]


def fitting(free: int, left: int, cores: int) -> int:
    """Return how many processes a GPU takes of which one leaves `left` of `free` bytes, at most one per core.

    A tenth of the memory is kept back: processes grow by what the first steps do not show.
    """
    need = max(free - left, 1)
    return max(min(int(0.9 * free) // need, cores), 1)


def free_memory(device: str) -> int:
    """Return the free bytes of a GPU; raises ValueError where nvidia-smi does not say."""
    number = device.partition(":")[2] or "0"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        number = visible.split(",")[int(number)]
    words = [
        "nvidia-smi",
        f"--id={number}",
        "--query-gpu=memory.free",
        "--format=csv,noheader,nounits",
    ]
    try:
        found = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
        return int(found.stdout.strip()) * 2**20
    except (OSError, subprocess.SubprocessError, ValueError):
        raise ValueError(
            f"--per-gpu auto: nvidia-smi does not say how much of {device} is free"
        ) from None
