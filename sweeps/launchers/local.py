"""This machine: one worker process per core or GPU."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from sweeps import launch
from sweeps.board import Summary
from sweeps.devices import slots
from sweeps.folders import readable
from sweeps.launchers import NONE, Launcher
from sweeps.limits import Limits
from sweeps.probing import per_gpu


@dataclass(frozen=True)
class Local(Launcher):
    """`workers` processes (null: one per core, or `per_gpu` per GPU) over `devices` (auto, cpu, cuda:0,cuda:1 ...)."""

    workers: int | None = None
    devices: str = "auto"
    per_gpu: str = "1"

    def __post_init__(self) -> None:
        if self.per_gpu != "auto" and not re.fullmatch(r"[1-9]\d{0,2}", self.per_gpu):
            raise ValueError(f"--per-gpu is {self.per_gpu!r}; it is a whole number from 1, or auto")

    def count(self) -> int:
        """Return how many workers there will be, one per GPU before that is tried; raises ValueError for no device."""
        each = 1 if self.per_gpu == "auto" else int(self.per_gpu)
        return len(slots(self.devices, self.workers, each))

    def ready(self) -> None:
        """Return: which devices there are shows when workers are started."""

    def launch(
        self, study: Path, *, limits: Limits = NONE, progress: TextIO = sys.stderr
    ) -> Summary:
        """Run all queued trials of `study` on this machine."""
        each = self._tried(study) if self.per_gpu == "auto" else int(self.per_gpu)
        return launch.launch(
            study, workers=self.workers, devices=self.devices, each=each, limits=limits, progress=progress
        )  # fmt: skip

    def _tried(self, study: Path) -> int:
        """Return how many of a study's trials each GPU takes at once; 1 where there is no GPU."""
        gpus = sorted({name for name in slots(self.devices, self.workers) if name != "cpu"})
        return per_gpu(readable(study), gpus) if gpus else 1
