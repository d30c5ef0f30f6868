"""What looks at pictures: trained once among all processes, named by its weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ablation.datasets import Dataset, scaled
from ablation.extractors import (
    Classifier,
    Extractor,
    classifier,
    each_channel,
    random_features,
    state_hash,
)
from ablation.factories import make
from ablation.spec import Part

ONE = """
import json, sys
from pathlib import Path
from ablation.datasets import Dataset, cache_folder
from ablation.extractors import classifier
from ablation.factories import make
from ablation.spec import Part
import torch
torch.set_num_threads(1)
data = make(Part("digits", "ablation.datasets.digits"), Dataset)
found = classifier("digits", data, Path(sys.argv[1]))
own, cached = (next(Path(p).glob("*.pt")).stat() for p in (sys.argv[1], cache_folder() / "extractors"))
print(json.dumps([found.name, found.weights, found.accuracy, own.st_ino, cached.st_ino, cached.st_mtime_ns]))
"""


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """Let four processes ask at once for the classifier of digits; return their cache and their answers."""
    folder = tmp_path_factory.mktemp("crowd")
    cache = folder / "cache"
    environment = os.environ | {"ABLATION_CACHE": str(cache)}
    words = [[sys.executable, "-c", ONE, str(folder / f"study{n // 2}")] for n in range(4)]
    running = [
        subprocess.Popen(w, stdout=subprocess.PIPE, text=True, env=environment) for w in words
    ]
    said = [process.communicate(timeout=300)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 4
    return cache, [json.loads(text) for text in said]


@pytest.mark.slow
def test_four_processes_train_one_classifier(crowd: tuple[Path, list[Any]]) -> None:
    """A second training would replace the file, and one of the four would have seen the first."""
    cache, said = crowd
    assert len({tuple(row[:3]) for row in said}) == 1
    assert len({tuple(row[4:]) for row in said}) == 1
    assert said[0][3] == said[1][3] != said[2][3] == said[3][3]  # a copy for each of two studies
    assert [p.suffix for p in (cache / "extractors").iterdir() if p.suffix != ".cache-lock"] == [
        ".pt"
    ]


@pytest.mark.slow
def test_the_classifier_knows_its_classes_and_is_named_by_its_weights(
    crowd: tuple[Path, list[Any]], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, said = crowd
    name, weights, accuracy, *_ = said[0]
    assert accuracy > 0.97
    assert name == f"digits-cnn-{weights[:6]}"

    monkeypatch.setenv("ABLATION_CACHE", str(cache))
    found = classifier("digits", digits, None)
    assert (found.name, found.kind, found.weights, found.accuracy) == (
        name,
        "classifier",
        weights,
        accuracy,
    )
    features, logits = found.features(digits.test)
    assert logits is not None
    assert (features.shape, logits.shape) == ((599, 64), (599, 10))
    assert digits.test_labels is not None
    right = float((logits.argmax(1) == digits.test_labels).double().mean())
    assert right == pytest.approx(accuracy, abs=1e-9)
    parts = found.features(digits.test, batch=7)[0]
    torch.testing.assert_close(parts, features, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_study_keeps_its_own_classifier(
    crowd: tuple[Path, list[Any]], digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights differ between machines: a study goes on with the file that it began with."""
    cache, said = crowd
    (file,) = (cache / "extractors").glob("*.pt")
    other = torch.load(file, weights_only=True)
    other["model"]["head.bias"] += 1.0
    (tmp_path / "study").mkdir()
    torch.save(other, tmp_path / "study" / file.name)
    monkeypatch.setenv("ABLATION_CACHE", str(cache))
    found = classifier("digits", digits, tmp_path / "study")
    assert found.weights != said[0][1]
    assert found.name == f"digits-cnn-{found.weights[:6]}"
    assert classifier("digits", digits, None).weights == said[0][1]


@pytest.mark.slow
def test_a_damaged_classifier_is_named(
    crowd: tuple[Path, list[Any]], digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = (crowd[0] / "extractors").glob("*.pt")
    (tmp_path / "extractors").mkdir()
    torn = tmp_path / "extractors" / file.name
    torn.write_bytes(file.read_bytes()[:1000])
    monkeypatch.setenv("ABLATION_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match=f"{file.name} is damaged"):
        classifier("digits", digits, None)


@pytest.mark.slow
def test_other_data_of_the_same_name_have_another_classifier(
    crowd: tuple[Path, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two folders of pictures may share a name: what counts is their content."""
    cache, said = crowd
    monkeypatch.setenv("ABLATION_CACHE", str(cache))
    labels = torch.arange(40) % 2
    images = (labels * 200)[:, None, None, None].expand(40, 1, 8, 8).to(torch.uint8)
    before = {*(cache / "extractors").glob("digits-cnn-*.pt")}
    data = Dataset(
        train=images, selection=images, test=images,
        train_labels=labels, selection_labels=labels, test_labels=labels,
    )  # fmt: skip
    found = classifier("digits", data, None)
    assert found.weights != said[0][1]
    assert found.accuracy == 1.0
    assert len({*(cache / "extractors").glob("digits-cnn-*.pt")} - before) == 1


@pytest.mark.slow
def test_stacks_are_looked_at_by_the_classifier_of_single_digits(
    crowd: tuple[Path, list[Any]], part: Callable[..., Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is trained on the single digits alone, so under their name it is the file that is there."""
    cache, said = crowd
    monkeypatch.setenv("ABLATION_CACHE", str(cache))
    stacks = make(part("dataset", "stacked_digits", points=1000), Dataset)
    found = classifier("digits", stacks, None)
    assert (found.name, found.weights, found.accuracy) == (said[0][0], said[0][1], said[0][2])
    features, logits = found.features(stacks.test[:2000])
    assert logits is not None
    assert stacks.test_labels is not None
    assert (features.shape, logits.shape) == ((2000, 192), (2000, 1000))
    right = float((logits.argmax(1) == stacks.test_labels[:2000]).double().mean())
    assert right == pytest.approx(float(said[0][2]) ** 3, abs=0.03)


def test_each_channel_is_looked_at_by_itself(digits: Dataset) -> None:
    torch.manual_seed(3)
    one = Classifier(1, 10).requires_grad_(False)
    single = Extractor("x-cnn-1", "classifier", lambda images: one(scaled(images)), "w", 0.9)
    several = each_channel(single)
    assert (several.name, several.kind, several.weights) == ("x-cnn-1", "classifier", "w")
    stacks = digits.test[:60].reshape(20, 3, 8, 8)
    features, logits = several.features(stacks)
    assert logits is not None
    apart = [single.features(stacks[:, k : k + 1]) for k in range(3)]
    torch.testing.assert_close(features, torch.cat([part[0] for part in apart], 1))
    torch.testing.assert_close(logits.logsumexp(1), torch.zeros(20), atol=1e-5, rtol=0)
    logs = [part[1].log_softmax(1) for part in apart if part[1] is not None]
    for number in (0, 7, 123, 999):
        digit = [number // 100, number // 10 % 10, number % 10]
        expected = sum(log[:, k] for log, k in zip(logs, digit, strict=True))
        torch.testing.assert_close(logits[:, number], expected)


def test_data_without_labels_have_no_classifier(part: Callable[..., Part]) -> None:
    ring = make(part("dataset", "ring8"), Dataset)
    with pytest.raises(
        ValueError, match="extractor=classifier needs labelled images; ring8 has none"
    ):
        classifier("ring8", ring, None)


def test_random_features_are_the_same_everywhere_and_say_so(digits: Dataset) -> None:
    torch.manual_seed(1)
    first = random_features("digits", 1)
    torch.manual_seed(2)
    again = random_features("digits", 1)
    assert first.weights == again.weights
    assert first.name == f"digits-random-{first.weights[:6]}"
    features, logits = first.features(digits.test[:50])
    assert logits is None
    assert features.shape == (50, 64)
    assert torch.equal(features, again.features(digits.test[:50])[0])
    assert float(features.std(0).min()) > 0  # every feature tells pictures apart
    assert random_features("digits", 3).weights != first.weights


@pytest.mark.parametrize("size", [4, 8, 28, 33])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_classifier_takes_pictures_of_any_size(size: int, channels: int) -> None:
    features, logits = Classifier(channels, 7)(torch.zeros(2, channels, size, size))
    assert (features.shape, logits.shape) == ((2, 64), (2, 7))


def test_features_come_in_the_order_of_the_pictures(digits: Dataset) -> None:
    extractor = Extractor("x", "x", lambda images: (scaled(images).flatten(1), None), "")
    features, _ = extractor.features(digits.test, batch=100)
    assert torch.equal(features, scaled(digits.test).flatten(1))


def test_the_hash_of_a_state_is_that_of_every_number_in_it() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    before = state_hash(network)
    assert before == state_hash(network)
    for name, tensor in network.state_dict().items():
        kept = tensor.clone()
        tensor.add_(1)
        assert state_hash(network) != before, name
        tensor.copy_(kept)
    assert state_hash(network) == before
    assert state_hash(network, network) != before
    assert state_hash(network.double()) != before
