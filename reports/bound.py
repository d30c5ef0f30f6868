"""How many bytes the files of a report may take, for one that is committed or sent: what comes first, what is left out.

Nothing that is said is left out: figures go first, then pictures, then tables that are long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from pathlib import Path

from reports.words import listed

MB = 1_000_000
LEAST = 0.2 * MB
"""Below this no report fits: its text alone takes more."""
PAPER, TABLES = 0.3, 0.2
"""The most that the PDF and the tables take of all; the page takes what is left."""
SAMPLES = 0.2
"""The most that the sample pictures take of what a page has for figures and pictures."""


@dataclass(frozen=True)
class Bound:
    """The most that page, PDF and tables may take together, in bytes."""

    most: int

    @property
    def paper(self) -> int:
        """The bytes of the PDF."""
        return int(PAPER * self.most)

    @property
    def tables(self) -> int:
        """The bytes of all tables."""
        return int(TABLES * self.most)

    def said(self, command: str, without: Sequence[str]) -> str:
        """Return the sentence of a report that is bound: which tables are left out, and the command that writes all."""
        several = len(without) > 1
        gone = f"the table{'s' if several else ''} {listed(without)}"
        gone = f"; so {'are' if several else 'is'} {gone}" if without else ""
        return (
            f"This report takes at most {self.most / MB:g} MB: figures and sample pictures that do not fit are left"
            f" out{gone}. {command} writes all of them."
        )

    def check(self, size: int) -> None:
        """Raise ValueError where a report's files are larger: its words alone take so much."""
        if size > self.most:
            least = ceil(100 * size / MB) / 100
            raise ValueError(f"--most {self.most / MB:g}: this report takes at least {least:g} MB")


def bound(megabytes: float | None) -> Bound | None:
    """Return the bound of this many megabytes; raises ValueError where no report is so small."""
    if megabytes is None:
        return None
    if not isfinite(megabytes):
        raise ValueError(f"--most {megabytes:g}: it is a number of megabytes")
    if megabytes * MB < LEAST:
        raise ValueError(f"--most {megabytes:g}: a report takes at least {LEAST / MB:g} MB")
    return Bound(int(megabytes * MB))


def slimmed(folder: Path, most: int) -> list[str]:
    """Remove the largest files of a folder of tables until all take at most so many bytes.

    Return the names of the tables of which neither CSV nor Parquet is left.
    """
    sizes = {path: path.stat().st_size for path in folder.iterdir()}
    every = {path.stem for path in sizes}
    for path in sorted(sizes, key=lambda path: (-sizes[path], path.name)):
        if sum(sizes.values()) > most:
            path.unlink()
            del sizes[path]
    return sorted(every - {path.stem for path in sizes})
