"""How much of the training time the probes take at the default schedule: probed and plain steps of one run.

`python tests/benchmarks/probes.py [OVERRIDE...]` trains each setting once and prints, in CPU seconds, what the probed
steps took beyond as many plain ones, as a share of what all steps would have taken plainly.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import replace

import torch

from ablation.compose import compose
from ablation.datasets import Dataset
from ablation.factories import make
from ablation.spec import TrialSpec
from ablation.trainer import train
from ablation.training import Training, begin
from ablation.trial import probe_of

FASHION = os.environ.get("FASHION", "/usr/share/datasets/fashion-mnist")
SETTINGS = (
    ("dataset=digits", "architecture=mlp"),
    ("dataset=fashion_mnist", "architecture=dcgan", f"dataset.root={FASHION}"),
)
MOST = 300
"""Steps of a run: it has as many probes as the whole budget, whose other steps are taken to be like these."""


def share(spec: TrialSpec, steps: int) -> tuple[float, float, float]:
    """Return the probes' share of the training time, CPU seconds of a plain step, and of all probing per probe.

    `steps` are trained, with the probes of the whole budget, the look before training included.
    """
    torch.set_num_threads(1)
    data = make(spec.dataset, Dataset)
    short = replace(spec, budget=replace(spec.budget, steps=steps))
    training = begin(short, data, "cpu")
    probe = probe_of(short, training, data, "cpu")
    times: list[tuple[int, float]] = []
    began = time.process_time()

    def note(state: Training) -> None:
        times.append((state.step, time.process_time()))

    train(training, data.train, probe, note)
    lasted = {s: t - u for (s, t), (_, u) in zip(times, [(0, began), *times[:-1]], strict=True)}
    plain = statistics.median(t for s, t in lasted.items() if not probe.due(s))
    extra = sum(t - plain for s, t in lasted.items() if probe.due(s))
    looks = sum(probe.due(s) for s in lasted)
    return extra / (plain * spec.budget.steps), plain, extra / looks


def main(words: list[str]) -> None:
    """Print one line a setting."""
    for setting in SETTINGS:
        spec = compose([*setting, *words])
        ratio, plain, each = share(spec, min(spec.budget.steps, MOST))
        name = f"{spec.dataset.name}/{spec.architecture.name}"
        print(
            f"{name:<22} {100 * ratio:5.2f} % of {spec.budget.steps:,} steps"
            f" ({1000 * plain:.2f} ms a step, {1000 * each:.1f} ms a probe)",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
