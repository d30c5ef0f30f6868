"""A training on disk: from it a killed trial goes on bit for bit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ablation.files import brief
from ablation.probes import Probe
from ablation.selection import Selection
from ablation.training import Training

Snapshots = dict[int, Tensor]
"""Sample grids by step: uint8 images, or float vectors."""


def save(
    path: Path, training: Training, probe: Probe, selection: Selection, snapshots: Snapshots
) -> None:
    """Write everything that training moves; a reader sees the old file or the new one."""
    state = {
        "key": training.spec.key,
        "step": training.step,
        "broken": training.look(),
        "generator": training.networks.generator.state_dict(),
        "discriminator": training.networks.discriminator.state_dict(),
        "average": training.average.state_dict(),
        "optimizers": {name: o.state_dict() for name, o in training.optimizers.items()},
        "penalty": dict(training.penalty.state),
        "modules": torch.get_rng_state(),
        "streams": {name: s.get_state() for name, s in training.streams.items()},
        "probe": probe.state(),
        "selection": selection.state(),
        "snapshots": snapshots,
    }
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def load(path: Path, training: Training, probe: Probe, selection: Selection) -> Snapshots:
    """Put a training back where `save` left it and return the sample grids so far.

    Raises ValueError if the file is damaged or belongs to another trial.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"{path} is damaged: {brief(error)}") from None
    if state.get("key") != training.spec.key:
        raise ValueError(f"{path} belongs to the trial {state.get('key')}")
    training.networks.generator.load_state_dict(state["generator"])
    training.networks.discriminator.load_state_dict(state["discriminator"])
    training.average.load_state_dict(state["average"])
    for name, optimizer in training.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    for name, stream in training.streams.items():
        stream.set_state(state["streams"][name])
    training.penalty.restore(state["penalty"])
    torch.set_rng_state(state["modules"])
    training.broken = int(state["broken"])
    training.losses.clear()
    training.step = state["step"]
    probe.restore(state["probe"])
    selection.restore(state["selection"])
    return dict(state["snapshots"])


def newest(folder: Path) -> Path | None:
    """Return the newest checkpoint that earlier attempts, or a crash, left in a trial's folder.

    Attempts are numbered, and a later one went on from an earlier one: clocks are not asked.
    """
    found = folder.glob(".attempt-*/checkpoint.pt")
    number = {path: path.parent.name.removeprefix(".attempt-") for path in found}
    attempts = [path for path in number if number[path].isdecimal()]
    crashed = folder / "checkpoint.pt"  # older: a retry after the crash went on from it
    fallback = crashed if crashed.exists() else None
    return max(attempts, key=lambda path: int(number[path]), default=fallback)
