"""What can be known before training: whether a trial's data, parts and extractor are to be had and fit each other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ablation.datasets import Dataset
from ablation.extractors import Say, print_nothing
from ablation.factories import make
from ablation.losses import Loss
from ablation.part import Part
from ablation.penalties import Penalty
from ablation.probes import Probe
from ablation.scores import choose, kind
from ablation.spec import TrialSpec
from ablation.trainer import train
from ablation.training import begin


def check(
    specs: Sequence[TrialSpec],
    extractors: Path | None = None,
    say: Say = print_nothing,
    *,
    ready: bool = True,
) -> list[str | None]:
    """Return for each trial the reason why it is impossible, None if it is possible.

    Raises ValueError if data or extractor cannot be had: then no trial of that data set can run. Trials that differ
    only in their seed are looked at once; the classifiers that the trials share are trained here, before any of them,
    and `say` is told so, unless `ready` is False.
    """
    torch.set_num_threads(1)
    data: dict[Part, Dataset] = {}
    reasons: dict[str, str | None] = {}
    for spec in specs:
        if spec.cell in reasons:
            continue
        if spec.dataset not in data:
            data[spec.dataset] = make(spec.dataset, Dataset)
            kind(spec, data[spec.dataset])
        try:
            make(spec.loss, Loss)
            make(spec.penalty, Penalty)
            begin(spec, data[spec.dataset], "cpu")
            reasons[spec.cell] = None
        except ValueError as error:
            reasons[spec.cell] = str(error)
    if ready:
        for spec in {s.dataset: s for s in specs if reasons[s.cell] is None}.values():
            choose(spec, data[spec.dataset], extractors, say)
    return [reasons[spec.cell] for spec in specs]


def seconds_a_trial(specs: Sequence[TrialSpec], steps: int = 10) -> list[float]:
    """Return how long each trial would train on this machine's CPU, from a few steps of each kind of cell.

    Cells that differ only in activation, loss or budget count as one kind.
    """
    torch.set_num_threads(1)
    known: dict[object, float] = {}
    found = []
    for spec in specs:
        kind = (
            spec.dataset,
            spec.architecture,
            spec.penalty,
            spec.n_critic,
            spec.budget.batch_size,
        )
        if kind not in known:
            known[kind] = _seconds_a_step(spec, steps)
        found.append(known[kind] * spec.budget.steps)
    return found


def _seconds_a_step(spec: TrialSpec, steps: int) -> float:
    data = make(spec.dataset, Dataset)
    short = replace(spec, budget=replace(spec.budget, steps=2 * steps))
    training = begin(short, data, "cpu")
    nothing = torch.zeros(1)
    probe = Probe(training.networks, nothing, nothing, steps=2 * steps, probes=0)
    times: list[float] = []
    train(training, data.train, probe, lambda _: times.append(time.perf_counter()))
    return (times[-1] - times[-1 - min(steps, len(times) - 1)]) / max(min(steps, len(times) - 1), 1)
