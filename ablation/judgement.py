"""How a trained generator is judged: its scores, whether it has collapsed, and whom the result cites."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from ablation.datasets import Dataset, scaled
from ablation.extractors import Extractor
from ablation.randomness import stream
from ablation.record import Outcome, Score
from ablation.scores import CITED, distance, score, statistics, varies
from ablation.selection import Selection
from ablation.spec import PARTS, TrialSpec
from ablation.training import Training, generate

COLLAPSED = 0.01
"""A generator has collapsed if its samples' total variance is below this share of the data's."""


@torch.no_grad()
def judge(
    spec: TrialSpec,
    training: Training,
    data: Dataset,
    extractor: Extractor | None,
    outcome: Outcome,
    selection: Selection,
) -> tuple[Outcome, list[Score]]:
    """Score the averaged generator, and the best one on the way if there was one.

    What diverged has no score, what hardly varies has collapsed. The best generator was chosen on the selection
    split; its score on the test split is named `FAMILY-best_PROTOCOL`.
    """
    if outcome.kind == "diverged":
        return outcome, []
    samples = _samples(training.average, training, selection.device)
    if not torch.isfinite(samples).all():
        return Outcome("diverged", outcome.step, "the generator's samples are not finite"), []
    share = varies(samples.cpu(), scaled(data.test))
    if share < COLLAPSED:
        words = f"the samples' variance is {100 * share:.2g} % of the data's"
        outcome = Outcome("collapsed", outcome.step, words)
    scores = score(samples, data, spec.dataset.name, extractor)
    if selection.history:
        final = scores[0]  # the distance, for pictures and for vectors
        family, _, protocol = final.name.partition("_")
        value = final.value
        if selection.best_step != training.step:
            generator = copy.deepcopy(training.average)
            generator.load_state_dict(selection.best)
            chosen = _samples(generator, training, selection.device)
            value = distance(chosen, statistics(data.test, extractor), extractor)
        scores.append(replace(final, name=f"{family}-best_{protocol}", value=value))
    for found in scores:
        if not math.isfinite(found.value):
            raise ValueError(f"the score {found.name} is {found.value}")
    return outcome, scores


def _samples(generator: nn.Module, training: Training, device: str) -> Tensor:
    """Return the samples that scores look at: their noise is a stream's start, so it is the same for every cell."""
    spec = training.spec
    random = stream(spec, "evaluation", device)
    return generate(generator, training.networks.latent, spec.protocol.samples, random)


def citations(spec: TrialSpec, scores: list[Score]) -> tuple[str, ...]:
    """Return what a trial stands on: its parts' sources and its scores'."""
    parts = [spec.generator_activation, spec.discriminator_activation]
    parts += [part for _, part in spec.activation_at]
    parts += [getattr(spec, name) for name in PARTS]
    found = [f"{part.name}: {part.cite}" for part in parts if part.cite]
    found += [CITED[family] for s in scores if (family := s.name.split("_")[0]) in CITED]
    return tuple(dict.fromkeys(found))
