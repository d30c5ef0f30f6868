"""What is measured while a network trains: gradients, units, weights. It never moves the training it watches."""

from __future__ import annotations

from ablation.probes.events import events
from ablation.probes.ledger import Ledger
from ablation.probes.probe import Probe
from ablation.probes.schedule import DEEP, deep, due
from ablation.probes.units import DEAD, DORMANT, RANK_ROWS, SATURATED, effective_rank
from ablation.probes.watch import Unwatched, Watch, attenuation, tapped, unmoved, verdicts
from ablation.probes.weights import spectral_norm

__all__ = [
    "DEAD",
    "DEEP",
    "DORMANT",
    "RANK_ROWS",
    "SATURATED",
    "Ledger",
    "Probe",
    "Unwatched",
    "Watch",
    "attenuation",
    "deep",
    "due",
    "effective_rank",
    "events",
    "spectral_norm",
    "tapped",
    "unmoved",
    "verdicts",
]
