"""A running study on a whole terminal: what every cell has reached, and what runs now."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ablation.texts import one_line
from sweeps.status import FAILED, Ended, Running, Status, Watch, clock

EACH = 1.0
"""Seconds between two looks."""


def watch(study: Path) -> int:
    """Show a study until all its trials are done, or until Ctrl-C; returns the exit code."""
    eyes, console = Watch(study), Console()
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                now = eyes.status()
                live.update(shown(now, eyes.ended, console.height, console.width), refresh=True)
                if now.done >= now.expected:
                    break
                time.sleep(EACH)
    except KeyboardInterrupt:
        now = eyes.status()
    print("\n".join(now.lines()), flush=True)
    return 0


def shown(now: Status, ended: dict[str, Ended], height: int, width: int) -> Group:
    """Return what stands on a terminal of so many lines and columns."""
    running = running_table(now.running_trials)
    room = max(height - len(now.running_trials) - 8, 3)
    head, space = Text(now.lines()[0], style="bold"), Text("")
    return Group(head, _bar(now, width), space, cells(now, ended, room), space, running)


def _bar(now: Status, width: int) -> Table:
    part = sum(trial.step / trial.steps for trial in now.running_trials if trial.steps)
    line = Table.grid()
    line.add_row(
        ProgressBar(total=max(now.expected, 1), completed=now.done + part, width=max(width - 1, 10))
    )
    return line


def cells(now: Status, ended: dict[str, Ended], room: int) -> Table:
    """Return a row for every cell, those under way first and at most `room` of them."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for name in ("cell", "done", "running", "failed", "seconds a trial"):
        table.add_column(
            name, justify="left" if name == "cell" else "right", no_wrap=name != "cell"
        )
    keys: dict[str, list[str]] = {}
    for key in now.keys:
        keys.setdefault(cell_of(key), []).append(key)
    runs = [cell_of(trial.key) for trial in now.running_trials]
    rows = sorted(keys, key=lambda cell: (cell not in runs, all(k in ended for k in keys[cell])))
    for cell in rows[:room]:
        done = [ended[key] for key in keys[cell] if key in ended]
        bad = sum(found.outcome in FAILED for found in done)
        known = [found.seconds for found in done if found.seconds is not None]
        table.add_row(
            Text(one_line(cell), overflow="ellipsis"),
            f"{len(done)}/{len(keys[cell])}",
            str(runs.count(cell) or ""),
            Text(str(bad or ""), style="bold" if bad else ""),
            f"{median(known):.1f}" if known else "",
        )
    if len(rows) > room:
        table.add_row(Text(f"and {len(rows) - room} more cells", style="italic"))
    return table


def running_table(trials: Iterable[Running]) -> Table:
    """Return a row for every trial that runs: where, how far, and for how long yet."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("running", "host", "attempt", "step", "left"):
        table.add_column(name, justify="left" if name in ("running", "host") else "right")
    for one in trials:
        step = f"{one.step:,} of {one.steps:,}" if one.steps else "starts"
        left = "" if one.left is None else clock(one.left)
        table.add_row(
            Text(one_line(one.key), overflow="ellipsis"),
            Text(one_line(str(one.host))),
            str(one.attempt + 1),
            step,
            left,
        )
    return table


def cell_of(key: str) -> str:
    """Return a key without its seed and hash."""
    return key.rpartition("-s")[0]
