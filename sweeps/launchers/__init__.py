"""What starts a study's workers: rows of `conf/launcher`, whose options are the words `launcher.OPTION=VALUE`."""

from __future__ import annotations

import importlib
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

from ablation.catalogue import nearest, row
from sweeps.board import Summary
from sweeps.limits import Limits

KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
"""What the fields of a launcher may be, each with or without null."""
NONE = Limits()
BESIDE = ("name", "_target_", "about")
"""The keys of a row that are no options."""


@dataclass(frozen=True)
class Launcher(ABC):
    """Starts `ablation worker` processes and watches them; a frozen dataclass, its fields are the options.

    Which trial runs where is not its business: the workers take them from the study's queue.
    """

    @property
    def name(self) -> str:
        """Its word on the command line."""
        return type(self).__name__.lower()

    @abstractmethod
    def count(self) -> int:
        """Return how many workers there will be."""

    @abstractmethod
    def ready(self) -> None:
        """Raise ValueError that says what this machine lacks."""

    @abstractmethod
    def launch(
        self, study: Path, *, limits: Limits = NONE, progress: TextIO = sys.stderr
    ) -> Summary:
        """Run all queued trials of `study`; returns when they are done, stopped or left to the engine.

        Ctrl-C or SIGTERM: each trial writes a checkpoint and goes back to the queue; again: at once. So, too, when
        the hours of `limits` are used up.
        Raises ValueError for what the engine refuses, RuntimeError if no worker could run.
        """


def chosen(
    name: str,
    options: Mapping[str, str],
    *,
    workers: int | None = None,
    devices: str = "auto",
    per_gpu: str = "1",
) -> Launcher:
    """Return the launcher of a name with options as the words say them; raises ValueError.

    `workers`, `devices` and `per_gpu` are what `--workers`, `--devices` and `--per-gpu` say (None, "auto" and "1" for
    nothing).
    """
    found = row("launcher", name)
    kind = _kind(name, str(found.get("_target_", "")))
    types = {item.name: str(item.type) for item in fields(kind)}
    asked = {key: _word(value) for key, value in found.items() if key not in BESIDE}
    places = {key: f"conf/launcher/{name}.yaml: {key}" for key in asked}
    for key, value in options.items():
        asked[key], places[key] = value, f"launcher.{key}"
    nothing = {"workers": "None", "devices": "auto", "per_gpu": "1"}
    flags = {"workers": str(workers), "devices": devices, "per_gpu": per_gpu}
    for key, flag in flags.items():
        if flag == nothing[key]:
            continue
        name_of = f"--{key.replace('_', '-')}"
        if key in options and options[key] != flag:
            raise ValueError(f"{name_of} {flag} and launcher.{key}={options[key]} differ; give one")
        asked[key], places[key] = flag, name_of
    for key in asked:
        if key not in types:
            raise ValueError(f"{places[key]} is no option of {name}{nearest(key, list(types))}")
    return kind(**{key: _value(word, types[key], places[key]) for key, word in asked.items()})


def _kind(name: str, target: str) -> type[Launcher]:
    """Return the class that a row names; a row is ours, or lies in a folder of the user's own."""
    module, _, word = target.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), word, None) if module else None
    except ModuleNotFoundError as error:
        raise ValueError(f"conf/launcher/{name}.yaml: {target!r}: {error}") from None
    if not (isinstance(kind, type) and issubclass(kind, Launcher)):
        raise ValueError(f"conf/launcher/{name}.yaml: {target!r} is no launcher")
    return kind


def _word(value: Any) -> str:
    """Return a value of a row as a word of the command line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _value(word: str, kind: str, place: str) -> Any:
    """Read a word as a field's type; raises ValueError."""
    plain = kind.removesuffix(" | None")
    if word == "null" and plain != kind:
        return None
    if plain == "bool" and word in ("true", "false"):
        return word == "true"
    if plain == "int" and re.fullmatch(r"-?\d{1,9}", word):
        return int(word)
    if plain == "float" and re.fullmatch(r"\d{1,9}(\.\d{1,9})?", word):
        return float(word)
    if plain == "str" and word.isprintable():
        return word
    raise ValueError(
        f"{place} is {word!r}; it is {KINDS[plain]}{' or null' if plain != kind else ''}"
    )


def at_least(value: float, low: float, option: str, unit: str = "") -> None:
    """Raise ValueError for an option that lies below `low`."""
    if value < low:
        raise ValueError(f"launcher.{option} is {value}; it is at least {low}{unit}")


def installed(engine: str, package: str) -> None:
    """Raise ValueError that says how to install an engine's package, if it is missing."""
    if find_spec(package) is None:
        raise ValueError(
            f"launcher={engine} uses the package {package}, which is not installed:"
            f' pip install "activation-ablation[{engine}]"'
        )
