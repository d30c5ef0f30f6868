"""What a trial asks: frozen values, their validation, their canonical form and their key."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ablation.part import NAME, Part, check_number

PARTS = ("loss", "penalty", "constraint", "dataset", "architecture", "optimizer")
"""The groups of which a trial has one row each, besides its activations."""

CHOICES = {
    "init": ("matched", "fixed"),
    "schedule": ("constant", "linear", "cosine"),
    "precision": ("fp32", "bf16"),
    "compile": ("none", "default", "reduce-overhead"),
}
"""The settings that are one of a few words."""

SETTINGS = ("n_critic", "packing", "init", "ema", "ttur", "schedule", "precision", "compile")
"""The settings of training beside its parts, in the order of `conf/trial.yaml`."""

UNCONSTRAINED = Part("none", "ablation.constraints.none")


@dataclass(frozen=True)
class Budget:
    """How long a trial trains: generator updates and samples per update."""

    steps: int
    batch_size: int

    def __post_init__(self) -> None:
        check_number(self.steps, int, "budget.steps", 1, 10_000_000)
        check_number(self.batch_size, int, "budget.batch_size", 2, 65_536)


@dataclass(frozen=True)
class Protocol:
    """How a trial is measured: it never moves the training, so it has a hash of its own.

    `probes` counts the probed steps, `samples` the generated samples a score uses, `evaluations` how often the
    generator is scored on the selection split on the way.
    """

    probes: int
    samples: int
    extractor: str
    weights: str | None = field(default=None, metadata={"local": True})
    evaluations: int = 0

    def __post_init__(self) -> None:
        check_number(self.probes, int, "protocol.probes", 0, 100_000)
        check_number(self.samples, int, "protocol.samples", 16, 1_000_000)
        check_number(self.evaluations, int, "protocol.evaluations", 0, 10_000)
        if not NAME.fullmatch(self.extractor):
            raise ValueError(f"protocol.extractor {self.extractor!r} is not a name")

    @property
    def hash(self) -> str:
        """Ten hexadecimal digits over what this protocol measures."""
        row = {"probes": self.probes, "samples": self.samples, "extractor": self.extractor}
        return _digest(row | ({"evaluations": self.evaluations} if self.evaluations else {}))


@dataclass(frozen=True)
class TrialSpec:
    """The whole question of one trial. Its `key` hashes every training field.

    A batch holds `budget.batch_size` inputs of the discriminator, each of `packing` samples. `ttur` is the
    discriminator's learning rate as a multiple of the generator's. `patience` evaluations without a better score
    end a training as converged; 0 never does.
    """

    generator_activation: Part
    discriminator_activation: Part
    loss: Part
    penalty: Part
    dataset: Part
    architecture: Part
    optimizer: Part
    budget: Budget
    protocol: Protocol = field(metadata={"hashed": False})
    seed: int = 0
    n_critic: int = 1
    init: str = "matched"
    ema: float = 0.999
    activation_at: tuple[tuple[str, Part], ...] = field(default=(), metadata={"before": ()})
    constraint: Part = field(default=UNCONSTRAINED, metadata={"before": UNCONSTRAINED})
    packing: int = field(default=1, metadata={"before": 1})
    ttur: float = field(default=1.0, metadata={"before": 1.0})
    schedule: str = field(default="constant", metadata={"before": "constant"})
    precision: str = field(default="fp32", metadata={"before": "fp32"})
    compile: str = field(default="none", metadata={"before": "none"})
    patience: int = field(default=0, metadata={"before": 0})

    def __post_init__(self) -> None:
        check_number(self.seed, int, "seed", 0, 2**32 - 1)
        check_number(self.n_critic, int, "n_critic", 1, 1_000)
        check_number(self.packing, int, "packing", 1, 64)
        check_number(self.ema, float, "ema", 0, 1, ends="[)")
        check_number(self.ttur, float, "ttur", 0, 1_000, ends="(]")
        check_number(self.patience, int, "patience", 0, 10_000)
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; it is one of {', '.join(known)}"
                )
        if self.patience and not self.protocol.evaluations:
            raise ValueError(
                f"patience={self.patience} counts evaluations, and protocol.evaluations is 0"
            )

    @property
    def activation(self) -> str:
        """The activation's name, or which stands where if the networks differ."""
        g, d = self.generator_activation.name, self.discriminator_activation.name
        both = g if g == d else f"G_{g}+D_{d}"
        return "+".join([both, *(f"{site}_{part.name}" for site, part in self.activation_at)])

    @property
    def key(self) -> str:
        """Readable prefix and ten hexadecimal digits over every training field."""
        parts = (self.loss, self.penalty, self.constraint, self.dataset, self.architecture)
        words = [self.activation, *(part.name for part in parts if part.name != "none")]
        prefix = re.sub(r"[^A-Za-z0-9_+.-]", "_", "-".join(words))[:80]
        return f"{prefix}-s{self.seed}-{_digest(self.canonical())}"

    @property
    def cell(self) -> str:
        """Ten hexadecimal digits over every training field but the seed."""
        return _digest({k: v for k, v in self.canonical().items() if k != "seed"})

    def canonical(self) -> dict[str, Any]:
        """Return the training fields in plain types; a later field at its `before` value is absent."""
        found: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if not item.metadata.get("hashed", True) or item.metadata.get("before", found) == value:
                continue
            found[item.name] = _canonical(value)
        if self.patience:  # then what is measured moves training
            measured = self.protocol
            found["convergence"] = [measured.evaluations, measured.samples, measured.extractor]
        return found

    def config(self) -> dict[str, Any]:
        """Return the resolved configuration: the keys of `conf/trial.yaml`, in its order."""
        at = {site: part.row(nested=True) for site, part in self.activation_at}
        return {
            "generator": {"activation": self.generator_activation.row(nested=True)},
            "discriminator": {"activation": self.discriminator_activation.row(nested=True)},
            "activation_at": at or None,
            **{name: getattr(self, name).row(nested=False) for name in PARTS},
            **{name: getattr(self, name) for name in (*SETTINGS, "patience")},
            "budget": {"steps": self.budget.steps, "batch_size": self.budget.batch_size},
            "protocol": {f.name: getattr(self.protocol, f.name) for f in fields(Protocol)},
            "seed": self.seed,
        }

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> TrialSpec:
        """Read a resolved configuration; raises ValueError that names the wrong place."""
        known = {*PARTS, *SETTINGS, "generator", "discriminator", "activation_at", "patience"}
        known |= {"budget", "protocol", "seed"}
        later = {f.name for f in fields(cls) if "before" in f.metadata}
        for name in config:
            if name not in known:
                raise ValueError(f"unknown key {name!r}; known are {', '.join(sorted(known))}")
        try:
            rest: dict[str, Any] = {
                name: Part.read(config[name], name) if name in PARTS else _float(config[name], name)
                for name in (*PARTS, *SETTINGS, "patience")
                if name in config or name not in later
            }
            at = config.get("activation_at") or {}
            if not isinstance(at, Mapping):
                raise ValueError(f"activation_at is {at!r}; it is like {{generator.2: tanh}}")
            return cls(
                generator_activation=_activation(config["generator"], "generator"),
                discriminator_activation=_activation(config["discriminator"], "discriminator"),
                activation_at=tuple(
                    (site, Part.read(at[site], f"activation_at.{site}")) for site in sorted(at)
                ),
                budget=_values(Budget, config["budget"], "budget"),
                protocol=_values(Protocol, config["protocol"], "protocol"),
                seed=config["seed"],
                **rest,
            )
        except KeyError as error:
            raise ValueError(f"the configuration lacks {error.args[0]!r}") from None

    def with_seed(self, seed: int) -> TrialSpec:
        """Return the same cell with another seed."""
        return replace(self, seed=seed)


def _activation(network: Any, place: str) -> Part:
    if not isinstance(network, Mapping) or set(network) != {"activation"}:
        raise ValueError(f"{place} is {network!r}; it holds an activation and nothing else")
    return Part.read(network["activation"], f"{place}.activation")


def _values(kind: Any, row: Any, place: str) -> Any:
    known = {item.name for item in fields(kind)}
    if not isinstance(row, Mapping) or set(row) - known:
        raise ValueError(f"{place} is {row!r}; its keys are {', '.join(sorted(known))}")
    try:
        return kind(**row)
    except TypeError as error:
        raise ValueError(f"{place}: {str(error).split(') ', 1)[-1]}") from None


def _float(value: Any, name: str) -> Any:
    """Return a whole number as a float where the field is one."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole and name in ("ema", "ttur") else value


def _canonical(value: Any) -> Any:
    if isinstance(value, Part):
        return value.canonical()
    if isinstance(value, Budget):
        return {"steps": value.steps, "batch_size": value.batch_size}
    if isinstance(value, tuple):
        return [_canonical(item) for item in value]
    return value


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:10]
