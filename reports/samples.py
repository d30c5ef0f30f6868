"""Generated samples side by side: every treatment's picture at one seed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from reports.design import Design

MOST_BYTES = 4_000_000
"""A larger picture is left out of the page: it stays in its trial's folder."""


@dataclass(frozen=True)
class Sample:
    """One trial's sample picture; `picture` is None where it has none, and `note` says why."""

    treatment: str
    name: str
    alt: str
    note: str
    picture: bytes | None


@dataclass(frozen=True)
class SampleRow:
    """The samples of one block, treatments side by side at an equal seed."""

    block: str
    seed: int
    samples: tuple[Sample, ...]


def sample_rows(trials: pd.DataFrame, found: Design, order: Sequence[str]) -> tuple[SampleRow, ...]:
    """Return a row per block that has pictures, at the first seed with the most of them."""
    known = trials[trials["treatment"].notna()]
    rows = []
    for number, block in enumerate(found.blocks, 1):
        part = known[known["block"] == block.key]
        count = {
            int(str(seed)): sum((Path(name) / "samples.png").exists() for name in own["folder"])
            for seed, own in part.groupby("seed", sort=True)
        }
        best = max(count, key=lambda seed: (count[seed], -seed), default=None)
        if best is None or not count[best]:
            continue
        own = {t["treatment"]: t for t in part[part["seed"] == best].to_dict("records")}
        samples = tuple(
            _sample(name, own[name], f"samples-{number}-{i}", block.label, best)
            for i, name in enumerate(order, 1)
            if name in own
        )
        rows.append(SampleRow(block.label, best, samples))
    return tuple(rows)


def _sample(
    treatment: str, trial: Mapping[Hashable, Any], name: str, block: str, seed: int
) -> Sample:
    alt = f"Samples of the generator with {treatment}, {block}, seed {seed}"
    path, picture, note = Path(str(trial["folder"])) / "samples.png", None, str(trial["outcome"])
    try:
        picture = path.read_bytes()
    except OSError:
        note = f"{note}, no samples"
    if picture is not None and not _is_whole(picture):
        picture, note = None, f"{note}, samples.png is not shown (damaged, or above 4 MB)"
    return Sample(treatment, name, alt, "" if note in ("finished", "converged") else note, picture)


def _is_whole(picture: bytes) -> bool:
    """Say whether these bytes are a PNG picture that can be decoded."""
    if len(picture) > MOST_BYTES:
        return False
    try:
        with Image.open(BytesIO(picture), formats=["PNG"]) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return True
