"""Toys in the plane: modes of the stated width and place, and perfect samplers of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from test_datasets import PartOf, load
from torch import Tensor

from ablation.datasets import Dataset
from ablation.factories import make
from ablation.fingerprint import array_fingerprint
from ablation.spec import Part


def test_ring8_is_that_of_every_release() -> None:
    data = load("ring8")
    assert array_fingerprint(data.train.numpy()) == "9ae5e5136dabf145"
    assert array_fingerprint(data.test.numpy()) == "213e6502bcd44a7e"


TOYS = {"ring8": 8, "grid25": 25, "rings": 3, "spiral": 2, "swiss_roll": 10}


@pytest.mark.slow
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


def drawn(row: Part) -> tuple[Tensor, Tensor]:
    """Return the training points of a toy, N 2, and which mode each is nearest to, N."""
    data = make(row, Dataset)
    assert data.modes is not None
    return data.train, data.modes.nearest(data.train)[1]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3, 8])
def test_rings_have_equally_spaced_radii_and_all_angles(count: int, part: PartOf) -> None:
    points, mode = drawn(part("dataset", "rings", points=30_000, rings=count))
    for ring in range(count):
        own = points[mode == ring].double()
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


@pytest.mark.slow
@pytest.mark.parametrize("arms", [1, 2, 5])
def test_the_arms_of_a_spiral_are_one_arm_turned(arms: int, part: PartOf) -> None:
    points, mode = drawn(part("dataset", "spiral", points=30_000, arms=arms))
    for arm in range(arms):
        x, y = points[mode == arm].double().T
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
