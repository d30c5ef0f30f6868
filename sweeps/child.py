"""The process of one trial: it holds the trial's lease, keeps its log, and ends with its worker."""

from __future__ import annotations

import contextlib
import importlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection, reduction
from pathlib import Path
from typing import Any

from ablation.record import attempt_folder

PROGRESS, EACH = ".progress", 1.0
"""The file in an attempt's folder that says how far the trial is, and the seconds between two of them."""
STOPPED, ORPHANED, NO_ROOM = 75, 76, 78
"""Exit codes of a trial that was asked to stop, of one whose worker died, and of one that could not write."""


@dataclass(frozen=True)
class Lease:
    """A lease on its way into a trial's process, which from then on holds the lock as well."""

    descriptor: int

    def __reduce__(self) -> tuple[Any, ...]:
        """Hand a duplicate of the descriptor over together with the pickled process."""
        return _take, (reduction.DupFd(self.descriptor),)


def _take(duplicate: Any) -> Lease:
    descriptor = duplicate.detach()
    os.set_inheritable(descriptor, False)  # a program that the trial starts must not keep it
    return Lease(descriptor)


def run(lease: Lease, folder: Path, attempt: int, device: str, extractors: Path) -> None:
    """Run one trial in this fresh process, its output in the attempt's log; never returns.

    `lease` stays open to the end: while this process lives, nobody else may run the trial.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of us; the worker decides
    threading.Thread(target=end_with_parent, daemon=True).start()
    os.fstat(lease.descriptor)
    log = attempt_folder(folder, attempt) / "log.txt"
    carry(folder, attempt)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    name = see_device(device)
    from ablation import trial

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        trial.request_stop()

    signal.signal(signal.SIGTERM, stop)
    code = 0
    told = steps_told(log.parent)
    try:
        trial.run(
            folder, attempt=attempt, device=name, extractors=extractors, progress=told, say=_log
        )
    except trial.Stopped:
        code = STOPPED
    except trial.NoRoom as error:
        code = NO_ROOM
        with contextlib.suppress(OSError):  # its log lies in the same folder
            print(error, flush=True)
    except BaseException:
        code = 1
        with contextlib.suppress(OSError):
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
    # No teardown: it takes time, and might write to a log whose hash is in the result by now.
    os._exit(code)


def _log(text: str) -> None:
    print(text, flush=True)


def carry(folder: Path, attempt: int) -> None:
    """Let an attempt's log begin with what the attempts before it wrote."""
    log = folder / f".attempt-{attempt}" / "log.txt"
    earlier = [folder / f".attempt-{number}" / "log.txt" for number in range(attempt - 1, -1, -1)]
    newest = next((path for path in earlier if path.exists()), None)
    if newest is not None and not log.exists():
        shutil.copyfile(newest, log)


def steps_told(scratch: Path) -> Callable[[int, int], None]:
    """Return what keeps, each second or so, how far the trial is: step, steps and seconds since the first step."""
    first, last = time.monotonic(), 0.0
    begun: int | None = None

    def told(step: int, steps: int) -> None:
        nonlocal first, last, begun
        now = time.monotonic()
        if begun is None:
            first, begun = now, step
        if now - last < EACH:
            return
        last = now
        with contextlib.suppress(OSError):  # on a full disk the trial's own files say so
            draft = scratch / ".progress.tmp"
            draft.write_text(json.dumps([step, steps, step - begun, round(now - first, 1)]))
            draft.replace(scratch / PROGRESS)

    return told


def end_with_parent() -> None:
    """Wait for the process that started this one, and end when it is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "this runs in a child"
    connection.wait([parent.sentinel])
    os._exit(ORPHANED)


def see_device(device: str) -> str:
    """Let this process see no GPU but its own, before CUDA starts; return its name in here."""
    kind, _, number = device.partition(":")
    if kind == "cuda" and number:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        known = [number] if visible is None else visible.split(",")
        index = 0 if visible is None else int(number)
        if not known[index:]:
            raise ValueError(f"device {device!r}: CUDA_VISIBLE_DEVICES is {visible!r}")
        os.environ["CUDA_VISIBLE_DEVICES"] = known[index]
    return kind


def inspect(answer: connection.Connection, device: str, method: str) -> None:
    """Send what keeps trials from running in processes like this one, or ""."""
    preloaded = "ablation.preload" in sys.modules
    complaint = ""
    try:
        kind = see_device(device)
        importlib.import_module("ablation.preload")
        import torch

        if kind == "cuda" and not torch.cuda.is_available():
            complaint = f"device {device!r}: torch {torch.__version__} sees no such GPU"
        elif method == "forkserver" and not preloaded:
            complaint = "ablation.preload loads, but the fork server has not loaded it"
    except Exception as error:  # whatever a broken installation raises, its user wants to read
        complaint = f"trials cannot start: {type(error).__name__}: {error}"
    with contextlib.suppress(BrokenPipeError):  # the worker died meanwhile
        answer.send(complaint)
