"""How long and how large a trial's process may get, and how long all may work, in the words of the command line."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
BYTES = {"M": 2**20, "G": 2**30}


@dataclass(frozen=True)
class Limits:
    """Seconds of one attempt, bytes of its memory, and hours of all slots together; None where there is no limit."""

    seconds: float | None = None
    memory: int | None = None
    hours: float | None = None

    @classmethod
    def read(cls, seconds: str | None, memory: str | None, hours: float | None = None) -> Limits:
        """Read both as given on the command line, None where they are not; raises ValueError that names the word."""
        if memory is not None and sys.platform != "linux":
            raise ValueError("--memory-limit needs Linux: /proc says how much a process holds")
        if seconds is not None and duration(seconds, "--time-limit") < 1:
            raise ValueError(f"--time-limit is {seconds!r}; it is at least 1s")
        if memory is not None and size(memory, "--memory-limit") < BYTES["M"]:
            raise ValueError(f"--memory-limit is {memory!r}; it is at least 1M")
        if hours is not None and not 0 < hours < float("inf"):
            raise ValueError(f"--max-hours is {hours:g}; it is a number of hours above 0")
        return cls(
            None if seconds is None else duration(seconds, "--time-limit"),
            None if memory is None else size(memory, "--memory-limit"),
            hours,
        )

    def words(self) -> list[str]:
        """Return what a worker's command line says of the limits of a trial."""
        found = [] if self.seconds is None else ["--time-limit", f"{self.seconds:.3f}s"]
        return found + (
            [] if self.memory is None else ["--memory-limit", f"{self.memory / 2**20:.3f}M"]
        )

    def broken(self, seconds: float, pid: int) -> str:
        """Say which limit a process that has run for `seconds` breaks, or ""."""
        if self.seconds is not None and seconds > self.seconds:
            return f"took longer than its limit of {self.seconds:g} s"
        if self.memory is not None and resident(pid) > self.memory:
            return f"held more memory than its limit of {self.memory / 2**20:,.0f} MiB"
        return ""


@dataclass
class Meter:
    """The hours that the slots of a launch have worked, added up."""

    hours: float | None
    used: float = 0.0
    over: bool = False
    seen: float = field(default_factory=time.monotonic)

    def spent(self, working: int) -> bool:
        """Book the time since the last call to so many slots; say whether the hours are used up."""
        now = time.monotonic()
        self.used += working * (now - self.seen) / 3600
        self.seen = now
        self.over = self.hours is not None and self.used >= self.hours
        return self.over


def reach(seconds: Sequence[float], hours: float) -> int:
    """Return how many trials, of so many seconds each and one after the other, end within the hours."""
    ends = accumulate(seconds)
    return sum(end <= 3600 * hours for end in ends)


def duration(text: str, name: str) -> float:
    """Return the seconds of `90s`, `20m` or `1.5h`; raises ValueError."""
    return _read(text, name, SECONDS, "a time such as 90s, 20m or 1.5h")


def size(text: str, name: str) -> int:
    """Return the bytes of `500M` or `4G`; raises ValueError."""
    return int(
        _read(text, name, {k: float(v) for k, v in BYTES.items()}, "a size such as 500M or 4G")
    )


def _read(text: str, name: str, units: dict[str, float], like: str) -> float:
    number = r"\d{1,9}(?:\.\d{1,9})?"
    found = re.fullmatch(rf"({number})([{''.join(units)}])", text)
    if found is None or float(found[1]) == 0:
        raise ValueError(f"{name} is {text!r}; it is {like}")
    return float(found[1]) * units[found[2]]


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds and shares with no other; 0 if it is gone."""
    try:
        _, whole, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (OSError, ValueError):
        return 0
    return (int(whole) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
