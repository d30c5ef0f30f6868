"""Shares of variance and their tests against closed forms, scipy, and numbers that a separate slow oracle gave."""

from __future__ import annotations

from itertools import permutations, product
from math import isnan

import numpy as np
import pytest
from scipy.stats import f_oneway, permutation_test

from reports.factors import (
    Shares,
    interaction,
    main_effect,
    shares,
    sign_flip,
    within_effect,
)

SIX = [
    [[-0.8, -1.32, -0.25, 0.42, 1.14, 0.11], [0.45, 0.22, 1.75, 2.63, 1.27, -0.23]],
    [[-0.46, 2.1, 0.7, -1.23, 0.42, -0.66], [-0.63, -0.49, -0.71, 0.55, -0.06, -0.59]],
    [[0.41, 0.83, -1.64, -0.26, -0.98, -0.17], [-1.29, 0.02, -0.04, -0.3, -1.05, -0.4]],
]
SEVEN = [
    [
        [-1.1, -1.4, 0.2, -1.1, 1.2, 0.7, -2.0],
        [0.3, -1.1, 0.0, 0.0, -2.0, -0.2, -0.3],
        [1.0, -1.2, 0.7, -1.1, -0.3, -0.8, 1.4],
    ],
    [
        [0.6, 2.4, 0.6, 0.8, 0.8, -0.6, -0.1],
        [1.4, -0.4, 0.2, 0.0, 0.6, -0.4, -0.2],
        [0.2, 0.1, -0.9, 0.9, -1.3, -1.2, -1.3],
    ],
]
"""Outcomes K L N, and below what the oracle says of them: p and omega squared of the interaction."""
TWO = [("a",), ("b",), ("a", "b")]


def _shares(y: np.ndarray) -> Shares:
    """Return the shares of a full table K L N."""
    a, b, _ = np.indices(y.shape)
    columns = {"a": a.ravel(), "b": b.ravel()}
    return shares(y.ravel(), columns, (a * y.shape[1] + b).ravel(), TWO)


@pytest.mark.parametrize(
    ("table", "p", "omega"), [(SIX, 0.0625, 0.0859825726746), (SEVEN, 0.140625, 0.0726328675257)]
)
def test_the_interaction_is_the_oracles(table: list, p: float, omega: float) -> None:
    y = np.array(table)
    found = interaction(np.moveaxis(y, 2, 0), ("a", "b"))
    assert (found.p, found.draws, found.exact) == (p, 2 ** y.shape[2], True)
    assert _shares(y).terms["a", "b"].omega == pytest.approx(omega)


def test_two_way_analysis_of_variance_by_hand() -> None:
    """Cell means 2, 6, 3, 11 about 5.5, each cell +-1: squares 18, 72, 8 and 8 within, so error 2 and total 106."""
    found = _shares(np.array([[[1.0, 3], [5, 7]], [[2, 4], [10, 12]]]))
    assert [found.terms[t].squares for t in TWO] == pytest.approx([18, 72, 8])
    assert [found.terms[t].df for t in TWO] == [1, 1, 1]
    assert [found.terms[t].omega for t in TWO] == pytest.approx([16 / 108, 70 / 108, 6 / 108])
    assert (found.seeds.df, found.seeds.squares) == (4, pytest.approx(8))
    assert found.seeds.omega == pytest.approx(16 / 108)
    assert (found.rest.df, found.rest.omega) == (0, 0.0)


def test_one_way_is_what_the_f_ratio_says() -> None:
    groups = [np.array(v) for v in ([1.0, 2, 4], [2.0, 5, 6, 9], [7.0, 8])]
    y, label = np.concatenate(groups), np.repeat([0, 1, 2], [3, 4, 2])
    f = float(f_oneway(*groups).statistic)
    found = shares(y, {"a": label}, label, [("a",)]).terms["a",]
    assert found.omega == pytest.approx(2 * (f - 1) / (2 * (f - 1) + len(y)))


def test_what_no_term_tells_is_the_rest() -> None:
    """The product of three signs is no two-way interaction."""
    sign = np.array(list(product((0, 1), repeat=3)) * 2)
    columns = {name: sign[:, i] for i, name in enumerate("abc")}
    cells = sign @ [4, 2, 1]
    y = (-1.0) ** sign.sum(axis=1) + np.repeat([-0.1, 0.1], 8)
    terms = [("a",), ("b",), ("c",), ("a", "b"), ("a", "c")]
    found = shares(y, columns, cells, terms)
    assert [s.squares for s in found.terms.values()] == pytest.approx([0] * 5, abs=1e-9)
    assert (found.rest.df, found.rest.squares) == (2, pytest.approx(16))


def test_gaps_do_not_make_a_factor_of_what_another_tells() -> None:
    """Most of level 0 stands in block 1, so that raw means of the levels differ: b alone tells everything."""
    a, b = np.array([0] * 6 + [1] * 6), np.array([0, 0, 1, 1, 1, 1] + [0] * 4 + [1] * 2)
    y = 3.0 * b
    assert y[a == 0].mean() != y[a == 1].mean()
    found = shares(y, {"a": a, "b": b}, 2 * a + b, TWO)
    assert [found.terms[t].squares for t in TWO] == pytest.approx([0, 24, 0], abs=1e-9)
    assert found.terms["b",].omega < 1  # a part of the total is told by both
    twin = shares(y, {"a": b, "b": b}, b, TWO[:2])
    assert [twin.terms[t].df for t in TWO[:2]] == [0, 0]
    assert all(isnan(twin.terms[t].omega) for t in TWO[:2])
    assert (twin.rest.df, twin.rest.squares, twin.rest.omega) == (
        1,
        pytest.approx(27),
        pytest.approx(1),
    )


def test_one_seed_has_no_shares_and_equal_outcomes_have_none_to_share() -> None:
    found = _shares(np.array([[[1.0], [2.0]], [[3.0], [5.0]]]))
    assert all(isnan(found.terms[t].omega) for t in TWO)
    assert isnan(found.seeds.omega)
    equal = _shares(np.full((2, 2, 3), 0.1))
    assert [equal.terms[t].omega for t in TWO] == [0, 0, 0]
    assert interaction(np.full((6, 2, 2), 0.1), ("a",)).p == 1


@pytest.mark.slow
def test_noise_has_no_share() -> None:
    """Eta squared of the interaction of 8 x 6 cells with 3 seeds is 35/143 = .24 of pure noise; omega squared is 0."""
    random = np.random.default_rng(1)
    eta, omega = [], []
    for _ in range(120):
        y = random.normal(size=(8, 6, 3))
        found = _shares(y).terms["a", "b"]
        eta.append(found.squares / ((y - y.mean()) ** 2).sum())
        omega.append(found.omega)
    assert np.mean(eta) == pytest.approx(35 / 143, abs=0.015)
    assert np.mean(omega) < 0.03  # what is below 0 counts as 0, so the mean lies a little above it
    assert np.median(omega) < 0.01


@pytest.mark.slow
def test_main_effect_is_the_permuted_f_ratio() -> None:
    random = np.random.default_rng(2)
    c, label = (
        random.normal(size=7) + np.repeat([0, 1.2, 0.3], [2, 3, 2]),
        np.repeat([0, 1, 2], [2, 3, 2]),
    )

    def ratio(order: tuple[int, ...]) -> float:
        return float(f_oneway(*(c[np.array(order) == k] for k in range(3))).statistic)

    every = sorted(set(permutations(label.tolist())))
    observed = ratio(tuple(label))
    wanted = np.mean([ratio(order) >= observed - 1e-9 for order in every])
    found = main_effect([(c[::-1], label[::-1])], ("x",))
    assert (found.draws, found.exact) == (len(every), True) == (210, True)
    assert found.p == pytest.approx(wanted)
    large = random.normal(size=60) + 0.35 * np.repeat([0, 1, 2], 20)
    drawn = main_effect([(large, np.repeat([0, 1, 2], 20))], ("x",))
    assert (drawn.draws, drawn.exact) == (20_000, False)
    assert drawn.p == pytest.approx(f_oneway(*np.split(large, 3)).pvalue, abs=0.01)


def test_streams_are_permuted_apart_and_add_up() -> None:
    """Two streams of 2 + 2 units: 36 ways, of which the two that part both streams alike are the most extreme."""
    label, apart = np.array([0, 0, 1, 1]), np.array([0.0, 1, 5, 6])
    found = main_effect([(apart, label), (100 + apart, label)], ("x",))
    assert (found.p, found.draws) == (pytest.approx(2 / 36), 36)
    against = main_effect([(apart, label), (-apart, label)], ("x",))
    assert against.p == 1  # the streams say the opposite: nothing is left


def test_levels_within_units() -> None:
    random = np.random.default_rng(3)
    pairs = random.normal([0, 0.8], size=(7, 2))
    known = permutation_test((pairs[:, 0] - pairs[:, 1],), np.mean, permutation_type="samples")
    found = within_effect(pairs, ("x",))
    assert (found.p, found.draws) == (pytest.approx(known.pvalue), 128)
    three = random.normal([0, 0.5, 1], size=(4, 3))

    def squares(rows: list) -> float:
        return float((np.sum(rows, axis=0) ** 2).sum())

    centred = three - three.mean(axis=1, keepdims=True)
    every = [squares(rows) for rows in product(*(list(permutations(row)) for row in centred))]
    exact = within_effect(three, ("x",))
    assert exact.p == pytest.approx(np.mean(np.array(every) >= squares(list(centred)) - 1e-9))
    assert (exact.draws, exact.exact) == (6**4, True)
    drawn = within_effect(three, ("x",), most=1_000)
    assert (drawn.draws, drawn.exact) == (1_000, False)
    assert drawn.p == pytest.approx(exact.p, abs=0.05)


def test_many_levels_within_units_are_drawn_and_never_listed() -> None:
    """Three hundred levels have more orders than any memory holds."""
    units = np.random.default_rng(4).normal(np.linspace(0, 1, 300), size=(3, 300))
    found = within_effect(units, ("x",), most=500)
    assert (found.draws, found.exact) == (500, False)
    assert found.p == 1 / 500


def test_sign_flips_are_scipys_and_six_are_the_least() -> None:
    values = np.array([0.3, -0.1, 0.8, 0.4, 0.2, 0.9, -0.3])
    known = permutation_test((values,), np.mean, permutation_type="samples", n_resamples=10_000)
    assert sign_flip(values, ("x",)).p == pytest.approx(known.pvalue)
    assert sign_flip(np.ones(6), ("x",)).p == 2 / 64
    assert sign_flip(np.ones(5), ("x",)).p > 0.05


def test_main_effects_alone_are_seldom_an_interaction() -> None:
    """Of 200 studies without one, at most 5 % and what chance adds have p <= .05."""
    random, found = np.random.default_rng(4), 0
    main = np.arange(3)[:, None] + 2.0 * np.arange(2)
    for _ in range(200):
        found += interaction(main + random.normal(size=(6, 3, 2)), ("x",)).p <= 0.05
    assert found <= 18
    crossed = np.array([[1.0, -1], [0, 0], [-1, 1]]) + main
    assert interaction(crossed + 0.3 * random.normal(size=(6, 3, 2)), ("x",)).p == 2 / 64


@pytest.mark.slow
def test_draws_depend_on_names_alone() -> None:
    random = np.random.default_rng(5)
    units, label = random.normal(size=40), np.arange(40) % 4
    tables, long = random.normal(size=(20, 3)), random.normal(size=(20, 2, 3))

    def found(name: str) -> list[float]:
        tests = main_effect([(units, label)], (name,)), within_effect(tables, (name,))
        return [t.p for t in (*tests, interaction(long, (name,)), sign_flip(units, (name,)))]

    np.random.seed(1)
    first, state = found("x"), np.random.get_state()[1].tolist()
    np.random.seed(2)
    assert found("x") == first
    np.random.seed(1)
    found("x")
    assert np.random.get_state()[1].tolist() == state
    assert all(p != q for p, q in zip(found("y"), first, strict=True))
