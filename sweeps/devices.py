"""Which devices this machine has, and how workers share them; torch is not asked."""

from __future__ import annotations

import os
import shutil
import subprocess


def slots(devices: str, workers: int | None, each: int = 1) -> list[str]:
    """Return the device of each worker: `each` per GPU if there are any, else one per CPU core.

    `devices` is auto, cpu, cuda (all GPUs), or a list such as cuda:0,cuda:2. Raises ValueError.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; it is at least 1")
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
    known = known or ["cpu"] * _cores()
    known = [name for _ in range(each) for name in known if name != "cpu"] or known
    count = workers or len(known)
    return [known[number % len(known)] for number in range(count)]


def _cores() -> int:
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
