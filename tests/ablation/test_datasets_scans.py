"""IDX files: read as torchvision reads them, refused by name where they are missing, damaged or do not fit."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from ablation.datasets import Dataset
from ablation.factories import make
from ablation.spec import Part

PartOf = Callable[..., Part]
FASHION = Path(os.environ.get("FASHION_MNIST") or "/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist lies, unless the environment says otherwise."""


LAYOUTS = {
    "mnist": ("MNIST", ("train", "t10k"), {}),
    "fashion_mnist": ("FashionMNIST", ("train", "t10k"), {}),
    "kmnist": ("KMNIST", ("train", "t10k"), {}),
    "emnist": ("EMNIST", ("emnist-letters-train", "emnist-letters-test"), {"split": "letters"}),
}
"""Torchvision's name for each row, the beginnings of its files, and its arguments."""


def idx(array: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


def write(folder: Path, name: str) -> Path:
    """Write a small set: 60 and 30 pictures; labels of letters count from 1."""
    folder.mkdir(parents=True)
    random, first = np.random.default_rng(0), 1 if name == "emnist" else 0
    for stem, n in zip(LAYOUTS[name][1], (60, 30), strict=True):
        images = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = np.arange(n, dtype=np.uint8) % 10 + first
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(idx(labels))
    return folder


@pytest.fixture
def clothes(tmp_path: Path) -> Path:
    """Write a small fashion_mnist, one file packed and three not."""
    folder = write(tmp_path / "clothes", "fashion_mnist")
    packed = folder / "t10k-images-idx3-ubyte"
    packed.with_suffix(".gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    return folder


def read(
    part: PartOf, name: str, root: Path | None, *, download: bool = False, **arguments: str
) -> Dataset:
    place = None if root is None else str(root)
    return make(part("dataset", name, root=place, download=download, **arguments), Dataset)


@pytest.mark.parametrize("name", LAYOUTS)
def test_idx_files_are_read_as_torchvision_reads_them(
    name: str, part: PartOf, tmp_path: Path
) -> None:
    """But emnist, whose files hold each picture transposed, and whose letters count from 1."""
    theirs, _, arguments = LAYOUTS[name]
    write(tmp_path / theirs / "raw", name)
    data, emnist = read(part, name, tmp_path, **arguments), name == "emnist"
    assert (len(data.train), len(data.selection), len(data.test)) == (50, 10, 30)
    assert (data.shape, data.classes, data.train.dtype) == ((1, 28, 28), 10, torch.uint8)
    splits = {name: (samples, labels) for name, samples, labels in data.splits()}
    for train, names in ((True, ("train", "selection")), (False, ("test",))):
        kind = getattr(torchvision.datasets, theirs)
        found = kind(str(tmp_path), train=train, **arguments)
        images = torch.cat([splits[part][0] for part in names])
        labels = torch.cat([splits[part][1] for part in names])
        assert torch.equal(images[:, 0].mT if emnist else images[:, 0], found.data)
        assert torch.equal(labels + emnist, found.targets)


def test_letters_stand_upright(part: PartOf, tmp_path: Path) -> None:
    """The files of EMNIST hold each picture transposed: an L that they hold lies on its back."""
    write(tmp_path / "letters", "emnist")
    letter = np.zeros((60, 28, 28), np.uint8)
    letter[:, 4, 4:24] = 255  # stored transposed: a row of bytes is a column of the picture
    letter[:, 4:16, 23] = 255
    path = tmp_path / "letters" / "emnist-letters-train-images-idx3-ubyte"
    path.write_bytes(idx(letter))
    picture = read(part, "emnist", tmp_path / "letters", split="letters").train[0, 0]
    assert picture[4:24, 4].tolist() == [255] * 20  # the stem, from top to bottom
    assert picture[23, 4:16].tolist() == [255] * 12  # the foot, at the bottom
    assert int((picture > 0).sum()) == 31


@pytest.mark.parametrize("split", ["balanced", "byclass", "bymerge", "digits", "letters", "mnist"])
def test_each_split_of_emnist_has_its_own_files_and_labels(
    split: str, part: PartOf, tmp_path: Path
) -> None:
    """The numbers of classes are torchvision's."""
    known = len(torchvision.datasets.EMNIST.classes_split_dict[split]) - (split == "letters")
    first = 1 if split == "letters" else 0
    for stem in (f"emnist-{split}-train", f"emnist-{split}-test"):
        labels = (np.arange(2 * known) % known + first).astype(np.uint8)
        images = np.zeros((len(labels), 28, 28), np.uint8)
        (tmp_path / f"{stem}-images-idx3-ubyte").write_bytes(idx(images))
        (tmp_path / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    assert read(part, "emnist", tmp_path, split=split).classes == known
    for wrong in {(first - 1) % 256, first + known}:
        labels[-1] = wrong
        (tmp_path / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
        with pytest.raises(
            ValueError, match=rf"test-labels\S+ holds the label {wrong}; emnist has"
        ):
            read(part, "emnist", tmp_path, split=split)


def test_an_unknown_split_of_emnist_is_named(part: PartOf, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dataset\.split is 'upper'; it is one of balanced, "):
        read(part, "emnist", tmp_path, split="upper")


def test_idx_files_are_read_packed_or_not(clothes: Path, part: PartOf) -> None:
    data = read(part, "fashion_mnist", clothes)
    raw = (clothes / "train-images-idx3-ubyte").read_bytes()[16:]
    assert torch.cat([data.train, data.selection]).numpy().tobytes() == raw
    packed = gzip.decompress((clothes / "t10k-images-idx3-ubyte.gz").read_bytes())
    assert data.test.numpy().tobytes() == packed[16:]


@pytest.mark.parametrize("name", LAYOUTS)
def test_idx_files_are_found_where_torchvision_puts_them(
    name: str, part: PartOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, _, arguments = LAYOUTS[name]
    plain = write(tmp_path / "plain", name)
    expected = read(part, name, plain, **arguments).fingerprint
    monkeypatch.setenv("ABLATION_CACHE", str(tmp_path / "cache"))
    raw = tmp_path / "cache" / "data" / theirs / "raw"
    raw.parent.mkdir(parents=True)
    plain.rename(raw)
    for word in ("http_proxy", "https_proxy"):  # nothing is fetched when all is there
        monkeypatch.setenv(word, "http://127.0.0.1:9")
    for root in (None, raw, raw.parent, raw.parent.parent):
        assert read(part, name, root, download=True, **arguments).fingerprint == expected


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
    ("packed twice", PACKED, gzip.compress),
    ("empty pack", PACKED, lambda _: b""),
    ("bad packed header", PACKED, lambda _: gzip.compress(b"\0\0\x08\x03")),
]


@pytest.mark.parametrize(("file", "damage"), [d[1:] for d in DAMAGES], ids=[d[0] for d in DAMAGES])
def test_a_damaged_idx_file_is_named(
    file: str, damage: Callable[[bytes], bytes], clothes: Path, part: PartOf
) -> None:
    path = clothes / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"{file} is damaged: ") as refusal:
        read(part, "fashion_mnist", clothes)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("file", [LABELS, IMAGES, "t10k-labels-idx1-ubyte", PACKED])
def test_a_missing_idx_file_is_named(file: str, clothes: Path, part: PartOf) -> None:
    (clothes / file).unlink()
    with pytest.raises(ValueError, match=rf"{file.removesuffix('.gz')}\S* is missing"):
        read(part, "fashion_mnist", clothes)


@pytest.mark.parametrize(
    ("file", "array", "said"),
    [
        (LABELS, np.zeros(59, np.uint8), "holds 59 labels; fashion_mnist has 60 pictures"),
        (LABELS, np.zeros(61, np.uint8), "holds 61 labels; fashion_mnist has 60 pictures"),
        (LABELS, np.zeros((60, 1), np.uint8), "holds 60 labels"),
        (LABELS, np.full(60, 10, np.uint8), "holds the label 10; fashion_mnist has 0 to 9"),
        (IMAGES, np.zeros((60, 784), np.uint8), "holds 60 x 784 bytes; fashion_mnist has N x 28"),
        (IMAGES, np.zeros((0, 28, 28), np.uint8), "holds 0 x 28 x 28 bytes"),
        (IMAGES, np.zeros((60, 28, 27), np.uint8), "holds 60 x 28 x 27 bytes"),
        (IMAGES, np.zeros((60, 14, 14), np.uint8), "holds 60 x 14 x 14 bytes"),
        (IMAGES, np.zeros(60, np.uint8), "holds 60 bytes"),
    ],
)
def test_idx_files_that_do_not_fit_each_other_are_named(
    file: str, array: np.ndarray, said: str, clothes: Path, part: PartOf
) -> None:
    (clothes / file).write_bytes(idx(array))
    with pytest.raises(ValueError, match=rf"^{clothes / file} {said}"):
        read(part, "fashion_mnist", clothes)


@pytest.mark.parametrize("file", [IMAGES, LABELS, "t10k-images-idx3-ubyte"])
def test_a_folder_in_the_place_of_a_file_is_named(file: str, clothes: Path, part: PartOf) -> None:
    (clothes / file).unlink(missing_ok=True)
    (clothes / file).mkdir()
    with pytest.raises(ValueError, match=rf"^{clothes / file} is a folder; a file belongs there$"):
        read(part, "fashion_mnist", clothes)


def test_a_file_that_may_not_be_read_is_named(clothes: Path, part: PartOf) -> None:
    (clothes / IMAGES).unlink()
    (clothes / IMAGES).symlink_to(IMAGES)
    (clothes / f"{IMAGES}.gz").symlink_to(f"{IMAGES}.gz")  # a ring of links: nobody can read it
    with pytest.raises(ValueError, match=rf"{IMAGES}\.gz cannot be read: .+links"):
        read(part, "fashion_mnist", clothes)


@pytest.mark.slow
@pytest.mark.skipif(
    not FASHION.is_dir(),
    reason="dataset-fashion-mnist is not installed; FASHION_MNIST=FOLDER names one",
)
def test_the_real_fashion_mnist(part: PartOf) -> None:
    data = read(part, "fashion_mnist", FASHION)
    splits = {name: (samples, labels) for name, samples, labels in data.splits()}
    assert {name: len(samples) for name, (samples, _) in splits.items()} == {
        "train": 50_000, "selection": 10_000, "test": 10_000,
    }  # fmt: skip
    every = torch.cat([splits["train"][0], splits["selection"][0]]).float() / 255
    labels = torch.cat([splits["train"][1], splits["selection"][1]])
    assert torch.bincount(labels).tolist() == [6000] * 10
    assert torch.bincount(splits["test"][1]).tolist() == [1000] * 10
    assert int(torch.bincount(splits["selection"][1]).min()) > 900
    assert float(every.mean()) == pytest.approx(0.2860, abs=1e-4)
    assert float(every.std()) == pytest.approx(0.3530, abs=1e-4)
    assert data.fingerprint == "3cc377eca317ba1c"
    kept = [{image.tobytes() for image in samples.numpy()} for samples, _ in splits.values()]
    assert sum(map(len, kept)) == len(set.union(*kept))
