"""Data: every row of `conf/dataset`, known truth, fixed splits."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ablation.catalogue import rows
from ablation.datasets import Dataset, as_bytes, cache_folder, scaled
from ablation.factories import make
from ablation.spec import Part

PartOf = Callable[..., Part]


GOLDEN = {
    "digits": "814afc6a80e20b27",
    "grid25": "f4ecfb6431390196",
    "mnist_5k": "fe025577bdd2a53f",
    "photo_patches": "120f038bd27a7151",
    "ring8": "2f85f87e6174409c",
    "rings": "a3250cf552c2bea9",
    "spiral": "d0f642a6b00c0022",
    "stacked_digits": "bee40c75c7273999",
    "swiss_roll": "e6ba3acd74c3de4d",
}
"""The fingerprints of the data that need no files; `photo_patches` depends on Pillow's JPEG decoder as well."""


FILED = [name for name, row in rows("dataset").items() if row.get("root", "") is None]
"""The rows whose files are downloaded or given."""


@cache
def load(name: str) -> Dataset:
    return make(Part.read(rows("dataset")[name], "dataset"), Dataset)


def test_every_row_is_tested_here() -> None:
    assert set(rows("dataset")) == {*GOLDEN, *FILED, "image_folder"}
    assert all(row["cite"] for name, row in rows("dataset").items() if name != "image_folder")


@pytest.mark.slow
@pytest.mark.parametrize("name", GOLDEN)
def test_data_without_files_are_the_same_everywhere(name: str) -> None:
    assert load(name).fingerprint == GOLDEN[name]
    assert load.__wrapped__(name).fingerprint == GOLDEN[name]


def contents(samples: Tensor) -> set[bytes]:
    return {sample.tobytes() for sample in samples.numpy()}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_splits_are_alike_and_share_no_sample(name: str) -> None:
    data = load(name)
    assert data.train.dtype == (torch.uint8 if data.is_images else torch.float32)
    assert len(data.train) > len(data.test) >= len(data.selection) > 0
    seen: set[bytes] = set()
    for _, samples, labels in data.splits():
        assert samples.shape[1:] == data.shape
        assert samples.is_contiguous()
        own = contents(samples)
        assert not own & seen
        seen |= own
        assert (labels is None) == (data.classes == 0)
        if labels is not None:
            assert (labels.dtype, len(labels)) == (torch.int64, len(samples))
            assert labels.unique().tolist() == list(range(data.classes))


@pytest.mark.parametrize("name", GOLDEN)
def test_the_value_range_is_that_of_what_the_networks_see(name: str) -> None:
    data = load(name)
    seen = scaled(data.train)
    assert data.value_range == (float(seen.min()), float(seen.max()))
    shifted = replace(data, train=data.train.clone().fill_(1))
    assert shifted.value_range == (float(scaled(shifted.train).min()),) * 2


@pytest.mark.parametrize("name", FILED)
def test_an_empty_folder_is_named_with_a_file_that_it_lacks(
    name: str, part: PartOf, tmp_path: Path
) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ValueError, match=rf"^dataset\.root={root} lacks \S+ of {name}$"):
            make(part("dataset", name, root=str(root)), Dataset)


@pytest.mark.parametrize("name", FILED)
def test_a_download_that_fails_says_how_to_do_without(
    name: str, part: PartOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABLATION_CACHE", str(tmp_path))
    for word in ("http_proxy", "https_proxy"):  # nobody listens at the discard port
        monkeypatch.setenv(word, "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"dataset\.root=FOLDER$") as refusal:
        make(part("dataset", name, download=True), Dataset)
    text = str(refusal.value)
    assert re.fullmatch(rf"{name} cannot be downloaded \(.+\); give the folder of .+", text)
    assert "\n" not in text
    with pytest.raises(ValueError, match="lacks") as lacking:
        make(part("dataset", name, download=False), Dataset)
    missing = re.search(r"lacks (\S+) of", str(lacking.value))
    assert missing is not None
    assert missing[1] in text


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


NUMBERS = torch.arange(12, dtype=torch.uint8).reshape(3, 1, 2, 2)


SMALL = Dataset(
    train=NUMBERS,
    selection=NUMBERS + 3,
    test=NUMBERS + 1,
    train_labels=torch.tensor([0, 1, 1]),
    selection_labels=torch.tensor([1, 1, 0]),
    test_labels=torch.tensor([1, 0, 0]),
)


UNLABELLED = {"train_labels": None, "selection_labels": None, "test_labels": None}


def test_the_fingerprint_is_that_of_all_samples_and_labels() -> None:
    others = [
        replace(SMALL, train=NUMBERS + 2),
        replace(SMALL, selection=NUMBERS),
        replace(SMALL, test=NUMBERS),
        replace(SMALL, selection=SMALL.test, test=SMALL.selection),
        replace(SMALL, train_labels=torch.tensor([0, 1, 0])),
        replace(SMALL, selection_labels=torch.tensor([0, 0, 0])),
        replace(SMALL, test_labels=torch.tensor([0, 0, 0])),
        Dataset(
            **{name: samples.reshape(3, 1, 4, 1) for name, samples, _ in SMALL.splits()},
            **{f"{name}_labels": labels for name, _, labels in SMALL.splits()},
        ),
        replace(SMALL, **UNLABELLED),
    ]
    prints = [data.fingerprint for data in (SMALL, *others)]
    assert len(set(prints)) == len(prints)
    assert replace(SMALL).fingerprint == SMALL.fingerprint
    assert all(len(text) == 16 for text in prints)


@pytest.mark.parametrize("split", ["selection", "test"])
def test_splits_that_do_not_fit_each_other_are_refused(split: str) -> None:
    for wrong in (NUMBERS.reshape(3, 1, 4, 1), NUMBERS.float()):
        with pytest.raises(ValueError, match=rf"the {split} samples are .*; the training samples"):
            replace(SMALL, **{split: wrong})
    with pytest.raises(ValueError, match=f"the data set has no {split} samples"):
        replace(SMALL, **{split: NUMBERS[:0]})
    with pytest.raises(ValueError, match=f"2 labels for 3 {split} samples"):
        replace(SMALL, **{f"{split}_labels": torch.tensor([0, 1])})
    with pytest.raises(ValueError, match=f"the {split} samples and the training samples differ"):
        replace(SMALL, **{f"{split}_labels": None})


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
