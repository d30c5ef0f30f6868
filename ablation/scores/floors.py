"""What real samples score: the noise floor of every score, training samples against the test split."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ablation.datasets import Dataset
from ablation.extractors import Extractor
from ablation.scores.judging import extrapolated, judged
from ablation.scores.look import Look
from ablation.scores.names import base
from ablation.scores.real import Kept, even, kept, look, reference

DRAWS = 5
"""Resamplings whose spread is the noise of a score."""
FAR = 2.0
"""FID_inf is refused where real samples are farther from 0 than so many standard deviations: those of the draws."""

Floor = tuple[float, float, int]
"""Value, standard deviation, and the number of samples."""
Floors = Mapping[str, Floor]
"""Floors by a score's family."""


def floors(data: Dataset, name: str, extractor: Extractor | None, n: int) -> Floors:
    """Return what `n` training samples score as if they were generated: value and noise of each family.

    The value is that of as many distinct samples as there are, up to `n`: FID of fewer samples than a score has is an
    upper bound of its floor. The noise is the standard deviation over `DRAWS` random draws of that many, with
    replacement; of FID_inf from both sides. Kept like all of the real side. The memorisation of training samples would
    be 1: its floor is that of test samples, 0.5.
    """
    found = kept(data, name, extractor, f"floor-{n}", lambda: _floors(data, name, extractor, n))
    return {
        family: (float(value), float(noise), int(count))
        for family, (value, noise, count) in found.items()
        if torch.isfinite(value + noise)  # a split of a few samples has none of some
    }


def _floors(data: Dataset, name: str, extractor: Extractor | None, n: int) -> Kept:
    features, logits = look(even(data.train, n), extractor)
    real = reference(data, name, extractor)

    def scores(rows: Tensor, others: Tensor | None = None) -> dict[str, float]:
        some = features[rows]
        seen = Look.of(some, None if logits is None else logits[rows], extractor)
        found = judged(seen, real, data, name, extractor).scores
        values = {base(s.name): s.value for s in found if base(s.name) != "memorisation"}
        if others is not None and "fid-inf" in values:
            values["fid-inf"], _ = extrapolated(some, real.features[others])
        return values

    value = scores(torch.arange(len(features)))
    random = torch.Generator().manual_seed(0)
    sizes = len(features), len(real.features)

    def rows() -> tuple[Tensor, ...]:
        return tuple(torch.randint(size, (size,), generator=random) for size in sizes)

    draws = [scores(*rows()) for _ in range(DRAWS)]
    found = {"memorisation": torch.tensor([0.5, 0.0, len(real.near)], dtype=torch.float64)}
    for family, first in value.items():
        drawn = torch.tensor([draw[family] for draw in draws], dtype=torch.float64)
        found[family] = torch.tensor([first, float(drawn.std()), sizes[0]], dtype=torch.float64)
    return found


def believed(floor: Floors, family: str = "fid-inf") -> bool:
    """Say whether real samples reach 0 within two standard deviations, so that FID_inf means what it says."""
    value, noise, _ = floor.get(family, (math.inf, 0.0, 0))
    return abs(value) <= FAR * noise
