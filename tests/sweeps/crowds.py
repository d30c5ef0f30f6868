"""The processes that a test's own launches start: found by a mark, watched, never left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

MARK = "ABLATION_TEST_MARK"


@dataclass(frozen=True)
class Crowd:
    """All processes that descend from ours, found by a mark in their environment."""

    mark: str
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {MARK: self.mark, "PYTHONPATH": os.pathsep.join(sys.path)}

    def start(self, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def alive(self) -> list[int]:
        """Return the living processes; a zombie is dead."""
        wanted = f"{MARK}={self.mark}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                    if state not in "ZX":
                        found.append(int(folder.name))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        return found

    def workers(self) -> list[int]:
        return [pid for pid in self.alive() if b"ablation\0worker" in _read(pid, "cmdline")]

    def servers(self) -> list[int]:
        """Return the fork servers."""
        workers = self.workers()
        return [pid for pid in self._forked() if _parent(pid) in workers]

    def trials(self) -> dict[int, str]:
        """Return the processes that train, each with its trial's key."""
        found = {}
        for pid in self._forked():
            try:
                log = Path(f"/proc/{pid}/fd/1").readlink()
            except (FileNotFoundError, PermissionError):
                continue
            if log.parent.name.startswith(".attempt-"):
                found[pid] = log.parent.parent.name
        return found

    def _forked(self) -> list[int]:
        return [
            pid for pid in self.alive() if b"multiprocessing.forkserver" in _read(pid, "cmdline")
        ]

    def gone(self, seconds: float = 60.0) -> bool:
        """Wait until none is left."""
        return wait_for(lambda: not self.alive(), seconds)


def new_study(folder: Path) -> Path:
    """Make a study's folder as the planner leaves it before it offers trials."""
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(f"study: {folder.name}\n")
    return folder


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def _parent(pid: int) -> int:
    fields = _read(pid, "stat").decode().rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.1)
    return bool(condition())
