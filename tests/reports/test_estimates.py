"""The estimators against closed forms, scipy, and numbers that a separate slow oracle gave."""

from __future__ import annotations

from math import comb, inf, isinf, isnan, log

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact, mannwhitneyu

from reports.estimates import (
    best_set,
    compare,
    effective_trials,
    holm,
    interval,
    p_min,
    reassignments,
    wilson,
)
from reports.planning import least_seeds, required, seeds_needed
from reports.words import ends

PAIR = ("a", "r")
ONE = (
    [np.array([[-0.802, -1.324, -0.248, 0.42, 1.136, 0.11]])],
    [np.array([[-0.258, 2.3, 0.903, -1.032, 0.616, -0.463]])],
)
TWO_BLOCKS = (
    [np.vstack([ONE[0][0], [-0.553, -0.785, 0.749, 1.635, 0.273, -1.233]])],
    [np.vstack([ONE[1][0], [0.071, 0.212, -0.013, 1.253, 0.637, 0.111]])],
)
TWO_STREAMS = (
    [
        np.array([[0.41, 0.83, -1.643, -0.257], [-0.981, -0.173, inf, 0.021]]),
        np.array([[-0.038, -0.304, -1.048, -0.396]]),
    ],
    [
        np.array([[-0.191, -0.455, 1.125, -0.209], [2.07, 1.617, -1.098, 1.172]]),
        np.array([[-0.202, 0.933, 0.944, -1.088]]),
    ],
)
FAILING = ([np.array([[1.0, 2, inf, inf, 3, 4]])], [np.array([[2.5, 3.5, 5, 6, 7, inf]])])


@pytest.mark.parametrize(("n", "m"), [(3, 3), (4, 6), (6, 6), (5, 7)])
def test_one_block_is_the_exact_rank_sum_test(n: int, m: int) -> None:
    random = np.random.default_rng(n * m)
    for _ in range(10):
        a, r = random.normal(size=n), random.normal(size=m)
        found, known = compare([a[None]], [r[None]], PAIR), mannwhitneyu(a, r, method="exact")
        assert found.exact
        assert found.splits == comb(n + m, n)
        assert found.p == pytest.approx(known.pvalue)
        assert found.probability == pytest.approx(1 - known.statistic / (n * m))


@pytest.mark.parametrize("failed", [(0, 6), (1, 4), (2, 5), (3, 3), (6, 6)])
def test_failures_alone_are_compared_as_by_fisher(failed: tuple[int, int]) -> None:
    a, r = (np.where(np.arange(6) < count, inf, 0.0)[None] for count in failed)
    table = [[failed[0], 6 - failed[0]], [failed[1], 6 - failed[1]]]
    assert compare([a], [r], PAIR).p == pytest.approx(fisher_exact(table)[1])


def test_all_failed_says_nothing_and_one_all_failed_loses() -> None:
    failed, fine = np.full((1, 6), inf), np.zeros((1, 6))
    both = compare([failed], [failed], PAIR)
    assert (both.probability, both.p) == pytest.approx((0.5, 1.0))
    assert compare([fine], [failed], PAIR).probability == pytest.approx(1.0)
    nothing = interval([failed], [failed], PAIR)
    assert isnan(nothing.estimate)
    assert (nothing.low, nothing.high, nothing.failed) == (-inf, inf, 6)


def test_compare_agrees_with_the_oracle() -> None:
    found = compare(*TWO_BLOCKS, PAIR)
    assert found.probability == pytest.approx(0.5833333333)
    assert found.p == pytest.approx(0.5909090909)
    assert (found.p_better, found.p_worse) == pytest.approx((0.2954545454, 0.7402597402))
    found = compare(*FAILING, PAIR)
    assert (found.probability, found.p) == pytest.approx((0.6111111111, 0.5822510822))
    # the oracle draws 200,000 joint splits of two streams: p = 0.28014; ours are all 70 x 70
    found = compare(*TWO_STREAMS, PAIR)
    assert (found.splits, found.exact) == (4900, True)
    assert found.p == pytest.approx(0.28014, abs=0.004)


@pytest.mark.parametrize(
    ("pair", "ends"),
    [
        (TWO_BLOCKS, (-0.505, -1.304, 0.573)),
        (TWO_STREAMS, (-0.505, -1.329, 0.198)),
        (FAILING, (-1.5, -6.0, inf)),
    ],
)
def test_intervals_agree_with_the_oracle(pair: tuple, ends: tuple) -> None:
    found = interval(*pair, PAIR)
    assert (found.estimate, found.low, found.high) == pytest.approx(ends)
    assert found.level == 0.95


def test_one_block_interval_is_hodges_and_lehmann() -> None:
    differences = np.sort(np.subtract.outer(ONE[0][0][0], ONE[1][0][0]).ravel())
    found = interval(*ONE, PAIR)
    wanted = (np.median(differences), differences[5], differences[-6])
    assert (found.estimate, found.low, found.high) == pytest.approx(wanted)


def test_few_seeds_lower_the_level_and_one_seed_has_no_interval() -> None:
    three = interval([np.array([[1.0, 2, 3]])], [np.array([[2.0, 4, 6]])], PAIR)
    assert (three.low, three.high) == (-5.0, 1.0)
    assert three.level == pytest.approx(0.9)
    one = interval([np.array([[1.0]])], [np.array([[3.0]])], PAIR)
    assert (one.estimate, one.low, one.high, one.level) == (-2.0, -inf, inf, 0.0)


def test_a_shift_moves_the_interval_and_turning_the_pair_turns_it() -> None:
    there, back = interval(*TWO_BLOCKS, PAIR), interval(*reversed(TWO_BLOCKS), PAIR)
    assert (back.estimate, back.low, back.high) == pytest.approx(
        (-there.estimate, -there.high, -there.low)
    )
    moved = interval([TWO_BLOCKS[0][0] + 2], TWO_BLOCKS[1], PAIR)
    assert (moved.estimate, moved.low) == pytest.approx((there.estimate + 2, there.low + 2))


def test_only_order_within_a_block_counts() -> None:
    plain = compare(*TWO_BLOCKS, PAIR)
    bent = [[np.exp(x) * [[1.0], [1000.0]] for x in side] for side in TWO_BLOCKS]
    assert compare(*bent, PAIR) == plain


def test_random_splits_depend_on_the_names_alone() -> None:
    random = np.random.default_rng(3)
    a, r = [random.normal(size=(2, 9))], [random.normal(size=(2, 9)) + 0.4]
    np.random.seed(1)
    state = np.random.get_state()[1].tolist()
    first, again = compare(a, r, PAIR), compare(a, r, PAIR)
    other = compare(a, r, ("b", "r"))
    assert first == again
    assert not first.exact
    assert first.splits == 20_000
    assert first.p != other.p
    assert first.p == pytest.approx(compare(a, r, PAIR, most=60_000).p, abs=0.01)
    assert np.random.get_state()[1].tolist() == state


def test_every_random_split_keeps_the_sizes_and_the_first_is_as_observed() -> None:
    (labels,), exact = reassignments([(9, 11)], PAIR, most=500)
    assert not exact
    assert (labels.sum(1) == 9).all()
    assert labels[0].tolist() == [1.0] * 9 + [0.0] * 11


@pytest.mark.slow
def test_intervals_cover_and_tests_do_not_claim_too_often() -> None:
    random, covered, claimed, studies = np.random.default_rng(11), 0, 0, 300
    for _ in range(studies):
        common = random.normal(size=(1, 6)) * 0.5  # both blocks of a seed move together
        a, r = (random.normal(size=(2, 6)) + common * side for side in (1, -1))
        found = interval([a + 0.7], [r], PAIR)
        covered += found.low <= 0.7 <= found.high
        claimed += compare([a], [r], PAIR).p <= 0.05
    assert covered / studies >= 0.92
    assert claimed / studies <= 0.08


def test_holm_with_weights() -> None:
    assert holm([0.01, 0.04, 0.03], [1 / 3] * 3) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.001, 0.02, 0.03, 0.04], [0.4, 0.3, 0.2, 0.1]) == pytest.approx(
        [0.0025, 0.04, 0.045, 0.045]
    )
    assert holm([0.9, 0.8], [0.5, 0.5]).tolist() == [1.0, 1.0]


def test_answer_is_who_nobody_beats() -> None:
    assert best_set(("a", "b", "c"), [("a", "b"), ("b", "c")]).names == ("a",)
    assert best_set(("a", "b"), []).names == ("a", "b")


def test_wilson_is_scipys() -> None:
    for count, n in ((0, 6), (1, 12), (5, 9), (12, 12)):
        known = binomtest(count, n).proportion_ci(method="wilson")
        assert wilson(count, n) == pytest.approx((known.low, known.high), abs=1e-9)


def test_blocks_that_fail_together_count_as_one() -> None:
    together = np.array([[1.0, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1]])
    apart = np.array([[1.0, 0, 1], [0, 1, 0], [1, 0, 1], [0, 1, 0]])
    assert effective_trials(together) == 4.0
    assert effective_trials(apart) == 12.0
    assert effective_trials(np.zeros((4, 3))) == 4.0


def test_least_p_and_least_seeds() -> None:
    assert p_min([(6, 6)]) == 2 / 924
    assert p_min([(4, 4), (4, 4)]) == 2 / 4900
    assert [least_seeds(0.05), least_seeds(0.05 / 6), least_seeds(0.05 / 28)] == [4, 5, 7]
    assert least_seeds(0.05, streams=2) == 3
    with pytest.raises(ValueError, match="level is 0"):
        least_seeds(0.0)


@pytest.mark.slow
def test_seeds_needed() -> None:
    assert required(0.288, 1 / 12, 0.05) == pytest.approx(15.77144365)
    assert required(0.15, 0.05, 0.05 / 6) == pytest.approx(58.38106657)
    random = np.random.default_rng(0)
    a, r = [0.2 * random.normal(size=(3, 8))], [0.2 * random.normal(size=(3, 8))]
    small, large = (seeds_needed(a, r, log(x), 0.05, PAIR) for x in (1.1, 1.5))
    assert large.needed < small.needed
    assert small.low <= small.high
    assert small.needed >= least_seeds(0.05)
    shown = seeds_needed(a, r, small.detectable * 1.01, 0.05, PAIR)
    assert shown.needed <= shown.n
    observed = seeds_needed([a[0] + 5], r, log(1.1), 0.05, PAIR)
    assert not isinf(observed.needed)
    assert seeds_needed(a, r, log(1.1), 0.05, PAIR) == small


def test_complete_separation_is_found_by_the_fewest_seeds() -> None:
    """Six seeds of one block at .05 / 6: the formula finds no shift, and one beyond all differences is sure."""
    random = np.random.default_rng(0)
    a, r = (random.normal(size=(1, 6)) for _ in "ar")
    residuals = np.concatenate([x - np.median(x) for x in (a, r)], axis=1) * (6 / 5) ** 0.5
    sure = seeds_needed([a], [r], log(1.1), 0.05 / 6, PAIR).detectable
    assert sure == pytest.approx(np.ptp(residuals))
    assert compare([a - np.median(a) - sure], [r - np.median(r)], PAIR).p <= 0.05 / 6
    assert seeds_needed([a], [r], log(1.1), 0.05 / 28, PAIR).detectable == inf
    a[0, 0] = inf
    assert seeds_needed([a], [r], log(1.1), 0.05 / 6, PAIR).detectable == inf


def test_an_end_that_the_other_side_s_failures_leave_open_says_so() -> None:
    a, r = [np.array([[0.0, 0.1, 0.2, 0.3]])], [np.array([[1.0, 1.1, 1.2, np.inf]])]
    found = interval(a, r, ("a", "r"))
    assert (found.failed, found.lost, found.low) == (0, 1, -np.inf)
    assert ends(found, ratio=False).startswith("[unbounded (failures),")
    turned = interval(r, a, ("r", "a"))
    assert (turned.failed, turned.lost) == (1, 0)
