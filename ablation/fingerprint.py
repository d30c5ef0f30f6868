"""What content is: SHA-256 over a folder of files or over arrays, so that keys follow content and not places."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff")


def pictures(root: Path) -> list[Path]:
    """Return the picture files below `root` in a fixed order; raises ValueError if there are none."""
    if not root.is_dir():
        raise ValueError(f"dataset.root={root} is not a folder")
    found = sorted(p for p in root.rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
    if not found:
        raise ValueError(f"dataset.root={root} holds no pictures ({', '.join(PICTURES)})")
    return found


def folder_fingerprint(root: Path) -> str:
    """Return sixteen hexadecimal digits over the names and bytes of the pictures below `root`."""
    digest = hashlib.sha256()
    for path in pictures(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def array_fingerprint(*arrays: np.ndarray) -> str:
    """Return sixteen hexadecimal digits over the shapes, kinds and bytes of arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape}{array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
