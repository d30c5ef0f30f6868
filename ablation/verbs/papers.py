"""What a paper takes from a study, into a folder of its own or into the study's zip file."""

from __future__ import annotations

import tempfile
import zipfile
from argparse import Namespace
from pathlib import Path

from ablation.record import trial_folders
from ablation.verbs import tell

UNDATED = (1980, 1, 1, 0, 0, 0)
"""The date of files that are made for the zip: the same study packs to the same bytes."""


def do_paper(study: Path, given: Namespace) -> int:
    """Write LaTeX tables, their data and the figures into the folder that `--paper` names."""
    from reports.journal import DOUBLE, SINGLE, write_paper

    if given.paper is None:
        raise ValueError("--column goes with --paper DIR")
    if given.out is not None:
        raise ValueError("--out names a zip file, --paper a folder: give one of them")
    found = write_paper(study, Path(given.paper), given.column or (SINGLE, DOUBLE))
    widths = ", ".join(f"{len(own)} at {width:g} in" for width, own in found.figures.items())
    tell(f"{found.folder}: {len(found.tables)} LaTeX tables; figures: {widths}; see README.txt")
    for width, names in found.wide.items():
        if names:
            tell(f"too wide for {width:g} in, left out: {', '.join(names)}")
    return 0


def pack_paper(study: Path, packed: zipfile.ZipFile) -> int:
    """Add STUDY/paper/ to an open zip file; returns the number of files, 0 where no report can be made."""
    from reports.journal import write_paper

    if not any((folder / "result.json").exists() for folder in trial_folders(study)):
        tell("no trial has ended: the zip file has no paper/")
        return 0
    with tempfile.TemporaryDirectory(prefix="paper-") as scratch:
        try:
            folder = write_paper(study, Path(scratch) / "paper").folder
        except ValueError as error:
            tell(f"the zip file has no paper/: {error}")
            return 0
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in paths:
            name = Path(study.name) / "paper" / path.relative_to(folder)
            entry = zipfile.ZipInfo(name.as_posix(), UNDATED)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(entry, path.read_bytes())
    return len(paths)
