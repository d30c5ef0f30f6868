"""Workers that an engine runs, from the first to the last: started, shown, stopped as local ones are."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TextIO

from ablation.files import trouble
from ablation.record import trial_folders
from sweeps.board import Board, Summary, signals
from sweeps.guard import PATIENCE
from sweeps.launchers.command import Command, commands
from sweeps.limits import Limits, Meter

TICK = 0.2
"""Seconds between two looks at the engine's workers."""
GRACE = 10.0
"""Seconds that workers have to end by themselves once all trials are done; then waiting ones are cancelled."""
LEAVE = 45.0
"""Seconds that the engine has to end what was cancelled (Slurm waits 30 s before it kills)."""


class Engine(ABC):
    """The workers of one launch on a cluster."""

    @abstractmethod
    def start(self, workers: list[Command]) -> str:
        """Hand the workers over; return what the user should know of that, "" for nothing."""

    @abstractmethod
    def alive(self) -> tuple[int, int]:
        """Return how many workers run and how many wait for a place."""

    @abstractmethod
    def complaints(self) -> list[str]:
        """Return a line for each worker that failed since the last call."""

    @abstractmethod
    def stop(self, *, now: bool) -> None:
        """Take the workers back: running trials write a checkpoint, or not even that if it is `now`."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the engine, whatever went wrong; no worker of this launch stays behind."""


def run(
    study: Path,
    engine: Engine,
    count: int,
    *,
    device: str,
    prefix: str,
    limits: Limits,
    progress: TextIO,
    wait: bool = True,
) -> Summary:
    """Run all queued trials of `study` with `count` workers of an engine; without `wait`, only start them.

    Raises ValueError for what the engine refuses, RuntimeError if no worker could run.
    """
    began = time.monotonic()
    board = Board(study, progress, [folder.name for folder in trial_folders(study)])
    if limits.hours is not None and not wait:
        raise ValueError("--max-hours needs somebody who waits: leave launcher.wait=false out")
    missing, interrupted, failures = board.look(), False, list[str]()
    meter = Meter(limits.hours)
    early = len(board.ended)
    if missing:
        (study / "logs").mkdir(exist_ok=True)
        board.workers = count if board.grows else min(count, len(missing))
        try:
            said = engine.start(
                commands(study, board.workers, device=device, prefix=prefix, limits=limits)
            )
            if said:
                board.say(said)
            if not wait:
                return Summary(early - board.failed(), board.failed(), len(missing), 0.0, left=True)
            with signals() as asked:
                failures = _watch(engine, board, asked, meter)
                interrupted = bool(asked)
        except BaseException:
            engine.close()
            raise
        engine.close()
        missing = board.look()
        board.note = ""
        board.show(last=True)
        if missing and (why := trouble(study)):
            raise RuntimeError(f"{why}: make room, and launch again; nothing is lost")
        if missing and not (interrupted or meter.over) and len(board.ended) == early:
            raise RuntimeError(f"no worker could run: {(failures or ['all ended at once'])[0]}")
    done = len(board.ended) - board.failed()
    seconds = round(time.monotonic() - began, 3)
    spent = meter.over and bool(missing) and not interrupted
    return Summary(
        done, board.failed(), len(missing), seconds, interrupted, spent=spent, hours=meter.used
    )


def _watch(engine: Engine, board: Board, asked: list[int], meter: Meter) -> list[str]:
    """Show how far the workers are until the last one is gone; return the complaints."""
    told, finished, deadline = 0, float("inf"), float("inf")
    failures: list[str] = []
    while (crowd := engine.alive()) != (0, 0):
        if len(asked) > told:
            if not told:
                board.say("stopping: trials write a checkpoint (again: at once)")
                deadline = time.monotonic() + PATIENCE + LEAVE
            engine.stop(now=told > 0)
            told = len(asked)
        if told > 2 or time.monotonic() > deadline:
            break
        if not meter.over and meter.spent(crowd[0]) and not told:
            board.say(f"the {meter.hours:g} hours are used up: trials write a checkpoint")
            deadline = time.monotonic() + PATIENCE + LEAVE
            engine.stop(now=False)
        failures += [] if asked or meter.over else _said(engine, board)
        board.note = f"workers {crowd[0]} running, {crowd[1]} waiting" if crowd[1] else ""
        board.show()
        if len(board.ended) == len(board.keys):
            finished = min(finished, time.monotonic() + GRACE)
        if time.monotonic() > finished and not told:
            engine.stop(now=False)
            finished, deadline = float("inf"), min(deadline, time.monotonic() + LEAVE)
        time.sleep(TICK)
    return failures + ([] if asked or meter.over else _said(engine, board))


def _said(engine: Engine, board: Board) -> list[str]:
    """Show the new complaints, and return them."""
    new = engine.complaints()
    for line in new:
        board.say(line)
    return new
