"""How a generator is judged on the way: its score on the selection split, the best one so far, convergence."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ablation.datasets import Dataset
from ablation.extractors import Extractor
from ablation.probes import due
from ablation.randomness import stream
from ablation.record import Outcome, Reading
from ablation.scores import glance
from ablation.spec import TrialSpec
from ablation.training import Training, generate

SAMPLES = 1_000
"""The most samples an evaluation on the way looks at."""


@dataclass
class Selection:
    """The evaluations of one trial: (step, distance to the selection split), and the best generator's weights.

    Every evaluation draws the same noise from a stream of its own, so it never moves training.
    """

    spec: TrialSpec
    data: Dataset
    extractor: Extractor | None
    device: str
    history: list[tuple[int, float]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    seconds: float = 0.0
    reached: list[tuple[int, str, int]] = field(default_factory=list)

    def due(self, step: int) -> bool:
        """Whether the generator is evaluated after `step`."""
        return due(step, self.spec.budget.steps, self.spec.protocol.evaluations) and step > 1

    @property
    def best_step(self) -> int:
        """The step of the best evaluation, 0 before there is one."""
        return min(self.history, key=lambda row: (row[1], row[0]))[0] if self.history else 0

    def look(self, training: Training) -> Outcome | None:
        """Evaluate the averaged generator; return `converged` if patience has run out."""
        began = time.perf_counter()
        random = stream(self.spec, "selection", self.device)
        count = min(SAMPLES, self.spec.protocol.samples)
        samples = generate(training.average, training.networks.latent, count, random)
        value = math.inf
        if torch.isfinite(samples).all():
            seen = glance(samples, self.data, self.spec.dataset.name, self.extractor)
            value = seen.distance
            self.reached += [(training.step, *row) for row in seen.reached.items()]
        self.history.append((training.step, value))
        if self.best_step == training.step:
            state = training.average.state_dict()
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
        self.seconds += time.perf_counter() - began
        steps = [step for step, _ in self.history]
        stale = len(steps) - 1 - steps.index(self.best_step)
        if self.spec.patience and stale >= self.spec.patience:
            words = f"{stale} evaluations without a better score on the selection split"
            return Outcome("converged", training.step, words)
        return None

    def readings(self) -> list[Reading]:
        """Return the evaluations as readings."""
        rows = [(step, "selection_score", value) for step, value in self.history]
        rows += [(step, quantity, float(count)) for step, quantity, count in self.reached]
        return [Reading(step, "generator", "", quantity, value) for step, quantity, value in rows]

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        kept = {name: [list(row) for row in getattr(self, name)] for name in ("history", "reached")}
        return {**kept, "best": self.best}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept."""
        self.history = [(int(step), float(value)) for step, value in state["history"]]
        self.reached = [
            (int(step), str(name), int(count)) for step, name, count in state["reached"]
        ]
        self.best = dict(state["best"])
