"""Data: known truth, fixed splits, and files that are missing, damaged or changed."""

from __future__ import annotations

import gzip
import math
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ablation.datasets import Dataset, as_bytes, cache_folder, scaled
from ablation.factories import make
from ablation.fingerprint import folder_fingerprint
from ablation.spec import Part

PartOf = Callable[..., Part]
FASHION = Path(os.environ.get("FASHION_MNIST") or "/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist lies, unless the environment says otherwise."""


def test_ring8_has_eight_modes_of_the_stated_width(part: PartOf) -> None:
    """Angles from linspace with both ends, a mistake of public code, would give seven."""
    data = make(part("dataset", "ring8", points=40_000), Dataset)
    assert data.train.shape == (40_000, 2)
    assert (data.train.dtype, data.is_images, data.classes) == (torch.float32, False, 0)
    assert data.modes is not None
    angles = torch.arange(8) * math.pi / 4
    expected = torch.stack([angles.cos(), angles.sin()], 1)
    torch.testing.assert_close(data.modes.centres, expected)
    assert data.modes.std == 0.01

    for samples in (data.train, data.test):
        away = samples[:, None] - expected
        nearest = away.norm(dim=2).argmin(dim=1)
        counts = torch.bincount(nearest, minlength=8)
        assert len(counts) == 8
        fair = len(samples) / 8
        assert float((counts - fair).abs().max()) < 5 * math.sqrt(fair)
        spread = away[torch.arange(len(samples)), nearest].std(dim=0)
        torch.testing.assert_close(spread, torch.full((2,), 0.01), rtol=0.05, atol=0)
    assert not torch.equal(data.train[:1000], data.test[:1000])


def test_ring8_is_the_same_for_every_trial(part: PartOf) -> None:
    first, again, less = (
        make(part("dataset", "ring8", points=n), Dataset) for n in (600, 600, 500)
    )
    assert torch.equal(first.train, again.train)
    assert first.fingerprint == again.fingerprint != less.fingerprint
    with pytest.raises(ValueError, match=r"dataset\.points is 15"):
        make(part("dataset", "ring8", points=15), Dataset)


def test_digits_are_scikit_learn_s_with_every_third_held_out(part: PartOf) -> None:
    from sklearn.datasets import load_digits

    data, found = make(part("dataset", "digits"), Dataset), load_digits()
    assert data.train_labels is not None
    assert data.test_labels is not None
    assert (len(data.train), len(data.test), data.shape, data.classes) == (1198, 599, (1, 8, 8), 10)
    assert data.train.dtype == torch.uint8
    assert data.is_images
    np.testing.assert_array_equal(data.test_labels.numpy(), found.target[2::3])
    kept = np.delete(np.arange(1797), np.arange(2, 1797, 3))
    np.testing.assert_array_equal(data.train_labels.numpy(), found.target[kept])
    np.testing.assert_allclose(data.test[:, 0].numpy() / 255 * 16, found.images[2::3], atol=0.04)
    assert (int(data.train.min()), int(data.train.max())) == (0, 255)


def test_every_byte_comes_back_from_the_range_of_networks() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    there = scaled(every)
    assert (float(there.min()), float(there.max())) == (-1.0, 1.0)
    assert torch.equal(as_bytes(there), every)
    assert as_bytes(torch.tensor([-7.0, 7.0])).tolist() == [0, 255]
    assert as_bytes(scaled(every) + 0.9 / 255).tolist() == every.tolist()  # rounded, not cut off
    vectors = torch.tensor([[0.5, -3.0]])
    assert scaled(vectors) is vectors


def test_scaling_leaves_the_data_as_they_were(part: PartOf) -> None:
    data = make(part("dataset", "digits"), Dataset)
    before = data.train.clone()
    scaled(data.train).mul_(3)
    assert torch.equal(data.train, before)


def test_the_fingerprint_is_that_of_all_samples_and_labels() -> None:
    numbers = torch.arange(12, dtype=torch.uint8).reshape(3, 1, 2, 2)
    base = Dataset(numbers, numbers + 1, torch.tensor([0, 1, 1]), torch.tensor([1, 0, 0]))
    others = [
        replace(base, train=numbers + 2),
        replace(base, test=numbers),
        replace(base, train_labels=torch.tensor([0, 1, 0])),
        replace(base, test_labels=torch.tensor([0, 0, 0])),
        replace(base, train=numbers.reshape(3, 1, 4, 1)),
        replace(base, train_labels=None, test_labels=None),
    ]
    prints = [data.fingerprint for data in (base, *others)]
    assert len(set(prints)) == len(prints)
    assert replace(base).fingerprint == base.fingerprint
    assert all(len(text) == 16 for text in prints)


def test_the_cache_lies_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ABLATION_CACHE", str(tmp_path / "a"))
    assert cache_folder() == tmp_path / "a"
    monkeypatch.delenv("ABLATION_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x" / "activation-ablation"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "activation-ablation"


# IDX files, as fashion_mnist comes in.


def idx(array: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


@pytest.fixture
def clothes(tmp_path: Path) -> Path:
    """Write a small fashion_mnist: 20 and 10 pictures, one file packed and three not."""
    random, folder = np.random.default_rng(0), tmp_path / "clothes"
    folder.mkdir()
    for stem, n in (("train", 20), ("t10k", 10)):
        images = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = np.arange(n, dtype=np.uint8) % 10
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(idx(labels))
    packed = folder / "t10k-images-idx3-ubyte"
    packed.with_suffix(".gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    return folder


def fashion(part: PartOf, root: Path | None, *, download: bool = False) -> Dataset:
    place = None if root is None else str(root)
    return make(part("dataset", "fashion_mnist", root=place, download=download), Dataset)


def test_idx_files_are_read_packed_or_not(clothes: Path, part: PartOf) -> None:
    data = fashion(part, clothes)
    assert (data.shape, len(data.train), len(data.test), data.classes) == ((1, 28, 28), 20, 10, 10)
    raw = (clothes / "train-images-idx3-ubyte").read_bytes()[16:]
    assert data.train.numpy().tobytes() == raw
    assert data.test_labels is not None
    assert data.test_labels.tolist() == list(range(10))


def test_idx_files_are_found_where_torchvision_puts_them(
    clothes: Path, part: PartOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = fashion(part, clothes).fingerprint
    monkeypatch.setenv("ABLATION_CACHE", str(clothes.parent / "cache"))
    raw = clothes.parent / "cache" / "data" / "FashionMNIST" / "raw"
    raw.parent.mkdir(parents=True)
    clothes.rename(raw)
    assert fashion(part, None).fingerprint == expected
    assert fashion(part, None, download=True).fingerprint == expected
    assert fashion(part, raw.parent.parent).fingerprint == expected


LABELS, IMAGES, PACKED = (
    "train-labels-idx1-ubyte",
    "train-images-idx3-ubyte",
    "t10k-images-idx3-ubyte.gz",
)
DAMAGES: list[tuple[str, str, Callable[[bytes], bytes]]] = [
    ("truncated", IMAGES, lambda data: data[:-1]),
    ("too long", IMAGES, lambda data: data + b"x"),
    ("empty", IMAGES, lambda _: b""),
    ("only a header", LABELS, lambda data: data[:8]),
    ("half a header", IMAGES, lambda data: data[:6]),
    ("another kind", LABELS, lambda data: b"\0\0\x0d" + data[3:]),
    ("no magic", LABELS, lambda data: b"\1" + data[1:]),
    ("overflowing", IMAGES, lambda _: b"\0\0\x08\x03" + struct.pack(">3I", 2**31, 2**31, 4)),
    ("a web page", IMAGES, lambda _: b"<html>not found</html>" * 50),
    ("truncated pack", PACKED, lambda data: data[: len(data) // 2]),
    ("flipped pack", PACKED, lambda data: data[:200] + bytes(b ^ 255 for b in data[200:])),
    ("no pack", PACKED, lambda _: b"not packed at all"),
    ("bad packed header", PACKED, lambda _: gzip.compress(b"\0\0\x08\x03")),
]


@pytest.mark.parametrize(("file", "damage"), [d[1:] for d in DAMAGES], ids=[d[0] for d in DAMAGES])
def test_a_damaged_idx_file_is_named(
    file: str, damage: Callable[[bytes], bytes], clothes: Path, part: PartOf
) -> None:
    path = clothes / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"{file} is damaged: ") as refusal:
        fashion(part, clothes)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("file", [LABELS, "t10k-labels-idx1-ubyte", PACKED])
def test_a_missing_idx_file_is_named(file: str, clothes: Path, part: PartOf) -> None:
    (clothes / file).unlink()
    with pytest.raises(ValueError, match=rf"{file.removesuffix('.gz')}\S* is missing"):
        fashion(part, clothes)


@pytest.mark.parametrize(
    ("file", "array"),
    [
        (LABELS, np.zeros(19, np.uint8)),
        (LABELS, np.full(20, 10, np.uint8)),
        (IMAGES, np.zeros((20, 784), np.uint8)),
        (IMAGES, np.zeros((0, 28, 28), np.uint8)),
        (IMAGES, np.zeros((20, 28, 27), np.uint8)),
        (IMAGES, np.zeros((20, 14, 14), np.uint8)),
    ],
)
def test_idx_files_that_do_not_fit_each_other_are_refused(
    file: str, array: np.ndarray, clothes: Path, part: PartOf
) -> None:
    (clothes / file).write_bytes(idx(array))
    if len(array) == 0:
        (clothes / LABELS).write_bytes(idx(np.zeros(0, np.uint8)))
    with pytest.raises(ValueError, match=r"clothes.*fashion_mnist"):
        fashion(part, clothes)


def test_a_folder_without_idx_files_is_named(tmp_path: Path, part: PartOf) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ValueError, match=rf"dataset\.root={root} lacks train-images"):
            fashion(part, root)


def test_a_download_that_fails_says_how_to_do_without(
    tmp_path: Path, part: PartOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABLATION_CACHE", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):  # nobody listens at the discard port
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"(?s)cannot be downloaded .*dataset\.root=FOLDER"):
        fashion(part, None, download=True)


@pytest.mark.skipif(
    not FASHION.is_dir(),
    reason="dataset-fashion-mnist is not installed; FASHION_MNIST=FOLDER names one",
)
def test_the_real_fashion_mnist(part: PartOf) -> None:
    data = fashion(part, FASHION)
    assert (data.shape, len(data.train), len(data.test)) == ((1, 28, 28), 60_000, 10_000)
    assert data.train_labels is not None
    assert data.test_labels is not None
    assert torch.bincount(data.train_labels).tolist() == [6000] * 10
    assert torch.bincount(data.test_labels).tolist() == [1000] * 10
    mean, std = float(data.train.float().mean() / 255), float(data.train.float().std() / 255)
    assert (mean, std) == (pytest.approx(0.2860, abs=1e-4), pytest.approx(0.3530, abs=1e-4))


# A folder of the user's own pictures.

COLOURS = {"apples": (220, 30, 30), "pears": (40, 200, 60)}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Write twenty red and twenty green pictures of odd sizes, in two classes."""
    folder = tmp_path / "fruit"
    for kind, colour in COLOURS.items():
        (folder / kind).mkdir(parents=True)
        for number in range(20):
            picture = Image.new("RGB", (40 + number, 30), colour)
            picture.save(folder / kind / f"{number:02}.{'png' if number % 2 else 'bmp'}")
    (folder / "notes.txt").write_text("no picture")
    return folder


def own(part: PartOf, root: Path, *, size: int = 8, channels: int = 3, mark: str = "") -> Dataset:
    settings = {"root": str(root), "size": size, "channels": channels}
    mark = mark or folder_fingerprint(root)
    return make(part("dataset", "image_folder", **settings, fingerprint=mark), Dataset)


def test_own_pictures_have_the_labels_of_their_folders(pictures: Path, part: PartOf) -> None:
    data = own(part, pictures)
    assert data.train_labels is not None
    assert data.test_labels is not None
    assert (data.shape, len(data.train), len(data.test), data.classes) == ((3, 8, 8), 36, 4, 2)
    for images, labels in ((data.train, data.train_labels), (data.test, data.test_labels)):
        assert labels.unique().tolist() == [0, 1]
        for image, label in zip(images, labels, strict=True):
            colour = torch.tensor([*COLOURS.values()][int(label)], dtype=torch.uint8)
            assert torch.equal(image, colour[:, None, None].expand(3, 8, 8))


def test_own_pictures_may_be_grey_and_of_any_size(pictures: Path, part: PartOf) -> None:
    data = own(part, pictures, size=16, channels=1)
    assert data.shape == (1, 16, 16)
    luma = round(0.299 * 220 + 0.587 * 30 + 0.114 * 30)
    assert abs(int(data.train[0, 0, 0, 0]) - luma) <= 1


def test_own_pictures_without_folders_have_no_labels(pictures: Path, part: PartOf) -> None:
    for path in (pictures / "pears").iterdir():
        path.rename(pictures / "apples" / f"more-{path.name}")
    data = own(part, pictures / "apples")
    assert (data.train_labels, data.test_labels, data.classes) == (None, None, 0)
    assert len(data.train) == 36


def test_own_pictures_are_cropped_in_the_centre(tmp_path: Path, part: PartOf) -> None:
    array = np.zeros((20, 60, 3), np.uint8)
    array[:, 20:40] = 255
    for number in range(32):
        Image.fromarray(array).save(tmp_path / f"{number}.png")
    data = own(part, tmp_path, size=20)
    assert data.train.unique().tolist() == [255]


def test_a_picture_that_cannot_be_read_is_named(pictures: Path, part: PartOf) -> None:
    path = pictures / "pears" / "07.png"
    whole = path.read_bytes()
    for damaged in (b"", b"not a picture", whole[: len(whole) // 2], whole[:60]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"07\.png cannot be read as a picture"):
            own(part, pictures)


def test_changed_pictures_are_noticed_and_a_moved_folder_is_not(
    pictures: Path, part: PartOf
) -> None:
    mark = folder_fingerprint(pictures)
    moved = pictures.rename(pictures.with_name("moved"))
    assert len(own(part, moved, mark=mark).train) == 36
    (moved / "notes.txt").write_text("more notes")
    assert folder_fingerprint(moved) == mark

    one = moved / "pears" / "03.png"
    Image.new("RGB", (40, 40), (40, 200, 61)).save(one)
    with pytest.raises(ValueError, match="its pictures have changed since the trial was planned"):
        own(part, moved, mark=mark)
    changed = folder_fingerprint(moved)
    (moved / "apples" / "19.png").rename(
        moved / "pears" / "!.png"
    )  # the same bytes in the same order
    assert len({mark, changed, folder_fingerprint(moved)}) == 3  # but another label


def test_folders_that_hold_too_little_are_named(pictures: Path, part: PartOf) -> None:
    with pytest.raises(ValueError, match=r"holds 20 pictures; 32 are the least"):
        own(part, pictures / "pears")
    for name, value in (("size", 3), ("channels", 2), ("size", 0)):
        with pytest.raises(ValueError, match=rf"dataset\.{name} is {value}; it"):
            own(part, pictures, **{name: value})
    (pictures / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no pictures"):
        own(part, pictures / "empty")
    with pytest.raises(ValueError, match="is not a folder"):
        own(part, pictures / "nowhere", mark="x")
