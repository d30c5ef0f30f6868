"""Processes that measure an experiment's trials: what they find does not depend on how many they are."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, cast

from ablation.experiments import EXPERIMENTS
from ablation.experiments.experiment import Settings
from ablation.record import read_config

ORPHANED = 76
"""Exit code of a process whose parent died."""


def measure(
    name: str,
    folders: Sequence[Path],
    settings: Settings,
    workers: int,
    say: Callable[[str], None],
) -> dict[Path, str]:
    """Measure the trials of these folders, `workers` at once; return what became of those that failed."""
    context, failed = multiprocessing.get_context("spawn"), dict[Path, str]()
    waiting, done = list(folders), 0
    busy: dict[Any, tuple[SpawnProcess, Path]] = {}

    def start() -> None:
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, name, dict(settings)))
        process.start()
        theirs.close()
        hand(ours, process)

    def hand(ours: Any, process: SpawnProcess) -> None:
        """Give a process its next trial, or let it end."""
        folder = waiting.pop(0) if waiting else None
        if folder is not None:
            busy[ours] = process, folder
        try:
            ours.send(folder)
        except OSError:  # it died between two trials; its end of the pipe says so to wait()
            return
        if folder is None:
            process.join()
            ours.close()

    try:
        for _ in range(min(workers, len(folders))):
            start()
        while busy:
            for ready in connection.wait(list(busy)):
                ours = cast(Any, ready)
                process, folder = busy.pop(ours)
                try:
                    said = str(ours.recv())
                except (EOFError, OSError):
                    process.join()
                    said = f"its process ended with exit code {process.exitcode}"
                    start_again = bool(waiting)
                else:
                    start_again = False
                    hand(ours, process)
                done += 1
                if said:
                    failed[folder] = said
                say(f"{done}/{len(folders)} {folder.name}{': ' if said else ''}{said}")
                if start_again:
                    start()
    finally:
        for process, _ in busy.values():
            process.terminate()
            process.join()
    return failed


def serve(pipe: connection.Connection, name: str, settings: Settings) -> None:
    """Measure one trial after the other as the parent names them, one thread each; end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of us; the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    experiment = EXPERIMENTS[name]
    while True:
        folder = pipe.recv()
        if folder is None:
            return
        try:
            experiment.measure(folder, read_config(folder), settings)
            pipe.send("")
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            pipe.send(f"{type(error).__name__}: {error}".splitlines()[0])


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a trial is measured in a child"
    connection.wait([parent.sentinel])
    os._exit(ORPHANED)
