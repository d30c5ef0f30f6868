"""Penalties in closed form, per sample, at the points they name; weight clipping; the state that lecam keeps."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ablation.catalogue import rows
from ablation.factories import make
from ablation.penalties import Penalty
from ablation.spec import Part

NAMES = list(rows("penalty"))


FORMULAS: dict[str, tuple[str, Callable[[Tensor], Tensor], Callable[[float], float]]] = {
    "gradient_penalty": ("weight", lambda n: (n - 1) ** 2, lambda n: 2 * (n - 1)),
    "gradient_penalty_one_sided": (
        "weight",
        lambda n: (n - 1).clamp(min=0) ** 2,
        lambda n: 2 * max(n - 1, 0),
    ),
    "dragan": ("weight", lambda n: (n - 1) ** 2, lambda n: 2 * (n - 1)),
    "r1": ("gamma", lambda n: n**2 / 2, lambda n: n),
    "r2": ("gamma", lambda n: n**2 / 2, lambda n: n),
}
"""The factor's name, what a sample whose slope has the norm n adds, and its derivative."""


DRAW = ["gradient_penalty", "gradient_penalty_one_sided", "dragan"]
"""Penalties that draw the points they look at."""


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=stream(seed))


class Linear(nn.Module):
    """D(x) = w . x, whose gradient is w everywhere."""

    def __init__(self, w: Tensor) -> None:
        super().__init__()
        self.w = nn.Parameter(w)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.w


class Quadratic(nn.Module):
    """D(x) = |x|^2 / 2, whose gradient is x; it keeps the points it was asked at."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.asked.append(x.detach())
        return x.flatten(1).square().sum(1) / 2


def row(name: str, part: Callable[..., Part], **settings: Any) -> Penalty:
    return make(part("penalty", name, **settings), Penalty)


def penalty(name: str, part: Callable[..., Part], factor: float = 10.0) -> Callable[..., Tensor]:
    value = row(name, part, **{FORMULAS[name][0]: factor}).value
    assert value is not None
    return value


def test_the_table_of_formulas_knows_every_row_that_asks_the_discriminator(
    part: Callable[..., Part],
) -> None:
    assert set(FORMULAS) == {name for name in NAMES if row(name, part).value is not None}


@pytest.mark.parametrize("size", [0.0, 0.25, 1.0, 7.0])
@pytest.mark.parametrize("factor", [10.0, 0.1])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_linear_critic_is_penalised_in_closed_form(
    name: str, size: float, factor: float, part: Callable[..., Part]
) -> None:
    w = draw(48)
    w *= size / w.norm()
    critic = Linear(w)
    asked = penalty(name, part, factor)
    value = asked(critic, draw(6, 3, 4, 4), draw(6, 3, 4, 4, seed=2), stream())
    assert value.shape == ()
    expected = factor * float(FORMULAS[name][1](torch.tensor(size)))
    assert value.item() == pytest.approx(expected, rel=1e-5, abs=1e-9)
    value.backward()
    assert critic.w.grad is not None
    assert critic.w.grad.isfinite().all()  # also where the norm has no derivative
    if size:
        slope = factor * FORMULAS[name][2](size) * w / size
        torch.testing.assert_close(critic.w.grad, slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(500, 2), (500, 1, 4, 4), (500, 3, 5, 5)])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_quadratic_critic_is_penalised_sample_by_sample(
    name: str, shape: tuple[int, ...], part: Callable[..., Part]
) -> None:
    """One norm over the whole batch is the mistake of public code (torchgan)."""
    real, fake, critic = draw(*shape), 3 * draw(*shape, seed=2), Quadratic()
    value = penalty(name, part)(critic, real, fake, stream()).item()
    (asked,) = critic.asked
    norms, formula = asked.flatten(1).norm(dim=1), FORMULAS[name][1]
    assert value == pytest.approx(10 * float(formula(norms).mean()), rel=1e-5)
    assert abs(value / (10 * float(formula(asked.norm()))) - 1) > 0.5


@pytest.mark.parametrize("shape", [(500, 2), (500, 3, 5, 5)])
@pytest.mark.parametrize("name", ["gradient_penalty", "gradient_penalty_one_sided"])
def test_each_sample_is_mixed_by_a_factor_of_its_own(
    name: str, shape: tuple[int, ...], part: Callable[..., Part]
) -> None:
    """One mixing factor for the whole batch is the other mistake of public code."""
    real, fake, critic = draw(*shape), 3 * draw(*shape, seed=2), Quadratic()
    penalty(name, part)(critic, real, fake, stream())
    (asked,) = critic.asked
    way, gone = (real - fake).flatten(1), (asked - fake).flatten(1)
    eps = (gone * way).sum(1) / way.square().sum(1)
    torch.testing.assert_close(gone, eps[:, None] * way, rtol=1e-4, atol=1e-4)  # on the segment
    eps = eps.sort().values
    assert float(eps.diff().min()) > 0
    uniform = (torch.arange(len(eps)) + 0.5) / len(eps)
    assert float((eps - uniform).abs().max()) < 1.95 / math.sqrt(len(eps))  # Kolmogorov, p = .001


@pytest.mark.parametrize("noise", [0.5, 0.01])
def test_dragan_looks_around_the_data_as_far_as_its_noise_says(
    noise: float, part: Callable[..., Part]
) -> None:
    real, critic = 3 * draw(400, 1, 4, 4) + 2, Quadratic()
    value = row("dragan", part, noise=noise).value
    assert value is not None
    value(critic, real, torch.full_like(real, 1e6), stream())  # fakes do not count
    (asked,) = critic.asked
    told = ((asked - real) / (noise * real.std())).flatten().sort().values
    normal = NormalDist()
    ranks = torch.tensor([normal.cdf(x) for x in told.tolist()])
    uniform = (torch.arange(len(told)) + 0.5) / len(told)
    assert float((ranks - uniform).abs().max()) < 1.95 / math.sqrt(len(told))  # Kolmogorov
    assert len(told.unique()) > 0.9 * len(told)  # each number of each sample is moved by itself


@pytest.mark.parametrize(("name", "own"), [("r1", 0), ("r2", 1)])
def test_r1_sees_real_samples_alone_and_r2_generated_ones(
    name: str, own: int, part: Callable[..., Part]
) -> None:
    samples, critic, source = (draw(5, 2), draw(7, 2, seed=3)), Quadratic(), stream()
    before = source.get_state()
    value = penalty(name, part, 10.0)(critic, *samples, source)
    assert len(critic.asked) == 1
    assert torch.equal(critic.asked[0], samples[own])
    assert torch.equal(source.get_state(), before)
    expected = 10 / 2 * samples[own].square().sum() / len(samples[own])  # 10 / 2: as StyleGAN3
    assert value.item() == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("name", DRAW)
def test_what_is_drawn_comes_from_the_stream_alone(name: str, part: Callable[..., Part]) -> None:
    critics, source = [Quadratic() for _ in range(3)], stream(4)
    torch.manual_seed(0)
    penalty(name, part)(critics[0], draw(5, 2), -draw(5, 2), source)
    penalty(name, part)(critics[1], draw(5, 2), -draw(5, 2), source)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    penalty(name, part)(critics[2], draw(5, 2), -draw(5, 2), stream(4))
    assert torch.equal(torch.get_rng_state(), before)
    first, second, again = (critic.asked[0] for critic in critics)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("name", FORMULAS)
def test_no_penalty_reaches_the_generator(name: str, part: Callable[..., Part]) -> None:
    fake, w = draw(5, 2).requires_grad_(True), Linear(3 * draw(2))
    penalty(name, part)(w, draw(5, 2, seed=6), fake, stream()).backward()
    assert fake.grad is None
    assert w.w.grad is not None
    assert w.w.grad.abs().min() > 0


def test_the_one_sided_penalty_is_nothing_below_slope_1(part: Callable[..., Part]) -> None:
    for size, zero in ((0.0, True), (0.99, True), (1.01, False)):
        critic = Linear(torch.tensor([0.0, size]))
        value = penalty("gradient_penalty_one_sided", part)(
            critic, draw(4, 2), draw(4, 2), stream()
        )
        value.backward()
        assert (value.item() == 0) is zero
        assert critic.w.grad is not None
        assert (float(critic.w.grad.abs().sum()) == 0) is zero


def critic() -> nn.Module:
    torch.manual_seed(7)
    layers = [nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(108, 1)]
    return nn.Sequential(*layers, nn.Flatten(0))


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("weight_clip", {"bound": 0.0}, "penalty.bound is 0.0"),
        ("weight_clip", {"bound": -0.1}, "penalty.bound is -0.1"),
        ("gradient_penalty", {"weight": -1.0}, "penalty.weight is -1.0"),
        ("gradient_penalty_one_sided", {"weight": -1.0}, "penalty.weight is -1.0"),
        ("r1", {"gamma": -1}, "penalty.gamma is -1; it lies from 0"),
        ("r2", {"gamma": math.inf}, "penalty.gamma is inf"),
        ("dragan", {"weight": -0.5}, "penalty.weight is -0.5"),
        ("dragan", {"noise": 0.0}, "penalty.noise is 0.0; it lies above 0"),
        ("lecam", {"weight": -1.0}, "penalty.weight is -1.0"),
        ("lecam", {"decay": 1.0}, "penalty.decay is 1.0; it lies from 0 to below 1"),
        ("lecam", {"decay": -0.1}, "penalty.decay is -0.1"),
    ],
)
def test_settings_out_of_range_are_refused(
    name: str, settings: dict[str, float], told: str, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match=told):
        row(name, part, **settings)
