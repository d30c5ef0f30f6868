"""What trials cost on this machine: seconds of training from a few steps, seconds of scoring from one scoring.

The seconds are processor time: other work on a busy machine is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ablation.datasets import Dataset
from ablation.extractors import Classifier, Extractor, each_channel, random_features
from ablation.factories import make
from ablation.networks import parameters
from ablation.part import Part
from ablation.probes import Probe
from ablation.scores import Look, inception, judged, kind, stand_in
from ablation.selection import SAMPLES
from ablation.spec import TrialSpec
from ablation.trainer import train
from ablation.training import begin, players

KINDS = 16
"""How many kinds of cells are tried for the memory that they take; the first ones."""
FEW = 250
"""Pictures that are looked at to learn how long all take."""


@dataclass(frozen=True)
class Cost:
    """Seconds of one trial: of training, and of scoring at its end and on the way."""

    train: float
    score: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.train + self.score


def costs(specs: Sequence[TrialSpec], steps: int = 10) -> list[Cost]:
    """Return what each trial costs on one core of this machine's CPU, from a few steps of each kind of cell.

    Cells whose players have equally many parameters and that differ only in activation, loss or budget count as
    one kind; a compiled player is taken for its written one. Scoring is timed with an extractor that need not have
    been trained; the real side, computed once for all trials, is left out, and so is a trial's start.
    """
    torch.set_num_threads(1)
    data: dict[Part, Dataset] = {}
    sizes: dict[object, int] = {}
    known: dict[object, float] = {}
    found = []
    for spec in specs:
        if spec.dataset not in data:
            data[spec.dataset] = make(spec.dataset, Dataset)
        game = (spec.dataset, spec.architecture, spec.packing)
        placed = (spec.generator_activation, spec.discriminator_activation, spec.activation_at)
        if (game, placed) not in sizes:
            networks = players(spec, data[spec.dataset].shape)
            sizes[game, placed] = sum(parameters(networks).values())
        batch = (spec.budget.batch_size, spec.n_critic, spec.precision)
        cell = (game, sizes[game, placed], spec.penalty, spec.constraint, batch)
        if cell not in known:
            known[cell] = _seconds_a_step(spec, data[spec.dataset], steps)
        measured = (spec.dataset, spec.protocol)
        if measured not in known:
            known[measured] = _seconds_of_scoring(spec, data[spec.dataset])
        found.append(Cost(known[cell] * spec.budget.steps, known[measured]))
    return found


def room_left(specs: Sequence[TrialSpec], device: str, steps: int = 4) -> int:
    """Return the least bytes that are free on a GPU while one process trains a few steps of each kind of cell.

    Call it in a process of its own: what it leaves free goes without its context and its caches.
    """
    free = []
    kinds = {replace(spec, seed=0, activation_at=()): spec for spec in specs}
    for spec in list(kinds.values())[:KINDS]:
        data = make(spec.dataset, Dataset)
        training = begin(replace(spec, budget=replace(spec.budget, steps=steps)), data, device)
        nothing = torch.zeros(1, device=device)
        probe = Probe(training.networks, nothing, nothing, steps=steps, probes=0)
        train(training, data.train.to(device), probe, lambda _: None)
        free.append(int(torch.cuda.mem_get_info()[0]))
    return min(free)


def _seconds_a_step(spec: TrialSpec, data: Dataset, steps: int) -> float:
    budget = replace(spec.budget, steps=2 * steps)
    training = begin(replace(spec, budget=budget, compile="none"), data, "cpu")
    nothing = torch.zeros(1)
    probe = Probe(training.networks, nothing, nothing, steps=2 * steps, probes=0)
    times: list[float] = []
    train(training, data.train, probe, lambda _: times.append(time.process_time()))
    return (times[-1] - times[-1 - min(steps, len(times) - 1)]) / max(min(steps, len(times) - 1), 1)


def _seconds_of_scoring(spec: TrialSpec, data: Dataset) -> float:
    """Return how long the scores of one trial take: the pictures are real ones, their features are drawn."""
    extractor, n = _like(spec, data), spec.protocol.samples
    look = 0.0
    features, logits = data.train[:1].float(), None
    if extractor is not None:
        few = data.train[torch.arange(FEW) % len(data.train)]
        began = time.process_time()
        features, logits = extractor.features(few)
        look = (time.process_time() - began) / FEW
    random = torch.Generator().manual_seed(0)

    def drawn(count: int, like: Tensor) -> Tensor:
        return torch.randn(count, like.shape[1], generator=random)

    seen = Look.of(drawn(n, features), None if logits is None else drawn(n, logits), extractor)
    real = stand_in(data, seen, random)
    began = time.process_time()
    judged(seen, real, data, spec.dataset.name, extractor)
    once = time.process_time() - began
    on_the_way = spec.protocol.evaluations * min(SAMPLES, n)
    best = n if spec.protocol.evaluations else 0
    return once + look * (n + on_the_way + best)


def _like(spec: TrialSpec, data: Dataset) -> Extractor | None:
    """Return an extractor that takes as long as the one that the protocol asks for, trained or not."""
    wanted = kind(spec, data)
    if wanted == "none":
        return None
    if wanted == "inception" and spec.protocol.weights:
        return inception(spec.protocol.weights)
    if wanted != "classifier":
        return random_features(spec.dataset.name, data.shape[0])
    shown = data.single or data
    model = Classifier(shown.shape[0], shown.classes).requires_grad_(False)
    one = Extractor("untrained", "classifier", lambda images: model(images.float()), "")
    return each_channel(one) if data.single is not None else one
