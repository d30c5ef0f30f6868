"""Built-in experiments: many small trainings that together draw one figure of a paper, for any activation."""

from __future__ import annotations

from ablation.experiments.augmentation import AUGMENTATION
from ablation.experiments.experiment import Experiment
from ablation.experiments.freeze_generator import FREEZE_GENERATOR
from ablation.experiments.layer_norms import LAYER_NORMS

EXPERIMENTS: dict[str, Experiment] = {
    one.name: one for one in (FREEZE_GENERATOR, LAYER_NORMS, AUGMENTATION)
}
"""Every experiment by its name on the command line."""

__all__ = ["EXPERIMENTS", "Experiment"]
