"""The tuned comparison: its oracle, its calibration, its symmetry, and what it does with failures."""

from __future__ import annotations

from itertools import combinations
from math import inf

import numpy as np
import pytest
from scipy.stats import binomtest, rankdata

from reports import tuned
from reports.estimates import Floats, compare, p_min


def oracle(x: Floats, y: Floats) -> tuple[float, float]:
    """Return T and p of one block K N, K M in plain loops, straight from the definition."""
    n, m = x.shape[1], y.shape[1]
    both = np.concatenate([x, y], axis=1)
    rank = 2 * rankdata(both).reshape(both.shape)

    def value(members: list[int]) -> float:
        total = 0.0
        for s in members:
            sums = [sum(row[t] for t in members if t != s) for row in rank]
            total += rank[sums.index(min(sums))][s]
        return total / len(members) / (2 * both.size)

    found = []
    for some in combinations(range(n + m), n):
        rest = [s for s in range(n + m) if s not in some]
        found.append(value(list(some)) - value(rest))
    return found[0], float(np.mean(np.abs(found) >= abs(found[0]) - 1e-9))


@pytest.mark.parametrize(("k", "n", "m"), [(2, 4, 4), (4, 4, 4), (3, 4, 5), (5, 3, 4)])
def test_the_statistic_and_its_p_agree_with_plain_loops(k: int, n: int, m: int) -> None:
    random = np.random.default_rng(k * 100 + n)
    for _ in range(5):
        x, y = random.normal(size=(k, n)) + random.normal(size=(k, 1)), random.normal(size=(k, m))
        x[random.random(x.shape) < 0.15] = inf
        t, p = oracle(x, y)
        found = tuned.compare([x[None]], [y[None]], ("a", "r"))
        assert found.probability == pytest.approx(0.5 - t, abs=1e-12)
        assert found.p == pytest.approx(p, abs=1e-12)


def test_one_point_is_the_untuned_test() -> None:
    random = np.random.default_rng(3)
    x, y = random.normal(size=(2, 1, 5)) + 0.8, random.normal(size=(2, 1, 6))
    plain = compare([x[:, 0]], [y[:, 0]], ("a", "r"))
    found = tuned.compare([x], [y], ("a", "r"))
    assert found.p == pytest.approx(plain.p, abs=1e-12)
    assert found.probability == pytest.approx(plain.probability, abs=1e-12)


def test_two_streams_are_reassigned_independently() -> None:
    """Full separation in both has the least p that the streams' splits allow."""
    x, y = np.zeros((1, 2, 3)), np.ones((1, 2, 3))
    x += np.arange(6).reshape(2, 3) / 100
    y += np.arange(6).reshape(2, 3) / 100
    found = tuned.compare([x, x], [y, y], ("a", "r"))
    assert found.splits == 400
    assert found.p == pytest.approx(p_min([(3, 3), (3, 3)]))
    assert found.probability > 0.5
    assert tuned.compare([y, y], [x, x], ("a", "r")).probability < 0.5


def test_where_all_failed_nothing_is_claimed() -> None:
    both = np.full((1, 3, 4), inf)
    found = tuned.compare([both], [both], ("a", "r"))
    assert (found.probability, found.p) == (0.5, 1.0)
    assert np.isnan(tuned.interval([both], [both], ("a", "r")).estimate)


def test_the_best_point_counts_and_not_the_mean_of_points() -> None:
    """One point of `a` is far better than all of `r`, the others are far worse: tuned, `a` is the better one."""
    random = np.random.default_rng(5)
    x, y = random.normal(size=(1, 4, 5)) + 5, random.normal(size=(1, 4, 5))
    x[0, 2] -= 15
    assert x.mean() > y.mean()
    assert tuned.compare([x], [y], ("a", "r")).probability > 0.75
    assert tuned.compare([y], [x], ("a", "r")).probability < 0.25


def _claims(studies: int, shift: float) -> int:
    """Count claims at 5 % in studies of 4 points x 6 seeds, whose points differ equally under both names."""
    random, claims = np.random.default_rng(11), 0
    for _ in range(studies):
        level = random.normal(size=(4, 1)) * 0.3
        x, y = (level + random.normal(size=(4, 6)) for _ in range(2))
        claims += tuned.compare([x[None] - shift], [y[None]], ("a", "r")).p <= 0.05
    return claims


@pytest.mark.slow
def test_two_names_for_one_activation_differ_in_at_most_five_percent() -> None:
    claims = _claims(600, 0.0)
    assert binomtest(claims, 600, 0.05, alternative="greater").pvalue > 0.01, claims


def test_a_planted_difference_is_found() -> None:
    assert _claims(60, 3.5) >= 48


def test_the_interval_inverts_the_test() -> None:
    random = np.random.default_rng(2)
    x, y = random.normal(size=(1, 3, 6)) + 1.0, random.normal(size=(1, 3, 6))
    found = tuned.interval([x], [y], ("a", "r"))
    assert found.low < found.estimate < found.high
    for end, inside in ((found.low, 1), (found.high, -1)):
        within = tuned.compare([x], [y], ("a", "r"), shift=end + inside * 1e-6)
        beyond = tuned.compare([x], [y], ("a", "r"), shift=end - inside * 1e-6)
        side = "p_worse" if inside > 0 else "p_better"
        assert getattr(within, side) > 0.025 >= getattr(beyond, side)


@pytest.mark.slow
def test_the_interval_covers_a_planted_shift() -> None:
    """Both are tuned to points that are one shift apart: 95 % intervals hold it in about 95 % of studies."""
    random, inside = np.random.default_rng(8), 0
    for _ in range(60):
        level = random.normal(size=(3, 1)) * 0.5
        x, y = level + random.normal(size=(3, 5)) + 0.7, level + random.normal(size=(3, 5))
        found = tuned.interval([x[None]], [y[None]], ("a", "r"))
        inside += found.low <= 0.7 <= found.high
    assert inside >= 52


def test_best_of_k_falls_from_a_random_point_to_the_best_one() -> None:
    outcomes = np.array([[1.0, 1.1, 1.2], [2.0, 2.1, 2.2], [3.0, 3.1, 3.2]])
    curve = tuned.best_of(outcomes)
    assert curve == pytest.approx([2.1, 1.2, 1.1])
    assert tuned.best_of(np.array([[1.0, 1.1], [inf, inf]])) == pytest.approx([inf, 1.05])
    assert tuned.best_of(np.array([[3.0], [1.0]])) == pytest.approx([2.0, 1.0])
