"""One slot of one device: claims trials and runs each in its own process, until none is left."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path
from typing import TYPE_CHECKING

from ablation.record import read_record
from sweeps import child, guard
from sweeps.limits import Limits

if TYPE_CHECKING:  # Optuna takes 0.4 s: it is imported while the fork server loads torch
    from sweeps.backlog import Claim

IDLE = 0.5
"""Seconds between two looks at the queue while all that is left runs elsewhere."""
TOGETHER = 0.5
"""Seconds in which several requests to stop are one: Slurm may send SIGTERM to a worker and to what passes it on."""
PRELOAD = ("ablation.preload", "sweeps.child")
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Memory in pages of 2 MB where the system gives them to who asks: a step of the mlp takes 0.95 of its time."""
AUTOGROUP = Path("/proc/self/autogroup")
"""Where Linux keeps the niceness of a session."""
WRITES = 50
"""Tries to write it beside other workers."""
LAUNCHER = "ABLATION_LAUNCHER"
"""Environment variable: the process id of the launcher, with which its workers end."""
RESTART, FULL = 77, 78
"""Exit codes of a worker that should be started again, and of one that could not write."""


@dataclass
class Stop:
    """How many times this worker was asked to stop: once means soon, twice means now."""

    asked: int = 0
    last: float = float("-inf")

    def ask(self, *_: object) -> None:
        """Count one more request, such as a signal; those of one moment count once."""
        if time.monotonic() - self.last > TOGETHER:
            self.asked, self.last = self.asked + 1, time.monotonic()

    def times(self) -> int:
        """Return how often; a worker stops when its launcher died, too."""
        launcher = os.environ.get(LAUNCHER)
        if launcher and os.getppid() != int(launcher) and not self.asked:
            self.ask()
        return self.asked


def weigh() -> None:
    """Weigh this process's session, where it leads one, as `nice` says: some kernels weigh sessions as a whole."""
    asked = os.getpriority(os.PRIO_PROCESS, 0)
    if asked <= 0 or os.getsid(0) != os.getpid():
        return
    for _ in range(WRITES):
        try:
            AUTOGROUP.write_text(str(asked))
        except BlockingIOError:  # Linux takes ten such writes a second, of all processes together
            time.sleep(0.1 + 0.1 * random.random())
        except OSError:
            return
        else:
            return


def work(study: Path, *, device: str, slot: int = 0, limits: Limits | None = None) -> int:
    """Run trials of `study` on `device` (cpu, cuda or cuda:K) until none waits or runs.

    Returns 0 when all are done or it was asked to stop, `RESTART` when a trial's process could not
    be started, `FULL` when the study's folder cannot be written: nothing is lost, and no trial is
    blamed. At SIGTERM or SIGINT the trial writes a checkpoint and goes back to the queue; at the
    second one it is killed. Raises RuntimeError if trials cannot run here at all.
    """
    study = study.absolute()
    weigh()
    context = warm()
    from sweeps import backlog, search

    with _signals() as stop:
        _check(context, device)
        print(f"worker {slot} on {device}: ready", flush=True)
        while not stop.times():
            try:
                claim = backlog.claim(study)
                if claim is None:
                    if search.advance(study):
                        continue
                    left = any(backlog.counts(study)[state] for state in ("waiting", "running"))
                    if not left and not search.unfinished(study):
                        break
                    _nap(stop)
                    continue
            except OSError as error:
                print(f"no trial can be claimed: {error}", flush=True)
                return FULL
            began = time.monotonic()
            try:
                extractors = study / "extractors"
                ending = guard.run(
                    context, claim, extractors, device, limits or Limits(), stop.times
                )
            except (OSError, EOFError) as error:  # a half-started child ends when we do
                print(f"{claim.key}: its process did not start: {error!r}", flush=True)
                return RESTART
            try:
                _report(study, claim, ending, stop)
            except OSError as error:  # its lease ends with us, and a later claim takes it up
                print(f"{claim.key}: {ending}, which cannot be told: {error}", flush=True)
                return FULL
            if ending == guard.NO_ROOM:
                print(f"{claim.key}: the study's folder cannot be written", flush=True)
                return FULL
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
    elif ending in ("stopped", guard.NO_ROOM) or stop.asked:
        backlog.release(study, claim)
    else:
        backlog.lost(study, claim, ending)


def warm() -> ForkServerContext | SpawnContext:
    """Start the server from which trials fork, torch loaded; numerics get one thread each."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    for name, value in HUGE_PAGES.items():
        os.environ.setdefault(name, value)
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
    complaint = guard.answered(context, child.inspect, device, context.get_start_method())
    if complaint:
        raise RuntimeError(complaint)


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
    while time.monotonic() < until and not stop.times():
        time.sleep(0.1)
