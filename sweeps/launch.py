"""One worker process per slot of this machine: started, watched, restarted, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ablation.files import trouble
from ablation.record import trial_folders
from sweeps.board import Board, Summary, last_line, signals
from sweeps.devices import slots
from sweeps.guard import PATIENCE
from sweeps.limits import Limits, Meter
from sweeps.worker import FULL, LAUNCHER, RESTART, search_path

APART = 0.6
"""Seconds between two requests to stop: a worker takes those that come closer for one."""
RESTARTS = 20
"""How often a slot's worker is started again after it was killed."""


@dataclass
class _Slot:
    """One worker's place: its device, its log, its process, and how often it was restarted."""

    device: str
    log: Path
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    begin: int = 0
    failed: bool = False
    full: bool = False


def launch(
    study: Path,
    *,
    workers: int | None = None,
    devices: str = "auto",
    each: int = 1,
    limits: Limits | None = None,
    progress: TextIO = sys.stderr,
) -> Summary:
    """Run all queued trials of `study` with one worker per slot, `each` on a GPU; returns when they are done.

    Ctrl-C or SIGTERM: each trial writes a checkpoint and goes back to the queue; again: at once. So, too, once the
    hours of `limits` are used up. Raises ValueError for a device that is none, RuntimeError if no worker could run.
    """
    began, limits = time.monotonic(), limits or Limits()
    meter = Meter(limits.hours)
    names = slots(devices, workers, each)
    board = Board(study, progress, [folder.name for folder in trial_folders(study)])
    missing = board.look()
    interrupted = spent = False
    if missing:
        logs = study / "logs"
        logs.mkdir(exist_ok=True)
        places = [
            _Slot(device, logs / f"worker-{number}.log")
            for number, device in enumerate(names if board.grows else names[: len(missing)])
        ]
        board.workers = len(places)
        with signals() as asked:
            try:
                spent = _watch(study, places, board, asked, limits, meter)
            finally:
                _end(places)
            interrupted = bool(asked)
        missing = board.look()
        board.show(last=True)
        if missing and (why := trouble(study)):
            raise RuntimeError(f"{why}: make room, and launch again; nothing is lost")
        if missing and all(place.full for place in places):
            raise RuntimeError(
                f"{study} could not be written for a while, and its workers ended: launch again; nothing is lost"
            )
        if missing and not (interrupted or spent) and all(place.failed for place in places):
            raise RuntimeError(f"no worker could run: {_why(places[0])} (see {places[0].log})")
    done = len(board.ended) - board.failed()
    seconds = time.monotonic() - began
    return Summary(
        done,
        board.failed(),
        len(missing),
        round(seconds, 3),
        interrupted,
        spent=spent,
        hours=meter.used,
    )


def _watch(
    study: Path,
    places: list[_Slot],
    board: Board,
    asked: list[int],
    limits: Limits,
    meter: Meter,
) -> bool:
    """Keep every slot's worker running until all have ended; pass signals on; say whether the hours ran out."""
    for place in places:
        _start(study, place, limits)
    told, deadline, spent, sent = 0, float("inf"), False, float("-inf")
    while working := sum(place.process is not None for place in places):
        time.sleep(0.1)
        if meter.spent(working) and not (asked or spent):
            spent, deadline = True, time.monotonic() + PATIENCE + 5
            board.say(f"the {limits.hours:g} hours are used up: trials write a checkpoint")
            _send(places, signal.SIGTERM)
        if asked and not told:
            deadline = time.monotonic() + PATIENCE + 5
            board.say("stopping: trials write a checkpoint (again: at once)")
        if len(asked) > told and time.monotonic() > sent + APART:
            told, sent = told + 1, time.monotonic()
            _send(places, signal.SIGTERM)
        if told > 2 or time.monotonic() > deadline:
            _send(places, signal.SIGKILL)
        for place in places:
            code = None if place.process is None else place.process.poll()
            if code is None:
                continue
            place.process = None
            again = code < 0 or code == RESTART
            if again and not (asked or spent) and place.restarts < RESTARTS:
                place.restarts += 1
                _start(study, place, limits)
            elif code == FULL:
                # its log may lie on the full disk: the launch says it at its end
                place.failed = place.full = True
            elif code and not (asked or spent):
                place.failed = True
                board.say(f"{place.log.stem} ended: {_why(place)} (see {place.log})")
        board.show()
    return spent


def _start(study: Path, place: _Slot, limits: Limits) -> None:
    command = [sys.executable, "-m", "ablation", "worker", study.name]
    command += ["--runs", str(study.parent), "--device", place.device]
    command += ["--slot", place.log.stem.removeprefix("worker-"), *limits.words()]
    environment = os.environ | {LAUNCHER: str(os.getpid()), "PYTHONPATH": search_path()}
    with open(place.log, "ab") as log:
        place.begin = log.tell()
        place.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches us alone, and we pass it on once
        )


def _send(places: list[_Slot], number: int) -> None:
    for place in places:
        if place.process is not None and place.process.poll() is None:
            place.process.send_signal(number)


def _end(places: list[_Slot]) -> None:
    """End what still runs, whatever went wrong here."""
    _send(places, signal.SIGKILL)
    for place in places:
        if place.process is not None:
            place.process.wait()


def _why(place: _Slot) -> str:
    """Return the last line that a slot's worker logged since it was started."""
    return last_line(place.log, place.begin)
