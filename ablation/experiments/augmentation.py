"""Ravuri & Vinyals 2019: how well a classifier does on real images that learned from generated ones, by class."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ablation.datasets import Dataset, as_bytes
from ablation.experiments.experiment import Experiment, Row, Settings, keep, kept
from ablation.extractors import Classifier, fit, predicted
from ablation.factories import make
from ablation.probes import Probe
from ablation.randomness import stream
from ablation.record import Outcome
from ablation.scores import thousands
from ablation.spec import TrialSpec
from ablation.trainer import train
from ablation.training import begin, generate

NAMES = {"real": "cas-real", "generated": "cas-per-class", "both": "cas-per-class-and-real"}
"""What a classifier learns from, and the family of its score."""


def resolve(options: Mapping[str, str], specs: Sequence[TrialSpec]) -> Settings:
    """Return no settings; raises ValueError for data that are not images with labels."""
    assert not options, "it has no options"
    for part in dict.fromkeys(spec.dataset for spec in specs):
        data = make(part, Dataset)
        if data.train_labels is None or not data.is_images or data.single is not None:
            raise ValueError(
                f"augmentation needs images of labelled classes; dataset={part.name} has none:"
                " digits or mnist_5k has"
            )
        counts = data.train_labels.bincount()
        if int(counts.min()) == 0:
            raise ValueError(
                f"dataset={part.name} has no training image of class {counts.argmin()}"
            )
    return {}


def measure(folder: Path, spec: TrialSpec, settings: Settings) -> None:
    """Train a generator of each class, then a classifier on real images, on generated ones and on both."""
    del settings
    began = time.process_time()
    torch.set_num_threads(1)
    data = make(spec.dataset, Dataset)
    assert data.train_labels is not None
    found, outcome = imitated(spec, data)
    sets = {"real": (data.train, data.train_labels)}
    if found is not None:
        labels = torch.cat([data.train_labels, found[1]])
        sets |= {"generated": found, "both": (torch.cat([data.train, found[0]]), labels)}
    rows = [row for name, one in sets.items() for row in judged(spec, data, name, *one)]
    keep(folder, spec, rows, outcome, time.process_time() - began)


def imitated(spec: TrialSpec, data: Dataset) -> tuple[tuple[Tensor, Tensor] | None, Outcome]:
    """Return as many generated images (uint8 N C H W) of each class as the training split holds, with their labels.

    None if a generator diverged: there is no score of what it makes.
    """
    assert data.train_labels is not None
    images = []
    for label in range(data.classes):
        mine = data.train_labels == label
        own = replace(data, train=data.train[mine], train_labels=data.train_labels[mine])
        # A name of its own gives every class weights, noise and data order of its own.
        named = replace(spec, dataset=replace(spec.dataset, name=f"{spec.dataset.name}.{label}"))
        training = begin(named, own, "cpu")
        nothing = torch.zeros(1)
        probe = Probe(training.networks, nothing, nothing, steps=spec.budget.steps, probes=0)
        torch.manual_seed(stream(named, "modules").initial_seed())
        outcome = train(training, own.train, probe, lambda _: None)
        random = stream(named, "evaluation")
        samples = generate(training.average, training.networks.latent, len(own.train), random)
        if outcome.kind == "diverged" or not torch.isfinite(samples).all():
            return None, Outcome("diverged", outcome.step, f"the generator of class {label}")
        images.append(as_bytes(samples))
    labels = torch.arange(data.classes).repeat_interleave(data.train_labels.bincount())
    return (torch.cat(images), labels), outcome


def judged(
    spec: TrialSpec, data: Dataset, treatment: str, images: Tensor, labels: Tensor
) -> list[Row]:
    """Return the accuracy on the real test split of a classifier of these images, over all and for each class."""
    assert data.test_labels is not None
    model = Classifier(data.shape[0], data.classes)
    fit(model, images, labels, seed=spec.seed)
    right = (predicted(model, data.test) == data.test_labels).double()
    name = f"{NAMES[treatment]}_{spec.dataset.name}_{thousands(len(images))}"
    rows = [Row(treatment, 0, spec.budget.steps, "classifier", "", name, float(right.mean()))]
    for label in range(data.classes):
        mine = right[data.test_labels == label]
        if len(mine):
            place = ("classifier", f"class {label}", "class_accuracy")
            rows.append(Row(treatment, 0, spec.budget.steps, *place, float(mine.mean())))
    return rows


AUGMENTATION = Experiment(
    name="augmentation",
    question="What does a classifier learn from images that generators of single classes made?",
    cite="Ravuri & Vinyals 2019, arXiv:1905.10887",
    overrides=(
        *("dataset=digits", "architecture=mlp", "loss=non_saturating"),
        *("budget=short", "budget.steps=500", "seed=range(3)"),
    ),
    resolve=resolve,
    measure=measure,
    rows=kept,
)
