"""One pass over samples: their features, logits and moments, from which every score is computed."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ablation.datasets import Dataset, as_bytes
from ablation.extractors import Extractor
from ablation.scores.fidelity import Moments, frechet_distance, moments
from ablation.scores.real import look, reference, selected, shares
from ablation.scores.toys import frechet

SEEN = 0.1
"""A class is reached where its share is at least this part of its share among real samples."""


@dataclass(frozen=True)
class Look:
    """What the extractor sees: features (N F), their moments, and logits (N K) where it classifies."""

    features: Tensor
    logits: Tensor | None
    moments: Moments | None

    @classmethod
    def at(cls, samples: Tensor, extractor: Extractor | None) -> Look:
        """Look at samples in data range (N C H W or N D)."""
        seen = samples.cpu() if extractor is None else as_bytes(samples).cpu()
        return cls.of(*look(seen, extractor), extractor)

    @classmethod
    def of(cls, features: Tensor, logits: Tensor | None, extractor: Extractor | None) -> Look:
        """Return what features and logits, already known, amount to."""
        return cls(features, logits, None if extractor is None else moments(features))


@dataclass(frozen=True)
class Glance:
    """The distance of samples to the selection split, and how many of its classes or modes they reach."""

    distance: float
    reached: dict[str, int]


def glance(samples: Tensor, data: Dataset, name: str, extractor: Extractor | None) -> Glance:
    """Look at samples in data range on the way."""
    seen = Look.at(samples, extractor)
    if seen.moments is None:
        return Glance(frechet(seen.features, data.selection), {})
    real, classes = selected(data, name, extractor)
    reached = {}
    if seen.logits is not None and classes is not None and labelled(data, extractor):
        found = shares(seen.logits)
        if data.single is not None:
            reached["modes_reached"] = int((found > 0).sum())
        else:
            reached["classes_reached"] = classes_reached(found, classes)
    return Glance(frechet_distance(seen.moments, real), reached)


def distance(samples: Tensor, data: Dataset, name: str, extractor: Extractor | None) -> float:
    """Return the Frechet distance of samples in data range to the test split."""
    seen = Look.at(samples, extractor)
    if seen.moments is None:
        return frechet(seen.features, data.test)
    return frechet_distance(seen.moments, reference(data, name, extractor).moments)


def labelled(data: Dataset, extractor: Extractor | None) -> bool:
    """Whether the extractor's logits are those of the data's own labels."""
    return extractor is not None and extractor.kind == "classifier" and data.classes > 0


def classes_reached(found: Tensor, real: Tensor) -> int:
    """Return how many classes that occur among real samples are reached, given both shares (K)."""
    return int(((real > 0) & (found >= SEEN * real)).sum())
