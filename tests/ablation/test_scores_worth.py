"""Samplers of pictures whose worth is planted: copies, collapse, classes left out."""

from __future__ import annotations

import math

import pytest
import torch
from test_scores_pictures import normal, scored
from torch import Tensor

from ablation.datasets import Dataset, scaled
from ablation.extractors import Extractor
from ablation.scores import (
    copying,
    floors,
    nearest,
    score,
)


@pytest.mark.slow
def test_a_generator_that_returns_the_training_set_is_caught(
    digits: Dataset, trained: Extractor
) -> None:
    copies = scored(scaled(digits.train[:400]), digits, trained)
    assert copies["memorisation"] == pytest.approx(1.0, abs=1e-3)
    assert copies["fid"] < 2 * floors(digits, "x", trained, 400)["fid"][0]  # FID is pleased
    fresh = scored(scaled(digits.test), digits, trained)
    assert fresh["memorisation"] == pytest.approx(0.5, abs=1e-6)
    noise = scored(torch.rand(400, 1, 8, 8) * 2 - 1, digits, trained)
    assert noise["memorisation"] < 0.05
    mixed = torch.cat([scaled(digits.train[:200]), scaled(digits.selection[:200])])
    assert 0.65 < scored(mixed, digits, trained)["memorisation"] < 0.85


def test_copying_is_the_u_statistic() -> None:
    held = torch.tensor([1.0, 2.0, 3.0])
    assert copying(torch.tensor([0.5]), held) == 1.0
    assert copying(torch.tensor([4.0]), held) == 0.0
    assert copying(torch.tensor([2.0]), held) == 0.5
    assert copying(held, held) == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_nearest_is_found_exactly(seed: int) -> None:
    a, b = normal(50, 30, seed), normal(40_000, 30, seed + 9)
    b[12_345] = a[7]
    exact = torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")
    found = nearest(a, b)
    torch.testing.assert_close(found.double(), exact.min(1).values, rtol=1e-5, atol=1e-6)
    assert found[7] == 0


@pytest.mark.slow
def test_a_collapsed_generator_has_no_recall_and_one_class_alone(
    digits: Dataset, trained: Extractor
) -> None:
    assert digits.train_labels is not None
    one = scored(scaled(digits.train[:1]).expand(500, -1, -1, -1), digits, trained)
    assert one["recall"] == 0.0
    assert one["classes"] == 1
    assert one["class-recall"] == 0.0
    assert one["class-kl"] == pytest.approx(torch.tensor(10.0).log().item(), abs=0.2)
    threes = digits.train[digits.train_labels == 3]
    some = scored(scaled(threes), digits, trained)
    assert some["precision"] > 0.8
    assert some["recall"] < 0.2
    assert some["class-recall"] < 0.05
    assert some["classes"] <= 2


@pytest.mark.slow
def test_each_class_is_read(digits: Dataset, trained: Extractor) -> None:
    assert digits.train_labels is not None
    threes = digits.train[digits.train_labels == 3]
    found = score(scaled(threes), digits, "x", trained)
    rows = {(layer, quantity): value for layer, quantity, value in found.classes}
    assert rows["class 3", "class_share"] > 0.95
    assert rows["class 3", "class_recall"] > 0.5 > rows["class 8", "class_recall"]
    shares = [rows[f"class {k}", "class_share_real"] for k in range(10)]
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0.05


@pytest.mark.slow
def test_a_class_that_the_test_split_lacks_is_no_way_to_a_better_score() -> None:
    """All samples in a class of which the test split has none: as far as its size can tell, log(2 M)."""

    def planted(images: Tensor) -> tuple[Tensor, Tensor]:
        flat = images.float().flatten(1)
        return flat[:, :2], -(flat[:, :1] - torch.tensor([0.0, 80.0, 160.0, 240.0])).abs()

    def of(*shares: int) -> Tensor:
        values = torch.repeat_interleave(torch.tensor([0, 80, 160, 240]), torch.tensor(shares))
        return values.to(torch.uint8)[:, None, None, None] * torch.ones(1, 4, 4, dtype=torch.uint8)

    def labels(*shares: int) -> Tensor:
        return torch.repeat_interleave(torch.arange(4), torch.tensor(shares))

    train, held = (20, 20, 20, 20), (20, 20, 20, 0)
    data = Dataset(
        train=of(*train), selection=of(*held), test=of(*held),
        train_labels=labels(*train), selection_labels=labels(*held), test_labels=labels(*held),
    )  # fmt: skip
    looks = Extractor("planted", "classifier", planted, "")

    def divergence(*shares: int) -> float:
        found = scored(scaled(of(*shares)), data, looks)
        return found["class-kl"]

    assert divergence(10, 10, 10, 0) == 0
    assert divergence(0, 0, 0, 30) == pytest.approx(math.log(2 * 60))
    mixed = [divergence(10, 10, 10, n) for n in (0, 1, 5, 20)]
    assert mixed == sorted(set(mixed))
