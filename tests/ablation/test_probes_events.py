"""Events in their order, and which probes are deep."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from ablation.probes import deep, due, events, unmoved
from ablation.record import Outcome, Reading


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
