"""How scores are named: FAMILY_EXTRACTOR_COUNT, so that no two protocols ever share a name."""

from __future__ import annotations


def thousands(n: int) -> str:
    """Return a sample count as people write it: 5000 is 5k, 2500 is 2.5k, 599 is 599."""
    return f"{n / 1000:g}k" if n >= 1000 else str(n)


def base(name: str) -> str:
    """Return the family of a score's name: `fid` of `fid_digits-cnn-1a2b3c_5k`."""
    return name.split("_")[0]
