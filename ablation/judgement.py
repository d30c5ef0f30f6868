"""How a trained generator is judged: its scores, whether it has collapsed, and whom the result cites."""

from __future__ import annotations

import math

import torch

from ablation.datasets import Dataset, scaled
from ablation.extractors import Extractor
from ablation.randomness import stream
from ablation.record import Outcome, Score
from ablation.scores import CITED, score, varies
from ablation.spec import TrialSpec
from ablation.training import Training

COLLAPSED = 0.01
"""A generator has collapsed if its samples' total variance is below this share of the data's."""


@torch.no_grad()
def judge(
    spec: TrialSpec,
    training: Training,
    data: Dataset,
    extractor: Extractor | None,
    outcome: Outcome,
    device: str,
) -> tuple[Outcome, list[Score]]:
    """Score the averaged generator; what diverged has no score, what hardly varies has collapsed."""
    if outcome.kind == "diverged":
        return outcome, []
    random, parts = stream(spec, "evaluation", device), []
    for start in range(0, spec.protocol.samples, 250):
        size = min(250, spec.protocol.samples - start)
        noise = torch.randn(size, training.networks.latent, generator=random, device=device)
        parts.append(training.average(noise))
    samples = torch.cat(parts)
    if not torch.isfinite(samples).all():
        return Outcome("diverged", outcome.step, "the generator's samples are not finite"), []
    share = varies(samples.cpu(), scaled(data.test))
    if share < COLLAPSED:
        words = f"the samples' variance is {100 * share:.2g} % of the data's"
        outcome = Outcome("collapsed", outcome.step, words)
    scores = score(samples, data, spec.dataset.name, extractor)
    for found in scores:
        if not math.isfinite(found.value):
            raise ValueError(f"the score {found.name} is {found.value}")
    return outcome, scores


def citations(spec: TrialSpec, scores: list[Score]) -> tuple[str, ...]:
    """Return what a trial stands on: its parts' sources and its scores'."""
    parts = [spec.generator_activation, spec.discriminator_activation]
    parts += [part for _, part in spec.activation_at]
    parts += [spec.loss, spec.penalty, spec.dataset, spec.architecture, spec.optimizer]
    found = [f"{part.name}: {part.cite}" for part in parts if part.cite]
    found += [CITED[family] for s in scores if (family := s.name.split("_")[0]) in CITED]
    return tuple(dict.fromkeys(found))
