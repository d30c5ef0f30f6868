"""What a penalty differentiates: its own gradient, critics that allow only one, and weights that stay finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from test_penalties import FORMULAS, NAMES, critic, draw, penalty, row, stream
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ablation.spec import Part


@pytest.mark.parametrize("name", FORMULAS)
def test_the_penalty_s_gradient_is_that_of_finite_differences(
    name: str, part: Callable[..., Part]
) -> None:
    """Through a smooth network, where second derivatives count."""
    w, v = (draw(*s, seed=n).double() for n, s in enumerate([(6, 3), (6,)], 1))
    real, fake = draw(4, 3, seed=8).double(), draw(4, 3, seed=9).double()

    def value(w: Tensor) -> Tensor:
        return penalty(name, part)(lambda x: (x @ w.T).tanh() @ v, real, fake, stream())

    assert torch.autograd.gradcheck(value, w.requires_grad_(True))


class Once(torch.autograd.Function):
    """x squared, which refuses to be differentiated twice."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        return 2 * ctx.saved_tensors[0] * slope


@pytest.mark.parametrize("name", NAMES)
def test_differentiates_twice_says_whether_a_critic_that_refuses_it_cannot_be_used(
    name: str, part: Callable[..., Part]
) -> None:
    chosen, first, last = row(name, part), nn.Linear(3, 2), nn.Linear(2, 1)

    def once(x: Tensor) -> Tensor:
        return last(Once.apply(first(x))).flatten()

    real, fake = draw(4, 3), draw(4, 3, seed=2)
    total = once(fake).mean() - once(real).mean()
    if chosen.value is not None:
        total = total + chosen.value(once, real, fake, stream())
    if chosen.on_logits is not None:
        total = total + chosen.on_logits(once(real), once(fake))
    if chosen.differentiates_twice:
        with pytest.raises(RuntimeError, match="differentiate twice"):
            total.backward()
    else:
        total.backward()
        assert first.weight.grad is not None


CONSTANT = torch.full((4, 1, 8, 8), -1.0)


@pytest.mark.parametrize(
    "samples",
    [
        (draw(4, 1, 8, 8), draw(4, 1, 8, 8, seed=3)),
        (draw(1, 1, 8, 8), draw(1, 1, 8, 8, seed=3)),
        (1e6 * draw(4, 1, 8, 8), draw(4, 1, 8, 8, seed=3)),
        (CONSTANT, CONSTANT),
    ],
    ids=["usual", "single", "far", "constant"],
)
@pytest.mark.parametrize("name", NAMES)
def test_every_penalty_is_finite_and_leaves_finite_weights(
    name: str, samples: tuple[Tensor, Tensor], part: Callable[..., Part]
) -> None:
    chosen, network, (real, fake) = row(name, part), critic(), samples
    values = []
    if chosen.value is not None:
        values.append(chosen.value(network, real, fake, stream()))
    if chosen.on_logits is not None:
        values.append(chosen.on_logits(network(real), network(fake)))
    for value in values:
        assert value.requires_grad
        assert value.shape == ()
        assert value.item() >= 0
        value.backward()
        slopes = [p.grad for p in network.parameters() if p.grad is not None]
        assert all(slope.isfinite().all() for slope in [value, *slopes])
    if chosen.constrain is not None:
        chosen.constrain(network)
        assert all(torch.isfinite(p).all() and p.requires_grad for p in network.parameters())
    hooks = [chosen.value, chosen.constrain, chosen.on_logits]
    assert sum(hook is not None for hook in hooks) == (0 if name == "none" else 1)


@pytest.mark.parametrize("bound", [0.01, 0.1])
def test_clipping_bounds_every_weight_and_moves_no_other(
    bound: float, part: Callable[..., Part]
) -> None:
    network = critic()
    before = [p.detach().clone() for p in network.parameters()]
    constrain = row("weight_clip", part, bound=bound).constrain
    assert constrain is not None
    constrain(network)
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.equal(new.detach(), old.clamp(-bound, bound))
    assert max(float(p.abs().max()) for p in before) > bound
    assert max(p.abs().max().item() for p in network.parameters()) == pytest.approx(bound)
