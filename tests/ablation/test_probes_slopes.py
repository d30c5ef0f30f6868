"""The slope power of a site: planted values, and a plain Jacobian in float64 for every activation."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ablation.activations import Activation, ActivationSite
from ablation.catalogue import rows
from ablation.probes.ledger import Ledger
from ablation.probes.units import Units, see
from ablation.spec import Part

Parts = Callable[..., Part]
NAMES = list(rows("activation"))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def power(site: ActivationSite, *passes: Tensor, network: str = "generator") -> dict[str, float]:
    """Return the slope powers of a site that sees these pre-activations, as fake and real ones."""
    ledger, found = Ledger(), {}
    for name, u in zip(("fake", "real"), passes, strict=False):
        with torch.no_grad():
            found[name] = see(site, u, site.phi(u.clone()), depth=False)
    Units().note(site, found, ledger)
    kept = [r for r in ledger.close(7) if r.quantity.startswith("slope_power")]
    assert {(r.step, r.network, r.layer) for r in kept} == {(7, network, f"{network}.1")}
    return {r.quantity: r.value for r in kept}


def site_of(part: Parts, activation: str, network: str = "generator") -> ActivationSite:
    return ActivationSite(f"{network}.1", Activation(part("activation", activation)))


@pytest.mark.parametrize("shape", [(3, 7), (11, 13), (256, 100), (5, 3, 6, 6), (70, 64, 9, 9)])
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_identity_passes_all_on(
    shape: tuple[int, ...], precision: torch.dtype, part: Parts
) -> None:
    found = power(site_of(part, "identity"), 1e3 * normal(*shape).to(precision))
    assert found == {"slope_power": 1.0}


@pytest.mark.parametrize("shape", [(40, 8), (6, 4, 5, 5)])
def test_relu_passes_half_of_symmetric_input_on(shape: tuple[int, ...], part: Parts) -> None:
    u = normal(*shape)
    assert power(site_of(part, "relu"), torch.cat([u, -u])) == {"slope_power": 0.5}
    assert power(site_of(part, "relu"), normal(2000, 50))["slope_power"] == pytest.approx(
        0.5, abs=0.01
    )


def test_tanh_passes_all_on_at_0_and_nothing_far_out(part: Parts) -> None:
    site = site_of(part, "tanh")
    assert power(site, torch.zeros(9, 3)) == {"slope_power": 1.0}
    far = torch.tensor([[30.0, -30.0], [1000.0, -1000.0]])
    assert power(site, far) == power(site, far.double()) == {"slope_power": 0.0}
    half = torch.cat([torch.zeros(2, 2), far])
    assert power(site, half) == {"slope_power": 0.5}


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("sigmoid", 1 / 16), ("softplus", 1 / 4), ("softsign", 1.0), ("gaussian", 0.0), ("sine", 1.0)],
)
def test_at_0_it_is_the_square_of_the_slope(activation: str, expected: float, part: Parts) -> None:
    found = power(site_of(part, activation), torch.zeros(4, 3))["slope_power"]
    assert found == pytest.approx(expected, abs=1e-7)


def test_a_leak_counts_by_its_square(part: Parts) -> None:
    u = torch.tensor([[-1.0, -2.0, -3.0, 4.0]])
    found = power(site_of(part, "leaky_relu"), u)["slope_power"]
    assert found == pytest.approx((1 + 3 * 0.2**2) / 4, rel=1e-6)


@pytest.mark.parametrize("u", [-60.0, -80.0])
def test_the_square_of_a_faint_slope_is_not_0(u: float, part: Parts) -> None:
    """Below 1e-23 the square of a slope is 0 in float32; its decades are what is asked."""
    slope = torch.exp(torch.tensor(u, dtype=torch.float64)).item()
    found = power(site_of(part, "sigmoid"), torch.full((4, 3), u))["slope_power"]
    assert found == pytest.approx(slope**2, rel=1e-4)


def test_of_the_discriminator_every_sample_counts_once(part: Parts) -> None:
    """Three generated samples pass all on, one real sample nothing: 3/4."""
    site = site_of(part, "relu", "discriminator")
    found = power(site, torch.ones(3, 5), -torch.ones(1, 5), network="discriminator")
    assert found == {"slope_power": 0.75}


def test_of_a_pair_of_crelu_one_passes_on_and_of_maxout_the_winner(part: Parts) -> None:
    assert power(site_of(part, "crelu"), normal(50, 6)) == {"slope_power": 0.5}
    assert power(site_of(part, "maxout"), normal(50, 30)) == {"slope_power": 1.0}


def test_a_shut_gate_passes_nothing_on(part: Parts) -> None:
    values, gates = torch.zeros(4, 6), torch.full((4, 6), -1000.0)
    gates[:, :3] = 1000.0
    assert power(site_of(part, "glu"), torch.cat([values, gates], 1)) == {"slope_power": 0.5}


def by_hand(site: ActivationSite, u: Tensor) -> float:
    """Return the mean squared norm of every output's gradient, from the whole Jacobian of each sample."""
    squares = []
    for one in u:
        matrix = torch.autograd.functional.jacobian(lambda x: site.phi(x[None])[0], one)
        squares.append(matrix.flatten(one.dim()).square().sum(-1).flatten())
    return float(torch.cat(squares).mean())


@pytest.mark.parametrize("shape", [(6, 10), (3, 10, 2, 2)])
@pytest.mark.parametrize("activation", NAMES)
def test_it_is_the_mean_square_of_the_jacobians_rows(
    activation: str, shape: tuple[int, ...], part: Parts
) -> None:
    site = site_of(part, activation, "discriminator").double().eval()
    fake, real = 2 * normal(*shape), normal(*shape, seed=1)[1:]
    found = power(site, fake, real, network="discriminator")
    sides = by_hand(site, fake), by_hand(site, real)
    assert min(sides) > 0
    n = len(fake), len(real)
    together = (n[0] * sides[0] + n[1] * sides[1]) / sum(n)
    assert found == {"slope_power": pytest.approx(together, rel=1e-12)}
