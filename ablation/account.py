"""What a trial says of itself beside its answer: seconds by phase, versions, data, parameters, hazards."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from ablation.activations import facts_of
from ablation.datasets import Dataset
from ablation.extractors import Extractor, told_of
from ablation.hazards import hazards
from ablation.networks import parameters
from ablation.provenance import provenance
from ablation.training import Training


@dataclass
class Clock:
    """Seconds spent on each phase of a trial, and when its process had used how many of a processor."""

    started: float
    seconds: dict[str, float]
    used: float = field(default_factory=time.process_time)

    def lap(self, phase: str) -> None:
        """Book the time since the last lap to `phase`."""
        now = time.perf_counter()
        self.seconds[phase] = round(now - self.started, 3)
        self.started = now

    def move(self, source: str, phase: str, seconds: float) -> None:
        """Book `seconds` of one phase to another."""
        self.seconds[source] = round(max(self.seconds[source] - seconds, 0.0), 3)
        self.seconds[phase] = round(seconds, 3)


def account(
    training: Training,
    device: str,
    clock: Clock,
    data: Dataset,
    extractor: Extractor | None,
    resumed: int,
) -> dict[str, Any]:
    """Return the provenance of a trial that was trained here."""
    spec = training.spec
    seconds = clock.seconds | {"total": round(sum(clock.seconds.values()), 3)}
    return provenance(device) | {
        "seconds": seconds,
        "cpu_seconds": round(time.process_time() - clock.used, 3),
        "resumed": resumed,
        "dataset": data.fingerprint,
        "extractor": told_of(extractor),
        "activations": facts_of(spec),
        "parameters": parameters(training.networks),
        "modes": {"count": data.modes.count, "ceiling": data.modes.ceiling} if data.modes else None,
        "hazards": hazards(spec, training.networks, data),
    }
