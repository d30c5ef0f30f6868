"""The penalty that remembers: the values of lecam, its running means, and the state that it keeps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from test_penalties import NAMES, draw, row
from torch import Tensor

from ablation.penalties import Penalty
from ablation.spec import Part

UPDATES = [([1.0, 3.0], [0.0, -1.0]), ([1.0, 5.0], [0.0, -2.0]), ([-1.0, 0.0], [4.0, 2.0])]
"""Logits of three updates; their means are 2 and -.5, 3 and -1, -.5 and 3."""


def logits(values: list[float]) -> Tensor:
    return torch.tensor(values, requires_grad=True)


def lecam(part: Callable[..., Part], **settings: float) -> tuple[Penalty, Callable[..., Tensor]]:
    chosen = row("lecam", part, **settings)
    assert chosen.on_logits is not None
    return chosen, chosen.on_logits


def test_lecam_has_its_hand_computed_values(part: Callable[..., Part]) -> None:
    """With decay .9: the running means are 2, -.5; then 2.1, -.55; then 1.84, -.195."""
    chosen, penalise = lecam(part, weight=0.5, decay=0.9)
    found = [penalise(logits(a), logits(b)).item() for a, b in UPDATES]
    # (1.5^2 + 3.5^2) / 2 = 7.25; (2^2 + 3^2) / 2 = 6.5
    # (1.55^2 + 5.55^2) / 2 = 16.6025; (2.1^2 + 4.1^2) / 2 = 10.61
    # (.805^2 + .195^2) / 2 = .343025; (2.16^2 + .16^2) / 2 = 2.3456
    assert found == pytest.approx([6.875, 13.60625, 1.3443125], rel=1e-6)
    assert chosen.state["real"].item() == pytest.approx(1.84, rel=1e-6)
    assert chosen.state["fake"].item() == pytest.approx(-0.195, rel=1e-6)


def test_lecam_s_gradient_knows_the_means_as_constants(part: Callable[..., Part]) -> None:
    chosen, penalise = lecam(part, weight=0.5, decay=0.9)
    for a, b in UPDATES:
        real, fake = logits(a), logits(b)
        penalise(real, fake).backward()
        assert real.grad is not None
        assert fake.grad is not None
        # 1/2 of the derivative 2 (a - mean) over two samples
        torch.testing.assert_close(real.grad, (real.detach() - chosen.state["fake"]) / 2)
        torch.testing.assert_close(fake.grad, (fake.detach() - chosen.state["real"]) / 2)
    assert not any(tensor.requires_grad for tensor in chosen.state.values())


def test_lecam_s_means_follow_their_sum_over_the_past(part: Callable[..., Part]) -> None:
    """d^(n-1) m_1 + (1 - d) sum over i > 1 of d^(n-i) m_i; the first update is not mixed with a zero."""
    decay, means = 0.7, [float(x) for x in 5 + draw(40)]
    chosen, penalise = lecam(part, decay=decay)
    for mean in means:
        penalise(torch.tensor([mean - 1, mean + 1]), torch.tensor([-mean]))
    n = len(means)
    expected = decay ** (n - 1) * means[0]
    expected += sum((1 - decay) * decay ** (n - i) * m for i, m in enumerate(means[1:], 2))
    assert chosen.state["real"].item() == pytest.approx(expected, rel=1e-5)
    assert chosen.state["fake"].item() == pytest.approx(-expected, rel=1e-5)


def test_lecam_goes_on_from_a_saved_state_bit_for_bit(part: Callable[..., Part]) -> None:
    (first, penalise), (second, again) = lecam(part), lecam(part)
    batches = [(draw(6, seed=n), draw(6, seed=n + 50)) for n in range(8)]
    for a, b in batches[:4]:
        penalise(a, b)
    assert second.state["updates"] == 0  # two trials share nothing
    held = dict(second.state)
    saved = {name: tensor.clone() for name, tensor in first.state.items()}
    second.restore(saved)
    assert all(second.state[name] is tensor for name, tensor in held.items())  # in place
    for a, b in batches[4:]:
        assert torch.equal(penalise(a, b), again(a, b))
    fresh = lecam(part)[1]
    assert not torch.equal(fresh(*batches[0]), again(*batches[0]))  # the state counts


def test_every_penalty_s_state_is_tensors_that_it_moves_in_place(part: Callable[..., Part]) -> None:
    for name in NAMES:
        chosen = row(name, part)
        assert bool(chosen.state) is (name == "lecam")
        chosen.to("cpu")
        held = dict(chosen.state)
        if chosen.on_logits is not None:
            chosen.on_logits(draw(3), draw(3, seed=2))
        assert all(chosen.state[key] is tensor for key, tensor in held.items())
        chosen.restore({key: torch.zeros_like(tensor) for key, tensor in held.items()})
        assert not any(tensor.any() for tensor in chosen.state.values())


def test_a_state_moves_to_its_device_and_the_hooks_follow(part: Callable[..., Part]) -> None:
    chosen, penalise = lecam(part)
    chosen.to("meta")
    assert {tensor.device.type for tensor in chosen.state.values()} == {"meta"}
    moved = {name: torch.zeros(()) for name in chosen.state}
    chosen.state.update(moved)  # as a move to another device replaces them
    penalise(*(logits(values) for values in UPDATES[0]))
    assert [moved[name].item() for name in ("real", "fake", "updates")] == [2, -0.5, 1]


def test_a_state_of_another_penalty_is_refused(part: Callable[..., Part]) -> None:
    with pytest.raises(ValueError, match=r"has the state \[\], not \['fake', 'real', 'updates'\]"):
        row("lecam", part).restore({})
    with pytest.raises(ValueError, match=r"has the state \['real'\], not \[\]"):
        row("r1", part).restore({"real": torch.zeros(())})
