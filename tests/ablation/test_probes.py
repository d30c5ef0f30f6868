"""Readings against planted truths and hand-computed gradients; and that looking moves nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ablation.activations import Activation, ActivationSite, sites
from ablation.catalogue import rows
from ablation.factories import make
from ablation.losses import Loss
from ablation.networks import Logit, Networks
from ablation.probes import Probe, deep, due
from ablation.probes.watch import FAINTEST
from ablation.probes.weights import weights
from ablation.spec import Part, TrialSpec

Ask = Callable[..., TrialSpec]
ACTIVATIONS = list(rows("activation"))
UNITS = ("dead_fraction", "saturated_fraction", "unborn_fraction")
BOTH = tuple(
    f"{kind}_fraction_{which}" for kind in ("dead", "saturated") for which in ("real", "fake")
)
POWER = "slope_power"
LIVES = ("born_fraction", "died_fraction", "revived_fraction")
DEPTH = ("effective_rank", "dormant_fraction", "dormant_10_fraction")
WIDTH = 10


def pair(activation: Activation) -> Networks:
    """Return two small players of 3-vectors in float64, two sites each."""

    def player(network: str, *sizes: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for number, (narrow, wide) in enumerate(pairwise(sizes[:-1])):
            site = ActivationSite(f"{network}.{number}", activation)
            layers += [nn.Linear(narrow, site.channels_in(wide)), site]
        return [*layers, nn.Linear(*sizes[-2:])]

    torch.manual_seed(0)
    generator = nn.Sequential(*player("generator", 4, WIDTH, WIDTH, 3)).double()
    discriminator = nn.Sequential(*player("discriminator", 3, WIDTH, WIDTH, 1), Logit()).double()
    return Networks(generator, discriminator, 4)


def normal(n: int, size: int, seed: int) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    return torch.randn(n, size, generator=stream, dtype=torch.float64)


def probe_of(networks: Networks, probes: int = 1) -> Probe:
    return Probe(networks, normal(30, 3, 1), normal(20, 4, 2), steps=1, probes=probes)


def units(networks: Networks) -> dict[tuple[str, str], float]:
    probe = probe_of(networks)
    probe.units(1)
    found = {(r.layer, r.quantity): r.value for r in probe.readings}
    assert len(found) == len(probe.readings)
    assert {quantity for _, quantity in found} >= {*UNITS, *BOTH, POWER, *DEPTH}
    return found


def incoming(networks: Networks, site: str) -> nn.Linear:
    """Return the layer that feeds a site."""
    network, number = site.split(".")
    return [m for m in getattr(networks, network) if isinstance(m, nn.Linear)][int(number)]


SITES = ["generator.0", "generator.1", "discriminator.0", "discriminator.1"]


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("planted", [1, 5, WIDTH])
def test_units_below_every_threshold_are_dead_to_the_last_digit(
    planted: int, site: str, part: Callable[..., Part]
) -> None:
    networks = pair(Activation(part("activation", "relu")))
    with torch.no_grad():
        for module in sites(networks.generator, networks.discriminator):
            incoming(networks, module.name).weight.mul_(0.01)
            incoming(networks, module.name).bias.fill_(20.0)  # alive for certain
        incoming(networks, site).bias[:planted] = -1000.0
    found = units(networks)
    for name in SITES:
        expected = planted / WIDTH if name == site else 0.0
        assert found[name, "dead_fraction"] == pytest.approx(expected, abs=1e-7)
    assert planted < WIDTH or found[site, "dead_fraction"] == 1.0


@pytest.mark.parametrize("name", ["relu", "elu", "gelu", "silu", "sigmoid", "tanh"])
def test_far_out_every_such_activation_is_dead_and_saturated(
    name: str, part: Callable[..., Part]
) -> None:
    networks = pair(Activation(part("activation", name)))
    with torch.no_grad():
        incoming(networks, "generator.0").bias.fill_(-1000.0)
    found = units(networks)
    assert found["generator.0", "dead_fraction"] == 1.0
    assert found["generator.0", "saturated_fraction"] == 1.0


@pytest.mark.parametrize("name", ["identity", "leaky_relu"])
@pytest.mark.parametrize("bias", [0.0, -1000.0, 1000.0])
def test_identity_and_leaky_relu_are_never_dead(
    name: str, bias: float, part: Callable[..., Part]
) -> None:
    networks = pair(Activation(part("activation", name)))
    with torch.no_grad():
        incoming(networks, "discriminator.1").bias.fill_(bias)
    found = units(networks)
    kinds = (*UNITS, *BOTH)
    assert {value for (_, quantity), value in found.items() if quantity in kinds} == {0.0}


def set_to(networks: Networks, site: str, values: Tensor) -> None:
    """Let a site see `values` (one a unit) as pre-activations, whatever comes in."""
    layer = incoming(networks, site)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(values)


def test_tanh_is_saturated_beyond_its_known_point(part: Callable[..., Part]) -> None:
    """|phi'| < 1 % of its supremum is tanh(u)^2 > .99, |u| > 2.9932."""
    networks = pair(Activation(part("activation", "tanh")))
    edge = math.atanh(math.sqrt(0.99))
    u = [0.0, 1.0, -2.9, edge - 1e-3, -edge + 1e-3, edge + 1e-3, -edge - 1e-3, 3.5, -10.0, 1000.0]
    set_to(networks, "generator.1", torch.tensor(u, dtype=torch.float64))
    found = units(networks)
    assert found["generator.1", "saturated_fraction"] == pytest.approx(0.5, abs=1e-7)
    dead = sum(1 - math.tanh(x) ** 2 <= 1e-3 for x in u) / WIDTH
    assert dead == 0.2
    assert found["generator.1", "dead_fraction"] == pytest.approx(dead, abs=1e-7)


def test_sigmoid_is_measured_against_its_own_steepest_slope(part: Callable[..., Part]) -> None:
    """4 s(u) s(-u) is the share of the supremum 1/4: below 1 % from |u| = 5.99, below 1/1000 from 8.29."""
    networks = pair(Activation(part("activation", "sigmoid")))
    u = [0.0, 5.9, -5.9, 6.1, -6.1, 8.2, -8.2, 8.4, -8.4, 30.0]
    set_to(networks, "generator.0", torch.tensor(u, dtype=torch.float64))
    found = units(networks)
    assert found["generator.0", "saturated_fraction"] == pytest.approx(0.7, abs=1e-7)
    assert found["generator.0", "dead_fraction"] == pytest.approx(0.3, abs=1e-7)


@pytest.mark.parametrize("alive_on", ["one real", "one fake"])
def test_a_unit_that_fires_once_on_real_or_fake_is_not_dead(
    alive_on: str, part: Callable[..., Part]
) -> None:
    networks = pair(Activation(part("activation", "relu")))
    with torch.no_grad():
        networks.generator[-1].weight.zero_()  # all fakes are equal
        networks.generator[-1].bias.fill_(0.0)
    probe = probe_of(networks)
    probe.real.zero_()
    layer = incoming(networks, "discriminator.0")
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.fill_(-1.0)
        if alive_on == "one real":
            probe.real[7] = 5.0
        else:
            networks.generator[-1].weight[0] = 100.0  # some fake has a first coordinate above 1
    probe.units(1)
    found = {(r.layer, r.quantity): r.value for r in probe.readings}
    assert found["discriminator.0", "dead_fraction"] == 0.0
    if alive_on == "one real":
        saturated = 1 - 1 / 50  # 20 fake and 29 real samples lie below the threshold
        assert found["discriminator.0", "saturated_fraction"] == pytest.approx(saturated, abs=1e-7)


def test_of_a_convolution_a_unit_is_a_channel_over_all_positions(
    ask: Ask, begun: Callable[..., Any]
) -> None:
    training = begun(ask(architecture="dcgan", activation="relu", dataset="digits")).training
    first = training.networks.discriminator[0]
    with torch.no_grad():
        first.weight.zero_()
        first.bias.copy_(torch.tensor([-5.0, -5.0, -5.0, 5.0]))
        first.weight[1, 0, 0, 0] = 1e3  # this channel fires where a corner pixel is bright
    probe = begun(ask(architecture="dcgan", activation="relu")).probe
    watching = Probe(training.networks, probe.real, probe.noise, steps=1, probes=1)
    watching.units(1)
    found = {(r.layer, r.quantity): r.value for r in watching.readings}
    assert found["discriminator.0", "dead_fraction"] == 0.5
    assert 0.5 < found["discriminator.0", "saturated_fraction"] < 0.75


def by_hand(
    networks: Networks, x: Tensor, z: Tensor, loss: Loss
) -> dict[tuple[str, str, str], float]:
    """Return all gradient norms by plain autograd, layer by layer, without a hook."""

    def layers(network: nn.Sequential, h: Tensor) -> tuple[Tensor, list[Tensor]]:
        seen = []
        for module in network:
            h = module.phi(h) if isinstance(module, ActivationSite) else module(h)
            if isinstance(module, ActivationSite):
                seen.append(h)
        return h, seen

    def norm(*gradients: Tensor) -> float:
        return math.sqrt(sum(float(g.square().sum()) for g in gradients))

    G, D = networks.generator, networks.discriminator
    found: dict[tuple[str, str, str], float] = {}
    with torch.no_grad():
        fake, _ = layers(G, z)
    (a, real_h), (b, fake_h) = layers(D, x), layers(D, fake)
    value = loss.discriminator(real=a, fake=b)
    for number, both in enumerate(zip(real_h, fake_h, strict=True)):
        gradients = torch.autograd.grad(value, both, retain_graph=True)
        found["discriminator", f"discriminator.{number}", "gradient_norm"] = norm(*gradients)
    gradients = torch.autograd.grad(value, [*D.parameters()])
    found["discriminator", "", "parameter_gradient_norm"] = norm(*gradients)
    for (place, _), gradient in zip(D.named_parameters(), gradients, strict=True):
        found["discriminator", f"discriminator.{place}", "parameter_gradient_norm"] = norm(gradient)
    found["discriminator", "", "loss"] = float(value.detach())

    fake, own_h = layers(G, z)
    b, other_h = layers(D, fake)
    value = loss.generator(real=a.detach(), fake=b)
    for name, quantity, hidden in (
        ("generator", "gradient_norm", own_h),
        ("discriminator", "generator_loss_gradient_norm", other_h),
    ):
        for number, h in enumerate(hidden):
            (gradient,) = torch.autograd.grad(value, h, retain_graph=True)
            found[name, f"{name}.{number}", quantity] = norm(gradient)
    (gradient,) = torch.autograd.grad(value, fake, retain_graph=True)
    found["generator", "", "signal_to_generator"] = norm(gradient)
    gradients = torch.autograd.grad(value, [*G.parameters()])
    found["generator", "", "parameter_gradient_norm"] = norm(*gradients)
    for (place, _), gradient in zip(G.named_parameters(), gradients, strict=True):
        found["generator", f"generator.{place}", "parameter_gradient_norm"] = norm(gradient)
    found["generator", "", "loss"] = float(value.detach())
    for name, of in (
        ("generator", ""),
        ("discriminator", ""),
        ("discriminator", "generator_loss_"),
    ):
        first, second = (
            max(found[name, f"{name}.{n}", f"{of}gradient_norm"], FAINTEST) for n in (0, 1)
        )
        found[name, "", f"{of}attenuation"] = math.log10(second / first)
    return found


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", ["minimax", "wasserstein"])
def test_gradient_norms_are_those_of_plain_autograd(
    name: str, activation: str, part: Callable[..., Part]
) -> None:
    networks, loss = (
        pair(Activation(part("activation", activation))),
        make(part("loss", name), Loss),
    )
    x, z = normal(16, 3, 5), normal(16, 4, 6)
    torch.manual_seed(1)  # both draw alike, where a module draws
    expected = by_hand(networks, x, z, loss)

    probe, D = probe_of(networks), networks.discriminator
    torch.manual_seed(1)
    with torch.no_grad():
        fake = networks.generator(z)
    with probe.watch("discriminator", on=True) as watch:
        a = D(x)
        value = loss.discriminator(real=a, fake=D(fake))
        value.backward()
        watch.value("loss", value)
    D.requires_grad_(False)
    with probe.watch("generator", on=True) as watch:
        fake = networks.generator(z)
        watch.gradient("signal_to_generator", fake)
        value = loss.generator(real=a.detach(), fake=D(fake))
        value.backward()
        watch.value("loss", value)
    D.requires_grad_(True)
    probe.units(1)

    found = {(r.network, r.layer, r.quantity): r.value for r in probe.readings}
    told = ("loss", "gradient_norm", "attenuation", "signal_to_generator")
    assert {where for where in found if where[2].endswith(told)} == set(expected)
    for where, value_by_hand in expected.items():
        assert found[where] == pytest.approx(value_by_hand, rel=1e-6), where
    assert all(site.tap is None for site in sites(networks.generator, D))


@pytest.mark.parametrize("scale", [1e-30, 1e12])
def test_gradients_are_read_as_they_are(scale: float, part: Callable[..., Part]) -> None:
    """Public code drops norms below 1e-5: blind exactly where gradients vanish."""

    def norms(scale: float) -> list[float]:
        networks = pair(Activation(part("activation", "sigmoid")))
        probe = probe_of(networks)
        with probe.watch("generator", on=True) as watch:
            fake = networks.generator(normal(8, 4, 6))
            watch.gradient("signal_to_generator", fake)
            (networks.discriminator(fake).sum() * scale).backward()
        probe.units(1)
        found = probe.readings
        return [r.value for r in found if "norm" in r.quantity or "signal" in r.quantity]

    usual, scaled = norms(1.0), norms(scale)
    assert len(usual) == 12
    assert all(value > 0 for value in usual)
    assert scaled == pytest.approx([value * scale for value in usual], rel=1e-5)


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


def test_the_read_accuracy_is_the_share_told_right(
    ask: Ask, begun: Callable[..., Any], goes: Callable[..., Any]
) -> None:
    fitted, logits = begun(ask(steps=1, probes=1, batch_size=64)), []
    fitted.training.networks.discriminator.register_forward_hook(
        lambda _, __, output: logits.append(output.detach())
    )
    goes(fitted)
    a, b = logits[2:4]  # after the look before training: real, fake; the generator's step follows
    told = float(((a > 0).sum() + (b < 0).sum()) / (len(a) + len(b)))
    reading = next(r.value for r in fitted.probe.readings if r.quantity == "accuracy")
    assert reading == pytest.approx(told, abs=1e-7)
    assert 0 < told < 1
