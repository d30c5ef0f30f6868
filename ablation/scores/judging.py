"""Every score of generated samples, from one look at them and the real side that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ablation.datasets import Dataset
from ablation.extractors import Extractor
from ablation.record import Score
from ablation.scores.fidelity import frechet_distance, inception_score, moments
from ablation.scores.kernel import kernel_distance
from ablation.scores.look import Look, classes_reached, labelled
from ablation.scores.names import thousands
from ablation.scores.neighbours import copying, manifolds, nearest
from ablation.scores.real import QUERIES, Reference, even, reference, shares
from ablation.scores.toys import coverage, frechet, histogram

DIMENSIONS = 20
"""FID_inf asks for at least so many samples of each side for each feature."""

Family = tuple[str, float, str]
"""A score's family, its value, and which direction is better."""


class NotFinite(ValueError):
    """Samples that are not finite have no score."""


@dataclass(frozen=True)
class Scored:
    """What one look at samples says: scores, the real side of each class, and why a score is absent.

    `classes` holds rows of class, quantity and value.
    """

    scores: list[Score]
    classes: list[tuple[str, str, float]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def score(samples: Tensor, data: Dataset, name: str, extractor: Extractor | None) -> Scored:
    """Return every score of generated samples (N C H W or N D, in data range) of the data set `name`.

    Raises NotFinite, a ValueError, if samples are not finite.
    """
    if not torch.isfinite(samples).all():
        raise NotFinite("the samples are not finite")
    real = reference(data, name, extractor)
    return judged(Look.at(samples, extractor), real, data, name, extractor)


def judged(
    seen: Look, real: Reference, data: Dataset, name: str, extractor: Extractor | None
) -> Scored:
    """Return every score of samples that have been looked at, against the real side."""
    found = Scored([])
    n = len(seen.features)
    protocol = f"{name if extractor is None else extractor.name}_{thousands(n)}"
    families = (
        _vectors(seen, real, data)
        if extractor is None
        else _images(seen, real, data, extractor, found)
    )
    found.scores.extend(Score(f"{f}_{protocol}", value, n, better) for f, value, better in families)
    return found


def stand_in(data: Dataset, seen: Look, random: torch.Generator) -> Reference:
    """Return a real side of the true size whose features are drawn: with it scores take as long as they do."""
    width, held = seen.features.shape[1], len(data.test)
    features, train = (torch.randn(n, width, generator=random) for n in (held, len(data.train)))
    return Reference(
        features=features,
        train=train,
        moments=seen.moments or moments(features),
        radii=torch.ones(held),
        near=torch.ones(min(held, QUERIES)),
        classes=None if seen.logits is None else shares(seen.logits),
    )


def _vectors(seen: Look, real: Reference, data: Dataset) -> Iterator[Family]:
    yield "frechet", frechet(seen.features, data.test), "lower"
    if data.modes is not None:
        covered, quality, kl = coverage(seen.features, data.modes)
        yield "modes", float(covered), "higher"
        yield "hq", quality, "higher"
        yield "reverse-kl", kl, "lower"
    yield _copies(seen, real)


def _images(
    seen: Look, real: Reference, data: Dataset, extractor: Extractor, found: Scored
) -> Iterator[Family]:
    assert seen.moments is not None
    yield "fid", frechet_distance(seen.moments, real.moments), "lower"
    if seen.logits is not None:
        yield "is", inception_score(seen.logits), "higher"
    yield "kid", kernel_distance(seen.features, real.features), "lower"
    inside = manifolds(seen.features, real.features, real.radii)
    yield "precision", float(inside.precise.double().mean()), "higher"
    yield "recall", float(inside.recalled.double().mean()), "higher"
    yield _copies(seen, real)
    if seen.logits is not None and real.classes is not None and labelled(data, extractor):
        if data.single is not None:
            covered, kl = histogram(seen.logits.argmax(1), seen.logits.shape[1])
            yield "modes", float(covered), "higher"
            yield "reverse-kl", kl, "lower"
        else:
            share = shares(seen.logits)
            yield from _classes(share, real.classes, inside.recalled, data, found)
    value, why = extrapolated(seen.features, real.features)
    if why:
        found.refused["fid-inf"] = why
    else:
        yield "fid-inf", value, "lower"


def _classes(
    share: Tensor, real: Tensor, recalled: Tensor, data: Dataset, found: Scored
) -> Iterator[Family]:
    """Yield what the classes say, and note each class."""
    assert data.test_labels is not None
    recalls = []
    for number in range(len(real)):
        own = recalled[data.test_labels == number].double()
        found.classes.append((f"class {number}", "class_share", float(share[number])))
        found.classes.append((f"class {number}", "class_share_real", float(real[number])))
        if len(own):
            recalls.append(float(own.mean()))
            found.classes.append((f"class {number}", "class_recall", recalls[-1]))
    yield "classes", float(classes_reached(share, real)), "higher"
    yield "class-kl", _divergence(share, real, len(recalled)), "lower"
    yield "class-recall", min(recalls), "higher"


def _divergence(p: Tensor, q: Tensor, count: int) -> float:
    """Return KL(p || q) of two histograms in nats; a class without any of q's `count` samples has half a one."""
    q = q.clamp(min=0.5 / count)
    return max(float(torch.special.xlogy(p, p / q).sum()), 0.0)


def _copies(seen: Look, real: Reference) -> Family:
    return (
        "memorisation",
        copying(nearest(even(seen.features, QUERIES), real.train), real.near),
        "lower",
    )


def extrapolated(fake: Tensor, real: Tensor) -> tuple[float, str]:
    """Return FID_inf, and why it is refused or an empty text.

    2 F(N, M) less the mean of F on disjoint halves of both sides: what is left of the bias once its first order in
    1/N and 1/M is gone (Chong & Forsyth 2020).
    """
    n, least = min(len(fake), len(real)), DIMENSIONS * fake.shape[1]
    if n < least:
        return 0.0, f"{n:,} samples of one side are fewer than {DIMENSIONS} for each feature"
    whole = frechet_distance(moments(fake), moments(real))
    halves = [frechet_distance(moments(fake[at::2]), moments(real[at::2])) for at in (0, 1)]
    return 2 * whole - sum(halves) / 2, ""
