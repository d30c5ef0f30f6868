"""Scores of pictures against torch-fidelity's command line, and samplers whose worth is planted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from ablation.datasets import Dataset, scaled
from ablation.extractors import Extractor
from ablation.scores import (
    choose,
    floors,
    inception,
    manifolds,
    score,
)
from ablation.scores.fidelity import frechet_distance, moments
from ablation.scores.judging import extrapolated
from ablation.scores.kernel import kernel_distance
from ablation.scores.neighbours import radii
from ablation.spec import TrialSpec

Ask = Callable[..., TrialSpec]


def normal(n: int, size: int, seed: int = 0, shift: float = 0.0) -> Tensor:
    return torch.randn(n, size, generator=torch.Generator().manual_seed(seed)) + shift


def scored(samples: Tensor, data: Dataset, extractor: Extractor) -> dict[str, float]:
    return {s.name.split("_")[0]: s.value for s in score(samples, data, "x", extractor).scores}


def pictures(folder: Path, images: Tensor) -> str:
    folder.mkdir()
    for number, image in enumerate(images.numpy()):
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{number:05}.png")
    return str(folder)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the Inception network's weights as they are born, from a fixed seed."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Unloaded(FeatureExtractorInceptionV3):
        """The network with the weights that it was born with."""

        def load_state_dict(self, *_: Any, **__: Any) -> None:
            """Keep them."""

    folder = tmp_path_factory.mktemp("inception")
    torch.save({}, folder / "empty.pth")
    torch.manual_seed(0)
    born = Unloaded("inception-v3-compat", ["2048", "logits_unbiased"], str(folder / "empty.pth"))
    torch.save(born.state_dict(), folder / "weights.pth")
    return folder / "weights.pth"


@pytest.mark.long
def test_scores_are_those_of_torch_fidelity_s_command_line_on_the_same_picture_files(
    weights: Path, ask: Ask, tmp_path: Path
) -> None:
    stream = torch.Generator().manual_seed(2)
    shape = (24, 3, 32, 32)
    pixels = [
        torch.randint(0, most, shape, generator=stream, dtype=torch.uint8) for most in (256, 230)
    ]
    real, fake = pixels
    data = Dataset(train=real.flip(0), selection=real[:8], test=real)
    extractor = choose(ask(weights=str(weights)), data, None)
    assert extractor is not None
    found = scored(scaled(fake), data, extractor)
    folders = pictures(tmp_path / "fake", fake), pictures(tmp_path / "real", real)
    words = f"""--input1 {folders[0]} --input2 {folders[1]} --fid --isc --kid --prc --kid-subset-size 24
        --feature-extractor inception-v3-compat --feature-extractor-weights-path {weights}
        --feature-layer-prc 2048 --cache-root {tmp_path / "cache"} --cpu --json --silent""".split()
    program = Path(sys.executable).with_name("fidelity")
    said = subprocess.run(
        [str(program), *words], capture_output=True, text=True, check=True, timeout=500
    )
    theirs = json.loads(said.stdout)
    assert found["fid"] == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)
    assert found["is"] == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    assert found["kid"] == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-6)
    assert found["precision"] == pytest.approx(theirs["precision"])
    assert found["recall"] == pytest.approx(theirs["recall"])


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(300, 200), (2500, 1300), (10, 3000)])
def test_precision_and_recall_are_torch_fidelity_s(n: int, m: int) -> None:
    fake, real = normal(n, 8), normal(m, 8, seed=1, shift=0.3)
    theirs = prc_features_to_metric(fake, real, verbose=False)
    found = manifolds(fake, real, radii(real))
    assert float(found.precise.double().mean()) == pytest.approx(theirs["precision"], abs=1e-7)
    assert float(found.recalled.double().mean()) == pytest.approx(theirs["recall"], abs=1e-7)


@pytest.mark.slow
def test_the_kernel_distance_is_torch_fidelity_s_and_unbiased() -> None:
    a, b = normal(1500, 8), normal(1200, 8, seed=1, shift=0.2)
    theirs = kid_features_to_metric(a.double(), b.double(), kid_subset_size=500, verbose=False)
    expected = theirs["kernel_inception_distance_mean"]
    assert kernel_distance(a, b) == pytest.approx(expected, rel=1e-9)
    same = [kernel_distance(normal(200, 8, s), normal(200, 8, s + 50)) for s in range(12)]
    assert min(same) < 0 < max(same)


@pytest.mark.slow
def test_the_batch_size_does_not_matter(digits: Dataset, trained: Extractor) -> None:
    whole = trained.features(digits.test, batch=10_000)
    for batch in (1, 7, 500):
        features, logits = trained.features(digits.test, batch=batch)
        torch.testing.assert_close(features, whole[0], rtol=1e-5, atol=1e-5)
        assert logits is not None
        assert whole[1] is not None
        torch.testing.assert_close(logits, whole[1], rtol=1e-5, atol=1e-5)
        distance = frechet_distance(moments(features), moments(whole[0]))
        assert distance < 1e-6 * float(whole[0].double().var(0).sum())


@pytest.mark.slow
def test_real_samples_score_about_the_noise_floor(digits: Dataset, trained: Extractor) -> None:
    """Floor: the first training samples; here others, and then noise, which is far from it."""
    floor = floors(digits, "x", trained, 300)
    found = scored(scaled(digits.train[1::4]), digits, trained)
    noise = scored(torch.rand(300, 1, 8, 8) * 2 - 1, digits, trained)
    for family in ("fid", "kid", "class-kl"):
        value, spread, n = floor[family]
        assert n == 300
        assert abs(found[family] - value) < 8 * spread + 0.2 * abs(value), family
        assert noise[family] > (1.2 if family == "class-kl" else 5) * max(found[family], value)
    for family in ("precision", "recall", "class-recall"):
        assert noise[family] < found[family], family
    assert found["classes"] == floor["classes"][0] == 10
    assert floor["memorisation"][0] == 0.5


@pytest.mark.slow
def test_the_floor_is_of_as_many_samples_as_are_scored(digits: Dataset, trained: Extractor) -> None:
    few, many = (floors(digits, "x", trained, n)["fid"] for n in (100, 1000))
    assert few[0] > many[0]  # the bias of FID falls with n
    assert few[1] > many[1] > 0
    assert (
        floors(digits, "x", trained, 5000)["fid"][0] == floors(digits, "x", trained, 9000)["fid"][0]
    )


@pytest.mark.long
def test_inception_looks_at_few_pictures_at_a_time(weights: Path) -> None:
    """It takes some 15 MiB a picture: 500 at once, as of a small classifier, would be 8 GiB a process."""
    code = f"""
import resource, torch
from ablation.scores import inception
torch.set_num_threads(1)
looks = inception({str(weights)!r})
pictures = torch.zeros(64, 3, 16, 16, dtype=torch.uint8)
looks.features(pictures[:1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
looks.features(pictures)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=500
    )
    more, before = map(int, done.stdout.split())
    assert more < 0.6 * before, "KiB on Linux, bytes on macOS: a share is the same"


@pytest.mark.slow
def test_downloaded_weights_and_the_same_file_are_one_extractor(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    place = tmp_path / "hub" / "checkpoints" / "weights-inception-2015-12-05-6726825d.pth"
    place.parent.mkdir(parents=True)
    place.write_bytes(weights.read_bytes())
    found, given = inception(None), inception(str(weights))
    assert (found.name, found.weights) == (given.name, given.weights)


def test_fid_inf_loses_the_bias_of_few_samples() -> None:
    """Two normal distributions of equal moments: FID at n is biased upwards, its limit is 0."""
    found = [extrapolated(normal(400, 4, 2 * s), normal(400, 4, 2 * s + 1)) for s in range(40)]
    assert all(not why for _, why in found)
    plain = [
        frechet_distance(moments(normal(400, 4, 2 * s)), moments(normal(400, 4, 2 * s + 1)))
        for s in range(40)
    ]
    left = sum(value for value, _ in found) / 40
    assert abs(left) < 0.15 * sum(plain) / 40
    far, _ = extrapolated(normal(4000, 4), normal(4000, 4, seed=1, shift=1.0))
    assert far == pytest.approx(4.0, abs=0.3)
    value, why = extrapolated(normal(400, 4), normal(79, 4))
    assert value == 0.0
    assert "79 samples of one side are fewer than 20 for each feature" in why
