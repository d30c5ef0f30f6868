"""The training algorithm: bits, streams, counts, averages and the exact step of a divergence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

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


@pytest.mark.slow
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
