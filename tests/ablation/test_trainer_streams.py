"""Random streams of a training: equal seeds see the same data and noise, however long they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from test_trainer import Ask, Fit
from torch import Tensor, nn

from ablation.catalogue import rows
from ablation.datasets import scaled
from ablation.factories import make
from ablation.losses import Loss
from ablation.spec import TrialSpec


def inputs(spec: TrialSpec, begun: Fit, goes: Fit) -> dict[str, list[Tensor]]:
    """Train, and keep what went into the networks: noise into G, real samples into D."""
    fitted, seen = begun(spec), {"noise": [], "real": []}
    networks = fitted.training.networks

    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor]], None]:
        return lambda _, given: seen[name].append(given[0].detach().clone())

    networks.generator.register_forward_pre_hook(keep("noise"))
    networks.discriminator.register_forward_pre_hook(keep("real"))
    goes(fitted)
    rows = {row.numpy().tobytes() for row in scaled(fitted.data.train)}
    n, steps = spec.budget.batch_size, spec.budget.steps
    seen["noise"] = [
        z for z in seen["noise"] if len(z) == n
    ]  # the probe's batches have other sizes
    halves = [
        x[:n] for x in seen["real"] if len(x) in (n, 2 * n)
    ]  # real ones may have fakes beside
    seen["real"] = [x for x in halves if x[0].numpy().tobytes() in rows]
    assert len(seen["noise"]) == (spec.n_critic + 1) * steps
    loss = make(spec.loss, Loss)
    if loss.sees_real:  # then the generator's side looks at the last batch again
        every = seen["real"]
        seen["real"] = [x for n, x in enumerate(every) if not n or not torch.equal(x, every[n - 1])]
    assert len(seen["real"]) == spec.n_critic * steps
    return seen


@pytest.mark.parametrize(
    "other",
    [{"activation": name} for name in rows("activation") if name != "leaky_relu"]
    + [{"loss": name} for name in rows("loss") if name != "non_saturating"]
    + [
        {"penalty": "weight_clip"},
        {"optimizer": "rmsprop"},
        {"init": "fixed"},
        {"ema": 0.5},
        {"probes": 5},
    ],
    ids=str,
)
def test_equal_seeds_see_the_same_data_and_the_same_noise(
    other: dict[str, Any], ask: Ask, begun: Fit, goes: Fit
) -> None:
    mine, theirs = (inputs(ask(**way, steps=5), begun, goes) for way in ({}, other))
    for name in ("noise", "real"):
        assert len(mine[name]) == len(theirs[name])
        assert all(torch.equal(a, b) for a, b in zip(mine[name], theirs[name], strict=True)), name


def test_different_seeds_see_different_data_and_noise(ask: Ask, begun: Fit, goes: Fit) -> None:
    mine, theirs = (inputs(ask(steps=3, seed=seed), begun, goes) for seed in (0, 1))
    for name in ("noise", "real"):
        assert not any(torch.equal(a, b) for a, b in zip(mine[name], theirs[name], strict=True))
        batches = [tuple(x.flatten().tolist()) for x in mine[name]]
        assert len(set(batches)) == len(batches)  # and no batch comes twice


def test_a_run_sees_the_same_data_however_long_it_is(ask: Ask, begun: Fit, goes: Fit) -> None:
    short, long = (inputs(ask(steps=steps), begun, goes) for steps in (3, 6))
    assert all(torch.equal(a, b) for a, b in zip(short["real"], long["real"], strict=False))
