"""Trials that did not end well: what they said last, and the commands that look closer."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pandas as pd

from ablation.texts import plain
from reports.printing import clipped
from reports.tables import Tables

SHOWN = ("diverged", "crashed", "collapsed", "damaged")
LINES = 12
BYTES = 8_000
HEAD = 400
"""Letters of a message that are shown at once; the page unfolds the rest."""


def failures(tables: Tables, trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Return every failed trial with its message, the end of its log, and two commands."""
    folders = {study.name: study.folder.resolve().name for study in tables.studies}
    found = []
    for row in trials[trials["outcome"].isin(SHOWN)].to_dict("records"):
        words = f"{shlex.quote(folders[row['study']])} {shlex.quote(row['key'])}"
        message = str(row["message"] or "no message")
        step = "" if pd.isna(row["step"]) else f"at step {int(row['step']):,}"
        found.append(
            {
                "key": row["key"],
                "outcome": row["outcome"],
                "step": step,
                "message": message,
                "head": clipped(message, HEAD),
                "log": log_tail(Path(row["folder"]) / "log.txt"),
                "commands": [f"ablation logs {words}", f"ablation rerun {words} --verify"],
            }
        )
    return found


def log_tail(path: Path) -> str:
    """Return the last lines of a log, "" where there is none; what is not a file of the trial's own is none."""
    if path.is_symlink() or not path.is_file():
        return ""
    try:
        with open(path, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(plain(text).rstrip("\n").split("\n")[-LINES:])
