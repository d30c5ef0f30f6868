"""Ranks over data sets against the tables and the example of Demsar 2006, and scipy."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from reports.ranks import critical_difference, datasets_needed


@pytest.mark.parametrize(
    ("alpha", "critical"),
    [
        (0.05, (1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164)),
        (0.10, (1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920)),
    ],
)
def test_the_critical_difference_is_demsars(alpha: float, critical: tuple) -> None:
    """Table 5a of Demsar 2006, to its last printed digit."""
    for k, value in enumerate(critical, 2):
        found = critical_difference(np.arange(12.0 * k).reshape(12, k), alpha)
        assert found.difference == pytest.approx(value * (k * (k + 1) / 72) ** 0.5, abs=0.0015)
    four = critical_difference(np.arange(56.0).reshape(14, 4), 0.05)
    assert four.difference == pytest.approx(1.25, abs=0.005)  # his example, section 3.2.4


def test_ranks_groups_and_friedman() -> None:
    random = np.random.default_rng(6)
    values = random.normal([9, 0, 0, 1], size=(12, 4))
    found = critical_difference(values, 0.05)
    assert found.ranks[0] == 4.0
    assert sum(found.ranks) == pytest.approx(10)
    assert found.p == pytest.approx(friedmanchisquare(*values.T).pvalue)
    order = np.argsort(found.ranks)
    for group in found.groups:
        reach = [found.ranks[i] for i in group]
        assert max(reach) - min(reach) <= found.difference
        assert list(group) == [i for i in order if i in group]
    apart = critical_difference(np.tile([0.0, 1, 2, 3], (12, 1)), 0.05)
    assert apart.ranks == (1, 2, 3, 4)
    assert apart.groups == (
        (0, 1),
        (1, 2),
        (2, 3),
    )  # a difference of 1.35 parts those two ranks apart
    same = critical_difference(np.ones((12, 3)), 0.05)
    assert (same.groups, same.p) == (((0, 1, 2),), 1.0)
    assert isnan(critical_difference(values[:, :2], 0.05).p)


def test_how_many_data_sets_a_diagram_needs() -> None:
    assert [datasets_needed(k, 0.05) for k in (2, 3, 4, 8)] == [6, 7, 8, 11]
