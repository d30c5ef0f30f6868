"""Studies of three sizes, made to fill paper: a few trials, a couple of dozen, and about 500."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import study_builder as builder

from ablation.tune import applied

NAMES = (
    *("leaky_relu", "relu", "gelu", "sigmoid", "tanh", "silu", "elu", "identity"),
    *("softplus", "hard_swish", "mish", "selu", "rational_of_degree_5_by_4_learned"),
    *("parametric_exponential_linear_unit", "gated_linear_unit.with-two+halves"),
)
"""Fifteen activations, some with names as long as a reader's patience."""
LOSSES = ("minimax", "non_saturating", "hinge", "wasserstein_with_a_long_name")
SETTINGS = [{"ttur": 0.3123456789}]


def small(study: Path) -> Path:
    """Write three activations with one seed each."""
    names = ("leaky_relu", "relu", "gelu")
    return builder.build(study, activations=names, seeds=1, declared={"seeds": 1})


def middle(study: Path) -> Path:
    """Write four activations with six seeds each; a few fail."""
    failing = {
        ("sigmoid", "non_saturating", 0): "diverged",
        ("sigmoid", "non_saturating", 3): "crashed",
    }
    warnings = ["sigmoid in the generator: gradients shrink by a factor of four a layer"]
    return builder.build(study, failing=failing, warnings=warnings)


def huge(study: Path) -> Path:
    """Write 480 trials: 15 activations in 12 blocks, two seeds, tuned where the data are digits; a fifth fail."""
    study.mkdir(parents=True)
    tune = {"points": 2, "sampler": "sobol", "seed": 0, "space": {"ttur": "log(0.1,10)"}}
    builder.write_plan(
        study,
        question="Which of fifteen activations suits a small GAN, whatever the loss and the data,"
        " and does the answer hold where each may choose its learning-rate ratio?",
        declared={"seeds": [0, 1], "score": "auto", "tune": tune | {"settings": SETTINGS}},
        warnings=[f"{name}: steepest slope above 1" for name in NAMES[:6]],
        skipped=[
            {"cell": f"{name} with WGAN-GP", "reason": "the penalty needs a second derivative"}
            for name in NAMES
        ],
    )
    for dataset in ("digits", "fashion_mnist_in_grey", "ring8"):
        for loss in LOSSES:
            for name in NAMES:
                for seed in (0, 1):
                    for point in (0, 1) if dataset == "digits" else (0,):
                        _trial(study, name, loss, dataset, seed, point)
    return study


def _trial(study: Path, name: str, loss: str, dataset: str, seed: int, point: int) -> None:
    random = np.random.default_rng(
        builder.hash_of(f"{name} {loss} {dataset} {seed} {point}"),
    )
    spec = builder.spec(activation=name, loss=loss, dataset=dataset, seed=seed)
    spec = applied(spec, SETTINGS[0]) if point else spec
    shift = builder.LEVEL.get(name, 0.02 * len(name)) + 0.1 * random.normal()
    fails = random.random() < (0.2 if name != "identity" else 0.9)
    builder.write_trial(
        study,
        spec,
        None if fails else 12 * math.exp(shift),
        outcome=("crashed", "diverged")[seed] if fails else "finished",
        message="RuntimeError: " + 12 * "a tensor of this size has no place " if fails else "",
        log="\n".join(f"step {100 * i}: loss 0.69 0.71 " + 30 * "·" for i in range(20)),
        probed=point == 0,
    )
