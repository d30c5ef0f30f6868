"""Gradient norms that are read, against plain autograd in float64 and at every scale."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from test_probes import normal, pair, probe_of
from torch import Tensor, nn

from ablation.activations import Activation, ActivationSite, sites
from ablation.catalogue import rows
from ablation.factories import make
from ablation.losses import Loss
from ablation.networks import Networks
from ablation.probes.watch import FAINTEST
from ablation.spec import Part

ACTIVATIONS = list(rows("activation"))


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
