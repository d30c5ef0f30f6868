"""Losses and their gradients far out, against the naive formulas in five hundred digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import cache

import pytest
import torch
from test_losses import (
    NAIVE,
    NAMES,
    _sp,
    logits,
    loss,
    seen,
)

from ablation.spec import Part

DIGITS = 500


FAR = [-1e3, -100.0, -18.5, -1.5, 0.0, 0.75, 18.0, 100.0, 1e3]


EXPONENTIAL = {"fgan_kl", "fgan_reverse_kl", "fgan_hellinger"}
"""Losses whose exact values leave float32 within FAR."""


H = Decimal("1e-20")


@cache
def naive(name: str, side: int, a: float, b: float) -> tuple[float, float, float]:
    """Return value and both derivatives (as central differences, exact to more digits than a float has)."""
    with localcontext() as context:
        context.prec = DIGITS
        f, x, y = NAIVE[name][side], Decimal(a), Decimal(b)
        by_a, by_b = f(x + H, y) - f(x - H, y), f(x, y + H) - f(x, y - H)
        return float(f(x, y)), float(by_a / (2 * H)), float(by_b / (2 * H))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAIVE)
def test_values_and_gradients_are_those_of_the_naive_formulas_far_out(
    name: str, dtype: torch.dtype, part: Callable[..., Part]
) -> None:
    """Where the exact number does not fit the type it is infinite, and never nan: that is what the guard looks for."""
    chosen, tolerance = loss(name, part), 4e-7 if dtype == torch.float32 else 1e-15
    infinite = 0
    for number, side in enumerate((chosen.discriminator, chosen.generator)):
        for a in FAR:
            for b in FAR:
                exact = torch.tensor(naive(name, number, a, b), dtype=dtype).tolist()
                assert seen(side, a, b, dtype) == pytest.approx(exact, rel=tolerance, abs=tolerance)
                infinite += math.isinf(exact[0])
    assert bool(infinite) is (name in EXPONENTIAL)


@pytest.mark.parametrize("name", NAMES)
def test_where_torch_s_softplus_becomes_the_identity_it_is_off_by_two_billionths(
    name: str, part: Callable[..., Part]
) -> None:
    chosen = loss(name, part)
    for number, side in enumerate((chosen.discriminator, chosen.generator)):
        for a, b in ((-20.5, 20.5), (20.5, -20.5), (0.0, 20.01), (-20.01, 0.0)):
            found, exact = seen(side, a, b, torch.float64), naive(name, number, a, b)
            assert found == pytest.approx(exact, rel=3e-9, abs=3e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_that_overflows_spoils_no_other_s_gradient(
    name: str, part: Callable[..., Part]
) -> None:
    chosen = loss(name, part)
    for side in (chosen.discriminator, chosen.generator):
        real, fake = (logits(*FAR, dtype=torch.float32, grad=True) for _ in range(2))
        value = side(real=real, fake=fake)
        slopes = torch.autograd.grad(value, (real, fake), allow_unused=True)
        assert not value.isnan()
        assert bool(value.isfinite()) or name in EXPONENTIAL
        for slope in (slope for slope in slopes if slope is not None):
            assert not slope.isnan().any()
            assert slope[[3, 4, 5]].isfinite().all()  # logits -1.5, 0 and .75
            assert slope.isfinite().all() or name in EXPONENTIAL


@pytest.mark.slow
def test_the_average_is_taken_over_the_other_batch_whatever_its_size(
    part: Callable[..., Part],
) -> None:
    def mean(values: list[Decimal]) -> Decimal:
        return sum(values, Decimal(0)) / len(values)

    real, fake = FAR, [3.0, -40.0, 700.0, 0.5]
    with localcontext() as context:
        context.prec = DIGITS
        a, b = [Decimal(x) for x in real], [Decimal(x) for x in fake]
        above, below = [x - mean(b) for x in a], [x - mean(a) for x in b]
        expected = (mean([_sp(-x) for x in above]) + mean([_sp(x) for x in below])) / 2
        swapped = (mean([_sp(x) for x in above]) + mean([_sp(-x) for x in below])) / 2
    chosen = loss("relativistic_average", part)
    for side, exact in ((chosen.discriminator, expected), (chosen.generator, swapped)):
        value = side(real=logits(*real), fake=logits(*fake))
        assert float(value) == pytest.approx(float(exact), rel=1e-14)
