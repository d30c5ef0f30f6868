"""Stored generators scored again: the same bits under the same protocol, and what a trial under another would score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ablation.catalogue import rows
from ablation.datasets import Dataset
from ablation.factories import make
from ablation.judgement import _samples
from ablation.part import Part
from ablation.record import Outcome, TrialRecord, read_record, write_config
from ablation.rescoring import rescore, restore
from ablation.scores import base, families
from ablation.spec import TrialSpec
from ablation.training import begin
from ablation.trial import run

Ask = Callable[..., TrialSpec]


KINDS = {
    "mlp-digits": {"dataset": "digits"},
    "dcgan-digits": {"dataset": "digits", "architecture": "dcgan"},
    "mlp-ring8": {"dataset": "ring8"},
}


def trial(home: Path, spec: TrialSpec) -> Path:
    """Train a trial in the folder of its key."""
    folder = home / spec.key
    write_config(folder, spec)
    assert run(folder).outcome.kind in ("finished", "collapsed")
    return folder


def unchanged(folder: Path, spec: TrialSpec) -> None:
    """Check that the trial's own protocol gives its own scores, and tells the same of real samples."""
    record, found = read_record(folder), rescore(folder, spec.protocol)
    assert record is not None
    assert record.scores
    assert found.scores == record.scores
    assert dict(found.refused) == record.provenance["refused"]
    assert found.floors == record.provenance["floors"]
    assert found.extractor == record.provenance["extractor"]
    assert found.weights == record.weights


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_own_protocol_gives_the_own_scores_bit_for_bit(
    tmp_path: Path, ask: Ask, kind: str
) -> None:
    """The best generator on the way is another than the last: its score is that of other weights."""
    spec = ask(**KINDS[kind], steps=40, samples=300, evaluations=5, batch_size=8)
    folder = trial(tmp_path, spec)
    assert (folder / "best.pt").exists()
    unchanged(folder, spec)
    record = read_record(folder)
    assert record is not None
    assert {base(s.name) for s in record.scores} == set(families(spec, make(spec.dataset, Dataset)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_another_protocol_gives_what_a_trial_under_it_scores(
    tmp_path: Path, ask: Ask, kind: str
) -> None:
    """Training does not depend on what is measured, so two trials that differ in it leave one generator."""
    few = ask(**KINDS[kind], steps=20, samples=100)
    many = replace(few, protocol=replace(few.protocol, samples=350))
    assert few.key == many.key
    one, other = trial(tmp_path / "few", few), trial(tmp_path / "many", many)
    wanted = read_record(other)
    assert wanted is not None
    found = rescore(one, many.protocol)
    assert found.scores == wanted.scores
    assert {s.n for s in found.scores} == {350}


@pytest.mark.slow
def test_a_collapsed_generator_is_scored_too(
    tmp_path: Path, ask: Ask, part: Callable[..., Part]
) -> None:
    spec = ask(
        dataset="ring8", architecture=part("architecture", "mlp", depth=6), generator="sigmoid",
        optimizer=part("optimizer", "adam", lr=1e-9), init="fixed", ema=0.0, samples=64,
    )  # fmt: skip
    folder = trial(tmp_path, spec)
    record = read_record(folder)
    assert record is not None
    assert record.outcome.kind == "collapsed"
    unchanged(folder, spec)


def stored(home: Path, spec: TrialSpec) -> tuple[Path, TrialRecord, Any, Dataset]:
    """Leave a generator as a trial does, its running statistics moved, and return it with its place."""
    data = make(spec.dataset, Dataset)
    training = begin(spec, data, "cpu")
    training.average.train()
    torch.manual_seed(0)
    training.average(torch.randn(64, training.networks.latent))
    training.average.eval()
    folder = home / spec.key
    write_config(folder, spec)
    torch.save(training.average.state_dict(), folder / "generator.pt")
    return folder, TrialRecord(spec.key, {}, Outcome("finished", 1)), training, data


@pytest.mark.parametrize(
    "words",
    [
        *({"activation": name, "dataset": "ring8"} for name in rows("activation")),
        *({"architecture": name} for name in ("dcgan", "resnet", "deep_mlp", "maxout_mlp")),
        {"dataset": "ring8", "packing": 2, "constraint": "spectral_norm", "precision": "bf16"},
    ],
    ids=lambda words: "-".join(map(str, words.values())),
)
def test_every_generator_comes_back_bit_for_bit(
    tmp_path: Path, ask: Ask, words: dict[str, Any]
) -> None:
    spec = ask(**words)
    folder, record, training, data = stored(tmp_path, spec)
    found = restore(folder, spec, record, data, "cpu")
    assert found.best == {}
    samples = _samples(spec, found, found.generator)
    assert torch.equal(samples, _samples(spec, found, training.average))
    assert samples.std() > 0
    again = [(p.shape, p.stride()) for p in found.generator.parameters()]
    assert again == [(p.shape, p.stride()) for p in training.average.parameters()]


@pytest.mark.slow
def test_weights_that_are_not_the_trials_are_named(tmp_path: Path, ask: Ask) -> None:
    spec = ask(dataset="ring8")
    folder, record, _, data = stored(tmp_path, spec)
    path = folder / "generator.pt"
    whole = path.read_bytes()

    def refused(words: str, name: str = "generator.pt", **files: str) -> None:
        with pytest.raises(ValueError, match=words) as caught:
            restore(folder, spec, replace(record, files=files), data, "cpu")
        assert str(folder / name) in str(caught.value)

    refused("is not the file that the trial wrote", **{"generator.pt": "00"})
    refused("is missing", "best.pt", **{"best.pt": "00"})
    path.write_bytes(whole[:100])
    refused("is damaged")
    torch.save({"somebody": torch.ones(3)}, path)
    refused("is damaged")
    path.write_bytes(b"cos\nsystem\n(S'touch hacked'\ntR.")
    refused("is damaged")
    assert not Path("hacked").exists()
    path.unlink()
    refused("is missing")
