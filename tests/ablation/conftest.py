"""Small questions, asked without Hydra."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from fixtures import digits as digits
from fixtures import own as own
from fixtures import ring as ring
from fixtures import trained as trained
from torch import Tensor

from ablation.catalogue import row
from ablation.datasets import Dataset, scaled
from ablation.factories import make
from ablation.probes import Probe
from ablation.randomness import stream
from ablation.record import Outcome
from ablation.scores import choose
from ablation.selection import Selection
from ablation.spec import Budget, Part, Protocol, TrialSpec
from ablation.trainer import train
from ablation.training import Training, begin

SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"width": 24, "depth": 2, "latent": 8},
    "maxout_mlp": {"width": 12, "generator_width": 16, "generator_depth": 2, "depth": 2},
    "deep_mlp": {"width": 12, "latent": 8},
    "dcgan": {"width": 4, "latent": 8},
    "resnet": {"width": 4, "latent": 8},
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
    evaluations: int = 0,
    **rest: Any,
) -> TrialSpec:
    def chosen(group: str, value: str | Part) -> Part:
        return part_of(group, value) if isinstance(value, str) else value

    usual = {"loss": "non_saturating", "penalty": "none", "dataset": "digits"}
    usual |= {"constraint": "none", "architecture": "mlp", "optimizer": "adam"}
    parts = {group: chosen(group, rest.pop(group, name)) for group, name in usual.items()}
    return TrialSpec(
        generator_activation=chosen("activation", generator or activation),
        discriminator_activation=chosen("activation", discriminator or activation),
        activation_at=tuple((s, chosen("activation", a)) for s, a in sorted((at or {}).items())),
        budget=Budget(steps, batch_size),
        protocol=Protocol(probes, samples, extractor, weights, evaluations),
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
    selection: Selection

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
    extractor = choose(spec, data, None) if spec.protocol.evaluations else None
    return Fitted(training, probe, None, data, Selection(spec, data, extractor, "cpu"))


def go(
    fitted: Fitted, *, until: int = 0, after: Callable[[Training], None] | None = None
) -> Fitted:
    """Train on, telling `after` every step; stop after step `until`."""
    selection = fitted.selection
    if not fitted.training.step:  # as a trial does: modules that draw on their own draw from here
        torch.manual_seed(stream(fitted.training.spec, "modules").initial_seed())

    def after_step(training: Training) -> Outcome | None:
        ended = selection.look(training) if selection.due(training.step) else None
        if after is not None:
            after(training)
        if training.step == until:
            raise Enough
        return ended

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
