"""Experiments of whole trials: the probe's own readings, and classifiers that learn what they are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ablation.datasets import Dataset
from ablation.experiments import augmentation, layer_norms
from ablation.experiments.experiment import ended, kept, used
from ablation.extractors import RECIPE, Classifier, fit, predicted
from ablation.record import read_readings, write_config


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPE, "steps", 60)


def few(data: Dataset, *classes: int) -> Dataset:
    """Return a data set of some classes, renumbered."""
    parts = {}
    for name, samples, labels in data.splits():
        assert labels is not None
        mine = torch.isin(labels, torch.tensor(classes))
        numbers = torch.tensor([classes.index(int(label)) for label in labels[mine]])
        parts |= {name: samples[mine], f"{name}_labels": numbers}
    return Dataset(**parts)


@pytest.mark.slow
def test_layer_norms_are_the_readings_of_a_trial(tmp_path: Path, ask: Any) -> None:
    spec = ask(architecture="deep_mlp", dataset="ring8", loss="wasserstein", probes=3, steps=6)
    write_config(tmp_path, spec)
    layer_norms.measure(tmp_path, spec, {})
    outcome = ended(tmp_path)
    assert outcome is not None
    assert outcome.kind in ("finished", "collapsed")
    found = layer_norms.rows(tmp_path)
    assert {row.layer for row in found} == {f"discriminator.{i}" for i in range(12)}
    assert {row.step for row in found} == {1, 2, 4, 6}
    read = {(r.step, r.layer): r.value for r in read_readings(tmp_path)
            if (r.network, r.quantity) == ("discriminator", "gradient_norm")}  # fmt: skip
    assert {(row.step, row.layer): row.value for row in found} == read
    assert all(row.value > 0 for row in found)


@pytest.mark.slow
def test_each_class_is_imitated_as_often_as_it_is_there(ask: Any, begun: Any, part: Any) -> None:
    spec = ask(steps=150, ema=0.9, optimizer=part("optimizer", "adam", lr=2e-3))
    data = few(begun(spec).data, 0, 1, 7)
    assert data.train_labels is not None
    found, outcome = augmentation.imitated(spec, data)
    assert found is not None
    assert outcome.kind == "finished"
    images, labels = found
    assert images.dtype == torch.uint8
    assert labels.bincount().tolist() == data.train_labels.bincount().tolist()
    means = [images[labels == label].float().mean(0) for label in range(3)]
    own = [data.train[data.train_labels == label].float().mean(0) for label in range(3)]
    for label, mean in enumerate(means):  # each is nearest to the class that it learned from
        distances = [float((mean - other).norm()) for other in own]
        assert distances.index(min(distances)) == label


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_class_that_diverges_gives_no_score(tmp_path: Path, ask: Any, part: Any) -> None:
    spec = ask(loss="wasserstein", optimizer=part("optimizer", "adam", lr=1e20), steps=3)
    augmentation.measure(tmp_path, spec, {})
    outcome = ended(tmp_path)
    assert outcome is not None
    assert (outcome.kind, outcome.message) == ("diverged", "the generator of class 0")
    took = used(tmp_path)
    assert took is not None
    assert took > 0
    assert {row.treatment for row in kept(tmp_path)} == {"real"}


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_scores_are_accuracies_on_the_real_test_split(ask: Any, begun: Any) -> None:
    spec = ask()
    data = few(begun(spec).data, 0, 1)
    assert data.train_labels is not None
    assert data.test_labels is not None
    rows = augmentation.judged(spec, data, "real", data.train, data.train_labels)
    assert rows[0].quantity == f"cas-real_digits_{len(data.train)}"
    assert rows[0].value > 0.9
    swapped = augmentation.judged(spec, data, "generated", data.train, 1 - data.train_labels)
    assert swapped[0].quantity == f"cas-per-class_digits_{len(data.train)}"
    assert swapped[0].value == pytest.approx(1 - rows[0].value, abs=0.05)
    shares = data.test_labels.bincount().double() / len(data.test)
    mean = sum(float(share) * row.value for share, row in zip(shares, rows[1:], strict=True))
    assert mean == pytest.approx(rows[0].value)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_classifier_learns_from_its_seed(begun: Any, ask: Any) -> None:
    data = begun(ask()).data
    assert data.train_labels is not None
    found = []
    for seed in (1, 1, 2):
        model = Classifier(1, data.classes)
        fit(model, data.train, data.train_labels, seed)
        found.append(model.head.weight.detach().clone())
        assert predicted(model, data.test).shape == data.test_labels.shape
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("name", ["ring8", "photo_patches"])
def test_data_without_labelled_images_are_refused(name: str, ask: Any) -> None:
    with pytest.raises(ValueError, match=f"dataset={name} has none"):
        augmentation.resolve({}, [ask(dataset=name)])


def test_layer_norms_want_probes(ask: Any) -> None:
    assert layer_norms.resolve({}, [ask(probes=2)]) == {}
    with pytest.raises(ValueError, match=r"protocol\.probes is 0"):
        layer_norms.resolve({}, [ask(probes=2), replace(ask(), seed=1)])
