"""The ways to deal a pair's labels out among its units: all of them, or many drawn at random.

Units are whole seeds of a random stream; streams are dealt independently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from math import comb, prod

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.uint8]

SPLITS = 20_000
"""Reassignments of the labels: all where there are at most so many, else so many random ones."""


def generator(names: Sequence[str]) -> np.random.Generator:
    """Return the random generator that these names seed, the same on every machine."""
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def reassignments(
    units: Sequence[tuple[int, int]], names: Sequence[str], most: int = SPLITS
) -> tuple[list[Floats], bool]:
    """Return, per stream, M rows of 0 and 1 (1: labelled as the first), and whether these are all.

    Streams are reassigned independently; row 0 is observed. Memory: M x units x 8 bytes.
    """
    counts = [comb(n + m, n) for n, m in units]
    if prod(counts) <= most:
        rows = np.unravel_index(np.arange(prod(counts)), counts)
        return [
            _all(n, m)[row].astype(float) for (n, m), row in zip(units, rows, strict=True)
        ], True
    return [label.astype(float) for label in _drawn(tuple(units), tuple(names), most)], False


@lru_cache(maxsize=128)
def _drawn(
    units: tuple[tuple[int, int], ...], names: tuple[str, ...], most: int
) -> tuple[Labels, ...]:
    """Return so many random labellings per stream, the observed one first; a pair is drawn once, to test and invert."""
    random, drawn = generator(names), []
    for n, m in units:
        order = random.random((most, n + m)).argsort(axis=1)
        order[0] = np.arange(n + m)
        drawn.append((order < n).astype(np.uint8))
    return tuple(drawn)


@lru_cache(maxsize=32)
def _all(n: int, m: int) -> Labels:
    """Return every way to label n of n + m units, the first n first."""
    from itertools import combinations

    chosen = np.array(list(combinations(range(n + m), n)))
    rows = np.zeros((len(chosen), n + m), np.uint8)
    np.put_along_axis(rows, chosen, 1, axis=1)
    return rows
