"""What went wrong first: events of a training, found in its readings and put in their order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ablation.record import Outcome, Reading

SURE = 0.99
"""The discriminator has won where its accuracy is above this (its separation, where its loss has no boundary)."""
FALL = 0.1
"""The signal to the generator has fallen where it is below this share of its greatest so far."""
RISE = 0.1
"""Units have died where the dead fraction of a site is this far above its first."""
LOST = 0.9
"""Modes are lost where fewer than this share of the most so far are reached."""
FLAT = 0.01
"""Samples collapse where their variance falls below this share of the data's: not where it has never been above."""

Rows = Sequence[Reading]


def events(readings: Rows, outcome: Outcome) -> list[Reading]:
    """Return the first reading of each event that happened, its value the event's place in their order, from 1.

    Events of one step share a place. Quantities are named `event_NAME`; the layer is the site where units died.
    """
    found = [
        first
        for first in (
            _first(readings, ("accuracy", "separation"), "discriminator_wins", _sure),
            _first(readings, ("signal_to_generator",), "signal_falls", _falls),
            _units_die(readings),
            _first(readings, ("modes_reached",), "modes_lost", _lost),
            _first(readings, ("classes_reached",), "classes_lost", _lost),
            _first(readings, ("sample_variance",), "samples_collapse", _flat),
            Reading(outcome.step, "", "", "event_not_finite", 0.0)
            if outcome.kind == "diverged"
            else None,
        )
        if first is not None
    ]
    steps = sorted({event.step for event in found})
    return [
        Reading(e.step, e.network, e.layer, e.quantity, float(steps.index(e.step) + 1))
        for e in sorted(found, key=lambda e: (e.step, e.quantity))
    ]


def _first(
    readings: Rows, quantities: Sequence[str], name: str, happens: Callable[[float, float], bool]
) -> Reading | None:
    """Return the first reading of the first quantity there is that `happens(value, most so far)`, as an event."""
    for quantity in quantities:
        own = [r for r in readings if r.quantity == quantity and math.isfinite(r.value)]
        most = -math.inf
        for reading in own:
            most = max(most, reading.value)
            if happens(reading.value, most):
                return Reading(reading.step, reading.network, reading.layer, f"event_{name}", 0.0)
        if own:
            return None
    return None


def _sure(value: float, _: float) -> bool:
    return value > SURE


def _falls(value: float, most: float) -> bool:
    return value < FALL * most


def _lost(value: float, most: float) -> bool:
    return value < LOST * most


def _flat(value: float, most: float) -> bool:
    return value < FLAT <= most


def _units_die(readings: Rows) -> Reading | None:
    """Return the first rise of a site's dead fraction, as an event; of several at one step the steepest."""
    first: dict[str, float] = {}
    risen: list[tuple[int, float, Reading]] = []
    for reading in readings:
        if reading.quantity == "dead_fraction":
            rise = reading.value - first.setdefault(reading.layer, reading.value)
            if rise > RISE - 1e-9:
                risen.append((reading.step, -rise, reading))
    if not risen:
        return None
    *_, found = min(risen, key=lambda row: row[:2])
    return Reading(found.step, found.network, found.layer, "event_units_die", 0.0)
