"""Scores of 10,000 samples: ours with the real side kept, against torch-fidelity called plainly; and their values."""

from __future__ import annotations

import os
import statistics
from pathlib import Path
from typing import Any

import torch
from plain_scores import fidelity, load_classifier
from speed_lanes import FASHION
from torch import Tensor

from ablation.compose import compose
from ablation.datasets import Dataset, as_bytes, scaled
from ablation.extractors import Extractor
from ablation.factories import make
from ablation.files import cache_folder
from ablation.scores import choose
from ablation.scores.fidelity import frechet_distance, inception_score
from ablation.scores.kernel import kernel_distance
from ablation.scores.look import Look
from ablation.scores.neighbours import manifolds
from ablation.scores.real import reference

SAMPLES, REACH, NAME = 10_000, 3.0, "fashion_mnist"


def ours(samples: Tensor, data: Dataset, extractor: Extractor) -> dict[str, float]:
    """Return the five scores that torch-fidelity has too, the real side read from where it is kept."""
    real = reference(data, NAME, extractor)
    seen = Look.at(samples, extractor)
    assert seen.moments is not None
    assert seen.logits is not None
    inside = manifolds(seen.features, real.features, real.radii)
    return {
        "fid": frechet_distance(seen.moments, real.moments),
        "is": inception_score(seen.logits),
        "kid": kernel_distance(seen.features, real.features),
        "precision": float(inside.precise.double().mean()),
        "recall": float(inside.recalled.double().mean()),
    }


def material() -> tuple[Dataset, Extractor, Path]:
    """Return the data, the classifier and the file that it is kept in."""
    spec = compose(["dataset=fashion_mnist", f"dataset.root={FASHION}"])
    data = make(spec.dataset, Dataset)
    extractor = choose(spec, data, None)
    assert extractor is not None
    files = (cache_folder() / "extractors").glob(f"{NAME}-cnn-*.pt")
    return data, extractor, max(files, key=lambda file: file.stat().st_mtime)


def spent() -> float:
    """Return the CPU seconds of this process and of those that it has started and seen end: theirs starts loaders."""
    return sum(os.times()[:4])


def measured(*, quick: bool) -> dict[str, Any]:
    """Let both sides score the same samples in turn, and compare what they find."""
    torch.set_num_threads(1)
    data, extractor, file = material()
    random = torch.Generator().manual_seed(0)
    first = scaled(data.train[:SAMPLES])
    samples = (first + 0.2 * torch.randn(first.shape, generator=random)).clamp(-1, 1)
    model = load_classifier(file)
    ours(samples, data, extractor)  # the real side is made once for all trials
    slices = []
    for _ in range(3 if quick else 5):
        began = spent()
        theirs = fidelity(as_bytes(samples), data.test, model)
        middle = spent()
        own = ours(samples, data, extractor)
        slices.append((middle - began, spent() - middle))
    ratios = [plain / kept for plain, kept in slices]
    return {
        "what": f"scoring {SAMPLES:,} samples: FID, IS, KID, precision, recall",
        "reach": REACH,
        "threads": 1,
        "clock": "cpu",
        "theirs": 1000 * statistics.median(plain for plain, _ in slices),
        "ours": 1000 * statistics.median(kept for _, kept in slices),
        "ratio": statistics.median(ratios),
        "range": [min(ratios), max(ratios)],
        "slices": len(slices),
        "values": {name: [theirs[name], own[name]] for name in theirs},
    }
