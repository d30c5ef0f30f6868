"""Small questions, asked without Hydra."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ablation.catalogue import row
from ablation.datasets import Dataset, scaled
from ablation.factories import make
from ablation.probes import Probe
from ablation.record import Outcome
from ablation.spec import Budget, Part, Protocol, TrialSpec
from ablation.trainer import train
from ablation.training import Training, begin

SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"width": 24, "depth": 2, "latent": 8},
    "dcgan": {"width": 4, "latent": 8},
    "ring8": {"points": 512},
}
"""Arguments that make a row quick to train."""


def part_of(group: str, name: str, **arguments: Any) -> Part:
    found = Part.read(row(group, name), group)
    kept = found.keywords | SMALL.get(name, {}) | arguments
    return replace(found, arguments=tuple(sorted(kept.items())))


def question(
    *,
    activation: str | Part = "leaky_relu",
    generator: str | Part | None = None,
    discriminator: str | Part | None = None,
    at: dict[str, str] | None = None,
    steps: int = 12,
    batch_size: int = 16,
    probes: int = 0,
    samples: int = 32,
    extractor: str = "auto",
    weights: str | None = None,
    **rest: Any,
) -> TrialSpec:
    def chosen(group: str, value: str | Part) -> Part:
        return part_of(group, value) if isinstance(value, str) else value

    usual = {"loss": "non_saturating", "penalty": "none", "dataset": "digits"}
    usual |= {"architecture": "mlp", "optimizer": "adam"}
    parts = {group: chosen(group, rest.pop(group, name)) for group, name in usual.items()}
    return TrialSpec(
        generator_activation=chosen("activation", generator or activation),
        discriminator_activation=chosen("activation", discriminator or activation),
        activation_at=tuple((s, chosen("activation", a)) for s, a in sorted((at or {}).items())),
        budget=Budget(steps, batch_size),
        protocol=Protocol(probes, samples, extractor, weights),
        **parts,
        **rest,
    )


@pytest.fixture(scope="session")
def part() -> Callable[..., Part]:
    """Read a row of `conf/`, small, with changed arguments."""
    return part_of


@pytest.fixture(scope="session")
def ask() -> Callable[..., TrialSpec]:
    """Ask a small question: rows by name, everything else by keyword."""
    return question


@cache
def load(dataset: Part) -> Dataset:
    return make(dataset, Dataset)


@dataclass
class Fitted:
    """A training that ran, its probe and its outcome (of kind `stopped` where `until` ended it)."""

    training: Training
    probe: Probe
    outcome: Outcome | None
    data: Dataset

    def state(self) -> dict[str, Tensor]:
        """Return everything that training moves, by name."""
        training, found = self.training, {}
        modules = {
            "generator": training.networks.generator,
            "discriminator": training.networks.discriminator,
            "average": training.average,
        }
        for name, module in modules.items():
            found |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
        for name, optimizer in training.optimizers.items():
            for index, slots in optimizer.state_dict()["state"].items():
                found |= {f"{name}.{index}.{key}": torch.as_tensor(v) for key, v in slots.items()}
        found |= {f"stream.{name}": s.get_state() for name, s in training.streams.items()}
        return found


class Enough(Exception):
    """Ends a training early, as a killed process would."""


def ready(spec: TrialSpec) -> Fitted:
    data = load(spec.dataset)
    training = begin(spec, data, "cpu")
    random = torch.Generator().manual_seed(99)
    noise = torch.randn(48, training.networks.latent, generator=random)
    probe = Probe(
        training.networks, scaled(data.train[:48]), noise,
        steps=spec.budget.steps, probes=spec.protocol.probes,
    )  # fmt: skip
    return Fitted(training, probe, None, data)


def go(
    fitted: Fitted, *, until: int = 0, after: Callable[[Training], None] | None = None
) -> Fitted:
    """Train on, telling `after` every step; stop after step `until`."""

    def after_step(training: Training) -> None:
        if after is not None:
            after(training)
        if training.step == until:
            raise Enough

    try:
        fitted.outcome = train(fitted.training, fitted.data.train, fitted.probe, after_step)
    except Enough:
        fitted.outcome = None
    return fitted


@pytest.fixture(scope="session")
def begun() -> Callable[[TrialSpec], Fitted]:
    """Make a training at step 0."""
    return ready


@pytest.fixture(scope="session")
def goes() -> Callable[..., Fitted]:
    """Train on."""
    return go


@pytest.fixture(scope="session")
def fit() -> Callable[..., Fitted]:
    """Train a question from its start."""
    return lambda spec, **options: go(ready(spec), **options)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that the user's command line named with `--with`."""
    folder = tmp_path / "own"
    (folder / "conf" / "activation").mkdir(parents=True)
    monkeypatch.setenv("ABLATION_WITH", str(folder))
    monkeypatch.syspath_prepend(str(folder))
    return folder
