"""One trial's process: started, watched, stopped when it is asked or breaks a limit, and known to be gone."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps import child, leases
from sweeps.limits import Limits

if TYPE_CHECKING:  # Optuna takes 0.4 s, and is imported by the worker when it has time
    from sweeps.backlog import Claim

PATIENCE = 30.0
"""Seconds that a trial has to write its checkpoint once it is asked to stop."""
LOOK = 0.1
"""Seconds between two looks at a trial's process."""
NO_ROOM = "no room"
"""How a trial ended that could not write."""


def run(
    context: ForkServerContext | SpawnContext,
    claim: Claim,
    extractors: Path,
    device: str,
    limits: Limits,
    asked: Callable[[], int],
) -> str:
    """Run a claimed trial in its own process; say how that ended, once it is gone for certain.

    `asked` says how often this worker was asked to stop: once means with a checkpoint, twice at once. A trial that
    breaks a limit is stopped with a checkpoint, too.
    """
    lease = child.Lease(claim.lease)
    arguments = (lease, claim.folder, claim.attempt, device, extractors)
    process = context.Process(target=child.run, args=arguments, name=claim.key)
    process.start()
    end, began = _end_of(process), time.monotonic()
    deadline, beaten, broken = float("inf"), began, ""
    try:
        while not connection.wait([end], timeout=LOOK):
            now = time.monotonic()
            if now - beaten > leases.BEAT:
                beaten = now
                leases.beat(claim.lease)
            broken = broken or limits.broken(now - began, process.pid or 0)
            if (asked() or broken) and deadline == float("inf"):
                deadline = now + PATIENCE
                _signal(process, signal.SIGTERM)
            if asked() > 1 or now > deadline:
                _signal(process, signal.SIGKILL)
    except BaseException:
        _signal(process, signal.SIGKILL)
        raise
    finally:
        connection.wait([end])
        if end != process.sentinel:
            os.close(end)
    process.join()
    code = process.exitcode or 0
    process.close()
    return broken or _ending(code)


def answered(
    context: ForkServerContext | SpawnContext, ask: Callable[..., None], *arguments: Any
) -> Any:
    """Return what `ask(answer, *arguments)` sends from a process of its own; a complaint in words if that dies."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=ask, args=(theirs, *arguments))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        return "the process in which trials would run died at its start"
    finally:
        process.join()


def _ending(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    known = {
        0: "ended",
        child.STOPPED: "stopped",
        child.NO_ROOM: NO_ROOM,
        255: "lost its fork server",
    }
    return known.get(code, f"ended with exit code {code}")


def _end_of(process: BaseProcess) -> int:
    """Return a descriptor that becomes readable when the process is gone for certain.

    On Linux the process's own: the sentinel also fires when only the fork server died, which the
    trial outlives.
    """
    assert process.pid is not None, "the process was started"
    if sys.platform == "linux":
        with contextlib.suppress(ProcessLookupError):
            return os.pidfd_open(process.pid)
    return int(process.sentinel)


def _signal(process: BaseProcess, number: int) -> None:
    assert process.pid is not None, "the process was started"
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)
