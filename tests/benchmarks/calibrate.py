"""Does the report claim too often, and does it find what is there? Simulated studies through its whole pipeline.

`python tests/benchmarks/calibrate.py` (`make calibrate`) draws every study of `calibration_settings.py`, on all cores,
and writes docs/calibration.md: the same bytes on every run. `--studies N` draws at most so many of each line,
`--out FILE` writes elsewhere.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from calibration_frames import Shape, Truth, draw, template, write
from calibration_page import page
from calibration_runs import (
    RUNGS,
    Counts,
    Setting,
    added,
    chunk,
    concluded,
    first_seeds,
    jobs,
    smaller,
)
from calibration_settings import SETTINGS, WHOLE

from reports.page import write_report

PLACE = Path(__file__).resolve().parents[2] / "docs" / "calibration.md"


def counted(settings: Sequence[Setting], cores: int) -> dict[str, Counts]:
    """Return the added counts of every setting's studies, drawn on so many cores."""
    for setting in settings:  # before the workers are forked, which then share them
        template(setting.shape)
        if setting.table == "looks":
            template(setting.shape, RUNGS)
    asked, found = jobs(settings), dict[str, list[Counts]]()
    with multiprocessing.get_context("fork").Pool(cores) as pool:
        for number, (key, counts) in enumerate(pool.imap_unordered(chunk, asked), 1):
            found.setdefault(key, []).append(counts)
            if number % 50 == 0:
                print(f"{number} of {len(asked)} chunks", file=sys.stderr, flush=True)
    return {key: added(rows) for key, rows in found.items()}


def whole(shape: Shape, truth: Truth, ladder: tuple[int, ...] = ()) -> tuple[str, str]:
    """Return a study's verdict by the simulated frames, and by a report that was written of its run folders."""
    y = draw(shape, truth, np.random.default_rng(7))
    own = first_seeds(template(shape, ladder), shape.seeds) if ladder else template(shape)
    sentence = concluded(own, y)[1]
    with tempfile.TemporaryDirectory() as place:
        report = write_report(write(Path(place) / "study", shape, y, ladder))
    return sentence.replace("\u00a0", " "), report.verdict


def main() -> None:
    """Draw, count and write the page."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--studies", type=int, default=10**6, metavar="N")
    given.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    given.add_argument("--out", type=Path, default=PLACE, metavar="FILE")
    asked = given.parse_args()
    settings = smaller(SETTINGS, asked.studies)
    found = counted(settings, asked.cores)
    pairs = [whole(*study) for study in WHOLE]
    if wrong := [pair for pair in pairs if pair[0] != pair[1]]:
        sys.exit(f"a written report says {wrong[0][1]!r}, the simulated frames {wrong[0][0]!r}")
    text = page(settings, found, len(pairs))
    asked.out.write_text(text, encoding="utf-8")
    print(asked.out)


if __name__ == "__main__":
    os.nice(5)
    main()
