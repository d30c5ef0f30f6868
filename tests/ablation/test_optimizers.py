"""Optimisers against their formulas, step by step."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from ablation.catalogue import rows
from ablation.factories import make
from ablation.spec import Part

NAMES = list(rows("optimizer"))
GRADIENTS = np.array([[0.5, -2.0, 1e-3], [0.1, 3.0, -1e-3], [-0.7, 0.2, 5.0]])
START = np.array([1.0, -1.0, 0.25])


def optimizer(
    part: Callable[..., Part], name: str, weights: list[nn.Parameter], **settings: float
) -> torch.optim.Optimizer:
    return make(part("optimizer", name, **settings), torch.optim.Optimizer, parameters=weights)


def steps(part: Callable[..., Part], name: str, **settings: float) -> np.ndarray:
    weight = nn.Parameter(torch.from_numpy(START.copy()))
    chosen = optimizer(part, name, [weight], **settings)
    for gradient in GRADIENTS:
        weight.grad = torch.from_numpy(gradient.copy())
        chosen.step()
    return weight.detach().numpy()


def adam(lr: float, beta1: float, beta2: float) -> np.ndarray:
    """Algorithm 1 of Kingma & Ba 2015, with its epsilon 1e-8."""
    x, m, v = START.copy(), np.zeros(3), np.zeros(3)
    for t, g in enumerate(GRADIENTS, 1):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        x -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + 1e-8)
    return x


def rmsprop(lr: float, alpha: float) -> np.ndarray:
    """Lecture 6.5 of Tieleman & Hinton 2012, with torch's epsilon 1e-8."""
    x, v = START.copy(), np.zeros(3)
    for g in GRADIENTS:
        v = alpha * v + (1 - alpha) * g * g
        x -= lr * g / (np.sqrt(v) + 1e-8)
    return x


@pytest.mark.parametrize(
    ("name", "formula", "settings"),
    [
        ("adam", adam, {"lr": 2e-4, "beta1": 0.5, "beta2": 0.999}),
        ("adam", adam, {"lr": 1e-2, "beta1": 0.0, "beta2": 0.9}),
        ("rmsprop", rmsprop, {"lr": 5e-5, "alpha": 0.99}),
        ("rmsprop", rmsprop, {"lr": 1e-2, "alpha": 0.5}),
    ],
)
def test_three_steps_are_those_of_the_formula(
    name: str,
    formula: Callable[..., np.ndarray],
    settings: dict[str, float],
    part: Callable[..., Part],
) -> None:
    moved = steps(part, name, **settings)
    np.testing.assert_allclose(moved - START, formula(**settings) - START, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_descends_and_moves_all_its_weights(
    name: str, part: Callable[..., Part]
) -> None:
    weights = [nn.Parameter(torch.full((3,), value)) for value in (2.0, -1.0)]
    chosen = optimizer(part, name, weights, lr=1e-2)
    values = []
    for _ in range(20):
        chosen.zero_grad()
        value = sum((w.square().sum() for w in weights), torch.zeros(()))
        value.backward()
        chosen.step()
        values.append(float(value.detach()))
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0]
    assert all(abs(float(w.detach()[0])) < start for w, start in zip(weights, (2, 1), strict=True))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lr", [0.0, -1e-3])
def test_a_learning_rate_out_of_range_is_refused(
    name: str, lr: float, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match=rf"optimizer\.lr is {lr}"):
        optimizer(part, name, [nn.Parameter(torch.ones(1))], lr=lr)


@pytest.mark.parametrize(
    ("name", "key"),
    [(n, k) for n in NAMES for k, v in rows("optimizer")[n].items() if isinstance(v, float) and k != "lr"],
)  # fmt: skip
@pytest.mark.parametrize("wrong", [-0.1, 1.5])
def test_a_decay_out_of_range_is_refused_by_its_name(
    name: str, key: str, wrong: float, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match=rf"optimizer\.{key} is {wrong}"):
        optimizer(part, name, [nn.Parameter(torch.ones(1))], **{key: wrong})


def test_adam_is_torchs_own_bit_for_bit_across_rates_states_and_missing_gradients(
    part: Callable[..., Part],
) -> None:
    """The kernel that is called at once moves weights, moments and counts as torch's optimiser does."""
    random = torch.Generator().manual_seed(0)
    starts = [torch.randn(n, generator=random) for n in (1, 7, 300)]
    own, theirs = ([nn.Parameter(start.clone()) for start in starts] for _ in range(2))
    ours = optimizer(part, "adam", own, lr=1e-2, beta1=0.5, beta2=0.9)
    plain = torch.optim.Adam(theirs, lr=1e-2, betas=(0.5, 0.9), fused=True)
    for step in range(9):
        for mine, other in zip(own, theirs, strict=True):
            mine.grad = torch.randn(mine.shape, generator=random)
            other.grad = mine.grad.clone()
        if step == 4:  # torch leaves such a weight and its count where they are
            own[1].grad = theirs[1].grad = None
        for one in (ours, plain):
            one.param_groups[0]["lr"] = 1e-2 / (1 + step)
            one.step()
        if step == 6:  # as a checkpoint does: the moments are other tensors from here
            for one in (ours, plain):
                one.load_state_dict(deepcopy(one.state_dict()))
        for mine, other in zip(own, theirs, strict=True):
            assert torch.equal(mine, other), step
            for name, value in plain.state[other].items():
                assert torch.equal(ours.state[mine][name], value), (step, name)
    assert [int(ours.state[weight]["step"]) for weight in own] == [9, 8, 9]
