"""What a step sets: packing, schedules, two time scales, clipping, precision, compiled players."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ablation.catalogue import rows
from ablation.datasets import scaled
from ablation.spec import Part, TrialSpec
from ablation.training import players

Ask = Callable[..., TrialSpec]
Fit = Callable[..., Any]


def logits_of(network: nn.Module) -> list[Tensor]:
    """Keep what goes into a network from now on."""
    seen: list[Tensor] = []
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach().clone()))
    return seen


@pytest.mark.parametrize("packing", [1, 2, 4])
@pytest.mark.parametrize(
    ("way", "shape"),
    [
        ({"dataset": "ring8"}, (2,)),
        ({"architecture": "dcgan"}, (1, 8, 8)),
        ({"loss": "wasserstein", "penalty": "gradient_penalty"}, (1, 8, 8)),
    ],
    ids=str,
)
def test_a_packed_discriminator_sees_several_samples_at_once(
    way: dict[str, Any], shape: tuple[int, ...], packing: int, ask: Ask, begun: Fit, goes: Fit
) -> None:
    spec = ask(**way, packing=packing, steps=2, probes=2, batch_size=5)
    fitted = begun(spec)
    seen = logits_of(fitted.training.networks.discriminator)
    noise = logits_of(fitted.training.networks.generator)
    goes(fitted)
    halves = [x.split(5) for x in seen if len(x) in (5, 10)]  # not the probe's
    trained = [x for both in halves for x in both]
    assert {tuple(x.shape) for x in trained} == {(5, packing * shape[0], *shape[1:])}
    assert {len(z) for z in noise} >= {5 * packing}  # as many samples as the packs hold
    real, data = trained["penalty" in way], scaled(fitted.data.train)  # a penalty looks first
    for channel in range(packing):
        part = real[:, channel * shape[0] : (channel + 1) * shape[0]]
        found = (data[None] == part[:, None]).flatten(2).all(dim=2).any(dim=1)
        assert found.all()  # each is a whole training sample


def test_packing_leaves_the_generator_as_it_starts(ask: Ask) -> None:
    one, four = (players(ask(dataset="ring8", packing=n), (2,)) for n in (1, 4))
    shapes = [[tuple(p.shape) for p in n.generator.parameters()] for n in (one, four)]
    assert shapes[0] == shapes[1]
    first = [next(n.discriminator.parameters()).shape[1] for n in (one, four)]
    assert first == [2, 8]


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("constant", lambda _: 1.0),
        ("linear", lambda t: 1 - t),
        ("cosine", lambda t: (1 + math.cos(math.pi * t)) / 2),
    ],
)
@pytest.mark.parametrize("ttur", [1.0, 4.0])
def test_learning_rates_follow_their_schedule_and_their_two_time_scales(
    name: str, share: Callable[[float], float], ttur: float, ask: Ask, fit: Fit
) -> None:
    rates: list[tuple[float, float]] = []

    def after(training: Any) -> None:
        rates.append(tuple(o.param_groups[0]["lr"] for o in training.optimizers.values()))

    fit(ask(schedule=name, ttur=ttur, steps=8), after=after)
    expected = [2e-4 * share(step / 8) for step in range(8)]
    assert [g for g, _ in rates] == pytest.approx(expected, rel=1e-12)
    assert [d for _, d in rates] == pytest.approx([ttur * e for e in expected], rel=1e-12)


@pytest.mark.slow
def test_a_schedule_moves_the_weights_less(ask: Ask, fit: Fit, begun: Fit) -> None:
    start = [p.detach().clone() for p in begun(ask()).training.networks.generator.parameters()]
    moved = {}
    for name in ("constant", "linear"):
        own = fit(ask(schedule=name, steps=12)).training.networks.generator.parameters()
        pairs = zip(own, start, strict=True)
        moved[name] = sum(float((a.detach() - b).square().sum()) for a, b in pairs)
    assert 0 < moved["linear"] < 0.7 * moved["constant"]


def test_clipping_bounds_the_gradient_that_the_optimiser_sees(
    ask: Ask, part: Callable[..., Part], begun: Fit, goes: Fit
) -> None:
    norms: dict[str, dict[str, list[float]]] = {}
    for name, chosen in (
        ("free", "none"),
        ("bound", part("constraint", "gradient_clip", clip=0.01)),
    ):
        fitted = begun(ask(constraint=chosen, steps=4))
        for player, optimizer in fitted.training.optimizers.items():
            own = norms.setdefault(name, {}).setdefault(player, [])

            def note(optimizer: Any, *_: Any, own: list[float] = own) -> None:
                grads = [p.grad for group in optimizer.param_groups for p in group["params"]]
                own.append(float(torch.stack([g.norm() for g in grads]).norm()))

            optimizer.register_step_pre_hook(note)
        goes(fitted)
    for player in ("generator", "discriminator"):
        assert min(norms["free"][player]) > 0.01
        assert max(norms["bound"][player]) <= 0.01 * (1 + 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        {},
        {"architecture": "dcgan"},
        {"loss": "wasserstein", "penalty": "gradient_penalty"},
        {"architecture": "dcgan", "constraint": "spectral_norm"},
    ],
    ids=str,
)
def test_mixed_precision_computes_in_bf16_and_keeps_fp32_weights(
    way: dict[str, Any], ask: Ask, begun: Fit, goes: Fit
) -> None:
    spec = ask(**way, steps=3, probes=3)
    weights, kinds = {}, set()
    for precision in ("fp32", "bf16"):
        fitted = begun(replace(spec, precision=precision))
        D = fitted.training.networks.discriminator
        layer = next(m for m in D.modules() if isinstance(m, (nn.Linear, nn.Conv2d)))
        layer.register_forward_hook(lambda *hook, p=precision: kinds.add((p, hook[2].dtype)))
        goes(fitted)
        own = [p.detach() for p in fitted.training.networks.generator.parameters()]
        assert {p.dtype for p in own} == {torch.float32}
        assert all(math.isfinite(reading.value) for reading in fitted.probe.readings)
        weights[precision] = torch.cat([p.flatten() for p in own])
    assert ("bf16", torch.bfloat16) in kinds
    assert {kind for name, kind in kinds if name == "fp32"} == {torch.float32}
    assert not torch.equal(weights["fp32"], weights["bf16"])
    torch.testing.assert_close(weights["fp32"], weights["bf16"], rtol=0.05, atol=5e-3)


def test_convolutions_lie_channels_last(ask: Ask, begun: Fit) -> None:
    training = begun(ask(architecture="dcgan")).training
    for network in (training.networks.generator, training.networks.discriminator, training.average):
        wide = [p for p in network.parameters() if p.dim() == 4 and min(p.shape[:2]) > 1]
        assert all(p.is_contiguous(memory_format=torch.channels_last) for p in wide)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_compiled_players_train_as_the_written_ones_whatever_the_probe_sees(
    ask: Ask, fit: Fit
) -> None:
    spec = ask(steps=4, dataset="ring8", loss="wasserstein", penalty="gradient_penalty", probes=4)
    blind = replace(spec, protocol=replace(spec.protocol, probes=0))
    written, seen, unseen = (
        fit(spec),
        fit(replace(spec, compile="default")),
        fit(replace(blind, compile="default")),
    )
    before, after = unseen.state(), seen.state()
    assert [k for k, v in after.items() if not torch.equal(v, before[k])] == []
    assert any(not torch.equal(v, after[k]) for k, v in written.state().items())  # other kernels
    for mine, theirs in zip(written.probe.readings, seen.probe.readings, strict=True):
        where = (mine.step, mine.layer, mine.quantity)
        assert (theirs.step, theirs.layer, theirs.quantity) == where
        if mine.quantity == "loss":
            assert theirs.value == pytest.approx(mine.value, rel=1e-3, abs=1e-5)


def test_what_cannot_be_compiled_is_refused(ask: Ask, begun: Fit) -> None:
    with pytest.raises(
        ValueError, match="compile=default does not go with constraint=spectral_norm"
    ):
        begun(ask(constraint="spectral_norm", compile="default"))


WAYS: list[dict[str, Any]] = [
    {"packing": 2},
    {"schedule": "cosine"},
    {"precision": "bf16"},
    {"constraint": "spectral_norm"},
    {"activation": "rrelu"},
    {"penalty": "lecam"},
    {"penalty": "dragan"},
    {"evaluations": 3},
]


@pytest.mark.slow
@pytest.mark.parametrize("architecture", rows("architecture"))
def test_probes_never_move_training(architecture: str, ask: Ask, fit: Fit) -> None:
    data = (
        "ring8"
        if "mlp" in architecture
        else "photo_patches"
        if architecture == "resnet"
        else "digits"
    )
    spec = ask(architecture=architecture, dataset=data, steps=3)
    watched = replace(spec, protocol=replace(spec.protocol, probes=3))
    seen, unseen = fit(watched).state(), fit(spec).state()
    assert [k for k, v in seen.items() if not torch.equal(v, unseen[k])] == []


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_probing_and_evaluating_leave_no_trace(way: dict[str, Any], ask: Ask, fit: Fit) -> None:
    asked = {k: v for k, v in way.items() if k != "evaluations"}
    spec = ask(**asked, steps=4, dataset="ring8")
    measured = replace(spec.protocol, probes=4, evaluations=way.get("evaluations", 2))
    seen, unseen = fit(replace(spec, protocol=measured)), fit(spec)
    assert [k for k, v in seen.state().items() if not torch.equal(v, unseen.state()[k])] == []
    assert seen.selection.history
    assert not unseen.selection.history
