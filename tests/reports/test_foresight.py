"""What seeds can prove before training: the same as simulated studies find, and never more than a test can."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from reports.estimates import compare
from reports.foresight import foreseen_power, foreseen_seeds, foreseen_shift

LEVEL = 0.05 / 6


def test_power_is_that_of_the_test_itself() -> None:
    """Simulated apart, with other random numbers, through `compare`."""
    random, found = np.random.default_rng(7), 0
    for _ in range(400):
        a, r = random.normal(size=(2, 6)) - 1.5, random.normal(size=(2, 6))
        found += compare([a], [r], ("a", "r")).p <= LEVEL
    assert foreseen_power(1.5, 6, 2, 1, LEVEL) == pytest.approx(found / 400, abs=0.08)
    assert foreseen_power(0.0, 6, 1, 1, 0.05) < 0.08


@pytest.mark.slow
def test_simulated_and_computed_power_meet() -> None:
    """Beyond 16 seeds a formula takes over; there the two are close."""
    below, above = (foreseen_power(1.0, n, 1, 1, 0.05) for n in (16, 17))
    assert below == pytest.approx(above, abs=0.08)


def test_fewer_seeds_than_a_test_needs_find_nothing() -> None:
    assert foreseen_power(8.0, 4, 1, 1, LEVEL) == 0.0
    assert foreseen_power(8.0, 5, 1, 1, LEVEL) == 1.0
    assert foreseen_shift(4, 1, 1, LEVEL) == inf


@pytest.mark.slow
def test_the_least_shift_is_found_with_80_percent_and_no_smaller_one() -> None:
    shift = foreseen_shift(6, 1, 1, LEVEL)
    assert foreseen_power(shift, 6, 1, 1, LEVEL) >= 0.8
    assert foreseen_power(shift - 0.02, 6, 1, 1, LEVEL) < 0.8
    assert foreseen_shift(6, 6, 1, LEVEL) < shift < foreseen_shift(6, 1, 1, 0.05 / 18)
    assert foreseen_shift(8, 1, 1, LEVEL) < shift


def test_streams_add_up_and_more_seeds_are_needed_for_less() -> None:
    assert foreseen_power(1.0, 3, 2, 2, 0.05) > foreseen_power(1.0, 3, 1, 1, 0.05) == 0.0
    assert foreseen_seeds(0.5, 1, 1, LEVEL) > foreseen_seeds(1.0, 1, 1, LEVEL)
    assert foreseen_seeds(8.0, 1, 1, LEVEL) >= 5
