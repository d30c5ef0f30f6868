"""Who runs a trial: a lock that the kernel frees, and for other hosts a holder's name and a heartbeat."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import time
from functools import cache
from pathlib import Path
from typing import Any

from ablation.files import try_lock

LEASE = ".lease"
BEAT = 10.0
"""Seconds between two heartbeats."""
STALE = "ABLATION_LEASE_SECONDS"
"""Environment variable: after so many seconds without a heartbeat a trial of another host counts as lost (120)."""

_seen: dict[Path, tuple[int, float]] = {}


def take(folder: Path) -> int | None:
    """Return a descriptor that holds a trial's lease, or None while somebody, here or elsewhere, runs it.

    The lock decides among the processes that share it. Where hosts do not share locks, the holder of another host
    counts as alive while its heartbeat, the file's time, still changes: that is told by our own clock, which nobody
    sets, and not by comparing times.
    """
    path = folder / LEASE
    if elsewhere(folder):
        return None
    descriptor = try_lock(path)
    if descriptor is not None:
        _write(descriptor, {"host": platform.node(), "boot": _boot(), "pid": os.getpid()})
        _seen.pop(path, None)
    return descriptor


def beat(descriptor: int) -> None:
    """Show other hosts that the holder lives; a folder that cannot be written shows it by the trial's own end."""
    with contextlib.suppress(OSError):
        os.utime(descriptor)


def give_back(descriptor: int) -> None:
    """Free a lease at once, for other hosts too."""
    _write(descriptor, {})
    os.close(descriptor)


def patience(found: dict[str, Any]) -> float:
    """Return the seconds of silence after which a holder of another host counts as lost.

    One of this host before it was started again cannot live: unless two hosts have one name, and then it beats.
    """
    if found.get("host") == platform.node():
        return 2.5 * BEAT
    try:
        return max(float(os.environ.get(STALE) or 120), 0.0)
    except ValueError:
        return 120.0


def silent(folder: Path) -> bool:
    """Say whether a lease's last heartbeat is too long ago by this host's clock: for those who look but once."""
    try:
        last = (folder / LEASE).stat().st_mtime
    except FileNotFoundError:
        return True
    return time.time() - last > patience(holder(folder))


def elsewhere(folder: Path) -> bool:
    """Say whether a process of another host holds a trial's lease and has not been silent for too long."""
    path = folder / LEASE
    try:
        found, moved = holder(folder), path.stat().st_mtime_ns
    except FileNotFoundError:
        return False
    if not found or (found.get("host"), found.get("boot")) == (platform.node(), _boot()):
        return False
    now = time.monotonic()
    last, since = _seen.get(path, (None, now))
    if last != moved:
        since = now
    _seen[path] = (moved, since)
    return now - since < patience(found)


def held(folder: Path) -> bool:
    """Say whether somebody runs a trial; the caller shares the study's lock, as a look takes the lease for a moment."""
    try:
        descriptor = os.open(folder / LEASE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not shared(descriptor) or (elsewhere(folder) and not silent(folder))
    finally:
        os.close(descriptor)


def shared(descriptor: int) -> bool:
    """Take a shared lock if nobody holds the other kind; say whether."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder(folder: Path) -> dict[str, Any]:
    """Return who took a lease last; nothing if it was given back, or written by a writer that was killed."""
    try:
        found = json.loads((folder / LEASE).read_bytes() or b"{}")
    except (FileNotFoundError, UnicodeDecodeError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(descriptor: int, holder: dict[str, Any]) -> None:
    """Say who holds a lease; on a full disk nobody is named, and the lock alone decides."""
    try:
        os.ftruncate(descriptor, 0)
        if holder:
            os.pwrite(descriptor, json.dumps(holder).encode(), 0)
    except OSError:
        return


@cache
def _boot() -> str:
    """Return the name of this machine's current run, "" where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
