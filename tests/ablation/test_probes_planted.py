"""Ranks, dormant units, lives, weights and events whose truth is planted; and how often the device is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.utils._python_dispatch import TorchDispatchMode

from ablation.activations import Activation, ActivationSite, sites
from ablation.networks import Logit, Networks
from ablation.probes import Probe, attenuation, deep, due, effective_rank, events, unmoved
from ablation.probes.ledger import Ledger
from ablation.probes.units import Units, see
from ablation.probes.watch import Watching
from ablation.probes.weights import gram, spectral_norm, weights
from ablation.record import Outcome, Reading
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


@pytest.mark.parametrize(("rate", "depth"), [(10.0, 5), (0.5, 12), (1.0, 3)])
def test_the_attenuation_is_the_decades_lost_per_site(rate: float, depth: int) -> None:
    """In a chain of identity sites between layers w the gradient at site l is w^(L - l) in size."""
    networks = Networks(nn.Linear(1, 1), nn.Linear(1, 1), 1)
    ledger = Ledger()
    watching = Watching("generator", ledger)
    h = torch.ones(3, 1, dtype=torch.float64, requires_grad=True) * 1.0
    for number in range(depth):
        h = h / rate
        watching.tap(named(f"generator.{number}"), h, h)
    h.sum().backward()
    watching.finish(networks.generator)
    found = {(r.layer, r.quantity): r.value for r in ledger.close(1)}
    assert found["", "attenuation"] == pytest.approx(math.log10(rate), abs=1e-12)
    for number in range(depth):
        norm = math.sqrt(3) * rate ** (number + 1 - depth)
        assert found[f"generator.{number}", "gradient_norm"] == pytest.approx(norm)


def named(name: str) -> ActivationSite:
    site = ActivationSite.__new__(ActivationSite)
    nn.Module.__init__(site)
    site.name = name
    return site


def test_a_gradient_of_nothing_has_a_finite_attenuation() -> None:
    assert attenuation(torch.tensor([0.0, 1.0])) == pytest.approx(45.0)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (40, 40), (256, 256), (64, 784), (16, 8, 4, 4)])
def test_the_spectral_norm_is_the_largest_singular_value(shape: tuple[int, ...]) -> None:
    a = normal(*shape, seed=4)
    exact = float(torch.linalg.matrix_norm(a.flatten(1), 2))
    assert spectral_norm(gram(a)) == pytest.approx(exact, rel=1e-5)
    assert spectral_norm(gram(a)) <= exact * (1 + 1e-5)


@pytest.mark.parametrize("noise", [0.0, 1e-3, 1e-2, 0.1])
def test_the_spectral_norm_of_a_nearly_orthogonal_weight(noise: float) -> None:
    a = (torch.linalg.qr(normal(256, 256)).Q + noise * normal(256, 256, seed=1) / 16).float()
    exact = float(torch.linalg.matrix_norm(a.double(), 2))
    for scale in (1e-30, 1.0, 1e30):
        assert spectral_norm(gram(a * scale).double()) == pytest.approx(exact * scale, rel=1e-5)


def test_a_transposed_convolution_is_a_matrix_of_its_outputs() -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(6, 3, 4)
    ((name, weight),) = weights(nn.Sequential(layer))
    matrix = layer.weight.detach().transpose(0, 1).flatten(1)
    assert (name, tuple(weight.shape)) == ("0.weight", (3, 6, 4, 4))
    exact = float(torch.linalg.matrix_norm(matrix, 2))
    assert spectral_norm(gram(weight).double()) == pytest.approx(exact, rel=1e-5)


def test_the_spectral_norm_of_what_has_no_rank() -> None:
    outer = normal(6, 1) @ normal(1, 9, seed=1)
    assert spectral_norm(gram(outer)) == pytest.approx(float(outer.norm()))
    assert spectral_norm(gram(torch.zeros(4, 7))) == 0.0
    assert math.isnan(spectral_norm(gram(torch.full((4, 7), math.nan))))


def test_a_parametrised_weight_counts_as_its_layer_uses_it() -> None:
    layer = nn.Linear(6, 4)
    network = nn.Sequential(parametrizations.spectral_norm(layer, n_power_iterations=50))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    (name, weight), *rest = weights(network)
    assert (name, rest) == ("0.weight", [])
    assert spectral_norm(gram(weight)) == pytest.approx(1, abs=1e-3)
    after = network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert network.training


def test_updates_are_the_difference_of_weights(part: Parts) -> None:
    torch.manual_seed(0)
    site = ActivationSite("generator.0", Activation(part("activation", "prelu")))
    generator = nn.Sequential(nn.Linear(4, 5), site, nn.Linear(5, 3))
    networks = Networks(generator, nn.Sequential(nn.Linear(3, 1), Logit()), 4)
    probe = Probe(networks, torch.randn(8, 3), torch.randn(8, 4), steps=1, probes=1)
    with probe.moving("generator", on=True), torch.no_grad():
        generator[0].weight.add_(0.5)
        generator[2].weight.mul_(0)
    last = generator[0].weight.detach().clone()
    probe.units(1)
    found = {(r.layer, r.quantity): r.value for r in probe.readings}
    assert found["generator.0.weight", "update_norm"] == pytest.approx(0.5 * math.sqrt(20))
    assert found["generator.0.weight", "weight_norm"] == pytest.approx(float(last.norm()))
    assert found["generator.2.weight", "weight_norm"] == 0.0
    assert found["generator.2.weight", "spectral_norm"] == 0.0
    assert not [layer for layer, quantity in found if "phi" in layer and "norm" in quantity]


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


def rows(quantity: str, values: list[float], layer: str = "", network: str = "n") -> list[Reading]:
    return [Reading(step, network, layer, quantity, v) for step, v in enumerate(values, 1)]


def test_events_are_found_and_put_in_their_order() -> None:
    readings = [
        *rows("accuracy", [0.5, 0.9, 0.995, 1.0]),
        *rows("separation", [1.0, 1.0, 1.0, 1.0]),
        *rows("signal_to_generator", [1.0, 4.0, 0.41, 0.39]),
        *rows("dead_fraction", [0.2, 0.2, 0.35, 0.5], "generator.0"),
        *rows("dead_fraction", [0.0, 0.09, 0.25, 0.9], "generator.1"),
        *rows("modes_reached", [8, 8, 7, 3]),
        *rows("sample_variance", [1.0, 0.5, 0.02, 0.005]),
    ]
    found = events(readings, Outcome("diverged", 4, "a loss"))
    assert [(e.step, e.layer, e.quantity, e.value) for e in found] == [
        (3, "", "event_discriminator_wins", 1.0),
        (3, "", "event_modes_lost", 1.0),
        (3, "generator.1", "event_units_die", 1.0),
        (4, "", "event_not_finite", 2.0),
        (4, "", "event_samples_collapse", 2.0),
        (4, "", "event_signal_falls", 2.0),
    ]


def test_what_was_flat_from_the_start_has_not_collapsed() -> None:
    assert events(rows("sample_variance", [0.005, 0.001]), Outcome("collapsed", 2)) == []
    found = events(rows("sample_variance", [0.005, 0.5, 0.001]), Outcome("collapsed", 3))
    assert [(e.step, e.quantity) for e in found] == [(3, "event_samples_collapse")]


def test_an_edge_is_reached_by_rounding_and_infinities_are_no_greatest() -> None:
    found = events(rows("dead_fraction", [0.2, 0.3], "generator.0"), Outcome("finished", 2))
    assert [e.quantity for e in found] == ["event_units_die"]
    assert events(rows("signal_to_generator", [math.inf, 1.0]), Outcome("finished", 2)) == []


def test_a_buffer_that_is_replaced_comes_back_too() -> None:
    class Level(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("level", torch.ones(1))

        def forward(self, x: Tensor) -> Tensor:
            self.level = 0.9 * self.level + x.mean()
            return x

    module = Level()
    first = module.level
    with unmoved(module):
        module(torch.ones(3))
    assert module.level is first
    assert float(first) == 1.0


@pytest.mark.parametrize("probes", [1, 3, 4, 10, 12, 25, 30, 41, 50])
@pytest.mark.parametrize("steps", [7, 1000, 1500])
def test_every_fourth_probe_is_deep(steps: int, probes: int) -> None:
    found = [s for s in range(1, steps + 1) if deep(s, steps, probes)]
    assert all(due(s, steps, probes) for s in found)
    even = [s for s in range(1, steps + 1) if s * probes // steps != (s - 1) * probes // steps]
    if probes <= steps:
        assert found == sorted({*even[3::4], steps})
    assert deep(0, steps, probes)


def test_without_a_boundary_the_separation_says_who_wins() -> None:
    found = events(rows("separation", [0.9, 0.991]), Outcome("finished", 2))
    assert [(e.step, e.quantity) for e in found] == [(2, "event_discriminator_wins")]


def test_a_quiet_training_has_no_events() -> None:
    readings = [
        *rows("accuracy", [0.7, 0.8]),
        *rows("signal_to_generator", [1.0, 0.2]),
        *rows("dead_fraction", [0.5, 0.55], "generator.0"),
        *rows("modes_reached", [10, 9]),
        *rows("sample_variance", [0.9, 0.5]),
    ]
    assert events(readings, Outcome("finished", 2)) == []
