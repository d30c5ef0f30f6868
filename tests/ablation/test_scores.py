"""Scores against torch-fidelity's own entry point, closed forms, and samplers whose quality is known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch_fidelity
from PIL import Image
from torch import Tensor
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

from ablation.datasets import Dataset, as_bytes, scaled
from ablation.extractors import Classifier, Extractor
from ablation.scores import (
    frechet,
    score,
    thousands,
    varies,
)


def untrained() -> Classifier:
    """Return a network whose features differ enough to be told apart, trained or not."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        return Classifier(1, 10).eval().requires_grad_(False)


MODEL = untrained()


EXTRACTOR = Extractor("test-cnn", "classifier", lambda images: MODEL(scaled(images)), "")


class Registered(FeatureExtractorBase):
    """The same network as torch-fidelity wants it."""

    def __init__(self, name: str, features_list: list[str], **_: Any) -> None:
        super().__init__(name, features_list)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return ("features", "logits")

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return {"fid": "features", "isc": "logits"}[metric]

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        both = dict(zip(("features", "logits"), MODEL(scaled(images[:, :1])), strict=True))
        return tuple(both[name].double() for name in self.features_list)  # else means are float32


@pytest.fixture(scope="module")
def registered() -> str:
    torch_fidelity.register_feature_extractor("ours", Registered)
    return "ours"


def files(folder: Path, images: Tensor) -> str:
    folder.mkdir()
    for number, image in enumerate(images.numpy()):
        Image.fromarray(image[0]).save(folder / f"{number:05}.png")
    return str(folder)


def noisy(data: Dataset, n: int, noise: float) -> Tensor:
    stream = torch.Generator().manual_seed(4)
    images = scaled(data.train[:n])
    return images + noise * torch.randn(images.shape, generator=stream)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_fid_and_is_are_those_of_torch_fidelity_on_the_same_picture_files(
    noise: float, digits: Dataset, registered: str, tmp_path: Path
) -> None:
    samples = noisy(digits, 400, noise)
    fid, inception_score, *_ = score(samples, digits, "digits", EXTRACTOR).scores
    theirs = torch_fidelity.calculate_metrics(
        input1=files(tmp_path / "fake", as_bytes(samples)),
        input2=files(tmp_path / "real", digits.test),
        feature_extractor=registered, fid=True, isc=True, cuda=False, save_cpu_ram=True, verbose=False,
        cache=False,
    )  # fmt: skip
    assert fid.value == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)
    assert inception_score.value == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    assert (fid.name, fid.n, fid.better) == ("fid_test-cnn_400", 400, "lower")
    assert (inception_score.name, inception_score.better) == ("is_test-cnn_400", "higher")


@pytest.mark.slow
def test_fid_is_least_for_the_data_and_grows_with_what_is_done_to_them(digits: Dataset) -> None:
    same = score(scaled(digits.test), digits, "digits", EXTRACTOR).scores[0].value
    other_half = score(scaled(digits.train[:599]), digits, "digits", EXTRACTOR).scores[0].value
    worse = [
        score(noisy(digits, 599, s), digits, "digits", EXTRACTOR).scores[0].value
        for s in (0.3, 0.6, 1.2)
    ]
    grey = score(torch.zeros(599, 1, 8, 8), digits, "digits", EXTRACTOR).scores[0].value
    assert 0 <= same < 1e-6 * grey
    assert same < other_half < 0.05 * grey
    assert [other_half, *worse] == sorted([other_half, *worse])
    assert worse[-1] > 3 * other_half


def test_samples_that_are_not_finite_have_no_score(digits: Dataset, ring: Dataset) -> None:
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="not finite"):
            score(torch.full((20, 1, 8, 8), value), digits, "digits", EXTRACTOR)
        with pytest.raises(ValueError, match="not finite"):
            score(torch.full((20, 2), value), ring, "ring8", None)


@pytest.mark.slow
def test_scoring_leaves_samples_and_streams_alone(digits: Dataset, ring: Dataset) -> None:
    samples, points = noisy(digits, 64, 2.0), torch.randn(64, 2)
    kept, before = (samples.clone(), points.clone()), torch.get_rng_state()
    numpy_before = np.random.get_state()[1].copy()
    score(samples, digits, "digits", EXTRACTOR)
    score(points, ring, "ring8", None)
    assert torch.equal(samples, kept[0])
    assert torch.equal(points, kept[1])
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()


def exact(mean: list[float], covariance: list[list[float]], n: int = 500) -> Tensor:
    """Return samples whose mean and covariance are exactly these."""
    x = torch.from_numpy(np.random.default_rng(3).normal(size=(n, len(mean))))
    x = x - x.mean(0)
    x = torch.linalg.solve_triangular(torch.linalg.cholesky(x.T.cov()), x.T, upper=False).T
    root = torch.linalg.cholesky(torch.tensor(covariance, dtype=torch.float64))
    return x @ root.T + torch.tensor(mean, dtype=torch.float64)


PAIRS = [
    (([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]), ([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]), 0.0),
    (([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]), ([3.0, -4.0], [[1.0, 0.0], [0.0, 1.0]]), 25.0),
    # equal axes: the sum of (sqrt a - sqrt b)^2
    (([0.0, 1.0], [[4.0, 0.0], [0.0, 9.0]]), ([0.0, 1.0], [[1.0, 0.0], [0.0, 25.0]]), 1.0 + 4.0),
]


def test_frechet_is_the_closed_form_of_two_normal_distributions() -> None:
    for first, second, expected in PAIRS:
        assert frechet(exact(*first), exact(*second)) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    # turned against each other, in two dimensions: tr sqrt(AB) = sqrt(tr AB + 2 sqrt det AB)
    a, b = [[2.0, 0.9], [0.9, 1.0]], [[0.5, -0.3], [-0.3, 3.0]]
    product = np.array(a) @ np.array(b)
    root = math.sqrt(np.trace(product) + 2 * math.sqrt(np.linalg.det(product)))
    expected = 1.0 + np.trace(a) + np.trace(b) - 2 * root
    found = frechet(exact([0.0, 0.0], a), exact([1.0, 0.0], b))
    assert found == pytest.approx(expected, rel=1e-9)
    assert found == pytest.approx(frechet(exact([1.0, 0.0], b), exact([0.0, 0.0], a)), rel=1e-9)


def test_frechet_stays_at_or_above_zero_for_degenerate_samples(ring: Dataset) -> None:
    point = torch.zeros(100, 2)
    assert frechet(point, point) == 0.0
    spread = float(ring.test.double().var(0).sum())
    away = float(ring.test.double().mean(0).square().sum())
    assert frechet(point, ring.test) == pytest.approx(spread + away, rel=1e-9)


def test_varies_is_the_share_of_the_data_s_variance() -> None:
    data = torch.from_numpy(np.random.default_rng(0).normal(size=(4000, 1, 2, 2)))
    assert varies(data, data) == 1.0
    assert varies(0.1 * data + 5, data) == pytest.approx(0.01)
    assert varies(torch.zeros(10, 1, 2, 2), data) == 0.0


@pytest.mark.parametrize(
    ("n", "text"), [(599, "599"), (1000, "1k"), (2500, "2.5k"), (10_000, "10k"), (50_000, "50k")]
)
def test_a_sample_count_is_written_as_people_write_it(n: int, text: str) -> None:
    assert thousands(n) == text
