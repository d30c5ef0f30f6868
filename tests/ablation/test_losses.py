"""Losses at hand-picked logits and far out, the facts they state, and the mistakes that public code makes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
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


PAIRED = {"relativistic_pairing"}
"""Losses that take as many real as fake logits: they see the first two of REAL."""


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
    # relu(1-a): 0 2 .5, mean .833333; relu(1+b): 1.5 0, mean .75
    "hinge": (1.583333, 1.25),
    # softplus(-(a+1.25)): .038041 .575939 .160224, mean .258068; softplus(b-.5): .693147 .029750, mean .361449;
    # softplus(a+1.25): 3.288041 .825939 1.910224, mean 2.008068; softplus(.5-b): .693147 3.529750, mean 2.111449
    "relativistic_average": (0.309758, 2.059758),
    # a-b: 1.5 2; softplus(-1.5) .201413, softplus(-2) .126928; softplus(1.5) 1.701413, softplus(2) 2.126928
    "relativistic_pairing": (0.164171, 1.914171),
    # -mean a -.5; exp(b-1): .606531 .018316, mean .312423
    "fgan_kl": (-0.187577, 1.25),
    # exp(-a): .135335 2.718282 .606531, mean 1.153383; mean b - 1 -2.25; exp(-b): .606531 20.085537, mean 10.346034
    "fgan_reverse_kl": (-1.096617, 10.346034),
    # -mean a -.5; b^2/4 + b: .5625 -.75, mean -.09375
    "fgan_pearson": (-0.59375, 1.25),
    # exp(-a) as above; exp(b): 1.648721 .049787, mean .849254; both minus 1
    "fgan_hellinger": (0.002637, 9.346034),
    # minimax's minus 2 log 2 = 1.386294; non_saturating's minus log 2
    "fgan_js": (-0.236873, 1.068185),
}


def loss(name: str, part: Callable[..., Part], **settings: str) -> Loss:
    return make(part("loss", name, **settings), Loss)


def logits(*values: float, dtype: torch.dtype = torch.float64, grad: bool = False) -> Tensor:
    return torch.tensor(values, dtype=dtype, requires_grad=grad)


def batches(name: str) -> tuple[list[float], list[float]]:
    return REAL[: 2 if name in PAIRED else 3], FAKE


@pytest.mark.parametrize("name", HAND)
def test_values_at_hand_picked_logits(name: str, part: Callable[..., Part]) -> None:
    chosen = loss(name, part)
    real, fake = (logits(*values) for values in batches(name))
    for side, expected in zip((chosen.discriminator, chosen.generator), HAND[name], strict=True):
        value = side(real=real, fake=fake)
        assert value.shape == ()
        assert abs(float(value) - expected) < 1e-6
        assert abs(float(side(real=real.float(), fake=fake.float())) - expected) < 2e-6


def test_the_tables_of_oracles_know_every_row() -> None:
    """A loss without an oracle is a loss that nobody checked: add its line to HAND and NAIVE."""
    assert set(NAMES) == set(HAND) == set(NAIVE)


@cache
def _exp(x: Decimal) -> Decimal:
    return x.exp()


@cache
def _ln(x: Decimal) -> Decimal:
    return x.ln()


def _sp(x: Decimal) -> Decimal:
    return _ln(1 + _exp(x))


def _sig(x: Decimal) -> Decimal:
    return 1 / (1 + _exp(-x))


def _relu(x: Decimal) -> Decimal:
    return max(x, Decimal(0))


Formula = Callable[[Decimal, Decimal], Decimal]


NAIVE: dict[str, tuple[Formula, Formula]] = {
    "minimax": (lambda a, b: _sp(-a) + _sp(b), lambda _, b: -_sp(b)),
    "non_saturating": (lambda a, b: _sp(-a) + _sp(b), lambda _, b: _sp(-b)),
    "probability_difference": (lambda a, b: _sig(b) - _sig(a), lambda _, b: -_sig(b)),
    "least_squares": (lambda a, b: ((a - 1) ** 2 + b**2) / 2, lambda _, b: (b - 1) ** 2 / 2),
    "wasserstein": (lambda a, b: b - a, lambda _, b: -b),
    "hinge": (lambda a, b: _relu(1 - a) + _relu(1 + b), lambda _, b: -b),
    "relativistic_average": (
        lambda a, b: (_sp(-(a - b)) + _sp(b - a)) / 2,
        lambda a, b: (_sp(a - b) + _sp(-(b - a))) / 2,
    ),
    "relativistic_pairing": (lambda a, b: _sp(-(a - b)), lambda a, b: _sp(-(b - a))),
    # table 6 of Nowozin et al. 2016: -g(a) + f*(g(b)) for D and -g(b) for G
    "fgan_kl": (lambda a, b: -a + _exp(b - 1), lambda _, b: -b),
    "fgan_reverse_kl": (lambda a, b: -_rkl(a) + (-1 - _ln(-_rkl(b))), lambda _, b: -_rkl(b)),
    "fgan_pearson": (lambda a, b: -a + b**2 / 4 + b, lambda _, b: -b),
    "fgan_hellinger": (
        lambda a, b: -_sh(a) + _sh(b) / (1 - _sh(b)),
        lambda _, b: -_sh(b),
    ),
    "fgan_js": (lambda a, b: -_js(a) - _ln(2 - _exp(_js(b))), lambda _, b: -_js(b)),
}
"""The formulas as papers print them, in 500 digits: exp(1000) has 435, so nothing that a float could see cancels."""


def _rkl(v: Decimal) -> Decimal:
    return -_exp(-v)


def _sh(v: Decimal) -> Decimal:
    return 1 - _exp(-v)


def _js(v: Decimal) -> Decimal:
    return _ln(Decimal(2)) - _sp(-v)


def seen(
    side: Callable[..., Tensor], a: float, b: float, dtype: torch.dtype
) -> tuple[float, float, float]:
    """Return value and both derivatives, by autograd."""
    real, fake = logits(a, dtype=dtype, grad=True), logits(b, dtype=dtype, grad=True)
    value = side(real=real, fake=fake)
    slopes = torch.autograd.grad(value, (real, fake), allow_unused=True)
    return value.item(), *(0.0 if slope is None else slope.item() for slope in slopes)


def slope(side: Callable[..., Tensor], real: float, fake: float) -> tuple[float, float]:
    return seen(side, real, fake, torch.float64)[1:]


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
    chosen, (real, fake) = loss(name, part), batches(name)
    for side in (chosen.discriminator, chosen.generator):
        once = side(real=logits(*real), fake=logits(*fake))
        thrice = side(real=logits(*real * 3), fake=logits(*fake * 3))
        torch.testing.assert_close(once, thrice, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_sees_real_says_whether_the_generator_s_side_needs_the_real_logits(
    name: str, part: Callable[..., Part]
) -> None:
    chosen = loss(name, part)
    moved = [float(chosen.generator(real=logits(a), fake=logits(0.4))) for a in (-2.0, 3.0)]
    assert (moved[0] != moved[1]) is chosen.sees_real


@pytest.mark.parametrize("name", NAMES)
def test_bounded_below_says_whether_the_discriminator_s_loss_can_fall_for_ever(
    name: str, part: Callable[..., Part]
) -> None:
    chosen = loss(name, part)

    def lowest(size: float) -> float:
        """Return the least loss over two real and two fake logits in -size, -1, 0, 1, size."""
        grid = torch.tensor([-size, -1.0, 0.0, 1.0, size], dtype=torch.float64)
        everything = torch.cartesian_prod(grid, grid, grid, grid)
        return min(chosen.discriminator(real=four[:2], fake=four[2:]).item() for four in everything)

    least = [lowest(size) for size in (1e1, 1e3, 1e9)]
    if chosen.bounded_below:
        assert least[2] == pytest.approx(least[1], abs=1e-12)  # the bound is reached, and stays
        assert least[2] > -3
    else:
        assert least[1] < -1e2
        assert least[2] < -1e8


def test_the_bounds_below_are_the_known_ones(part: Callable[..., Part]) -> None:
    """A fact that the property above derives from the formulas, here for the reader."""
    unbounded = {name for name in NAMES if not loss(name, part).bounded_below}
    assert unbounded == {"wasserstein", "fgan_kl", "fgan_reverse_kl", "fgan_pearson"}


@pytest.mark.parametrize("name", NAMES)
def test_the_boundary_is_the_best_logit_where_real_and_fake_are_alike(
    name: str, part: Callable[..., Part]
) -> None:
    """If every sample is as likely real as fake, the best discriminator answers the boundary; without one, anything."""
    chosen = loss(name, part)

    def at(c: float) -> float:
        x = torch.full((4,), c, dtype=torch.float64)
        return float(chosen.discriminator(real=x, fake=x))

    if chosen.boundary is None:
        assert [at(c) for c in (-5.0, 0.0, 3.0)] == pytest.approx([at(1.0)] * 3, abs=1e-12)
    else:
        nearby = [at(chosen.boundary + d) for d in (-2.0, -0.5, -0.01, 0.01, 0.5, 2.0)]
        assert at(chosen.boundary) <= min(nearby) + 1e-12
    known = {"least_squares": 0.5, "fgan_kl": 1.0, "wasserstein": None}
    relative = {"relativistic_average": None, "relativistic_pairing": None}
    assert chosen.boundary == (known | relative).get(name, 0.0)
