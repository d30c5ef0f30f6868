"""Pictures of samples: a grid that keeps every pixel, a density whose frame is that of the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablation.catalogue import rows
from ablation.datasets import Dataset
from ablation.factories import make
from ablation.pictures import write_picture
from ablation.spec import Part

VECTORS = [
    name for name, row in rows("dataset").items() if "points" in row and name != "stacked_digits"
]


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_holds_every_image_a_pixel_apart(channels: int, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(1, 256, (9, channels, 150, 150), dtype=np.uint8)
    write_picture(tmp_path / "a.png", images, (-1.0, 1.0))
    picture = read(tmp_path / "a.png").reshape(453, 453, channels)
    for number in range(9):
        top, left = (151 * k + 1 for k in divmod(number, 3))
        cell = picture[top : top + 150, left : left + 150].transpose(2, 0, 1)
        assert np.array_equal(cell, images[number])
        assert (picture[top - 1] == 0).all()


@pytest.mark.parametrize("name", VECTORS)
def test_every_toy_lies_within_its_frame_and_fills_it(name: str, tmp_path: Path) -> None:
    data = make(Part.read(rows("dataset")[name], "dataset"), Dataset)
    write_picture(tmp_path / "a.png", data.train.numpy(), data.value_range)
    dark = read(tmp_path / "a.png") < 255
    side = len(dark)
    assert dark.shape == (side, side)
    for axis in range(2):
        used = np.flatnonzero(dark.any(axis=axis))
        assert side / 8 < used[0] < side / 4
        assert 3 * side / 4 < used[-1] < 7 * side / 8


def test_the_frame_follows_the_data_and_not_the_samples(tmp_path: Path) -> None:
    """A generator that went astray must not shrink what it is compared with; y points up."""
    points = np.array([[-4.0, -4.0], [4.0, 4.0], [4.0, -4.0], [1e9, 0.0], [np.nan, 0.0]])
    write_picture(tmp_path / "a.png", points, (-4.0, 4.0))
    dark = read(tmp_path / "a.png")[::2, ::2] < 255
    assert dark.shape == (192, 192)
    low, high = 192 * 2 // 12, 192 * 10 // 12
    centres = ((191 - low, low), (191 - high, high), (191 - low, high))
    assert {(int(r), int(c)) for r, c in np.argwhere(dark)} == {
        (r + i, c + j) for r, c in centres for i in (-1, 0, 1) for j in (-1, 0, 1)
    }
