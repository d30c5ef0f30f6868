"""A frozen generator and its fresh critic: what moves, what does not, and gradients that a hand can compute."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ablation.catalogue import rows
from ablation.datasets import scaled
from ablation.experiments import freeze_generator
from ablation.experiments.critic import challenge, frozen, judged, teach
from ablation.factories import make
from ablation.losses import Loss
from ablation.part import Part
from ablation.spec import TrialSpec
from ablation.training import Training, begin

UPDATES = 4


def states(*modules: nn.Module) -> list[Tensor]:
    return [value.clone() for module in modules for value in module.state_dict().values()]


def equal(one: list[Tensor], two: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def losses(*names: str) -> dict[str, Loss]:
    found = rows("loss")
    return {name: make(Part.read(found[name], "loss"), Loss) for name in names or found}


@pytest.mark.parametrize(
    "words",
    [*({"penalty": name} for name in rows("penalty")),
     *({"constraint": name} for name in rows("constraint")),
     {"ttur": 4.0}, {"packing": 2}, {"precision": "bf16"}, {"optimizer": "rmsprop"},
     {"loss": "wasserstein"}, {"loss": "relativistic_average"}],
    ids=str,
)  # fmt: skip
def test_a_critic_alone_learns_as_in_training(
    words: dict[str, Any], ask: Callable[..., TrialSpec], begun: Any, goes: Any
) -> None:
    """The first generator update comes after `n_critic` updates of D: until then both are the same algorithm."""
    spec = ask(**({"activation": "tanh"} | words), n_critic=UPDATES, steps=1)
    whole = begun(spec)
    goes(whole)
    alone = begin(spec, whole.data, "cpu")
    torch.manual_seed(0)
    before = states(alone.networks.discriminator)
    teach(alone, whole.data.train, UPDATES, lambda _: None)
    one, two = (list(x.networks.discriminator.parameters()) for x in (whole.training, alone))
    assert equal(one, two)
    assert not equal(before, states(alone.networks.discriminator))


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [{"architecture": "maxout_mlp"}, {"activation": "rrelu"}], ids=str
)
def test_a_frozen_generator_stays_as_it_is(
    words: dict[str, Any], ask: Callable[..., TrialSpec], fit: Any
) -> None:
    """Bit for bit, weights and batch norm's statistics, and so does the one that it was copied from."""
    spec = ask(**words)
    ended = fit(spec)
    own = ended.training.networks.generator
    before, copied = states(own), frozen(own)
    training = challenge(spec, ended.data, copied)
    first = states(training.networks.discriminator)
    settings = {"stages": None, "critic_steps": 5, "losses": ["minimax", "wasserstein"]}
    measured = freeze_generator.measured(spec, ended.data, 3, own, settings)
    teach(training, ended.data.train, 5, lambda _: None)
    assert equal(before, states(own))
    assert equal(before, states(copied))
    assert not equal(first, states(training.networks.discriminator))
    assert {row.step for row in measured} == {0, 1, 2, 3, 4, 5}
    assert {row.stage for row in measured} == {3}


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [{}, {"constraint": "spectral_norm"}, {"activation": "rrelu"}], ids=str
)
def test_measuring_moves_nothing(words: dict[str, Any], ask: Any, begun: Any) -> None:
    """A critic that is looked at after every update learns what an unwatched one learns."""
    spec, found = ask(**words), []
    for looks in (False, True):
        ready = begun(spec)
        training = challenge(spec, ready.data, frozen(ready.training.networks.generator))
        real, noise = scaled(ready.data.train[:8]), torch.randn(8, training.networks.latent)

        def look(
            _: int, looks: bool = looks, training: Training = training,
            real: Tensor = real, noise: Tensor = noise,
        ) -> None:  # fmt: skip
            if looks:
                judged(training, losses(), real, noise)

        torch.manual_seed(5)
        teach(training, ready.data.train, UPDATES, look)
        found.append(states(training.networks.discriminator))
    assert equal(*found)


def test_gradients_are_those_that_a_hand_computes(ask: Any, begun: Any) -> None:
    """x = W z + c and a logit v x: a loss of slopes s_i has the gradients sum s_i v z_i' and sum s_i v."""
    ready = begun(ask())
    random = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    W, c, v, z, real = draw(3, 2), draw(3), draw(3), draw(7, 2), draw(7, 3)
    G, D = nn.Linear(2, 3).double(), nn.Linear(3, 1, bias=False).double()
    with torch.no_grad():
        G.weight.copy_(W)
        G.bias.copy_(c)
        D.weight.copy_(v[None])
    D = nn.Sequential(D, nn.Flatten(0))
    networks = replace(ready.training.networks, generator=G, discriminator=D)
    training = replace(ready.training, networks=networks)
    a, b = real @ v, (z @ W.T + c) @ v
    slopes = {
        "minimax": -b.sigmoid(),
        "non_saturating": -(-b).sigmoid(),
        "least_squares": b - 1,
        "probability_difference": -b.sigmoid() * (-b).sigmoid(),
        "wasserstein": -torch.ones(7, dtype=torch.float64),
        "relativistic_pairing": -(a - b).sigmoid(),
    }
    found = {
        (name, quantity): value
        for name, _, quantity, value in judged(training, losses(*slopes), real, z)
    }
    for name, s in slopes.items():
        s = s / 7
        weight, bias = torch.outer(v, s @ z), s.sum() * v
        expected = (weight.square().sum() + bias.square().sum()).sqrt().item()
        assert found[name, "parameter_gradient_norm"] == pytest.approx(expected, rel=1e-12)
        signal = torch.outer(s, v).norm().item()
        assert found[name, "signal_to_generator"] == pytest.approx(signal, rel=1e-12)
    right = ((a > 0).sum() + (b < 0).sum()).item() / 14
    assert found["", "accuracy"] == pytest.approx(right)
    usual = nn.functional.softplus(-a).mean() + nn.functional.softplus(b).mean()
    assert found["", "loss"] == pytest.approx(usual.item(), rel=1e-12)
    assert all(p.grad is None for p in G.parameters())


def test_every_loss_can_be_measured_on_the_same_state(ask: Any, fit: Any) -> None:
    ended = fit(ask())
    training = challenge(ended.training.spec, ended.data, frozen(ended.training.networks.generator))
    real, noise = scaled(ended.data.train[:16]), torch.randn(16, training.networks.latent)
    found = judged(training, losses(), real, noise)
    assert {name for name, *_ in found if name} == set(rows("loss"))
    assert all(torch.tensor(value).isfinite() for *_, value in found)
    norms = {n: v for n, _, q, v in found if q == "parameter_gradient_norm"}
    assert norms["hinge"] == norms["wasserstein"]
    assert norms["fgan_js"] == pytest.approx(norms["non_saturating"], rel=1e-6)
    assert len({round(v, 6) for v in norms.values()}) > 5


def test_stages_are_those_of_a_trial(ask: Any, begun: Any, goes: Any) -> None:
    """The generator frozen at a step is the one that a trial has there; step 0 is the initial one."""
    spec = ask(activation="rrelu")
    ready = begun(spec)
    initial = states(ready.training.networks.generator)
    found, outcome = freeze_generator.trained(spec, ready.data, [0, 4, 9])
    assert list(found) == [0, 4, 9]
    assert (outcome.kind, outcome.step) == ("finished", 9)
    assert equal(initial, states(found[0]))
    for step in (4, 9):
        stopped = goes(begun(spec), until=step)
        assert equal(states(found[step]), states(stopped.training.networks.generator))


def test_a_training_that_diverges_keeps_the_stages_before(ask: Any, begun: Any, part: Any) -> None:
    wild = part("optimizer", "adam", lr=1e20)
    spec = ask(loss="wasserstein", optimizer=wild, steps=12)
    found, outcome = freeze_generator.trained(spec, begun(spec).data, [0, 1, 12])
    assert outcome.kind == "diverged"
    assert list(found) == [step for step in (0, 1, 12) if step < outcome.step]
    assert 12 not in found


@pytest.mark.parametrize("steps", [1, 2, 7, 39, 60, 1000, 4000, 100_000])
def test_looks_go_from_zero_to_the_end_by_ratio(steps: int) -> None:
    found = freeze_generator.looks(steps)
    assert found[0] == 0
    assert found[-1] == steps
    assert found == sorted(set(found))
    assert min(steps + 1, 40) <= len(found) <= 42
    late = [b / a for a, b in pairwise(found) if a >= 30]
    assert not late or max(late) < 1.45


def test_the_usual_stages_are_a_fifteenth_a_third_and_all(ask: Any) -> None:
    assert freeze_generator.stages(ask(steps=1500), {"stages": None}) == [100, 500, 1500]
    assert freeze_generator.stages(ask(steps=2), {"stages": None}) == [1, 2]
    assert freeze_generator.stages(ask(steps=2), {"stages": [0, 2]}) == [0, 2]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stages": "ten"}, "--stages is 'ten'"),
        ({"stages": "5,13"}, "from 0 to 12"),
        ({"stages": "-1"}, "--stages is '-1'"),
        ({"critic_steps": "0"}, "--critic-steps is 0"),
        ({"critic_steps": "5,6"}, "one whole number"),
        ({"losses": "minimax,wasserstien"}, "did you mean wasserstein"),
    ],
    ids=str,
)
def test_wrong_options_are_named(options: dict[str, str], said: str, ask: Any) -> None:
    with pytest.raises(ValueError, match=said):
        freeze_generator.resolve(options, [ask(steps=12), ask(steps=99)])


def test_options_become_settings(ask: Any) -> None:
    given = {"stages": "9,3,3", "critic_steps": "20", "losses": "hinge,fgan_kl"}
    found = freeze_generator.resolve(given, [ask()])
    assert found == {"stages": [3, 9], "critic_steps": 20, "losses": ["hinge", "fgan_kl"]}
    assert copy.copy(freeze_generator.resolve({}, [ask()])) == {
        "stages": None, "critic_steps": 1000, "losses": list(freeze_generator.LOSSES),
    }  # fmt: skip
