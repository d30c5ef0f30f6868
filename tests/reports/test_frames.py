"""Samples on the way: every step that a trial left, one seed a row, small, and within what a page may weigh."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
import study_builder as builder
from PIL import Image

from reports.design import design
from reports.frames import samples_of
from reports.samples import SampleRow, sample_rows
from reports.shrinking import LARGEST, shrunk
from reports.tables import load, with_primary_score


def _rows(study: Path) -> tuple[SampleRow, ...]:
    tables = load([study])
    trials = with_primary_score(tables, "fid")
    found = design(trials, tables.studies[0].declared)
    return sample_rows(trials, found, found.treatments)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two activations, two losses, one seed; the one of hinge diverged at step 400 and left a picture at step 375."""
    made = builder.build(
        tmp_path / "s",
        activations=("leaky_relu", "relu"),
        losses=("hinge", "minimax"),
        seeds=1,
        failing={("relu", "hinge", 0): "diverged"},
        probed=False,
    )
    for folder in (made / "trials").iterdir():
        ended = not folder.name.startswith("relu-hinge")
        for step in (375, 750, 1125) if ended else (375,):
            picture = builder.samples_png(np.random.default_rng(step))
            (folder / f"samples-{step}.png").write_bytes(picture)
        if ended:
            (folder / "samples.png").write_bytes(builder.samples_png(np.random.default_rng(9)))
    return made


@pytest.mark.slow
def test_each_cell_has_a_picture_of_every_step_that_its_trial_left(study: Path) -> None:
    told = samples_of(_rows(study))
    assert told["steps"] == [375, 750, 1125, 1500]
    assert told["notes"] == []
    steps = {
        (row["block"], cell["treatment"]): [frame["step"] for frame in cell["frames"]]
        for row in told["rows"]
        for cell in row["cells"]
    }
    whole = [375, 750, 1125, 1500]
    assert steps == {
        ("hinge", "leaky_relu"): whole,
        ("hinge", "relu"): [375],
        ("minimax", "leaky_relu"): whole,
        ("minimax", "relu"): whole,
    }
    notes = [cell["note"] for row in told["rows"] for cell in row["cells"]]
    assert notes == ["", "diverged, last samples at step 375", "", ""]


@pytest.mark.slow
def test_a_damaged_picture_on_the_way_is_left_out(study: Path) -> None:
    folder = next(p for p in (study / "trials").iterdir() if p.name.startswith("relu-minimax"))
    (folder / "samples-750.png").write_bytes(b"\x89PNG damaged")
    (folder / "samples-x.png").write_bytes(b"no step")
    (row,) = (row for row in samples_of(_rows(study))["rows"] if row["block"] == "minimax")
    assert [frame["step"] for frame in row["cells"][1]["frames"]] == [375, 1125, 1500]


@pytest.mark.slow
def test_last_pictures_come_before_earlier_ones_and_the_page_says_what_it_lacks(
    study: Path,
) -> None:
    rows = _rows(study)
    whole = samples_of(rows)["rows"]
    weights = [[len(f["source"]) for c in row["cells"] for f in c["frames"]] for row in whole]
    last = sum(len(c["frames"][-1]["source"]) for row in whole for c in row["cells"])
    told = samples_of(rows, last)
    assert [len(c["frames"]) for row in told["rows"] for c in row["cells"]] == [1, 1, 1, 1]
    assert told["steps"] == []
    told = samples_of(rows, sum(map(sum, weights)) - 1)
    assert [len(c["frames"]) for row in told["rows"] for c in row["cells"]] == [4, 1, 1, 1]
    assert told["notes"][0].startswith("The samples on the way are those of 1 blocks")
    told = samples_of(rows, last - 1)
    assert [row["block"] for row in told["rows"]] == ["hinge"]
    assert told["notes"][0].startswith("Here are the samples of 1 of 2 blocks")


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _pixels(picture: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == "WEBP"
        return np.asarray(image.convert("L"))


def test_enlargement_is_undone_and_small_pictures_stay_exact() -> None:
    random = np.random.default_rng(0)
    small = random.integers(0, 255, (40, 40), dtype=np.uint8)
    kind, picture = shrunk(_png(np.kron(small, np.ones((5, 5), np.uint8))))
    assert kind == "image/webp"
    assert np.array_equal(_pixels(picture), small)
    assert shrunk(_png(np.kron(small, np.ones((5, 5), np.uint8)))) == (kind, picture)


@pytest.mark.slow
def test_large_pictures_are_no_larger_than_the_page_shows_them() -> None:
    wave = 128 + 100 * np.sin(np.arange(700) / 30)
    noise = np.random.default_rng(0).normal(0, 12, (700, 700))
    pixels = np.clip(wave[:, None] + noise, 0, 255).astype(np.uint8)
    _, picture = shrunk(_png(pixels))
    assert _pixels(picture).shape == (LARGEST, LARGEST)
    assert len(base64.b64encode(picture)) < 40_000


def test_a_palette_or_a_transparent_picture_is_read() -> None:
    stream = io.BytesIO()
    Image.new("P", (16, 16), 3).save(stream, "PNG")
    assert shrunk(stream.getvalue())[0] == "image/webp"
    assert shrunk(_png(np.zeros((16, 16, 4), np.uint8)))[0] == "image/webp"
