"""What real samples score: the noise floor of every score, training samples against the test split."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ablation.datasets import Dataset
from ablation.extractors import Extractor
from ablation.scores.judging import judged
from ablation.scores.look import Look
from ablation.scores.names import base
from ablation.scores.real import Kept, even, kept, look, reference

DRAWS = 5
"""Resamplings whose spread is the noise of a score."""
FAR = 2.0
"""FID_inf is refused where real samples are farther from 0 than so many standard deviations."""

Floors = Mapping[str, tuple[float, float]]
"""Value and standard deviation by a score's family."""


def floors(data: Dataset, name: str, extractor: Extractor | None, n: int) -> Floors:
    """Return what `n` training samples score as if they were generated: value and noise of each family.

    The value is that of as many distinct samples as there are, up to `n`; the noise is the standard deviation over
    `DRAWS` random draws of that many, with replacement. Kept like all of the real side. The memorisation of training
    samples is 1 by construction and left out.
    """
    found = kept(data, name, extractor, f"floor-{n}", lambda: _floors(data, name, extractor, n))
    return {family: (float(both[0]), float(both[1])) for family, both in found.items()}


def _floors(data: Dataset, name: str, extractor: Extractor | None, n: int) -> Kept:
    features, logits = look(even(data.train, n), extractor)
    real = reference(data, name, extractor)

    def scores(rows: Tensor) -> dict[str, float]:
        some = features[rows]
        seen = Look.of(some, None if logits is None else logits[rows], extractor)
        found = judged(seen, real, data, name, extractor).scores
        return {base(s.name): s.value for s in found if base(s.name) != "memorisation"}

    value = scores(torch.arange(len(features)))
    random = torch.Generator().manual_seed(0)
    count = len(features)
    draws = [scores(torch.randint(count, (count,), generator=random)) for _ in range(DRAWS)]
    found = {}
    for family, first in value.items():
        drawn = torch.tensor([draw[family] for draw in draws], dtype=torch.float64)
        found[family] = torch.stack([torch.tensor(first, dtype=torch.float64), drawn.std()])
    return found


def believed(floor: Floors, family: str = "fid-inf") -> bool:
    """Say whether real samples reach 0 within two standard deviations, so that FID_inf means what it says."""
    value, noise = floor.get(family, (math.inf, 0.0))
    return abs(value) <= FAR * noise
