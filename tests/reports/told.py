"""What the report says of a study on disk, without writing its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reports.analysis import Analysis, analysed
from reports.content import content
from reports.design import Design
from reports.gallery import Gallery, gallery
from reports.tables import load
from reports.verdict import Verdict


def read(study: Path) -> Analysis:
    """Return the analysis of a study."""
    return analysed(load([study]))


def said(own: Analysis, *, drawn: bool = False) -> dict[str, Any]:
    """Return the report's content, its figures only where they are asked for."""
    return content(own, gallery(own) if drawn else Gallery({}))


def said_of(study: Path, *, drawn: bool = False) -> dict[str, Any]:
    """Return the content of the report of a study."""
    return said(read(study), drawn=drawn)


def judged(study: Path) -> tuple[Design, Verdict, str]:
    """Return the comparison of a study, its verdict, and that in a sentence."""
    own = read(study)
    return own.found, own.verdict, own.sentence
