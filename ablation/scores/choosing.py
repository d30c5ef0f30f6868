"""Which extractor looks at the samples: as the protocol asks, and as the data allow."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ablation.datasets import Dataset
from ablation.extractors import Extractor, Say, classifier, print_nothing, random_features
from ablation.files import brief, sha256
from ablation.scores.fidelity import inception_network
from ablation.spec import TrialSpec

LEAST = 4
"""The fewest pictures that have a third neighbour, and moments."""
EXTRACTORS = ("auto", "classifier", "inception", "random")
FILE = "weights-inception-2015-12-05-6726825d.pth"
WEIGHTS = f"https://github.com/toshas/torch-fidelity/releases ({FILE})"
AT_ONCE = 10
"""Pictures that Inception sees at once: each takes some 15 MiB, and more at once are no quicker."""


def kind(spec: TrialSpec, data: Dataset) -> str:
    """Return which extractor the protocol asks for, "none" for vectors; raises ValueError if it does not fit."""
    wanted, weights = spec.protocol.extractor, spec.protocol.weights
    if wanted not in EXTRACTORS:
        raise ValueError(f"protocol.extractor is {wanted!r}; it is one of {', '.join(EXTRACTORS)}")
    if not data.is_images:
        return "none"
    for split, samples in (("test", data.test), ("selection", data.selection)):
        if len(samples) < LEAST:
            raise ValueError(
                f"the {split} split of {spec.dataset.name} has {len(samples)} pictures; scores need {LEAST}"
            )
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


def downloaded() -> Path | None:
    """Return the file of Inception weights that torch-fidelity has downloaded, None before it has."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    return path if path.is_file() else None


def inception(weights: str | None) -> Extractor:
    """Return the 2015 Inception network, its weights from a file or downloaded by torch-fidelity."""
    path = downloaded() if weights is None else Path(weights).expanduser()
    if path is not None and not path.is_file():
        raise ValueError(f"protocol.weights={weights} is not a file; get it from {WEIGHTS}")
    try:
        network = inception_network(path)
    except ValueError as error:
        given = f"the downloaded {path}" if weights is None else f"protocol.weights={weights}"
        raise ValueError(f"{given} is {error}") from None
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"the Inception weights {weights or ''} cannot be had ({brief(error)});"
            f" get them from {WEIGHTS} and give protocol.weights=FILE"
        ) from None

    def look(images: Tensor) -> tuple[Tensor, Tensor | None]:
        colour = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
        features, logits = zip(*(network(some) for some in colour.split(AT_ONCE)), strict=True)
        return torch.cat(features), torch.cat(logits)

    path = path or downloaded()
    digest = sha256(path) if path is not None else "2015-12-05"
    return Extractor(f"inception-{digest[:6]}", "inception", look, digest)
