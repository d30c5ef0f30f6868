"""Losses at hand-picked logits, far out, and in the Dirac game whose field is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import cache

import pytest
import torch
from torch import Tensor

from ablation.catalogue import rows
from ablation.factories import make
from ablation.losses import Loss
from ablation.spec import Part

NAMES = list(rows("loss"))
REAL, FAKE = [2.0, -1.0, 0.5], [0.5, -3.0]
HAND = {
    # softplus(-a): .126928 1.313262 .474077, mean .638089; softplus(b): .974077 .048587, mean .511332
    "minimax": (1.149421, -0.511332),
    # softplus(-b): .474077 3.048587, mean 1.761332
    "non_saturating": (1.149421, 1.761332),
    # sig(a): .880797 .268941 .622459, mean .590733; sig(b): .622459 .047426, mean .334943
    "probability_difference": (-0.255790, -0.334943),
    # (a-1)^2: 1 4 .25, mean 1.75; b^2: .25 9, mean 4.625; (b-1)^2: .25 16, mean 8.125
    "least_squares": (3.1875, 4.0625),
    # mean a .5; mean b -1.25
    "wasserstein": (-1.75, 1.25),
}


def loss(name: str, part: Callable[..., Part]) -> Loss:
    return make(part("loss", name), Loss)


def logits(*values: float, dtype: torch.dtype = torch.float64, grad: bool = False) -> Tensor:
    return torch.tensor(values, dtype=dtype, requires_grad=grad)


@pytest.mark.parametrize("name", HAND)
def test_values_at_hand_picked_logits(name: str, part: Callable[..., Part]) -> None:
    chosen = loss(name, part)
    real, fake = logits(*REAL), logits(*FAKE)
    for side, expected in zip((chosen.discriminator, chosen.generator), HAND[name], strict=True):
        value = side(real=real, fake=fake)
        assert value.shape == ()
        assert abs(float(value) - expected) < 1e-6
        assert abs(float(side(real=real.float(), fake=fake.float())) - expected) < 2e-6


def test_the_table_of_hand_values_knows_every_row() -> None:
    """A loss without an oracle is a loss that nobody checked: add its line to HAND and NAIVE."""
    assert set(NAMES) == set(HAND) == set(NAIVE)


@cache
def _sp(x: Decimal) -> Decimal:
    return (1 + x.exp()).ln()


@cache
def _sig(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())


NAIVE: dict[str, tuple[Callable[..., Decimal], Callable[..., Decimal]]] = {
    "minimax": (lambda a, b: _sp(-a) + _sp(b), lambda b: -_sp(b)),
    "non_saturating": (lambda a, b: _sp(-a) + _sp(b), lambda b: _sp(-b)),
    "probability_difference": (lambda a, b: _sig(b) - _sig(a), lambda b: -_sig(b)),
    "least_squares": (lambda a, b: ((a - 1) ** 2 + b**2) / 2, lambda b: (b - 1) ** 2 / 2),
    "wasserstein": (lambda a, b: b - a, lambda b: -b),
}
"""The formulas as papers print them, in 900 digits: there nothing overflows or cancels."""

FAR = [-1e3, -100.0, -20.0, -1.5, 0.0, 0.75, 18.0, 100.0, 1e3]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAIVE)
def test_values_are_those_of_the_naive_formulas_far_out(
    name: str, dtype: torch.dtype, part: Callable[..., Part]
) -> None:
    chosen, tolerance = loss(name, part), 4e-7 if dtype == torch.float32 else 1e-15
    with localcontext() as context:
        context.prec = 900
        for b in FAR:
            naive_g = float(NAIVE[name][1](Decimal(b)))
            value = chosen.generator(real=logits(0.0, dtype=dtype), fake=logits(b, dtype=dtype))
            assert float(value) == pytest.approx(naive_g, rel=tolerance, abs=tolerance)
            for a in FAR:
                naive_d = float(NAIVE[name][0](Decimal(a), Decimal(b)))
                value = chosen.discriminator(
                    real=logits(a, dtype=dtype), fake=logits(b, dtype=dtype)
                )
                assert float(value) == pytest.approx(naive_d, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_finite_far_out(name: str, part: Callable[..., Part]) -> None:
    chosen = loss(name, part)
    for side in (chosen.discriminator, chosen.generator):
        real, fake = (logits(*FAR, dtype=torch.float32, grad=True) for _ in range(2))
        value = side(real=real, fake=fake)
        value.backward()
        assert torch.isfinite(value.detach())
        assert fake.grad is not None
        assert torch.isfinite(fake.grad).all()
        assert real.grad is None or bool(torch.isfinite(real.grad).all())


def slope(side: Callable[..., Tensor], real: float, fake: float) -> tuple[float, float]:
    a, b = logits(real, grad=True), logits(fake, grad=True)
    first, second = torch.autograd.grad(side(real=a, fake=b) + 0 * (a.sum() + b.sum()), (a, b))
    return float(first), float(second)


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_s_loss_falls_as_fake_logits_rise(
    name: str, part: Callable[..., Part]
) -> None:
    """Up to logit 1, from where least squares pulls back."""
    side = loss(name, part).generator
    values = [float(side(real=logits(0.3), fake=logits(b))) for b in (-5, -2, -0.5, 0, 0.5, 0.9)]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("name", NAMES)
def test_the_discriminator_s_loss_falls_with_real_and_rises_with_fake_logits(
    name: str, part: Callable[..., Part]
) -> None:
    side = loss(name, part).discriminator
    for logit in (-4.0, -1.0, 0.2, 0.9):
        assert slope(side, logit, 0.1)[0] < 0
    for logit in (0.1, 1.0, 4.0):
        assert slope(side, 0.1, logit)[1] > 0


@pytest.mark.parametrize("name", NAMES)
def test_losses_are_means_over_the_batch(name: str, part: Callable[..., Part]) -> None:
    chosen = loss(name, part)
    for side in (chosen.discriminator, chosen.generator):
        once = side(real=logits(*REAL), fake=logits(*FAKE))
        thrice = side(real=logits(*REAL * 3), fake=logits(*FAKE * 3))
        torch.testing.assert_close(once, thrice, rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_sees_real_says_whether_the_generator_s_side_needs_the_real_logits(
    name: str, part: Callable[..., Part]
) -> None:
    chosen = loss(name, part)
    moved = [float(chosen.generator(real=logits(a), fake=logits(0.4))) for a in (-2.0, 3.0)]
    assert (moved[0] != moved[1]) is chosen.sees_real


def test_the_saturating_generator_gets_no_gradient_where_the_other_gets_all_of_it(
    part: Callable[..., Part],
) -> None:
    """-log(sigmoid(x) + 1e-8), a mistake of public code, would kill the second one too."""
    for logit in (-18.0, -50.0, -1e3):
        saturating = slope(loss("minimax", part).generator, 0.0, logit)[1]
        other = slope(loss("non_saturating", part).generator, 0.0, logit)[1]
        assert -1e-7 < saturating <= 0
        assert other == pytest.approx(-1.0, abs=1e-7)


# The Dirac-GAN of Mescheder et al. 2018: real data at 0, the generator's one point at theta, D(x) = psi x.

POINTS = [(1.0, 0.5), (1.0, -0.5), (-2.0, 1.5), (0.3, 3.0), (-0.7, -0.4)]


def field(name: str, theta: float, psi: float, part: Callable[..., Part]) -> tuple[float, float]:
    """Return how gradient descent of both players moves theta and psi."""
    chosen = loss(name, part)
    t, p = logits(theta, grad=True), logits(psi, grad=True)
    (dt,) = torch.autograd.grad(chosen.generator(real=p * 0, fake=p * t), t)
    (dp,) = torch.autograd.grad(chosen.discriminator(real=p * 0, fake=p * t), p)
    return -float(dt), -float(dp)


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


FIELDS: dict[str, Callable[[float, float], tuple[float, float]]] = {
    "minimax": lambda t, p: (p * sigma(t * p), -t * sigma(t * p)),
    "non_saturating": lambda t, p: (p * sigma(-t * p), -t * sigma(t * p)),
    "wasserstein": lambda t, p: (p, -t),
}


@pytest.mark.parametrize(("theta", "psi"), POINTS)
@pytest.mark.parametrize("name", FIELDS)
def test_the_dirac_game_has_its_known_field(
    name: str, theta: float, psi: float, part: Callable[..., Part]
) -> None:
    found = field(name, theta, psi, part)
    assert found == pytest.approx(FIELDS[name](theta, psi), rel=1e-12)
    assert math.copysign(1, found[0]) == math.copysign(1, psi)  # G follows D's slope
    assert math.copysign(1, found[1]) == -math.copysign(1, theta)  # D turns against G's place


@pytest.mark.parametrize(("theta", "psi"), POINTS)
@pytest.mark.parametrize("name", FIELDS)
def test_no_unregularised_game_is_drawn_to_its_equilibrium_but_by_chance_of_place(
    name: str, theta: float, psi: float, part: Callable[..., Part]
) -> None:
    """Two of the fields turn on circles (their lemmas on cycling); the third moves in by b tanh(b/2)."""
    dt, dp = field(name, theta, psi, part)
    outward, b = theta * dt + psi * dp, theta * psi
    expected = -b * math.tanh(b / 2) if name == "non_saturating" else 0.0
    assert outward == pytest.approx(expected, rel=1e-12, abs=1e-15)
