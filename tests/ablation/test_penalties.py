"""Penalties in closed form, per sample, and weight clipping."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ablation.catalogue import rows
from ablation.factories import make
from ablation.penalties import Penalty
from ablation.spec import Part

NAMES = list(rows("penalty"))


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


def penalty(part: Callable[..., Part], weight: float = 10.0) -> Callable[..., Tensor]:
    value = make(part("penalty", "gradient_penalty", weight=weight), Penalty).value
    assert value is not None
    return value


@pytest.mark.parametrize("size", [0.0, 0.25, 1.0, 7.0])
@pytest.mark.parametrize("weight", [10.0, 0.1])
def test_a_linear_critic_is_penalised_in_closed_form(
    size: float, weight: float, part: Callable[..., Part]
) -> None:
    w = draw(48)
    w *= size / w.norm()
    critic = Linear(w)
    value = penalty(part, weight)(critic, draw(6, 3, 4, 4), draw(6, 3, 4, 4, seed=2), stream())
    assert value.shape == ()
    assert value.item() == pytest.approx(weight * (size - 1) ** 2, rel=1e-5, abs=1e-9)
    if size:
        value.backward()
        assert critic.w.grad is not None
        expected = 2 * weight * (size - 1) * w / size
        torch.testing.assert_close(critic.w.grad, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(500, 2), (500, 1, 4, 4), (500, 3, 5, 5)])
def test_a_quadratic_critic_is_penalised_sample_by_sample(
    shape: tuple[int, ...], part: Callable[..., Part]
) -> None:
    """One norm over the whole batch, or one mixing factor for it, are the mistakes of public code."""
    real, fake, critic = draw(*shape), 3 * draw(*shape, seed=2), Quadratic()
    value = penalty(part)(critic, real, fake, stream()).item()

    (asked,) = critic.asked
    norms = asked.flatten(1).norm(dim=1)
    assert value == pytest.approx(10 * float((norms - 1).square().mean()), rel=1e-5)
    whole = 10 * (float(asked.norm()) - 1) ** 2
    assert abs(value / whole - 1) > 0.5  # the two definitions are far apart here

    way, gone = (real - fake).flatten(1), (asked - fake).flatten(1)
    eps = (gone * way).sum(1) / way.square().sum(1)
    torch.testing.assert_close(gone, eps[:, None] * way, rtol=1e-4, atol=1e-4)  # on the segment
    eps = eps.sort().values
    assert float(eps.diff().min()) > 0  # each sample has its own
    uniform = (torch.arange(len(eps)) + 0.5) / len(eps)
    assert float((eps - uniform).abs().max()) < 1.95 / math.sqrt(len(eps))  # Kolmogorov, p = .001


def test_the_mixing_factors_come_from_the_stream_alone(part: Callable[..., Part]) -> None:
    critics, source = [Quadratic() for _ in range(3)], stream(4)
    torch.manual_seed(0)
    penalty(part)(critics[0], draw(5, 2), -draw(5, 2), source)
    penalty(part)(critics[1], draw(5, 2), -draw(5, 2), source)
    torch.manual_seed(1)
    penalty(part)(critics[2], draw(5, 2), -draw(5, 2), stream(4))
    first, second, again = (critic.asked[0] for critic in critics)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_the_penalty_leaves_the_generator_alone(part: Callable[..., Part]) -> None:
    fake = draw(5, 2).requires_grad_(True)
    penalty(part)(Quadratic(), draw(5, 2, seed=6), fake, stream()).backward()
    assert fake.grad is None


def critic() -> nn.Module:
    torch.manual_seed(7)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(108, 1))


@pytest.mark.parametrize("name", NAMES)
def test_every_penalty_is_finite_and_leaves_finite_weights(
    name: str, part: Callable[..., Part]
) -> None:
    row, network = make(part("penalty", name), Penalty), critic()
    real, fake = draw(4, 1, 8, 8), draw(4, 1, 8, 8, seed=3)
    if row.value is not None:
        value = row.value(network, real, fake, stream())
        assert value.requires_grad
        assert value.item() >= 0
        assert math.isfinite(value.item())
    if row.constrain is not None:
        row.constrain(network)
        assert all(torch.isfinite(p).all() and p.requires_grad for p in network.parameters())
    assert (row.value is None and row.constrain is None) is (name == "none")


@pytest.mark.parametrize("bound", [0.01, 0.1])
def test_clipping_bounds_every_weight_and_moves_no_other(
    bound: float, part: Callable[..., Part]
) -> None:
    network = critic()
    before = [p.detach().clone() for p in network.parameters()]
    constrain = make(part("penalty", "weight_clip", bound=bound), Penalty).constrain
    assert constrain is not None
    constrain(network)
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.equal(new.detach(), old.clamp(-bound, bound))
    assert max(float(p.abs().max()) for p in before) > bound
    assert max(p.abs().max().item() for p in network.parameters()) == pytest.approx(bound)


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("weight_clip", {"bound": 0.0}, "penalty.bound is 0.0"),
        ("weight_clip", {"bound": -0.1}, "penalty.bound is -0.1"),
        ("gradient_penalty", {"weight": -1.0}, "penalty.weight is -1.0"),
    ],
)
def test_settings_out_of_range_are_refused(
    name: str, settings: dict[str, float], told: str, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match=told):
        make(part("penalty", name, **settings), Penalty)
