"""CIFAR-10 and SVHN: read as torchvision reads them; a pickle that is not CIFAR-10's is never unpickled."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torchvision.datasets import CIFAR10, SVHN

from ablation.datasets import Dataset
from ablation.factories import make
from ablation.spec import Part

PartOf = Callable[..., Part]
RANDOM = np.random.default_rng(0)


def read(part: PartOf, name: str, root: Path) -> Dataset:
    return make(part("dataset", name, root=str(root), download=False), Dataset)


# CIFAR-10: six pickles, fabricated small, with torchvision told their MD5.

BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def batch(n: int = 20) -> dict[str, Any]:
    images = RANDOM.integers(0, 256, (n, 3072), dtype=np.uint8)
    return {"data": images, "labels": [k % 10 for k in range(n)]}


def as_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell torchvision the MD5 of the files that lie in a folder."""
    known = [
        [p.name, hashlib.md5(p.read_bytes()).hexdigest()] for p in sorted(folder.glob("*_batch*"))
    ]
    monkeypatch.setattr(CIFAR10, "train_list", known[:5])
    monkeypatch.setattr(CIFAR10, "test_list", known[5:])
    meta = hashlib.md5((folder / "batches.meta").read_bytes()).hexdigest()
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": meta})


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a small CIFAR-10 of five batches of twenty and one test batch."""
    folder = tmp_path / "root" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in BATCHES:
        (folder / name).write_bytes(pickle.dumps(batch()))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": [*"abcdefghij"]}))
    as_known(folder, monkeypatch)
    return folder


def test_cifar10_is_read_as_torchvision_reads_it(things: Path, part: PartOf) -> None:
    data = read(part, "cifar10", things.parent)
    assert read(part, "cifar10", things).fingerprint == data.fingerprint
    assert [len(samples) for _, samples, _ in data.splits()] == [90, 10, 20]
    assert (data.shape, data.classes) == ((3, 32, 32), 10)
    train, test = (CIFAR10(str(things.parent), train=train) for train in (True, False))
    every = torch.cat([data.train, data.selection]).permute(0, 2, 3, 1)
    assert np.array_equal(every.numpy(), train.data)
    assert data.train_labels is not None
    assert data.selection_labels is not None
    assert torch.cat([data.train_labels, data.selection_labels]).tolist() == train.targets
    assert np.array_equal(data.test.permute(0, 2, 3, 1).numpy(), test.data)
    assert data.test_labels is not None
    assert data.test_labels.tolist() == test.targets


class Payload:
    """What a hostile pickle runs."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("name", BATCHES)
def test_a_pickle_that_is_not_cifar10_s_is_named_and_not_unpickled(
    name: str, things: Path, part: PartOf
) -> None:
    mark, path = things / "it-ran", things / name
    path.write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(
        ValueError, match=rf"^{path} is damaged: its MD5 is \w+, that of CIFAR-10's"
    ):
        read(part, "cifar10", things)
    assert not mark.exists()
    pickle.loads(path.read_bytes())  # the trap is alive
    assert mark.exists()


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_that_is_missing_truncated_or_a_folder_is_named(
    name: str, things: Path, part: PartOf
) -> None:
    path = things / name
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole[: len(whole) // 2], whole + b"x"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=rf"^{path} is damaged: its MD5 is "):
            read(part, "cifar10", things)
    path.unlink()
    with pytest.raises(ValueError, match=rf"^{path} is missing$"):
        read(part, "cifar10", things)
    path.mkdir()
    with pytest.raises(ValueError, match=rf"^{path} is a folder; a file belongs there$"):
        read(part, "cifar10", things)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([1, 2], ""),
        ({"data": batch()["data"]}, "labels"),
        ({**batch(), "data": np.zeros((20, 3071), np.uint8)}, ""),
        ({**batch(), "data": np.zeros((20, 3072), np.float32)}, "its images are float32"),
        (
            {**batch(), "data": np.zeros((0, 3072), np.uint8)},
            "its images are uint8 0 x 3 x 32 x 32",
        ),
        ({**batch(), "labels": [0] * 21}, "21 labels for 20 images"),
        ({**batch(), "labels": [0] * 19}, "19 labels for 20 images"),
        ({**batch(), "labels": [0] * 19 + [10]}, "the label 10 is not one of 0 to 9"),
        ({**batch(), "labels": [0] * 19 + [-1]}, "the label -1 is not one of 0 to 9"),
        ({**batch(), "labels": [0.5] * 20}, "the label 0.5 is not one of 0 to 9"),
        ({**batch(), "labels": ["cat"] * 20}, "the label cat is not one of 0 to 9"),
    ],
)
def test_a_batch_with_the_right_md5_and_a_wrong_content_is_named(
    content: Any, said: str, things: Path, part: PartOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = things / "data_batch_3"
    path.write_bytes(pickle.dumps(content))
    as_known(things, monkeypatch)
    with pytest.raises(ValueError, match=rf"^{path} is damaged: .*{said}.*$"):
        read(part, "cifar10", things)


# SVHN: two MATLAB files.


def house(n: int) -> dict[str, np.ndarray]:
    numbers = np.arange(n, dtype=np.uint8)[:, None] % 10 + 1
    return {"X": RANDOM.integers(0, 256, (32, 32, 3, n), dtype=np.uint8), "y": numbers}


HOUSES = house(20)


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    """Write a small SVHN: 50 house numbers for training, 20 for the test."""
    savemat(tmp_path / "train_32x32.mat", house(50), do_compression=True)
    savemat(tmp_path / "test_32x32.mat", HOUSES, do_compression=True)
    return tmp_path


def test_svhn_is_read_as_torchvision_reads_it(
    houses: Path, part: PartOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = read(part, "svhn", houses)
    assert [len(samples) for _, samples, _ in data.splits()] == [45, 5, 20]
    assert (data.shape, data.classes) == ((3, 32, 32), 10)
    files = {name: f"{name}_32x32.mat" for name in ("train", "test")}
    marks = {
        name: hashlib.md5((houses / file).read_bytes()).hexdigest() for name, file in files.items()
    }
    known = {name: ["", file, marks[name]] for name, file in files.items()} | {
        "extra": ["", "", ""]
    }
    monkeypatch.setattr(SVHN, "split_list", known)
    train, test = (SVHN(str(houses), split=name) for name in ("train", "test"))
    assert np.array_equal(torch.cat([data.train, data.selection]).numpy(), train.data)
    assert data.train_labels is not None
    assert data.selection_labels is not None
    labels = torch.cat([data.train_labels, data.selection_labels])
    assert np.array_equal(labels.numpy(), train.labels)
    assert np.array_equal(data.test.numpy(), test.data)


def test_labels_that_matlab_holds_as_numbers_of_its_own_kind_are_labels(
    houses: Path, part: PartOf
) -> None:
    path, expected = houses / "test_32x32.mat", read(part, "svhn", houses).fingerprint
    savemat(path, {**HOUSES, "y": HOUSES["y"].astype(np.float64)})
    assert read(part, "svhn", houses).fingerprint == expected


@pytest.mark.parametrize("name", ["train_32x32.mat", "test_32x32.mat"])
def test_a_matlab_file_that_is_damaged_or_missing_is_named(
    name: str, houses: Path, part: PartOf
) -> None:
    path = houses / name
    whole = path.read_bytes()
    flipped = whole[:300] + bytes(byte ^ 255 for byte in whole[300:600]) + whole[600:]
    hdf = b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + bytes(400)
    damages = [b"", b"x", whole[:100], whole[:130], whole[: len(whole) // 2], whole[:-1], flipped]
    for damaged in (*damages, b"<html>not found</html>" * 50, hdf):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=rf"^{path} is damaged: .+$"):
            read(part, "svhn", houses)
    path.unlink()
    with pytest.raises(ValueError, match=rf"^{path} is missing$"):
        read(part, "svhn", houses)
    path.mkdir()
    with pytest.raises(ValueError, match=rf"^{path} is a folder; a file belongs there$"):
        read(part, "svhn", houses)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y": None}, "it lacks y"),
        ({"X": None}, "it lacks X"),
        ({"X": np.zeros((32, 32, 3, 20))}, "its images are float64 20 x 3 x 32 x 32"),
        ({"X": np.zeros((28, 28, 3, 20), np.uint8)}, "its images are uint8 20 x 3 x 28 x 28"),
        ({"X": np.zeros((32, 32, 60), np.uint8)}, ""),
        ({"X": np.zeros((32, 32, 3, 0), np.uint8)}, ""),
        ({"y": np.ones((21, 1), np.uint8)}, "21 labels for 20 images"),
        ({"y": np.full((20, 1), 11, np.uint8)}, "the label 11 is not one of 1 to 10"),
        ({"y": np.zeros((20, 1), np.uint8)}, "the label 0 is not one of 1 to 10"),
        ({"y": np.full((20, 1), 1.5)}, "the label 1.5 is not one of 1 to 10"),
    ],
)
def test_a_matlab_file_with_a_wrong_content_is_named(
    change: dict[str, Any], said: str, houses: Path, part: PartOf
) -> None:
    path = houses / "test_32x32.mat"
    savemat(path, {k: v for k, v in (house(20) | change).items() if v is not None})
    with pytest.raises(ValueError, match=rf"^{path} is damaged: .*{said}.*$"):
        read(part, "svhn", houses)
