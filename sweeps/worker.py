"""One slot of one device: claims trials and runs each in its own process, until none is left."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from ablation.record import read_record
from sweeps import child

if TYPE_CHECKING:  # Optuna takes 0.4 s: it is imported while the fork server loads torch
    from sweeps.backlog import Claim

PATIENCE = 30.0
"""Seconds that a trial has to write its checkpoint once it is asked to stop."""
IDLE = 1.0
"""Seconds between two looks at the queue while all that is left runs elsewhere."""
PRELOAD = ("ablation.preload", "sweeps.child")
LAUNCHER = "ABLATION_LAUNCHER"
"""Environment variable: the process id of the launcher, with which its workers end."""
RESTART = 77
"""Exit code of a worker that should be started again."""


@dataclass
class Stop:
    """How many times this worker was asked to stop: once means soon, twice means now."""

    asked: int = 0

    def ask(self, *_: object) -> None:
        """Count one more request, such as a signal."""
        self.asked += 1

    def wanted(self) -> bool:
        """Say whether to stop; a worker stops when its launcher died, too."""
        launcher = os.environ.get(LAUNCHER)
        if launcher and os.getppid() != int(launcher) and not self.asked:
            self.ask()
        return self.asked > 0


def work(study: Path, *, device: str, slot: int = 0) -> int:
    """Run trials of `study` on `device` (cpu, cuda or cuda:K) until none waits or runs.

    Returns 0 when all are done or it was asked to stop, `RESTART` when a trial's process could not
    be started. At SIGTERM or SIGINT the trial writes a checkpoint and goes back to the queue; at
    the second one it is killed. Raises RuntimeError if trials cannot run here at all.
    """
    study = study.absolute()
    context = warm()
    from sweeps import backlog

    with _signals() as stop:
        _check(context, device)
        print(f"worker {slot} on {device}: ready", flush=True)
        while not stop.wanted():
            claim = backlog.claim(study)
            if claim is None:
                if not any(backlog.counts(study)[state] for state in ("waiting", "running")):
                    break
                _nap(stop)
                continue
            began = time.monotonic()
            try:
                ending = _run(context, claim, study, device, stop)
            except (OSError, EOFError) as error:  # a half-started child ends when we do
                print(f"{claim.key}: its process did not start: {error!r}", flush=True)
                return RESTART
            _report(study, claim, ending, stop)
            print(f"{claim.key}: {ending} after {time.monotonic() - began:.1f} s", flush=True)
    return 0


def _report(study: Path, claim: Claim, ending: str, stop: Stop) -> None:
    """Tell the backlog how a claim ended; a result counts, whatever became of its process."""
    from sweeps import backlog

    try:
        record = read_record(claim.folder)
    except ValueError:
        record, ending = None, "its result is damaged"
    if record is not None:
        backlog.tell(study, claim, record)
    elif ending == "stopped" or stop.asked:
        backlog.release(study, claim)
    else:
        backlog.lost(study, claim, ending)


def warm() -> ForkServerContext | SpawnContext:
    """Start the server from which trials fork, torch loaded; numerics get one thread each."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    if sys.platform == "darwin":
        return multiprocessing.get_context("spawn")
    # The server would start without our sys.path (Python 3.11 hands it over and does not use it).
    os.environ["PYTHONPATH"] = search_path()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOAD])
    from multiprocessing import forkserver

    forkserver.ensure_running()
    return context


def search_path() -> str:
    """Return this process's import path as PYTHONPATH for another."""
    return os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)


def _check(context: ForkServerContext | SpawnContext, device: str) -> None:
    """Raise RuntimeError with what keeps trials from running here: one looks, and answers."""
    ours, theirs = context.Pipe(duplex=False)
    arguments = (theirs, device, context.get_start_method())
    process = context.Process(target=child.inspect, args=arguments)
    process.start()
    theirs.close()
    try:
        complaint = ours.recv()
    except EOFError:
        complaint = "the process in which trials would run died at its start"
    process.join()
    if complaint:
        raise RuntimeError(complaint)


def _run(
    context: ForkServerContext | SpawnContext, claim: Claim, study: Path, device: str, stop: Stop
) -> str:
    """Run a claimed trial in its own process; say how that ended, once it is gone for certain."""
    lease = child.Lease(claim.lease)
    arguments = (lease, claim.folder, claim.attempt, device, study / "extractors")
    process = context.Process(target=child.run, args=arguments, name=claim.key)
    process.start()
    end, deadline = _end_of(process), None
    try:
        while not connection.wait([end], timeout=0.1):
            if stop.wanted() and deadline is None:
                deadline = time.monotonic() + PATIENCE
                _signal(process, signal.SIGTERM)
            if stop.asked > 1 or (deadline and time.monotonic() > deadline):
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
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    known = {0: "ended", child.STOPPED: "stopped", 255: "lost its fork server"}
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


@contextlib.contextmanager
def _signals() -> Iterator[Stop]:
    """Count SIGTERM and SIGINT instead of dying of them."""
    stop = Stop()
    earlier = {n: signal.signal(n, stop.ask) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _nap(stop: Stop) -> None:
    until = time.monotonic() + IDLE
    while time.monotonic() < until and not stop.wanted():
        time.sleep(0.1)
