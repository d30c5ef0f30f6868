"""Where and with what a trial ran."""

from __future__ import annotations

import platform
import resource
import socket
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import ablation

PACKAGES = (
    "torch",
    "torchvision",
    "torch-fidelity",
    "numpy",
    "scipy",
    "scikit-learn",
    "hydra-core",
    "optuna",
)


def provenance(device: str) -> dict[str, Any]:
    """Return versions, device, instruction set, commit, threads, host and peak memory so far (MiB)."""
    return {
        "versions": _versions(),
        "device": _device(device),
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "machine": platform.machine(),
        "commit": _commit(),
        "threads": torch.get_num_threads(),
        "host": socket.gethostname(),
        "peak_memory_mb": _peak_memory(),
    }


def _device(device: str) -> str:
    return torch.cuda.get_device_name() if device.startswith("cuda") else "cpu"


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


@cache
def _versions() -> dict[str, str]:
    found = {"activation-ablation": ablation.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def _commit() -> str:
    """Return the commit of the checkout that this code runs from, "" for an installed wheel."""
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():
        return ""
    try:
        words = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
