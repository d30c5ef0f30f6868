"""Samples as a picture file: images in a square grid, points of a toy as a density."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image

LEAST = 384
"""Pixels a side below which a grid is enlarged by whole factors."""


def write_picture(path: Path, samples: np.ndarray, values: tuple[float, float]) -> None:
    """Write samples (uint8 N C H W, or float N D) as a PNG file; `values` are the least and greatest of the data's."""
    picture = _grid(samples) if samples.ndim == 4 else _density(samples, *values)
    factor = max(1, round(LEAST / picture.shape[0]))
    picture = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    Image.fromarray(picture.squeeze()).save(path, format="PNG")


def _grid(images: np.ndarray) -> np.ndarray:
    """Return as many images as fill a square, H W C, a pixel apart."""
    side = math.isqrt(len(images))
    n, (channels, height, width) = side * side, images.shape[1:]
    cells = np.zeros((side, side, height + 1, width + 1, channels), np.uint8)
    cells[:, :, 1:, 1:] = (
        images[:n].transpose(0, 2, 3, 1).reshape(side, side, height, width, channels)
    )
    rows = cells.transpose(0, 2, 1, 3, 4)
    return rows.reshape(side * (height + 1), side * (width + 1), channels)


def _density(points: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the first two coordinates as dots on white, H W 1, over the data's range and a quarter beyond.

    A dot is three pixels wide; where more lie, it is darker.
    """
    margin = (high - low) / 4
    bins = np.linspace(low - margin, high + margin, 193)
    finite = points[np.isfinite(points).all(axis=1)]
    counts, *_ = np.histogram2d(finite[:, 1], finite[:, 0], bins=(bins, bins))
    dots = sum(np.roll(counts, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))
    shade = 255 * 0.45 ** np.minimum(dots, 4)
    return np.asarray(shade[::-1, :, None], np.uint8)
