"""Arjovsky & Bottou 2017, figure 2: what is left of each loss's gradient while a critic learns a frozen generator."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ablation.catalogue import row
from ablation.datasets import Dataset, scaled
from ablation.experiments.critic import challenge, frozen, judged, teach
from ablation.experiments.experiment import Experiment, Row, Settings, keep, kept
from ablation.factories import make, source_of
from ablation.losses import Loss
from ablation.part import Part, check_number
from ablation.probes import Probe
from ablation.randomness import stream
from ablation.record import Outcome
from ablation.spec import TrialSpec
from ablation.trainer import train
from ablation.training import Training, begin

LOSSES = ("minimax", "non_saturating", "least_squares", "probability_difference", "wasserstein")
CRITIC_STEPS = 1000
LOOKS = 40
"""Steps of the critic at which the gradients are measured, even by ratio; the first is 0."""
BATCH = 256
"""Samples of the fixed batch, real and generated."""


def looks(steps: int) -> list[int]:
    """Return 0, `steps` and about `LOOKS` whole numbers between them, even by ratio."""
    for count in range(LOOKS, 10 * LOOKS):
        found = sorted({0, *np.geomspace(1, steps, count).round().astype(int).tolist()})
        if len(found) >= min(LOOKS, steps + 1):
            break
    return found


def stages(spec: TrialSpec, settings: Settings) -> list[int]:
    """Return the generator updates after which a trial's generator is frozen: a 15th, a third and all of them."""
    steps = spec.budget.steps
    usual = {max(1, round(steps / 15)), max(1, round(steps / 3)), steps}
    return list(settings["stages"] or sorted(usual))


def resolve(options: Mapping[str, str], specs: Sequence[TrialSpec]) -> Settings:
    """Read --stages, --critic-steps and --losses."""
    least = min(spec.budget.steps for spec in specs)
    given = _numbers(options["stages"], "--stages") if "stages" in options else []
    for stage in given:
        check_number(stage, int, "--stages", 0, least)
    steps = _numbers(options.get("critic_steps", str(CRITIC_STEPS)), "--critic-steps")
    if len(steps) != 1:
        raise ValueError(f"--critic-steps is {options['critic_steps']!r}; it is one whole number")
    check_number(steps[0], int, "--critic-steps", 1, 1_000_000)
    losses = list(dict.fromkeys(options.get("losses", ",".join(LOSSES)).split(",")))
    _sides(losses)
    return {"stages": sorted(set(given)) or None, "critic_steps": steps[0], "losses": losses}


def _numbers(text: str, place: str) -> list[int]:
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise ValueError(f"{place} is {text!r}; it is whole numbers, such as 100,500,1500")
    return [int(word) for word in words]


def _sides(names: Sequence[str]) -> dict[str, Loss]:
    """Return the games of rows of `conf/loss` by name; raises ValueError for a name that is none."""
    parts = [Part.read(row("loss", name), "loss") for name in names]
    return {part.name: make(replace(part, source=source_of(part)), Loss) for part in parts}


def measure(folder: Path, spec: TrialSpec, settings: Settings) -> None:
    """Train one trial to its stages; at each, train a fresh critic against it and measure all losses on the way."""
    began = time.process_time()
    torch.set_num_threads(1)
    data = make(spec.dataset, Dataset)
    generators, outcome = trained(spec, data, stages(spec, settings))
    rows = [
        found
        for stage, generator in generators.items()
        for found in measured(spec, data, stage, generator, settings)
    ]
    keep(folder, spec, rows, outcome, time.process_time() - began)


def trained(
    spec: TrialSpec, data: Dataset, after: Sequence[int]
) -> tuple[dict[int, nn.Module], Outcome]:
    """Train as a trial does and return the generator as it was after so many updates, while its losses were finite."""
    training = begin(spec, data, "cpu")
    nothing = torch.zeros(1)
    probe = Probe(training.networks, nothing, nothing, steps=spec.budget.steps, probes=0)
    found = {0: copy.deepcopy(training.networks.generator)} if 0 in after else {}

    def after_step(state: Training) -> Outcome | None:
        if state.step in after:
            found[state.step] = copy.deepcopy(state.networks.generator)
        return Outcome("finished", state.step) if state.step >= max(after) else None

    torch.manual_seed(stream(spec, "modules").initial_seed())
    outcome = Outcome("finished", 0)
    if max(after) > 0:
        outcome = train(training, data.train, probe, after_step)
    if outcome.kind == "diverged":
        found = {step: one for step, one in found.items() if step < outcome.step}
    return found, outcome


def measured(
    spec: TrialSpec, data: Dataset, stage: int, generator: nn.Module, settings: Settings
) -> list[Row]:
    """Train a fresh critic against a frozen generator and return what was measured on the way."""
    training = challenge(spec, data, frozen(generator))
    random = stream(spec, "probe")
    size = BATCH // spec.packing * spec.packing
    real = scaled(data.train[torch.randint(len(data.train), (size,), generator=random)])
    noise = torch.randn(size, training.networks.latent, generator=random)
    losses, due, rows = _sides(settings["losses"]), {*looks(settings["critic_steps"])}, []

    def look(step: int) -> None:
        if step in due:
            for treatment, network, quantity, value in judged(training, losses, real, noise):
                rows.append(Row(treatment, stage, step, network, "", quantity, value))

    torch.manual_seed(stream(spec, "critic modules").initial_seed())
    teach(training, data.train, settings["critic_steps"], look)
    return rows


FREEZE_GENERATOR = Experiment(
    name="freeze-generator",
    question="What is left of the generator's gradient while a fresh discriminator learns to tell it?",
    cite="Arjovsky & Bottou 2017, figure 2, arXiv:1701.04862",
    overrides=(
        *("loss=minimax", "dataset=digits", "architecture=mlp", "budget=short"),
        "seed=range(3)",
    ),
    options=("stages", "critic_steps", "losses"),
    resolve=resolve,
    measure=measure,
    rows=kept,
)
