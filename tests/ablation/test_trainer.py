"""The training algorithm: bits, streams, counts, averages and the exact step of a divergence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ablation.activations import sites
from ablation.catalogue import rows
from ablation.datasets import scaled
from ablation.factories import make
from ablation.losses import Loss
from ablation.penalties import Penalty
from ablation.spec import Part, TrialSpec
from ablation.training import begin

Ask = Callable[..., TrialSpec]
Fit = Callable[..., Any]
WASSERSTEIN = {"loss": "wasserstein", "penalty": "gradient_penalty", "n_critic": 3}


def differing(a: dict[str, Tensor], b: dict[str, Tensor]) -> list[str]:
    assert a.keys() == b.keys()
    return [name for name, value in a.items() if not torch.equal(value, b[name])]


@pytest.mark.parametrize(
    "way",
    [{}, WASSERSTEIN, {"architecture": "dcgan"}, {"dataset": "ring8", "loss": "least_squares"}],
    ids=str,
)
def test_the_same_seed_gives_the_same_bits(way: dict[str, Any], ask: Ask, fit: Fit) -> None:
    torch.manual_seed(1)
    first = fit(ask(**way, steps=6, seed=7))
    torch.manual_seed(2)
    again, other = fit(ask(**way, steps=6, seed=7)), fit(ask(**way, steps=6, seed=8))
    assert differing(first.state(), again.state()) == []
    assert len(differing(first.state(), other.state())) > 20
    assert (first.outcome.kind, first.outcome.step) == ("finished", 6)
    assert all(torch.isfinite(value).all() for value in first.state().values())


@pytest.mark.parametrize("loss", rows("loss"))
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_every_loss_moves_both_networks(activation: str, loss: str, ask: Ask, fit: Fit) -> None:
    fitted = fit(ask(activation=activation, loss=loss, steps=3))
    fresh = begin(fitted.training.spec, fitted.data, "cpu")
    for name in ("generator", "discriminator"):
        trained, start = (getattr(t.networks, name) for t in (fitted.training, fresh))
        for mine, before in zip(trained.parameters(), start.parameters(), strict=True):
            assert not torch.equal(mine, before) or not mine.grad.any()
        assert any(
            not torch.equal(x, y)
            for x, y in zip(trained.parameters(), start.parameters(), strict=True)
        )


def by_hand(spec: TrialSpec, begun: Fit) -> list[Tensor]:
    """Train as the article says, written out without watch, guard or average."""
    fitted = begun(spec)
    t, data = fitted.training, fitted.data.train
    G, D = t.networks.generator, t.networks.discriminator
    loss, penalty = make(spec.loss, Loss), make(spec.penalty, Penalty)
    n = spec.budget.batch_size

    def noise() -> Tensor:
        return torch.randn(n, t.networks.latent, generator=t.streams["noise"])

    for _ in range(spec.budget.steps):
        for _ in range(spec.n_critic):
            x = scaled(data[torch.randint(len(data), (n,), generator=t.streams["order"])])
            fake = G(noise()).detach()
            value = loss.discriminator(real=D(x), fake=D(fake))
            if penalty.value is not None:
                value = value + penalty.value(D, x, fake, t.streams["penalty"])
            grads = torch.autograd.grad(value, [*D.parameters()])
            for parameter, grad in zip(D.parameters(), grads, strict=True):
                parameter.grad = grad
            t.optimizers["discriminator"].step()
            if penalty.constrain is not None:
                penalty.constrain(D)
        value = loss.generator(real=torch.zeros(n), fake=D(G(noise())))
        grads = torch.autograd.grad(value, [*G.parameters()])
        for parameter, grad in zip(G.parameters(), grads, strict=True):
            parameter.grad = grad
        t.optimizers["generator"].step()
    return [p.detach() for network in (G, D) for p in network.parameters()]


@pytest.mark.parametrize(
    "way",
    [
        {},
        WASSERSTEIN,
        {"loss": "wasserstein", "penalty": "weight_clip", "n_critic": 2, "optimizer": "rmsprop"},
        {"loss": "minimax", "dataset": "ring8"},
    ],
    ids=str,
)
def test_training_is_the_algorithm_written_out(
    way: dict[str, Any], ask: Ask, fit: Fit, begun: Fit
) -> None:
    spec = ask(**way, steps=4)
    networks = fit(spec).training.networks
    found = [*networks.generator.parameters(), *networks.discriminator.parameters()]
    for mine, theirs in zip(found, by_hand(spec, begun), strict=True):
        torch.testing.assert_close(mine.detach(), theirs, rtol=1e-4, atol=1e-6)


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
    seen["real"] = [x for x in seen["real"] if len(x) == n and x[0].numpy().tobytes() in rows]
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


COUNTED = """
from dataclasses import dataclass
from ablation.losses import Loss

calls = []

def counting() -> Loss:
    def discriminator(*, real, fake):
        calls.append("D")
        return fake.mean() - real.mean()
    def generator(*, real, fake):
        calls.append("G")
        return -fake.mean()
    return Loss(discriminator, generator)
"""


@pytest.mark.parametrize("n_critic", [1, 2, 5])
def test_the_discriminator_is_updated_n_critic_times_for_each_update_of_the_generator(
    n_critic: int, ask: Ask, fit: Fit, trusted: Any
) -> None:
    import importlib
    import sys

    from ablation.factories import source_of

    (trusted / "counted.py").write_text(COUNTED)
    part = Part("counting", "counted.counting")
    part = Part("counting", "counted.counting", source=source_of(part))
    sys.modules.pop("counted", None)
    fitted = fit(ask(loss=part, n_critic=n_critic, steps=4))
    calls = importlib.import_module("counted").calls
    assert "".join(calls) == ("D" * n_critic + "G") * 4
    for name, updates in (("discriminator", 4 * n_critic), ("generator", 4)):
        slots = fitted.training.optimizers[name].state_dict()["state"]
        assert {int(slot["step"]) for slot in slots.values()} == {updates}
    del sys.modules["counted"]


@pytest.mark.parametrize("ema", [0.0, 0.15, 0.5, 0.999])
@pytest.mark.parametrize("architecture", rows("architecture"))
def test_the_average_follows_its_formula(
    architecture: str, ema: float, ask: Ask, begun: Fit, goes: Fit
) -> None:
    """avg <- d avg + (1 - d) w with d = min(ema, (1 + t)/(10 + t)); batch norm's statistics are copied."""
    data = "photo_patches" if architecture == "resnet" else "digits"
    fitted = begun(ask(architecture=architecture, dataset=data, ema=ema, steps=8))
    generator, average = fitted.training.networks.generator, fitted.training.average
    expected = [p.detach().double().clone() for p in generator.parameters()]

    def after(training: Any) -> None:
        t = training.step
        decay = min(ema, (1 + t) / (10 + t))
        for mine, weight, found in zip(
            expected, generator.parameters(), average.parameters(), strict=True
        ):
            mine.mul_(decay).add_(weight.detach().double(), alpha=1 - decay)
            torch.testing.assert_close(found.double(), mine, rtol=1e-5, atol=1e-7)
        for mine, theirs in zip(average.buffers(), generator.buffers(), strict=True):
            assert torch.equal(mine, theirs)

    goes(fitted, after=after)
    assert not average.training
    if ema == 0.0:
        pairs = zip(average.parameters(), generator.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


DIVERGING: list[dict[str, Any]] = [
    {"loss": "wasserstein", "lr": 1e30},
    {"loss": "non_saturating", "lr": 1e30},
    {"loss": "minimax", "lr": 1e20},
    {"loss": "least_squares", "lr": 2e4, "optimizer": "rmsprop"},
    {"loss": "wasserstein", "lr": 1e6, "penalty": "gradient_penalty"},
    {"loss": "wasserstein", "lr": 1e8, "n_critic": 2},
    {"loss": "wasserstein", "lr": 2.3e7, "n_critic": 2},
]


@pytest.fixture(scope="module")
def diverged(
    ask: Ask, part: Callable[..., Part], fit: Fit
) -> list[tuple[dict[str, Any], Any, list[int]]]:
    """Train every way, probing every step; keep the steps after which the caller was told."""
    found = []
    for way in DIVERGING:
        rest = {k: v for k, v in way.items() if k not in ("lr", "optimizer")}
        chosen = part("optimizer", way.get("optimizer", "adam"), lr=way["lr"])
        spec = ask(**rest, optimizer=chosen, activation="identity", steps=120, probes=120)
        seen: list[int] = []
        fitted = fit(spec, after=lambda training, seen=seen: seen.append(training.step))
        found.append((way, fitted, seen))
    return found


def test_a_divergence_is_noticed_at_the_end_of_a_short_training_too(
    ask: Ask, part: Callable[..., Part], fit: Fit
) -> None:
    adam = part("optimizer", "adam", lr=1e30)
    fitted = fit(ask(loss="wasserstein", activation="identity", optimizer=adam, steps=7, probes=7))
    assert (fitted.outcome.kind, fitted.outcome.step) == ("diverged", 1)
    assert {r.step for r in fitted.probe.readings} == set(
        range(8)
    )  # it looked at the last step only


@pytest.mark.slow
def test_a_divergence_is_an_outcome_with_its_exact_step(
    diverged: list[tuple[dict[str, Any], Any, list[int]]],
) -> None:
    """The guard looks every 50 steps; the step it names is that of the first loss that is not finite."""
    for way, fitted, seen in diverged:
        readings = fitted.probe.readings
        broken = [r.step for r in readings if r.quantity == "loss" and not math.isfinite(r.value)]
        assert broken, f"{way} should diverge"
        assert (fitted.outcome.kind, fitted.outcome.step) == ("diverged", broken[0]), way
        assert "finite" in fitted.outcome.message
        assert max(seen, default=0) <= 50 * math.ceil(broken[0] / 50)


@pytest.mark.slow
def test_the_ways_of_diverging_reach_steps_before_and_after_the_first_look(
    diverged: list[tuple[dict[str, Any], Any, list[int]]],
) -> None:
    steps = [fitted.outcome.step for _, fitted, _ in diverged]
    assert min(steps) == 1
    assert any(1 < step < 50 for step in steps)
    assert any(50 < step < 120 and step % 50 for step in steps)


def test_a_site_that_does_not_exist_is_refused_with_those_that_do(ask: Ask, begun: Fit) -> None:
    with pytest.raises(
        ValueError, match=r"activation_at names 'generator\.9'; the sites are generator\.0"
    ):
        begun(ask(at={"generator.9": "tanh"}))
    with pytest.raises(ValueError, match=r"activation_at names 'critic\.0'"):
        begun(ask(at={"critic.0": "tanh"}))


def test_parts_that_do_not_fit_the_data_are_refused(ask: Ask, begun: Fit) -> None:
    with pytest.raises(ValueError, match="dcgan makes square images"):
        begun(ask(architecture="dcgan", dataset="ring8"))


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_a_small_network_learns_where_the_ring_lies(
    activation: str, ask: Ask, part: Callable[..., Part], fit: Fit
) -> None:
    from ablation.scores import frechet

    wide = part("architecture", "mlp", width=128, depth=2, latent=16)
    data = part("dataset", "ring8", points=20_000)
    spec = ask(
        architecture=wide, dataset=data, activation=activation, steps=1000, ema=0.99, batch_size=128
    )
    fitted = fit(spec)
    fresh = begin(spec, fitted.data, "cpu")
    noise = torch.randn(2000, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before, after = (
            frechet(t.average(noise), fitted.data.test) for t in (fresh, fitted.training)
        )
    assert after < before / 4


@pytest.mark.parametrize("penalty", rows("penalty"))
def test_gradients_per_site_are_those_of_the_loss_whatever_the_penalty_differentiates(
    penalty: str, ask: Ask, begun: Fit, goes: Fit
) -> None:
    """Against autograd by hand at step 1: a penalty takes gradients at hidden layers too, and they are not these."""
    spec = ask(dataset="ring8", activation="silu", penalty=penalty, steps=1, probes=1)
    fitted, twin = begun(spec), begun(spec)
    goes(fitted)
    found = {
        r.layer: r.value
        for r in fitted.probe.readings
        if r.network == "discriminator" and r.quantity == "gradient_norm"
    }
    t, data = twin.training, twin.data.train
    n, D = spec.budget.batch_size, t.networks.discriminator
    x = data[torch.randint(len(data), (n,), generator=t.streams["order"])]
    fake = t.networks.generator(
        torch.randn(n, t.networks.latent, generator=t.streams["noise"])
    ).detach()
    outputs: dict[str, list[Tensor]] = {}
    for site in sites(D):
        site.register_forward_hook(lambda site, _, h: outputs.setdefault(site.name, []).append(h))
    a, b = D(x), D(fake)
    value = make(spec.loss, Loss).discriminator(real=a, fake=b)
    on_logits = make(spec.penalty, Penalty).on_logits
    if on_logits is not None:
        value = value + on_logits(a, b)
    for name, hidden in outputs.items():
        slopes = torch.autograd.grad(value, hidden, retain_graph=True)
        expected = float(torch.stack([s.double().norm() for s in slopes]).norm())
        assert found[name] == pytest.approx(expected, rel=1e-5), name
    assert len(found) == len(outputs) == 2


@pytest.mark.parametrize("patience", [0, 1])
def test_a_divergence_keeps_its_step_beside_a_convergence_stop(
    patience: int, ask: Ask, part: Callable[..., Part], fit: Fit
) -> None:
    adam = part("optimizer", "adam", lr=1e30)
    spec = ask(dataset="ring8", activation="identity", optimizer=adam, steps=40, evaluations=20)
    outcome = fit(replace(spec, patience=patience)).outcome
    assert (outcome.kind, outcome.step) == ("diverged", 1)
    assert "loss" in outcome.message
