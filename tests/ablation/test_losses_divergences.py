"""The f-GAN family against the divergences themselves, and the relations between games."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ablation.factories import make
from ablation.losses import Loss
from ablation.spec import Part

DIVERGENCES: dict[str, Callable[[float, float], float]] = {
    "fgan_kl": lambda p, q: p * math.log(p / q),
    "fgan_reverse_kl": lambda p, q: q * math.log(q / p),
    "fgan_pearson": lambda p, q: (p - q) ** 2 / q,
    "fgan_hellinger": lambda p, q: (math.sqrt(p) - math.sqrt(q)) ** 2,
    "fgan_js": lambda p, q: p * math.log(2 * p / (p + q)) + q * math.log(2 * q / (p + q)),
}
"""What one point adds to the divergence (Nowozin et al. 2016, table 1; Pearson is q f(p / q), as its text defines)."""

BEST: dict[str, Callable[[float], float]] = {
    "fgan_kl": lambda r: 1 + math.log(r),
    "fgan_reverse_kl": math.log,
    "fgan_pearson": lambda r: 2 * (r - 1),
    "fgan_hellinger": lambda r: math.log(r) / 2,
    "fgan_js": math.log,
}
"""The best logit where p / q = r: that of f'(r) before the output activation."""

PAIRS = [
    ([7, 1, 4, 8], [2, 9, 4, 5]),
    ([1, 18, 1], [9, 2, 9]),
    ([5, 5, 10], [5, 5, 10]),
]
"""Two distributions over a few points, in twentieths."""

LOGITS = [-6.0, -2.5, -1.0, -0.3, 0.0, 0.4, 1.0, 3.0]
STILL = torch.zeros(1, dtype=torch.float64)


def game(name: str, part: Callable[..., Part], **settings: str) -> Loss:
    return make(part("loss", name, **settings), Loss)


def drawn(counts: list[int]) -> Tensor:
    """Return a sample in which point i comes counts[i] times."""
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))


def minimise(value: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """Return where a convex function is least, by Newton steps that are halved until they descend."""
    v = start
    for _ in range(60):
        slope = torch.autograd.functional.jacobian(value, v)
        curve = torch.autograd.functional.hessian(value, v)
        step = torch.linalg.solve(curve, slope)
        while value(v - step) > value(v) + 1e-12:
            step = step / 2
        v = v - step
        if step.abs().max() < 1e-12:
            break
    return v


@pytest.mark.parametrize(("p", "q"), PAIRS)
@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_best_discriminator_measures_the_divergence(
    name: str, p: list[int], q: list[int], part: Callable[..., Part]
) -> None:
    """The bound is tight: one logit a point, found without knowing the formula."""
    side, real, fake = game(name, part).discriminator, drawn(p), drawn(q)

    def value(v: Tensor) -> Tensor:
        return side(real=v[real], fake=v[fake])

    found = minimise(value, torch.zeros(len(p), dtype=torch.float64))
    pairs = [(a / sum(p), b / sum(q)) for a, b in zip(p, q, strict=True)]
    divergence = sum(DIVERGENCES[name](a, b) for a, b in pairs)
    assert -float(value(found)) == pytest.approx(divergence, rel=1e-10, abs=1e-12)
    assert found.tolist() == pytest.approx([BEST[name](a / b) for a, b in pairs], abs=1e-6)
    for shift in (-0.1, 0.1):  # no other logits measure more
        for point in range(len(p)):
            moved = found.clone()
            moved[point] += shift
            assert -float(value(moved)) < divergence - 1e-5


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_alternative_generator_wants_fakes_to_be_judged_as_real_samples_are(
    name: str, part: Callable[..., Part]
) -> None:
    """G maximises E g(b): what D maximises on real samples (section 3.2)."""
    for setting in ({}, {"generator": "alternative"}):  # it is what the row says
        chosen = game(name, part, **setting)
        for logit in LOGITS:
            v = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
            (mine,) = torch.autograd.grad(chosen.generator(real=STILL, fake=v), v)
            (other,) = torch.autograd.grad(chosen.discriminator(real=v, fake=STILL), v)
            torch.testing.assert_close(mine, other, rtol=1e-14, atol=0)
            assert mine < 0


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_saturating_generator_minimises_what_the_discriminator_maximises(
    name: str, part: Callable[..., Part]
) -> None:
    chosen = game(name, part, generator="saturating")
    for logit in LOGITS:
        v = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
        (mine,) = torch.autograd.grad(chosen.generator(real=STILL, fake=v), v)
        (other,) = torch.autograd.grad(chosen.discriminator(real=STILL, fake=v), v)
        torch.testing.assert_close(mine, -other, rtol=1e-14, atol=0)
        assert (mine < 0) == (name != "fgan_pearson" or logit > -2)  # there f* has its least value


@pytest.mark.parametrize("generator", ["minimax", "Saturating", "", 3, None])
@pytest.mark.parametrize("name", DIVERGENCES)
def test_an_unknown_generator_is_refused(
    name: str, generator: object, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match=f"loss.generator is {generator!r}; it is alternative or"):
        make(part("loss", name, generator=generator), Loss)


def test_the_js_games_are_the_two_of_goodfellow_but_for_constants(
    part: Callable[..., Part],
) -> None:
    """log 2 once in each term: with sp(-a) + sp(b) = -log sig(a) - log(1 - sig(b)), D differs by log 4."""
    real, fake = torch.tensor([2.0, -1.0, 0.5]), torch.tensor([0.5, -3.0])
    for setting, name, sign in (
        ("alternative", "non_saturating", -1),
        ("saturating", "minimax", 1),
    ):
        mine, theirs = game("fgan_js", part, generator=setting), game(name, part)
        d = mine.discriminator(real=real, fake=fake) - theirs.discriminator(real=real, fake=fake)
        g = mine.generator(real=real, fake=fake) - theirs.generator(real=real, fake=fake)
        assert d.item() == pytest.approx(-math.log(4), abs=1e-6)
        assert g.item() == pytest.approx(sign * math.log(2), abs=1e-6)


def test_least_squares_is_the_pearson_game_of_data_against_the_mixture(
    part: Callable[..., Part],
) -> None:
    """-E_P T + E_M(T^2/4 + T) with M = (P + Q) / 2 is E_P (T-2)^2/8 + E_Q (T+2)^2/8 - 1.

    T = 4 v - 2 makes that 2 E_P (v-1)^2 + 2 E_Q v^2 - 1: four times least squares minus 1.
    """
    real, fake = (
        torch.tensor(v, dtype=torch.float64) for v in ([0.9, 0.2, 1.7, -0.4], [0.1, 0.6, -2.0, 0.3])
    )
    squares = game("least_squares", part).discriminator(real=real, fake=fake)
    mixture = torch.cat([real, fake])
    pearson = game("fgan_pearson", part).discriminator(real=4 * real - 2, fake=4 * mixture - 2)
    torch.testing.assert_close(pearson, 4 * squares - 1, rtol=1e-14, atol=1e-14)


def test_the_bounds_below_are_those_of_the_divergences(part: Callable[..., Part]) -> None:
    """Disjoint data and samples: JS ends at log 4 and Hellinger at 2, the other three have no end."""
    for name, most in (("fgan_js", math.log(4)), ("fgan_hellinger", 2.0)):
        sure = game(name, part).discriminator(
            real=torch.full((3,), 60.0), fake=torch.full((3,), -60.0)
        )
        assert -sure.item() == pytest.approx(most, rel=1e-6)
    for name, v, w in (
        ("fgan_kl", 1e6, 0.0),
        ("fgan_reverse_kl", 0.0, -1e6),
        ("fgan_pearson", 1e6, 0.0),
    ):
        sure = game(name, part).discriminator(real=torch.tensor([v]), fake=torch.tensor([w]))
        assert -sure.item() > 9e5
