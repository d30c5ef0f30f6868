"""Modes: perfect, collapsed and stacked samplers whose coverage is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_scores import EXTRACTOR, noisy
from torch import Tensor

from ablation.datasets import Dataset, Modes, scaled
from ablation.extractors import Extractor, each_channel
from ablation.factories import make
from ablation.scores import (
    coverage,
    histogram,
    score,
)
from ablation.spec import Part

PICTURES = ["fid", "is", "kid", "precision", "recall", "memorisation"]


ANGLES = 2 * math.pi * torch.arange(8, dtype=torch.float64) / 8


MODES = Modes(torch.stack([ANGLES.cos(), ANGLES.sin()], 1), 0.01)


def sampler(weights: list[float], n: int, std: float = 0.01, seed: int = 0) -> Tensor:
    random = np.random.default_rng(seed)
    which = random.choice(8, n, p=np.array(weights) / sum(weights))
    return MODES.centres[torch.from_numpy(which)] + std * torch.from_numpy(
        random.normal(size=(n, 2))
    )


@pytest.mark.slow
def test_a_perfect_sampler_reaches_the_known_ceiling() -> None:
    """Within 3 std lie 1 - exp(-4.5) = 98.89 % in two dimensions; (K - 1)/(2n) is the bias of the entropy."""
    n = 400_000
    covered, quality, kl = coverage(sampler([1] * 8, n), MODES)
    ceiling = 1 - math.exp(-4.5)
    assert covered == 8
    assert abs(quality - ceiling) < 4 * math.sqrt(ceiling * (1 - ceiling) / n)
    assert 0 <= kl < 5 * 7 / (2 * n)
    kls = [coverage(sampler([1] * 8, 2500, seed=s), MODES)[2] for s in range(60)]
    assert float(np.mean(kls)) == pytest.approx(7 / 5000, rel=0.25)


@pytest.mark.parametrize(
    ("weights", "modes", "kl"),
    [
        ([1, 0, 0, 0, 0, 0, 0, 0], 1, math.log(8)),
        ([1, 1, 0, 0, 0, 0, 0, 0], 2, math.log(4)),
        ([1, 1, 1, 1, 0, 0, 0, 0], 4, math.log(2)),
        ([3, 1, 0, 0, 0, 0, 0, 0], 2, math.log(8) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25)),
    ],
)
def test_a_collapsed_sampler_is_told_by_its_modes(
    weights: list[float], modes: int, kl: float
) -> None:
    found = coverage(sampler(weights, 20_000), MODES)
    assert found[0] == modes
    assert found[1] == pytest.approx(1 - math.exp(-4.5), abs=4e-3)
    assert found[2] == pytest.approx(kl, abs=0.03)


def test_a_sample_counts_up_to_three_standard_deviations() -> None:
    near, far = (MODES.centres[:1] * (1 + 0.01 * k) for k in (2.999, 3.001))
    assert coverage(near, MODES) == (1, 1.0, pytest.approx(math.log(8)))
    assert coverage(far, MODES)[:2] == (0, 0.0)
    half = torch.cat([near, far, MODES.centres[3:4], torch.zeros(1, 2)])
    assert coverage(half, MODES)[:2] == (2, 0.5)


def test_scores_of_a_toy_are_named_and_directed(ring: Dataset) -> None:
    found = score(sampler([1] * 8, 2500).float(), ring, "ring8", None).scores
    assert [(s.name, s.n, s.better) for s in found] == [
        ("frechet_ring8_2.5k", 2500, "lower"),
        ("modes_ring8_2.5k", 2500, "higher"),
        ("hq_ring8_2.5k", 2500, "higher"),
        ("reverse-kl_ring8_2.5k", 2500, "lower"),
        ("memorisation_ring8_2.5k", 2500, "lower"),
    ]
    assert found[1].value == 8
    assert found[2].value == pytest.approx(1 - math.exp(-4.5), abs=0.01)


def test_the_ceiling_of_normal_distributions_is_that_of_the_papers() -> None:
    """The mass within 3 std: a chi-squared variable below 9."""
    from scipy.stats import chi2

    assert MODES.ceiling == pytest.approx(1 - math.exp(-4.5), abs=1e-12)
    for dimensions in (1, 2, 3, 10):
        one = Modes(torch.zeros(1, dimensions), 0.3)
        assert one.ceiling == pytest.approx(chi2.cdf(9, dimensions), abs=1e-12)
    assert Modes(torch.zeros(5, 2), 1.0).ceiling == MODES.ceiling  # one upon the other


@pytest.mark.slow
@pytest.mark.parametrize("std", [0.01, 0.05])
def test_the_ceiling_of_a_circle_is_that_of_the_distribution_of_rice(std: float) -> None:
    from scipy.stats import rice

    angle = torch.arange(4000, dtype=torch.float64) * 2 * math.pi / 4000
    circle = Modes(torch.stack([angle.cos(), angle.sin()], 1), std, torch.zeros(4000).long())
    low, high = ((1 + 3 * side * std) / std for side in (-1, 1))
    expected = rice.cdf(high, 1 / std) - rice.cdf(low, 1 / std)
    assert circle.count == 1
    assert circle.ceiling == pytest.approx(expected, abs=2e-4)
    assert expected == pytest.approx(0.9973, abs=1e-3)


def test_the_ceiling_counts_what_another_mode_catches() -> None:
    """Two centres 3 std apart catch more than one, and no more than two times what one leaves."""
    far, near = (Modes(torch.tensor([[0.0, 0.0], [x, 0.0]]), 1.0).ceiling for x in (99.0, 3.0))
    random = torch.from_numpy(np.random.default_rng(0).normal(size=(400_000, 2)))
    caught = (random.norm(dim=1) <= 3) | ((random - torch.tensor([3.0, 0.0])).norm(dim=1) <= 3)
    assert far == MODES.ceiling
    assert near == pytest.approx(float(caught.double().mean()), abs=3e-4)
    assert near > far + 2e-3


def test_a_mode_that_is_a_curve_counts_once() -> None:
    """Two parallel lines of many centres, told apart from each other and from afar."""
    x = torch.linspace(0, 1, 100)
    lines = torch.cat([torch.stack([x, torch.full_like(x, y)], 1) for y in (0.0, 1.0)])
    modes = Modes(lines, 0.02, torch.arange(2).repeat_interleave(100))
    assert modes.count == 2
    low = torch.stack([torch.linspace(0, 1, 300), torch.full((300,), 0.059)], 1)
    assert coverage(low, modes) == (1, 1.0, pytest.approx(math.log(2)))
    both = torch.cat([low, low + torch.tensor([0.0, 1.0])])
    assert coverage(both, modes) == (2, 1.0, 0.0)
    between = torch.stack([torch.linspace(0, 1, 300), torch.full((300,), 0.4)], 1)
    assert coverage(between, modes) == (0, 0.0, pytest.approx(math.log(2)))


def test_coverage_does_not_depend_on_how_many_samples_are_looked_at_together() -> None:
    many = sampler([3, 1, 0, 2, 0, 0, 1, 1], 5000, std=0.02)
    distance = torch.cdist(many, MODES.centres, compute_mode="donot_use_mm_for_euclid_dist")
    found, mode = MODES.nearest(many)
    torch.testing.assert_close(found, distance.min(1).values, atol=1e-7, rtol=0)
    assert torch.equal(mode, distance.argmin(1))


@pytest.fixture(scope="module")
def stacks() -> Dataset:
    row = Part("stacked_digits", "ablation.datasets.stacked_digits", (("points", 5000),))
    return make(row, Dataset)


@pytest.fixture(scope="module")
def knowing(stacks: Dataset) -> Extractor:
    """Return an extractor that knows each digit of the data by heart."""
    assert stacks.single is not None
    known = {
        image.tobytes(): int(label)
        for _, images, labels in stacks.single.splits()
        for image, label in zip(images.numpy(), labels if labels is not None else [], strict=True)
    }

    def look(images: Tensor) -> tuple[Tensor, Tensor]:
        labels = torch.tensor([known.get(image.tobytes(), 0) for image in images.numpy()])
        logits = 30.0 * torch.nn.functional.one_hot(labels, 10)
        return torch.cat([logits, scaled(images).flatten(1)], 1), logits

    return each_channel(Extractor("test-cnn", "classifier", look, ""))


@pytest.mark.slow
def test_real_stacks_cover_the_modes_that_a_uniform_sampler_would(
    stacks: Dataset, knowing: Extractor
) -> None:
    n, count = 2500, 1000
    found = {
        s.name: s for s in score(scaled(stacks.test[:n]), stacks, "stacked_digits", knowing).scores
    }
    assert [*found] == [f"{family}_test-cnn_2.5k" for family in (*PICTURES, "modes", "reverse-kl")]
    expected = count * (1 - (1 - 1 / count) ** n)
    modes, kl = found["modes_test-cnn_2.5k"], found["reverse-kl_test-cnn_2.5k"]
    assert (modes.better, kl.better) == ("higher", "lower")
    assert modes.value == pytest.approx(expected, abs=30)  # the digits are not quite equally many
    assert stacks.test_labels is not None
    assert modes.value == len(stacks.test_labels[:n].unique())
    uniform = torch.from_numpy(np.random.default_rng(0).integers(0, count, n))
    assert kl.value == pytest.approx(histogram(uniform, count)[1], abs=0.03)
    assert found["fid_test-cnn_2.5k"].value >= 0


@pytest.mark.slow
def test_a_constant_generator_of_stacks_covers_one_mode(
    stacks: Dataset, knowing: Extractor
) -> None:
    same = scaled(stacks.test[:1]).expand(400, -1, -1, -1)
    found = {s.name: s.value for s in score(same, stacks, "stacked_digits", knowing).scores}
    assert found["modes_test-cnn_400"] == 1
    assert found["reverse-kl_test-cnn_400"] == pytest.approx(math.log(1000))


@pytest.mark.slow
def test_modes_of_stacks_are_counted_by_a_classifier_alone(
    stacks: Dataset, digits: Dataset, knowing: Extractor
) -> None:
    """Inception's classes are not numbers, and plain digits have no modes."""

    def families(data: Dataset, extractor: Extractor, samples: Tensor) -> list[str]:
        return [s.name.split("_")[0] for s in score(samples, data, "x", extractor).scores]

    some = scaled(stacks.test[:100])
    assert families(stacks, replace(knowing, kind="inception"), some) == PICTURES
    labelled = ["classes", "class-kl", "class-recall"]
    assert families(digits, EXTRACTOR, noisy(digits, 100, 0.1)) == [*PICTURES, *labelled]


@pytest.mark.parametrize(
    ("which", "modes", "kl"),
    [
        ([0] * 10, 1, math.log(4)),
        ([0, 1, 2, 3] * 5, 4, 0.0),
        ([3, 3, 1, 1], 2, math.log(2)),
        ([0, 0, 0, 1], 2, math.log(4) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25)),
    ],
)
def test_a_histogram_of_modes_by_hand(which: list[int], modes: int, kl: float) -> None:
    assert histogram(torch.tensor(which), 4) == (modes, pytest.approx(kl, abs=1e-12))
