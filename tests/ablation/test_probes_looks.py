"""When it is looked at, what each look holds, and that looking moves nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from test_probes import BOTH, DEPTH, POWER, UNITS, Ask

from ablation.activations import sites
from ablation.probes import deep, due
from ablation.probes.weights import weights

LIVES = ("born_fraction", "died_fraction", "revived_fraction")


@pytest.mark.parametrize(
    ("steps", "probes"), [(1500, 24), (50, 5), (10, 3), (7, 7), (3, 100), (9, 1), (1, 1)]
)
def test_the_schedule_has_the_first_the_last_and_even_steps_between(
    steps: int, probes: int
) -> None:
    found = [step for step in range(1, steps + 1) if due(step, steps, probes)]
    assert found[0] == 1
    assert found[-1] == steps
    even = found[1:] if len(found) > probes else found
    assert len(even) == min(steps, probes)
    gaps = [b - a for a, b in pairwise(even)]
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert not [step for step in range(1, steps + 1) if due(step, steps, 0)]


WAYS: list[dict[str, Any]] = [
    {"architecture": "mlp"},
    {"activation": "sigmoid", "loss": "wasserstein", "penalty": "gradient_penalty", "n_critic": 2},
    {"architecture": "dcgan", "activation": "relu"},
    {"architecture": "dcgan", "loss": "wasserstein", "penalty": "weight_clip", "optimizer": "rmsprop"},
    {"constraint": "spectral_norm", "activation": "rrelu", "loss": "hinge", "dataset": "ring8"},
    {"architecture": "resnet", "dataset": "stacked_digits", "activation": "prelu", "penalty": "lecam"},
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way.values())))
def test_looking_moves_nothing(way: dict[str, Any], ask: Ask, fit: Callable[..., Any]) -> None:
    without = fit(ask(**way, steps=8, probes=0))
    assert without.probe.readings == []
    expected = without.state()
    for probes in (3, 8):
        watched = fit(ask(**way, steps=8, probes=probes))
        assert len(watched.probe.readings) > 0
        state = watched.state()
        assert state.keys() == expected.keys()
        assert [k for k, v in state.items() if not torch.equal(v, expected[k])] == []


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way.values())))
def test_every_probed_step_has_all_its_readings(
    way: dict[str, Any], ask: Ask, fit: Callable[..., Any]
) -> None:
    fitted = fit(ask(**way, steps=8, probes=3))
    networks = fitted.training.networks
    expected = {
        (n, "", q)
        for n in ("generator", "discriminator")
        for q in ("loss", "parameter_gradient_norm")
    }
    expected |= {("discriminator", "", q) for q in ("accuracy", "separation")}
    expected |= {("generator", "", q) for q in ("signal_to_generator", "sample_variance")}
    start: set[tuple[str, str, str]] = set()  # before training there are units, and no losses
    depth: set[tuple[str, str, str]] = set()
    for name, network in (
        ("generator", networks.generator),
        ("discriminator", networks.discriminator),
    ):
        if len(sites(network)) > 1:
            expected.add((name, "", "attenuation"))
            if name == "discriminator":
                expected.add((name, "", "generator_loss_attenuation"))
        for place, _ in network.named_parameters():
            expected.add((name, f"{name}.{place}", "parameter_gradient_norm"))
        for place, _ in weights(network):
            depth |= {(name, f"{name}.{place}", q) for q in ("weight_norm", "spectral_norm")}
        for site in sites(network):
            start |= {(name, site.name, q) for q in (*UNITS, POWER)}
            start |= {(name, site.name, f"learned_{q}") for q, _ in site.phi.named_parameters()}
            expected |= {(name, site.name, q) for q in (*LIVES, "gradient_norm")}
            if name == "discriminator":
                start |= {(name, site.name, q) for q in BOTH}
                depth |= {(name, site.name, f"{q}_{w}") for q in DEPTH for w in ("real", "fake")}
                expected.add((name, site.name, "generator_loss_gradient_norm"))
            else:
                depth |= {(name, site.name, q) for q in DEPTH}
    start |= {("generator", "", "sample_variance")}
    if way.get("dataset") == "ring8" and fitted.probe.modes is not None:
        start.add(("generator", "", "modes_reached"))
    if way.get("loss") == "wasserstein":
        expected.discard(("discriminator", "", "accuracy"))
    expected |= start
    moved = {(*where, "update_norm") for *where, q in depth if q == "weight_norm"}
    by_step: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for r in fitted.probe.readings:
        by_step[r.step].append((r.network, r.layer, r.quantity))
        assert math.isfinite(r.value), r
    assert list(by_step) == [0, *(step for step in range(1, 9) if due(step, 8, 3))]
    for step, found in by_step.items():
        asked = start if step == 0 else expected
        asked = asked | depth if deep(step, 8, 3) else asked
        asked = asked | moved if step and deep(step, 8, 3) else asked
        assert sorted(found) == sorted(asked), step


@pytest.mark.slow
def test_the_read_accuracy_is_the_share_told_right(
    ask: Ask, begun: Callable[..., Any], goes: Callable[..., Any]
) -> None:
    fitted, logits = begun(ask(steps=1, probes=1, batch_size=64)), []
    fitted.training.networks.discriminator.register_forward_hook(
        lambda _, __, output: logits.append(output.detach())
    )
    goes(fitted)
    a, b = logits[2].chunk(2)  # after the look before training: real and fake as one batch
    told = float(((a > 0).sum() + (b < 0).sum()) / (len(a) + len(b)))
    reading = next(r.value for r in fitted.probe.readings if r.quantity == "accuracy")
    assert reading == pytest.approx(told, abs=1e-7)
    assert 0 < told < 1
