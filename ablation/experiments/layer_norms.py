"""Gulrajani et al. 2017, figure 1b: gradient norms layer by layer of deep critics, clipped and penalised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ablation import trial
from ablation.experiments.experiment import Experiment, Row, Settings
from ablation.record import read_readings
from ablation.spec import TrialSpec

QUANTITY = "gradient_norm"


def resolve(options: Mapping[str, str], specs: Sequence[TrialSpec]) -> Settings:
    """Return no settings; raises ValueError for trials that would not be probed."""
    assert not options, "it has no options"
    for spec in specs:
        if not spec.protocol.probes:
            raise ValueError("protocol.probes is 0; layer-norms draws what probes measure")
    return {}


def measure(folder: Path, spec: TrialSpec, settings: Settings) -> None:
    """Run the trial as any other: its probes measure, and its checkpoint carries it over a kill."""
    del spec, settings  # the trial reads its question from its folder
    attempts = [int(path.name.split("-")[1]) for path in folder.glob(".attempt-*")]
    trial.run(folder, attempt=max(attempts, default=-1) + 1)


def rows(folder: Path) -> list[Row]:
    """Return the critic's gradient norms at every site and probed step."""
    return [
        Row("", 0, reading.step, reading.network, reading.layer, reading.quantity, reading.value)
        for reading in read_readings(folder)
        if (reading.network, reading.quantity) == ("discriminator", QUANTITY) and reading.layer
    ]


LAYER_NORMS = Experiment(
    name="layer-norms",
    question="Does a deep critic's gradient explode or vanish from layer to layer, clipped or penalised?",
    cite="Gulrajani et al. 2017, figure 1b, arXiv:1704.00028",
    overrides=(
        *("activation=relu", "loss=wasserstein", "n_critic=5"),
        *("dataset=swiss_roll", "architecture=deep_mlp"),
        *("budget=short", "budget.steps=300"),
        *("protocol.probes=12", "protocol.samples=1000", "protocol.evaluations=0"),
        "seed=range(3)",
    ),
    joint=(
        *(("penalty=weight_clip", f"penalty.bound={bound}") for bound in ("0.1", "0.01", "0.001")),
        ("penalty=gradient_penalty",),
    ),
    compares=("penalty", "constraint"),
    resolve=resolve,
    measure=measure,
    rows=rows,
)
