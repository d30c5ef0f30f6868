"""Scores against torch-fidelity's own entry point, closed forms, and samplers whose quality is known."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch_fidelity
from PIL import Image
from torch import Tensor
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.metric_isc import isc_features_to_metric

from ablation.datasets import Dataset, Modes, as_bytes, scaled
from ablation.extractors import Classifier, Extractor, each_channel
from ablation.factories import make
from ablation.scores import (
    choose,
    coverage,
    frechet,
    histogram,
    inception,
    score,
    thousands,
    varies,
)
from ablation.scores.kernel import SEED
from ablation.spec import Part, TrialSpec

PICTURES = ["fid", "is", "kid", "precision", "recall", "memorisation"]
Ask = Callable[..., TrialSpec]


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return make(Part("digits", "ablation.datasets.digits"), Dataset)


@pytest.fixture(scope="module")
def ring() -> Dataset:
    return make(Part("ring8", "ablation.datasets.ring8", (("points", 1000),)), Dataset)


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


# Toys: samplers whose quality is known.

ANGLES = 2 * math.pi * torch.arange(8, dtype=torch.float64) / 8
MODES = Modes(torch.stack([ANGLES.cos(), ANGLES.sin()], 1), 0.01)


def sampler(weights: list[float], n: int, std: float = 0.01, seed: int = 0) -> Tensor:
    random = np.random.default_rng(seed)
    which = random.choice(8, n, p=np.array(weights) / sum(weights))
    return MODES.centres[torch.from_numpy(which)] + std * torch.from_numpy(
        random.normal(size=(n, 2))
    )


def test_a_perfect_sampler_reaches_the_known_ceiling() -> None:
    """Within 3 std lie 1 - exp(-4.5) = 98.89 % in two dimensions; (K - 1)/(2n) is the bias of the entropy."""
    n = 400_000
    covered, quality, kl = coverage(sampler([1] * 8, n), MODES)
    ceiling = 1 - math.exp(-4.5)
    assert covered == 8
    assert abs(quality - ceiling) < 4 * math.sqrt(ceiling * (1 - ceiling) / n)
    assert 0 <= kl < 5 * 7 / (2 * n)
    kls = [coverage(sampler([1] * 8, 2500, seed=s), MODES)[2] for s in range(60)]
    assert float(np.mean(kls)) == pytest.approx(7 / 5000, rel=0.25)


@pytest.mark.parametrize(
    ("weights", "modes", "kl"),
    [
        ([1, 0, 0, 0, 0, 0, 0, 0], 1, math.log(8)),
        ([1, 1, 0, 0, 0, 0, 0, 0], 2, math.log(4)),
        ([1, 1, 1, 1, 0, 0, 0, 0], 4, math.log(2)),
        ([3, 1, 0, 0, 0, 0, 0, 0], 2, math.log(8) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25)),
    ],
)
def test_a_collapsed_sampler_is_told_by_its_modes(
    weights: list[float], modes: int, kl: float
) -> None:
    found = coverage(sampler(weights, 20_000), MODES)
    assert found[0] == modes
    assert found[1] == pytest.approx(1 - math.exp(-4.5), abs=4e-3)
    assert found[2] == pytest.approx(kl, abs=0.03)


def test_a_sample_counts_up_to_three_standard_deviations() -> None:
    near, far = (MODES.centres[:1] * (1 + 0.01 * k) for k in (2.999, 3.001))
    assert coverage(near, MODES) == (1, 1.0, pytest.approx(math.log(8)))
    assert coverage(far, MODES)[:2] == (0, 0.0)
    half = torch.cat([near, far, MODES.centres[3:4], torch.zeros(1, 2)])
    assert coverage(half, MODES)[:2] == (2, 0.5)


def test_scores_of_a_toy_are_named_and_directed(ring: Dataset) -> None:
    found = score(sampler([1] * 8, 2500).float(), ring, "ring8", None).scores
    assert [(s.name, s.n, s.better) for s in found] == [
        ("frechet_ring8_2.5k", 2500, "lower"),
        ("modes_ring8_2.5k", 2500, "higher"),
        ("hq_ring8_2.5k", 2500, "higher"),
        ("reverse-kl_ring8_2.5k", 2500, "lower"),
        ("memorisation_ring8_2.5k", 2500, "lower"),
    ]
    assert found[1].value == 8
    assert found[2].value == pytest.approx(1 - math.exp(-4.5), abs=0.01)


# Modes that are curves.


def test_the_ceiling_of_normal_distributions_is_that_of_the_papers() -> None:
    """The mass within 3 std: a chi-squared variable below 9."""
    from scipy.stats import chi2

    assert MODES.ceiling == pytest.approx(1 - math.exp(-4.5), abs=1e-12)
    for dimensions in (1, 2, 3, 10):
        one = Modes(torch.zeros(1, dimensions), 0.3)
        assert one.ceiling == pytest.approx(chi2.cdf(9, dimensions), abs=1e-12)
    assert Modes(torch.zeros(5, 2), 1.0).ceiling == MODES.ceiling  # one upon the other


@pytest.mark.parametrize("std", [0.01, 0.05])
def test_the_ceiling_of_a_circle_is_that_of_the_distribution_of_rice(std: float) -> None:
    from scipy.stats import rice

    angle = torch.arange(4000, dtype=torch.float64) * 2 * math.pi / 4000
    circle = Modes(torch.stack([angle.cos(), angle.sin()], 1), std, torch.zeros(4000).long())
    low, high = ((1 + 3 * side * std) / std for side in (-1, 1))
    expected = rice.cdf(high, 1 / std) - rice.cdf(low, 1 / std)
    assert circle.count == 1
    assert circle.ceiling == pytest.approx(expected, abs=2e-4)
    assert expected == pytest.approx(0.9973, abs=1e-3)


def test_the_ceiling_counts_what_another_mode_catches() -> None:
    """Two centres 3 std apart catch more than one, and no more than two times what one leaves."""
    far, near = (Modes(torch.tensor([[0.0, 0.0], [x, 0.0]]), 1.0).ceiling for x in (99.0, 3.0))
    random = torch.from_numpy(np.random.default_rng(0).normal(size=(400_000, 2)))
    caught = (random.norm(dim=1) <= 3) | ((random - torch.tensor([3.0, 0.0])).norm(dim=1) <= 3)
    assert far == MODES.ceiling
    assert near == pytest.approx(float(caught.double().mean()), abs=3e-4)
    assert near > far + 2e-3


def test_a_mode_that_is_a_curve_counts_once() -> None:
    """Two parallel lines of many centres, told apart from each other and from afar."""
    x = torch.linspace(0, 1, 100)
    lines = torch.cat([torch.stack([x, torch.full_like(x, y)], 1) for y in (0.0, 1.0)])
    modes = Modes(lines, 0.02, torch.arange(2).repeat_interleave(100))
    assert modes.count == 2
    low = torch.stack([torch.linspace(0, 1, 300), torch.full((300,), 0.059)], 1)
    assert coverage(low, modes) == (1, 1.0, pytest.approx(math.log(2)))
    both = torch.cat([low, low + torch.tensor([0.0, 1.0])])
    assert coverage(both, modes) == (2, 1.0, 0.0)
    between = torch.stack([torch.linspace(0, 1, 300), torch.full((300,), 0.4)], 1)
    assert coverage(between, modes) == (0, 0.0, pytest.approx(math.log(2)))


def test_coverage_does_not_depend_on_how_many_samples_are_looked_at_together() -> None:
    many = sampler([3, 1, 0, 2, 0, 0, 1, 1], 5000, std=0.02)
    distance = torch.cdist(many, MODES.centres, compute_mode="donot_use_mm_for_euclid_dist")
    found, mode = MODES.nearest(many)
    torch.testing.assert_close(found, distance.min(1).values, atol=1e-7, rtol=0)
    assert torch.equal(mode, distance.argmin(1))


# Stacks of digits: each of a thousand numbers is a mode.


@pytest.fixture(scope="module")
def stacks() -> Dataset:
    row = Part("stacked_digits", "ablation.datasets.stacked_digits", (("points", 5000),))
    return make(row, Dataset)


@pytest.fixture(scope="module")
def knowing(stacks: Dataset) -> Extractor:
    """Return an extractor that knows each digit of the data by heart."""
    assert stacks.single is not None
    known = {
        image.tobytes(): int(label)
        for _, images, labels in stacks.single.splits()
        for image, label in zip(images.numpy(), labels if labels is not None else [], strict=True)
    }

    def look(images: Tensor) -> tuple[Tensor, Tensor]:
        labels = torch.tensor([known.get(image.tobytes(), 0) for image in images.numpy()])
        logits = 30.0 * torch.nn.functional.one_hot(labels, 10)
        return torch.cat([logits, scaled(images).flatten(1)], 1), logits

    return each_channel(Extractor("test-cnn", "classifier", look, ""))


def test_real_stacks_cover_the_modes_that_a_uniform_sampler_would(
    stacks: Dataset, knowing: Extractor
) -> None:
    n, count = 2500, 1000
    found = {
        s.name: s for s in score(scaled(stacks.test[:n]), stacks, "stacked_digits", knowing).scores
    }
    assert [*found] == [f"{family}_test-cnn_2.5k" for family in (*PICTURES, "modes", "reverse-kl")]
    expected = count * (1 - (1 - 1 / count) ** n)
    modes, kl = found["modes_test-cnn_2.5k"], found["reverse-kl_test-cnn_2.5k"]
    assert (modes.better, kl.better) == ("higher", "lower")
    assert modes.value == pytest.approx(expected, abs=30)  # the digits are not quite equally many
    assert stacks.test_labels is not None
    assert modes.value == len(stacks.test_labels[:n].unique())
    uniform = torch.from_numpy(np.random.default_rng(0).integers(0, count, n))
    assert kl.value == pytest.approx(histogram(uniform, count)[1], abs=0.03)
    assert found["fid_test-cnn_2.5k"].value >= 0


def test_a_constant_generator_of_stacks_covers_one_mode(
    stacks: Dataset, knowing: Extractor
) -> None:
    same = scaled(stacks.test[:1]).expand(400, -1, -1, -1)
    found = {s.name: s.value for s in score(same, stacks, "stacked_digits", knowing).scores}
    assert found["modes_test-cnn_400"] == 1
    assert found["reverse-kl_test-cnn_400"] == pytest.approx(math.log(1000))


def test_modes_of_stacks_are_counted_by_a_classifier_alone(
    stacks: Dataset, digits: Dataset, knowing: Extractor
) -> None:
    """Inception's classes are not numbers, and plain digits have no modes."""

    def families(data: Dataset, extractor: Extractor, samples: Tensor) -> list[str]:
        return [s.name.split("_")[0] for s in score(samples, data, "x", extractor).scores]

    some = scaled(stacks.test[:100])
    assert families(stacks, replace(knowing, kind="inception"), some) == PICTURES
    labelled = ["classes", "class-kl", "class-recall"]
    assert families(digits, EXTRACTOR, noisy(digits, 100, 0.1)) == [*PICTURES, *labelled]


@pytest.mark.parametrize(
    ("which", "modes", "kl"),
    [
        ([0] * 10, 1, math.log(4)),
        ([0, 1, 2, 3] * 5, 4, 0.0),
        ([3, 3, 1, 1], 2, math.log(2)),
        ([0, 0, 0, 1], 2, math.log(4) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25)),
    ],
)
def test_a_histogram_of_modes_by_hand(which: list[int], modes: int, kl: float) -> None:
    assert histogram(torch.tensor(which), 4) == (modes, pytest.approx(kl, abs=1e-12))


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


# Which extractor looks.


def test_choose_follows_the_protocol(ask: Ask, digits: Dataset, ring: Dataset) -> None:
    bare = Dataset(train=digits.train, selection=digits.selection, test=digits.test)
    assert choose(ask(extractor="auto", dataset="ring8"), ring, None) is None
    for wanted in ("auto", "random"):
        found = choose(ask(extractor=wanted), bare, None)
        assert found is not None
        assert found.kind == "random"
    with pytest.raises(
        ValueError, match=r"protocol\.extractor is 'vgg'; it is one of auto, classifier"
    ):
        choose(ask(extractor="vgg"), digits, None)
    with pytest.raises(ValueError, match="needs labelled images; digits has none"):
        choose(ask(extractor="classifier"), bare, None)


def test_inception_without_its_file_says_where_it_comes_from(
    ask: Ask, digits: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    spec = ask(extractor="inception", weights=str(path))
    with pytest.raises(
        ValueError, match=rf"protocol\.weights={path} is not a file; get it from https://"
    ):
        choose(spec, digits, None)


def test_inception_without_a_network_says_how_to_give_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"cannot be had .*give protocol\.weights=FILE"):
        inception(None)


class Payload:
    """What a hostile file of weights unpickles."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("format", ["torch", "pickle", "garbage", "empty", "other tensors"])
def test_a_file_that_is_not_of_weights_is_refused_unrun(format: str, tmp_path: Path) -> None:
    path, mark = tmp_path / "weights.pth", tmp_path / "it-ran"
    if format == "torch":
        torch.save({"fc.weight": Payload(mark)}, path)
    elif format == "pickle":
        path.write_bytes(pickle.dumps(Payload(mark)))
    elif format == "other tensors":
        torch.save({"fc.weight": torch.zeros(3)}, path)
    else:
        path.write_bytes(b"" if format == "empty" else b"garbage" * 100)
    with pytest.raises(ValueError, match=r"weights") as refusal:
        inception(str(path))
    assert str(path) in str(refusal.value)
    assert not mark.exists()
    if format == "pickle":  # and the trap is alive
        with open(path, "rb") as file:
            pickle.load(file)
        assert mark.exists()


@pytest.mark.slow
def test_inception_scores_with_the_weights_of_a_file(ask: Ask, tmp_path: Path) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Unloaded(FeatureExtractorInceptionV3):
        """The network with the weights that it was born with."""

        def load_state_dict(self, *_: Any, **__: Any) -> None:
            """Keep them."""

    empty, path = tmp_path / "empty.pth", tmp_path / "weights.pth"
    torch.save({}, empty)
    torch.manual_seed(0)
    born = Unloaded("inception-v3-compat", ["2048", "logits_unbiased"], str(empty))
    torch.save(born.state_dict(), path)

    stream = torch.Generator().manual_seed(2)
    pixels = torch.randint(0, 256, (24, 3, 16, 16), generator=stream, dtype=torch.uint8)
    data = Dataset(train=pixels[:12], selection=pixels[12:18], test=pixels[12:])
    extractor = choose(ask(weights=str(path)), data, None)
    assert extractor is not None
    assert (extractor.kind, extractor.name) == ("inception", f"inception-{extractor.weights[:6]}")
    samples = scaled(pixels[:12]) * 0.5
    features, logits = extractor.features(as_bytes(samples[:3]))
    expected = born(as_bytes(samples[:3]))
    assert torch.equal(features, expected[0])
    assert logits is not None
    assert torch.equal(logits, expected[1])

    fid, inception_score, *_ = score(samples, data, "pixels", extractor).scores
    assert fid.name == f"fid_{extractor.name}_12"
    assert fid.value > 0
    logits = born(as_bytes(samples))[1]
    theirs = isc_features_to_metric(logits, splits=10, shuffle=True, rng_seed=SEED)
    assert inception_score.value == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    grey = extractor.features(pixels[:2, :1])[0]  # one channel counts as three equal ones
    colour = extractor.features(pixels[:2, :1].expand(-1, 3, -1, -1))[0]
    assert torch.equal(grey, colour)
