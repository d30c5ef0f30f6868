"""What a launch shows and leaves, whatever starts its workers: the progress line, the signals, the summary."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from ablation.record import trial_folders
from ablation.tune import DRAWN
from sweeps.status import Ended, clock, look, remaining, running_keys

TICK, QUIET = 1.0, 10.0
"""Seconds between two progress lines: on a terminal, and in a log."""


@dataclass(frozen=True)
class Summary:
    """What a launch leaves: trials with an answer, crashed or damaged ones, and those not done.

    `left` says that the workers were started and go on by themselves, `spent` that the hours were used up;
    `hours` is what the slots worked.
    """

    done: int
    failed: int
    missing: int
    seconds: float
    interrupted: bool = False
    left: bool = False
    spent: bool = False
    hours: float = 0.0


@dataclass
class Board:
    """The progress line, `note` at its end; it reads each result once."""

    study: Path
    out: TextIO
    keys: list[str]
    ended: dict[str, Ended] = field(default_factory=dict)
    workers: int = 1
    note: str = ""
    shown: float = float("-inf")

    @property
    def grows(self) -> bool:
        """Whether tuning asks for trials on the way."""
        return (self.study / DRAWN).exists()

    def look(self) -> list[str]:
        """Read the results that are new; return the keys still missing."""
        if self.grows:
            self.keys = [folder.name for folder in trial_folders(self.study)]
        for key in self.keys:
            if key not in self.ended and (found := look(self.study / "trials" / key)) is not None:
                self.ended[key] = found
        return [key for key in self.keys if key not in self.ended]

    def failed(self) -> int:
        """Count the crashed and damaged trials."""
        return sum(found.outcome in ("crashed", "damaged") for found in self.ended.values())

    def show(self, *, last: bool = False) -> None:
        """Write the progress line if it is time for one."""
        live = self.out.isatty()
        if not last and time.monotonic() - self.shown < (TICK if live else QUIET):
            return
        self.shown = time.monotonic()
        missing = self.look()
        parts = [f"trials {len(self.ended)}/{len(self.keys)}"]
        running = len(running_keys(self.study, missing)) if missing else 0
        if missing and not (running or self.ended):
            parts.append("starting")
        elif missing:
            parts.append(f"running {running}")
        parts.append(f"failed {self.failed()}")
        eta = remaining(self.ended.values(), len(missing), self.workers)
        if missing and eta is not None:
            parts.append(f"ETA {clock(eta)}")
        if self.note:
            parts.append(self.note)
        line = " · ".join(parts)
        self.out.write(f"\r{line}\x1b[K" + ("\n" if last else "") if live else f"{line}\n")
        self.out.flush()

    def say(self, line: str) -> None:
        """Write a line of its own."""
        self.out.write(f"\r{line}\x1b[K\n" if self.out.isatty() else f"{line}\n")
        self.out.flush()


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
    """Collect SIGINT, SIGTERM and SIGHUP in a list; one that the shell ignores (nohup) stays so."""
    asked: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heard = [n for n in numbers if signal.getsignal(n) is not signal.SIG_IGN]
    earlier = {n: signal.signal(n, lambda number, _: asked.append(number)) for n in heard}
    try:
        yield asked
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def last_line(log: Path, begin: int = 0) -> str:
    """Return the last line of a log, from the byte `begin` on, that says something."""
    text = log.read_bytes()[begin:].decode(errors="replace") if log.is_file() else ""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
