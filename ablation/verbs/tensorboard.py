"""The export for TensorBoard: one folder a trial, each with one event file."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ablation.verbs import study_of, tell


def do_tensorboard(given: Namespace) -> int:
    """Write every trial that has a result; exit code 1 if some of them cannot be read."""
    from ablation.record import read_record, trial_folders
    from ablation.tensorboard import ready, write_events

    study, out = study_of(given), Path(given.tensorboard)
    if given.out is not None:
        raise ValueError("--out names a zip file, --tensorboard a folder: give one")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} exists and is not empty; choose another --tensorboard")
    ready()
    count, without, damaged = 0, 0, 0
    for folder in trial_folders(study):
        try:
            record = read_record(folder)
            if record is not None:
                write_events(folder, record, out / folder.name)
        except ValueError as error:
            damaged += 1
            tell(f"left out: {error}")
        else:
            count, without = count + (record is not None), without + (record is None)
    waiting = f", {without} without a result" if without else ""
    tell(f"{out}: {count} trials{waiting}; tensorboard --logdir {out}")
    return 1 if damaged else 0
