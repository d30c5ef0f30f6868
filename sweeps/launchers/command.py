"""One `ablation worker` process as an engine carries it to a node, starts it there, and stops it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ablation.factories import trusted_folders
from sweeps.board import last_line
from sweeps.guard import PATIENCE
from sweeps.launch import RESTARTS
from sweeps.limits import Limits
from sweeps.worker import LAUNCHER, RESTART, search_path

_running: list[subprocess.Popen[bytes]] = []
"""This process's worker, for a signal handler that has to stop it."""


@dataclass(frozen=True)
class Command:
    """The words of a worker, what it needs of the environment, and the log that it appends to."""

    words: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    log: str

    def run(self) -> bool:
        """Run the worker here to its end, in the main thread; return whether it was asked to stop.

        SIGTERM and SIGINT stop it, each time more firmly, and it ends with this process. Raises
        RuntimeError with its last line if it failed.
        """
        asked: list[int] = []
        numbers = (signal.SIGTERM, signal.SIGINT)
        earlier = {n: signal.signal(n, lambda number, _: asked.append(number)) for n in numbers}
        log = Path(self.log)
        try:
            for _ in range(RESTARTS + 1):
                begin = log.stat().st_size if log.is_file() else 0
                code = _watched(self._start(), asked)
                if asked or (code >= 0 and code != RESTART):
                    break
            if code and not asked:
                raise RuntimeError(f"{last_line(log, begin)} (see {log})")
            return bool(asked)
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)

    def _start(self) -> subprocess.Popen[bytes]:
        environment = os.environ | dict(self.environment) | {LAUNCHER: str(os.getpid())}
        # Engines send SIGUSR2 to everything that runs; it means this process alone.
        earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
        try:
            with open(self.log, "ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "ablation", *self.words],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, earlier)
        return process


def _watched(process: subprocess.Popen[bytes], asked: list[int]) -> int:
    """Wait for a worker's end, and pass on what we are asked; return its exit code."""
    told = 0
    _running.append(process)
    try:
        while process.poll() is None:
            if len(asked) > told:
                told = len(asked)
                process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
    finally:
        _running.remove(process)
        if process.poll() is None:
            process.kill()
    return process.wait()


def stop() -> None:
    """Stop this process's worker and wait until its trial is back in the queue; for signal handlers."""
    until = time.monotonic() + PATIENCE + 5
    for process in _running:
        os.kill(process.pid, signal.SIGTERM)
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            if time.monotonic() > until:
                os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.05)


def commands(study: Path, count: int, *, device: str, prefix: str, limits: Limits) -> list[Command]:
    """Return the commands of `count` workers of a study, as they run on any node that sees its folder."""
    study = study.absolute()
    carried = {name: os.environ[name] for name in os.environ if name.startswith("ABLATION_")}
    carried.pop(LAUNCHER, None)
    carried["PYTHONPATH"] = search_path()
    own = [word for folder in trusted_folders() for word in ("--with", str(folder))]
    found = []
    for number in range(count):
        words = ["worker", study.name, "--runs", str(study.parent), *own, "--device", device]
        log = study / "logs" / f"{prefix}-{number}.log"
        command = (*words, *limits.words(), "--slot", str(number))
        found.append(Command(command, tuple(carried.items()), str(log)))
    return found
