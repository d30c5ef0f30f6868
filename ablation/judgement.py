"""How a trained generator is judged: its scores, whether it has collapsed, and whom the result cites."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from ablation.datasets import Dataset, scaled
from ablation.extractors import Extractor
from ablation.instruments import sources
from ablation.randomness import stream
from ablation.record import Outcome, Reading, Score
from ablation.scores import Floor, base, believed, distance, floors, score, varies
from ablation.spec import PARTS, TrialSpec
from ablation.training import generate

COLLAPSED = 0.01
"""A generator has collapsed if its samples' total variance is below this share of the data's."""
FAR = "real samples are not at 0 within two standard deviations"


@dataclass(frozen=True)
class Trained:
    """A trained generator on its device: its running average, and the weights that were best on the way.

    `latent` is the length of its noise; `best` is empty where nobody looked on the way.
    """

    generator: nn.Module
    latent: int
    best: Mapping[str, Tensor]
    device: str


@dataclass(frozen=True)
class Judgement:
    """How a trial ended and what its generator is worth.

    `classes` are readings of each class; `floors` what real samples score, value, noise and count by family; `refused`
    says why a score is absent.
    """

    outcome: Outcome
    scores: tuple[Score, ...] = ()
    classes: tuple[Reading, ...] = ()
    floors: Mapping[str, Floor] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Return floors and refusals in the types that JSON has."""
        known = {name: list(floor) for name, floor in self.floors.items()}
        return {"floors": known, "refused": dict(self.refused)}


@torch.no_grad()
def judge(
    spec: TrialSpec,
    trained: Trained,
    data: Dataset,
    extractor: Extractor | None,
    outcome: Outcome,
) -> Judgement:
    """Score a trained generator by the trial's protocol, and the best one on the way if there was one.

    What diverged has no score, what hardly varies has collapsed. The best generator was chosen on the selection
    split; its score on the test split is named `FAMILY-best_PROTOCOL`.
    """
    if outcome.kind == "diverged":
        return Judgement(outcome)
    samples = _samples(spec, trained, trained.generator)
    if not torch.isfinite(samples).all():
        words = "the generator's samples are not finite"
        return Judgement(Outcome("diverged", outcome.step, words))
    share = varies(samples.cpu(), scaled(data.test))
    if share < COLLAPSED:
        words = f"the samples' variance is {100 * share:.2g} % of the data's"
        outcome = Outcome("collapsed", outcome.step, words)
    name = spec.dataset.name
    floor = floors(data, name, extractor, spec.protocol.samples)
    found = score(samples, data, name, extractor)
    scores, refused = list(found.scores), dict(found.refused)
    if not believed(floor) and "fid-inf" not in refused and extractor is not None:
        scores = [one for one in scores if base(one.name) != "fid-inf"]
        refused["fid-inf"] = FAR
    if trained.best:
        final = scores[0]  # the distance, for pictures and for vectors
        family, _, protocol = final.name.partition("_")
        value = final.value
        if not _same(trained.best, trained.generator.state_dict()):
            generator = copy.deepcopy(trained.generator)
            generator.load_state_dict(trained.best)
            chosen = _samples(spec, trained, generator)
            value = distance(chosen, data, name, extractor)
        scores.append(replace(final, name=f"{family}-best_{protocol}", value=value))
    for one in scores:
        if not math.isfinite(one.value):
            raise ValueError(f"the score {one.name} is {one.value}")
    rows = [Reading(outcome.step, "generator", *row) for row in found.classes]
    return Judgement(outcome, tuple(scores), tuple(rows), floor, refused)


def _samples(spec: TrialSpec, trained: Trained, generator: nn.Module) -> Tensor:
    """Return the samples that scores look at: their noise is a stream's start, so it is the same for every cell."""
    random = stream(spec, "evaluation", trained.device)
    return generate(generator, trained.latent, spec.protocol.samples, random)


def _same(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    """Whether two states hold the same weights, wherever they lie."""
    return all(torch.equal(first[name].cpu(), second[name].cpu()) for name in second)


def citations(spec: TrialSpec, scores: tuple[Score, ...]) -> tuple[str, ...]:
    """Return what a trial stands on: its parts' sources and its scores'."""
    parts = [spec.generator_activation, spec.discriminator_activation]
    parts += [part for _, part in spec.activation_at]
    parts += [getattr(spec, name) for name in PARTS]
    found = [f"{part.name}: {part.cite}" for part in parts if part.cite]
    found += sources(base(one.name) for one in scores)
    return tuple(dict.fromkeys(found))
