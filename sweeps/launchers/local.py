"""This machine: one worker process per core or GPU."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from sweeps import launch
from sweeps.board import Summary
from sweeps.devices import slots
from sweeps.launchers import Launcher


@dataclass(frozen=True)
class Local(Launcher):
    """`workers` processes (null: one per core or GPU), spread over `devices` (auto, cpu, cuda:0,cuda:1 ...)."""

    workers: int | None = None
    devices: str = "auto"

    def count(self) -> int:
        """Return how many workers there will be; raises ValueError for a device that is none."""
        return len(slots(self.devices, self.workers))

    def ready(self) -> None:
        """Return: which devices there are shows when workers are started."""

    def launch(self, study: Path, *, progress: TextIO = sys.stderr) -> Summary:
        """Run all queued trials of `study` on this machine."""
        return launch.launch(study, workers=self.workers, devices=self.devices, progress=progress)
