"""Generated samples side by side: every treatment's pictures at one seed, at the steps at which it left some."""

from __future__ import annotations

import re
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
ON_THE_WAY = re.compile(r"samples-(\d+)\.png")


@dataclass(frozen=True)
class Sample:
    """One trial's sample picture, its last one; `picture` is None where it has none, and `note` says why.

    `step` is that of the picture, `earlier` holds the files of those before it, by step.
    """

    treatment: str
    name: str
    alt: str
    note: str
    picture: bytes | None
    step: int = 0
    earlier: tuple[tuple[int, Path], ...] = ()


@dataclass(frozen=True)
class SampleRow:
    """The samples of one block, treatments side by side at an equal seed."""

    block: str
    seed: int
    samples: tuple[Sample, ...]
    key: str = ""


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
        rows.append(SampleRow(block.label, best, samples, block.key))
    return tuple(rows)


def read_picture(path: Path) -> bytes | None:
    """Return the bytes of a whole PNG file of at most 4 MB, None where the trial has no such file of its own."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        picture = path.read_bytes()
    except OSError:
        return None
    return picture if _is_whole(picture) else None


def _sample(
    treatment: str, trial: Mapping[Hashable, Any], name: str, block: str, seed: int
) -> Sample:
    alt = f"Samples of the generator with {treatment}, {block}, seed {seed}"
    folder, note = Path(str(trial["folder"])), str(trial["outcome"])
    pictures = _on_the_way(folder)
    if (folder / "samples.png").exists():
        step = 0 if pd.isna(trial["step"]) else int(trial["step"])
        pictures = [(at, path) for at, path in pictures if at < step]
        pictures.append((step, folder / "samples.png"))
    ended = note in ("finished", "converged")
    if not pictures:
        return Sample(treatment, name, alt, "no samples" if ended else f"{note}, no samples", None)
    step, path = pictures[-1]
    picture = read_picture(path)
    said = ["" if ended else note]
    if picture is None:
        said.append(f"{path.name} is not shown (damaged, or above 4 MB)")
    elif path.name != "samples.png":
        said.append(f"last samples at step {step:,}")
    return Sample(
        treatment, name, alt, ", ".join(filter(None, said)), picture, step, tuple(pictures[:-1])
    )


def _on_the_way(folder: Path) -> list[tuple[int, Path]]:
    """Return the pictures that a trial left while it trained, by step."""
    named = ((ON_THE_WAY.fullmatch(path.name), path) for path in folder.glob("samples-*.png"))
    return sorted((int(match[1]), path) for match, path in named if match)


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
