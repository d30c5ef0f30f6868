"""How good samples are: FID and IS of images, modes and quality of toys. The only importer of torch_fidelity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablation.datasets import Dataset, Modes, as_bytes
from ablation.extractors import Extractor, Say, classifier, print_nothing, random_features
from ablation.files import brief, sha256
from ablation.record import Score
from ablation.spec import TrialSpec

EXTRACTORS = ("auto", "classifier", "inception", "random")
CITED = {
    "fid": "FID: Heusel et al. 2017, arXiv:1706.08500; computed by torch-fidelity, Obukhov et al. 2020",
    "is": "Inception score: Salimans et al. 2016, arXiv:1606.03498; computed by torch-fidelity",
    "reverse-kl": "Modes, high-quality samples, reverse KL: Srivastava et al. 2017, arXiv:1705.07761",
}
WEIGHTS = (
    "https://github.com/toshas/torch-fidelity/releases (weights-inception-2015-12-05-6726825d.pth)"
)


def kind(spec: TrialSpec, data: Dataset) -> str:
    """Return which extractor the protocol asks for, "none" for vectors; raises ValueError if it does not fit."""
    wanted, weights = spec.protocol.extractor, spec.protocol.weights
    if wanted not in EXTRACTORS:
        raise ValueError(f"protocol.extractor is {wanted!r}; it is one of {', '.join(EXTRACTORS)}")
    if not data.is_images:
        return "none"
    if wanted == "auto":
        wanted = "classifier" if data.classes else "inception" if weights else "random"
    if wanted == "classifier" and not data.classes:
        raise ValueError(
            f"protocol.extractor=classifier needs labelled images; {spec.dataset.name} has none"
        )
    if wanted == "inception" and weights and not Path(weights).expanduser().is_file():
        raise ValueError(f"protocol.weights={weights} is not a file; get it from {WEIGHTS}")
    return wanted


def choose(
    spec: TrialSpec, data: Dataset, folder: Path | None, say: Say = print_nothing
) -> Extractor | None:
    """Return the extractor that the protocol asks for, None for vectors; raises ValueError if it is not to be had."""
    wanted = kind(spec, data)
    if wanted == "none":
        return None
    if wanted == "classifier":
        return classifier(spec.dataset.name, data, folder, say)
    if wanted == "random":
        return random_features(spec.dataset.name, data.shape[0])
    return inception(spec.protocol.weights)


def inception(weights: str | None) -> Extractor:
    """Return the 2015 Inception network, its weights from a file or downloaded by torch-fidelity."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    if weights is not None:
        path = Path(weights).expanduser()
        if not path.is_file():
            raise ValueError(f"protocol.weights={weights} is not a file; get it from {WEIGHTS}")
        try:  # torch-fidelity unpickles anything: let only plain tensors reach it
            torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ValueError(
                f"protocol.weights={weights} is not a file of weights: {error}"
            ) from None
    try:
        network = FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased"], weights)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"the Inception weights {weights or ''} cannot be had ({brief(error)});"
            f" get them from {WEIGHTS} and give protocol.weights=FILE"
        ) from None

    def look(images: Tensor) -> tuple[Tensor, Tensor | None]:
        colour = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
        features, logits = network(colour)
        return features, logits

    digest = sha256(path) if weights is not None else "2015-12-05"
    return Extractor(f"inception-{digest[:6]}", "inception", look, digest)


def score(samples: Tensor, data: Dataset, name: str, extractor: Extractor | None) -> list[Score]:
    """Return every score of generated samples (N C H W or N D, in data range) of the data set `name`.

    Raises ValueError if samples are not finite.
    """
    if not torch.isfinite(samples).all():
        raise ValueError("the samples are not finite")
    if extractor is None:
        return _vector_scores(samples.cpu(), data, name)
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_isc import isc_features_to_metric

    n = len(samples)
    fake, logits = extractor.features(as_bytes(samples).cpu())
    real, _ = extractor.features(data.test)
    moments = [fid_features_to_statistics(features.double()) for features in (fake, real)]
    fid = fid_statistics_to_metric(*moments, verbose=False)["frechet_inception_distance"]
    protocol = f"{extractor.name}_{thousands(n)}"
    found = [Score(f"fid_{protocol}", max(float(fid), 0.0), n, "lower")]
    if logits is not None:
        value = isc_features_to_metric(logits)["inception_score_mean"]
        found.append(Score(f"is_{protocol}", float(value), n, "higher"))
        if data.single is not None and extractor.kind == "classifier":
            covered, kl = histogram(logits.argmax(1), logits.shape[1])
            found.append(Score(f"modes_{protocol}", float(covered), n, "higher"))
            found.append(Score(f"reverse-kl_{protocol}", kl, n, "lower"))
    return found


def thousands(n: int) -> str:
    """Return a sample count as people write it: 5000 is 5k, 2500 is 2.5k, 599 is 599."""
    return f"{n / 1000:g}k" if n >= 1000 else str(n)


def _vector_scores(samples: Tensor, data: Dataset, name: str) -> list[Score]:
    n, protocol = len(samples), f"{name}_{thousands(len(samples))}"
    found = [Score(f"frechet_{protocol}", frechet(samples, data.test), n, "lower")]
    if data.modes is not None:
        covered, quality, kl = coverage(samples, data.modes)
        found += [
            Score(f"modes_{protocol}", float(covered), n, "higher"),
            Score(f"hq_{protocol}", quality, n, "higher"),
            Score(f"reverse-kl_{protocol}", kl, n, "lower"),
        ]
    return found


def statistics(real: Tensor, extractor: Extractor | None) -> Any:
    """Return what `distance` needs of real samples: moments of their features, or the vectors themselves."""
    if extractor is None:
        return real
    from torch_fidelity.metric_fid import fid_features_to_statistics

    return fid_features_to_statistics(extractor.features(real)[0].double())


def distance(samples: Tensor, real: Any, extractor: Extractor | None) -> float:
    """Return the Frechet distance of samples in data range to the `statistics` of real ones."""
    if extractor is None:
        return frechet(samples.cpu(), real)
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    found = fid_statistics_to_metric(
        statistics(as_bytes(samples).cpu(), extractor), real, verbose=False
    )
    return max(float(found["frechet_inception_distance"]), 0.0)


def coverage(samples: Tensor, modes: Modes) -> tuple[int, float, float]:
    """Return modes covered, the share of high-quality samples, and the reverse KL of the mode histogram (nats).

    A sample (N D) is of high quality within 3 standard deviations of its nearest mode; a mode counts with one such
    sample; the reverse KL is log K - entropy over the nearest modes of all samples (Srivastava et al. 2017).
    """
    distance, mode = modes.nearest(samples)
    good = modes.good(distance)
    _, kl = histogram(mode, modes.count)
    return len(mode[good].unique()), float(good.double().mean()), kl


def histogram(which: Tensor, count: int) -> tuple[int, float]:
    """Return how many of `count` modes occur in `which` (N), and the reverse KL of their shares to equal ones (nats).

    A uniform sampler of n samples reaches K (1 - (1 - 1/K)^n) modes, and a KL near (K - 1)/(2n) where n is large.
    """
    share = torch.bincount(which, minlength=count).double() / len(which)
    entropy = -torch.special.xlogy(share, share).sum()
    return int((share > 0).sum()), max(float(np.log(count) - entropy), 0.0)


def frechet(samples: Tensor, real: Tensor) -> float:
    """Return the squared Frechet distance of two normal distributions fitted to N D vectors (Dowson & Landau 1982)."""
    a, b = samples.double(), real.double()
    first, second = a.T.cov(), b.T.cov()
    values = torch.linalg.eigvals(first @ second).real.clamp(min=0)
    trace = first.trace() + second.trace() - 2 * values.sqrt().sum()
    return max(float((a.mean(0) - b.mean(0)).square().sum() + trace), 0.0)


def varies(samples: Tensor, real: Tensor) -> float:
    """Return the total variance of samples as a share of the data's: near 0 the generator has collapsed."""
    a, b = samples.double().flatten(1), real.double().flatten(1)
    return float(a.var(0).sum() / b.var(0).sum())
