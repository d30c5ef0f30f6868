"""The report of a study under way: written again whenever trials ended, until all have or somebody stops it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ablation.verbs import tell

if TYPE_CHECKING:
    from reports.page import Report

LEAST, MOST = 1.0, 86_400.0
"""Seconds between two looks."""


def seconds(text: str) -> float:
    """Return the seconds that `--every` says (`30s`, `5m`, `1h`); raises ValueError."""
    from sweeps.limits import duration

    found = duration(text, "--every")
    if not LEAST <= found <= MOST:
        raise ValueError(f"--every is {text!r}; it lies between 1s and 24h")
    return found


def watch(study: Path, every: float, say: Callable[[Report], None]) -> int:
    """Write the study's report now and whenever something was added; Ctrl-C ends it with what is written so far."""
    from reports.page import write_report

    try:
        for seen in _looks(study, every):
            written = write_report(study)
            if written.ended >= written.expected and seen == _look(study):
                say(written)
                tell(f"{study.name} is complete")
                return 0
            say(written)
    except KeyboardInterrupt:
        tell(f"stopped watching; {study / 'report'} stays as it was last written")
    return 0


Look = tuple[tuple[str, int, int], ...]


def _looks(study: Path, every: float) -> Iterator[Look]:
    """Yield what a report is made of, at once and then at every look at which it is another."""
    last: Look | None = None
    while True:
        now = _look(study)
        if now != last:
            last = now
            yield now
        time.sleep(every)


def _look(study: Path) -> Look:
    """Return names, times and sizes of the files that say what was asked and what ended; it takes no lock."""
    kinds = ("trials/*/config.yaml", "trials/*/result.json", "trials/*/scores-*.json")
    rows = []
    for path in (study / "study.yaml", *(path for kind in kinds for path in study.glob(kind))):
        try:
            known = path.stat()
        except FileNotFoundError:  # set aside by `retry` since it was listed
            continue
        rows.append((str(path.relative_to(study)), known.st_mtime_ns, known.st_size))
    return tuple(sorted(rows))
