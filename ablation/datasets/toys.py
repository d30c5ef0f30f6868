"""Toys: points in the plane from distributions whose mass is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ablation.datasets.dataset import Dataset
from ablation.datasets.modes import Modes
from ablation.part import check_number

HELD = 10_000
"""Points of the selection split and of the test split."""
Draw = Callable[[np.random.Generator, int], np.ndarray]


def ring8(*, points: int) -> Dataset:
    """Return a mixture of eight normal distributions (std 0.01) on the unit circle."""
    angles = 2 * np.pi * np.arange(8) / 8
    return _mixture(points, 8, np.stack([np.cos(angles), np.sin(angles)], 1), 0.01)


def grid25(*, points: int) -> Dataset:
    """Return a mixture of 25 normal distributions (std 0.05) on the grid {-4, -2, 0, 2, 4}^2."""
    side = np.arange(-4.0, 5.0, 2.0)
    return _mixture(
        points, 25, np.stack(np.meshgrid(side, side, indexing="ij"), 2).reshape(25, 2), 0.05
    )


def rings(*, points: int, rings: int) -> Dataset:
    """Return equally likely circles of radius 1/K ... 1 with normal noise (std 0.02); each circle is a mode."""
    check_number(rings, int, "dataset.rings", 1, 8)

    def circle(which: np.ndarray, at: np.ndarray) -> np.ndarray:
        return _polar((1 + which) / rings, 2 * np.pi * at)

    return _curves(points, 31, rings, circle, 0.02, dense=640)


def spiral(*, points: int, arms: int) -> Dataset:
    """Return equally likely arms that turn once from radius 0.2 to 1, with noise (std 0.02); each arm is a mode."""
    check_number(arms, int, "dataset.arms", 1, 5)

    def arm(which: np.ndarray, at: np.ndarray) -> np.ndarray:
        return _polar(0.2 + 0.8 * at, 2 * np.pi * (at + which / arms))

    return _curves(points, 32, arms, arm, 0.02, dense=640)


def swiss_roll(*, points: int) -> Dataset:
    """Return scikit-learn's Swiss roll, x and z with noise 0.25, over 7.5; a tenth of its length is a mode."""

    def piece(which: np.ndarray, at: np.ndarray) -> np.ndarray:
        return roll((which + at) / 10)

    return _curves(points, 33, 10, piece, 0.25 / 7.5, dense=128)


def roll(at: np.ndarray) -> np.ndarray:
    """Return the Swiss roll's points (N 2) at `at` in [0, 1]: t (cos t, sin t) / 7.5, t = 3/2 pi (1 + 2 at)."""
    t = 1.5 * np.pi * (1 + 2 * at)
    return _polar(t, t) / 7.5


def _polar(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def _mixture(points: int, seed: int, centres: np.ndarray, std: float) -> Dataset:
    """Return equally likely isotropic normal distributions."""

    def draw(random: np.random.Generator, n: int) -> np.ndarray:
        which = random.integers(0, len(centres), n)
        return centres[which] + std * random.normal(size=(n, 2))

    return _toy(points, seed, draw, Modes(torch.from_numpy(centres.astype(np.float32)), std))


def _curves(
    points: int,
    seed: int,
    count: int,
    curve: Callable[[np.ndarray, np.ndarray], np.ndarray],
    std: float,
    *,
    dense: int,
) -> Dataset:
    """Return equally likely curves (`curve(which, at)` with `at` even in [0, 1)) with isotropic normal noise.

    `dense` centres stand for a curve: they lie less than `std` apart.
    """

    def draw(random: np.random.Generator, n: int) -> np.ndarray:
        which, at = random.integers(0, count, n), random.random(n)
        return curve(which, at) + std * random.normal(size=(n, 2))

    which, at = np.arange(count).repeat(dense), np.tile((np.arange(dense) + 0.5) / dense, count)
    centres = torch.from_numpy(curve(which, at).astype(np.float32))
    return _toy(points, seed, draw, Modes(centres, std, torch.from_numpy(which)))


def _toy(points: int, seed: int, draw: Draw, modes: Modes) -> Dataset:
    """Return `points` training points, then the test points, then those of the selection, from one stream."""
    check_number(points, int, "dataset.points", 16, 10_000_000)
    random = np.random.default_rng(seed)
    first, later = (
        torch.from_numpy(draw(random, n).astype(np.float32)) for n in (points + HELD, HELD)
    )
    return Dataset(train=first[:points], selection=later, test=first[points:], modes=modes)
