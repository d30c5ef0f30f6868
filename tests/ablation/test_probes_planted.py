"""Ranks, dormant units, lives, weights and events whose truth is planted; and how often the device is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ablation.activations import Activation, ActivationSite, sites
from ablation.probes import effective_rank
from ablation.probes.ledger import Ledger
from ablation.probes.units import Units, see
from ablation.probes.watch import Watching
from ablation.record import Reading
from ablation.spec import Part, TrialSpec

Ask = Callable[..., TrialSpec]


Parts = Callable[..., Part]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seen(site: ActivationSite, *passes: Tensor) -> dict[str, float]:
    """Return the readings of a site that sees these pre-activations, as fake and real ones."""
    ledger, found = Ledger(), {}
    for name, u in zip(("fake", "real"), passes, strict=False):
        with torch.no_grad():
            found[name] = see(site, u, site.phi(u.clone()), depth=True)
    Units().note(site, found, ledger)
    return {reading.quantity: reading.value for reading in ledger.close(1)}


def site_of(part: Parts, activation: str) -> ActivationSite:
    return ActivationSite("discriminator.0", Activation(part("activation", activation)))


def test_orthogonal_units_have_full_rank_and_copies_add_none(part: Parts) -> None:
    site = site_of(part, "identity")
    u = torch.linalg.qr(normal(40, 8)).Q
    assert seen(site, u)["effective_rank"] == pytest.approx(8, abs=1e-9)
    one = u[:, :1].expand(-1, 8)
    assert seen(site, one)["effective_rank"] == pytest.approx(1, abs=1e-6)
    twice = torch.cat([u[:, :4], u[:, :4]], dim=1)
    assert seen(site, twice)["effective_rank"] == pytest.approx(4, abs=1e-6)
    assert seen(site, torch.zeros(40, 8))["effective_rank"] == 0.0


@pytest.mark.parametrize("shape", [(40, 8), (8, 40), (64, 64)])
def test_the_rank_is_roys_and_vetterlis_of_the_singular_values(shape: tuple[int, int]) -> None:
    a = normal(*shape) @ torch.diag(torch.linspace(0.01, 2, shape[1], dtype=torch.float64))
    p = torch.linalg.svdvals(a)
    p = p / p.sum()
    expected = math.exp(-sum(float(x) * math.log(x) for x in p))
    assert effective_rank(a @ a.T) == pytest.approx(expected, rel=1e-6)
    assert effective_rank(a.T @ a) == pytest.approx(expected, rel=1e-6)


def test_of_a_convolution_the_rank_is_over_samples_and_positions(part: Parts) -> None:
    """Two channels that differ at some positions only are two units; equal ones are one."""
    site, u = site_of(part, "identity"), normal(20, 2, 6, 6)
    assert seen(site, u)["effective_rank"] > 1.9
    u[:, 1] = u[:, 0]
    assert seen(site, u)["effective_rank"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("n", "side"), [(256, 14), (256, 8), (64, 4), (16, 16), (3, 2)])
def test_a_constant_corner_does_not_hide_what_the_other_positions_do(
    n: int, side: int, part: Parts
) -> None:
    site, u = site_of(part, "identity"), normal(n, 16, side, side)
    full = seen(site, u)["effective_rank"]
    u[:, :, 0, 0] = 1.0
    assert seen(site, u)["effective_rank"] > 0.6 * full > 3


def test_a_unit_is_dormant_beside_its_neighbours(part: Parts) -> None:
    """Sokar et al. 2023: the mean |h| of a unit over that of the site's units."""
    site = site_of(part, "identity")
    sizes = torch.tensor([0.0, 0.02, 0.05, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 4.43], dtype=torch.float64)
    assert float(sizes.mean()) == pytest.approx(1.0)
    u = sizes * torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    found = seen(site, u, 3 * u)
    for which in ("real", "fake"):
        assert found[f"dormant_fraction_{which}"] == pytest.approx(0.2)
        assert found[f"dormant_10_fraction_{which}"] == pytest.approx(0.3)


def test_dead_on_real_but_alive_on_fake_is_told_apart(part: Parts) -> None:
    site = site_of(part, "relu")
    real = torch.tensor([[-1.0, -1.0, 1.0, -1.0]])
    fake = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
    found = seen(site, fake, real)
    assert found["dead_fraction_real"] == 0.75
    assert found["dead_fraction_fake"] == found["dead_fraction"] == 0.5


def test_births_deaths_and_revivals_are_counted_once_each(part: Parts) -> None:
    """Of four units one is born at the second look, one dies, which comes back at the third, one is never alive."""
    site, units = site_of(part, "relu"), Units()
    looks = [[-1.0, 1.0, 1.0, -1.0], [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, 1.0, -1.0]]
    found = []
    for u in looks:
        ledger = Ledger()
        h = torch.relu(torch.tensor([u]))
        units.note(site, {"fake": see(site, torch.tensor([u]), h, depth=False)}, ledger)
        found.append({r.quantity.removesuffix("_fraction"): r.value for r in ledger.close(0)})
    lives = ("dead", "unborn", "born", "died", "revived")
    assert [[look.get(name) for name in lives] for look in found] == [
        [0.5, 0.5, None, None, None],
        [0.5, 0.25, 0.25, 0.25, 0.0],
        [0.25, 0.25, 0.0, 0.0, 0.25],
    ]


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [([2.0, 3.0], [1.0], 1.0), ([1.0], [2.0, 3.0], 0.0), ([1.0], [1.0], 0.5), ([1.0, 3.0], [2.0, 1.0], 0.625)],
)  # fmt: skip
def test_separation_is_the_share_of_pairs_in_order(
    real: list[float], fake: list[float], expected: float
) -> None:
    ledger = Ledger()
    Watching("discriminator", ledger).logits(torch.tensor(real), torch.tensor(fake), 1.0)
    found = {r.quantity: r.value for r in ledger.close(1)}
    assert found["separation"] == pytest.approx(expected)
    right = sum(x > 1 for x in real) + sum(x < 1 for x in fake)
    assert found["accuracy"] == pytest.approx(right / len(real + fake))


class Reads(TorchDispatchMode):
    """Counts what waits for the device: a number fetched from it, or an index whose size depends on values."""

    WAITING = ("_local_scalar_dense", "item", "nonzero", "unique", "is_nonzero", "masked_select")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if any(name == word or name.startswith(f"_{word}") for word in self.WAITING):
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["digits", "ring8"])
def test_a_probed_step_reads_the_device_once_and_a_plain_step_never(
    dataset: str, ask: Ask, begun: Callable[..., Any], goes: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What was noted reaches the CPU in one transfer; all before it runs without a number fetched."""
    fitted = begun(ask(dataset=dataset, penalty="gradient_penalty", steps=9, probes=3))
    networks = fitted.training.networks
    for site in sites(networks.generator, networks.discriminator):
        assert site.activation.scale > 0  # a fact, computed once on the CPU
    moves: list[int] = []
    close = Ledger.close

    def counted(self: Ledger, step: int) -> list[Reading]:
        moves.append(step)
        counting.__exit__(None, None, None)
        try:
            return close(self, step)
        finally:
            counting.__enter__()

    monkeypatch.setattr(Ledger, "close", counted)
    counting = Reads()
    counting.__enter__()
    try:
        goes(fitted, until=8)
    finally:
        counting.__exit__(None, None, None)
    assert moves == [0, 1, 3, 6]
    assert counting.seen == []
