"""The gain and the scale of every activation, against another quadrature, closed forms and a known largest of five."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import mpmath
import pytest
from formulas import FORMULAS
from scipy import integrate, optimize, stats
from test_activations_facts import INF, NAMES

from ablation.activations import Activation
from ablation.spec import Part


def moment(name: str) -> float:
    """Return E phi(z)^2 by adaptive quadrature between the places where a formula may bend."""
    formula, edges = FORMULAS[name], (-12, -6, -3, -1, -0.5, 0, 0.5, 1, 3, 6, 12)
    total = 0.0
    for low, high in pairwise(edges):
        total += integrate.quad(
            lambda z: formula(mpmath.fp, z) ** 2 * stats.norm.pdf(z), low, high, epsabs=1e-12
        )[0]
    return total


@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "rrelu"])
def test_gain_is_that_of_another_quadrature(
    name: str, part: Callable[..., Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To eight digits; to four where the value jumps, on a point of our grid."""
    density = 1 / math.sqrt(2 * math.pi)
    monkeypatch.setattr(stats.norm, "pdf", lambda z: density * math.exp(-z * z / 2))
    tolerance = 1e-4 if name == "hardshrink" else 1e-7
    assert Activation(part("activation", name)).gain == pytest.approx(
        moment(name) ** -0.5, rel=tolerance
    )


def largest_of_five() -> float:
    """Return E max(z1 ... z5)^2 from the density 5 f(z) F(z)^4 of the maximum."""
    normal = stats.norm
    return float(
        integrate.quad(lambda z: z**2 * 5 * normal.pdf(z) * normal.cdf(z) ** 4, -12, 12)[0]
    )


CLOSED = {
    "relu": 1 / 2,
    "squared_relu": 3 / 2,
    "leaky_relu": (1 + 0.2**2) / 2,
    "rrelu": (1 + (1 / 64 + 1 / 24 + 1 / 9) / 3) / 2,
    "crelu": 1 / 2,
    "erf": 2 / math.pi * math.asin(2 / 3),
    "sine": (1 - math.exp(-2)) / 2,
    "gaussian": 1 / math.sqrt(5),
    "squareplus": 3 / 2,
}
"""E phi(z)^2; for erf, Williams 1998; a slope drawn from [l, u] has the second moment (l^2 + l u + u^2) / 3."""


@pytest.mark.parametrize("name", CLOSED)
def test_gain_is_that_of_the_closed_form(name: str, part: Callable[..., Part]) -> None:
    tolerance = 2e-4 if name == "rrelu" else 1e-7  # drawn, 64 times a point
    gain = Activation(part("activation", name)).gain
    assert gain == pytest.approx(CLOSED[name] ** -0.5, rel=tolerance)


def test_gain_of_maxout_is_that_of_the_largest_of_five(part: Callable[..., Part]) -> None:
    gain = Activation(part("activation", "maxout")).gain
    assert gain == pytest.approx(largest_of_five() ** -0.5, rel=2e-4)
    pair = Activation(part("activation", "maxout", pieces=2)).gain
    assert pair == pytest.approx(1.0, rel=1e-4)  # E max(a, b)^2 = 1


@pytest.mark.parametrize(
    ("name", "gate"), [("glu", "sigmoid"), ("geglu", "gelu"), ("swiglu", "silu")]
)
def test_gain_of_a_gated_unit_is_that_of_its_gate(
    name: str, gate: str, part: Callable[..., Part]
) -> None:
    """E (a g(b))^2 = E g(b)^2."""
    gains = [Activation(part("activation", row)).gain for row in (name, gate)]
    assert gains[0] == pytest.approx(gains[1], rel=1e-9)


@pytest.mark.parametrize("gate", ["glu", "geglu", "swiglu"])
def test_scale_of_a_gated_unit_is_its_steepest_within_three_deviations(
    gate: str, part: Callable[..., Part]
) -> None:
    """|a g(b)| grows by |(g(b), a g'(b))|, most at a = 3; found here by another optimiser."""
    formula = FORMULAS[{"glu": "sigmoid", "geglu": "gelu", "swiglu": "silu"}[gate]]

    def minus(b: float) -> float:
        value, slope = formula(mpmath.fp, b), mpmath.diff(lambda t: formula(mpmath.mp, t), b)
        return -float(mpmath.hypot(value, 3 * slope))

    best = min(optimize.minimize_scalar(minus, bounds=(low, low + 1)).fun for low in range(-3, 3))
    activation = Activation(part("activation", gate))
    assert activation.steepest == INF
    assert activation.scale == pytest.approx(-best, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_scale_is_the_steepest_slope_where_there_is_one(
    name: str, part: Callable[..., Part]
) -> None:
    activation = Activation(part("activation", name))
    assert math.isfinite(activation.scale)
    assert activation.scale == activation.steepest or activation.steepest == INF
    if name == "squared_relu":
        assert activation.scale == pytest.approx(6.0, rel=1e-12)
