"""Sample pictures as the page holds them: no larger than it shows them, in the smaller of two encodings."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

LARGEST = 320
"""Pixels a side: a page shows a picture at 224 of its own, on a fine screen at twice as many."""
EXACT = 6_000
"""Bytes up to which a picture is kept to the last pixel."""
QUALITY = 60


def shrunk(png: bytes) -> tuple[str, bytes]:
    """Return the media type and the bytes of a picture for a page, the same ones each time.

    Whole-number enlargement is undone: the page enlarges it again, with hard edges.
    """
    with Image.open(BytesIO(png), formats=["PNG"]) as opened:
        picture = opened if opened.mode in ("L", "RGB") else opened.convert("RGB")
        picture = Image.fromarray(_unenlarged(np.asarray(picture)))
    if max(picture.size) > LARGEST:
        picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    exact = _encoded(picture, lossless=True)
    if len(exact) <= EXACT:
        return "image/webp", exact
    return "image/webp", min(exact, _encoded(picture, lossless=False), key=len)


def _encoded(picture: Image.Image, *, lossless: bool) -> bytes:
    stream = BytesIO()
    picture.save(stream, "WEBP", lossless=lossless, quality=QUALITY, method=4)
    return stream.getvalue()


def _unenlarged(pixels: np.ndarray) -> np.ndarray:
    """Return the picture of which these pixels (H W or H W C) are whole-number enlargements, at best itself."""
    height, width = pixels.shape[:2]
    for factor in (8, 7, 6, 5, 4, 3, 2):
        if height % factor == 0 and width % factor == 0:
            small = pixels[::factor, ::factor]
            if np.array_equal(small.repeat(factor, axis=0).repeat(factor, axis=1), pixels):
                return np.ascontiguousarray(small)
    return pixels
