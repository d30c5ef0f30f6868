"""One row of a group in `conf/`: a name, the factory that makes it, and the factory's arguments."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LOCAL = frozenset({"root", "download", "weights"})
"""Arguments that say where something lies on this machine: stored, never hashed."""

BEFORE: dict[str, dict[str, Any]] = {
    "ablation.networks.mlp": {
        "generator_norm": "none",
        "discriminator_norm": "none",
        "discriminator_output": "identity",
        "generator_width": None,
        "generator_depth": None,
        "fixed_std": None,
    },
    "ablation.networks.dcgan": {"discriminator_output": "identity"},
}
"""Arguments that a factory was given later: absent from the hash at the value they had before, so keys stay."""

REVISED = {f"ablation.datasets.{name}": 2 for name in ("digits", "fashion_mnist", "image_folder")}
"""Factories that make something else than they once did, and the how-manieth: it moves the key. (2: a selection split
is held out of the training samples.)"""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")


def _frozen(value: Any, place: str) -> Any:
    """Return `value` with lists as tuples; refuse what JSON cannot say exactly."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place} is {value}; a setting is a finite number")
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(item, place) for item in value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(
        f"{place} is {value!r}; a setting is a number, a text, true, false, null or a list"
    )


def check_number(
    value: Any, kind: type, place: str, low: float, high: float = math.inf, *, ends: str = "[]"
) -> None:
    """Raise ValueError unless `value` is a number of `kind` in the range; `ends` says which ends belong to it.

    A whole number passes as a float; true and false pass as neither.
    """
    kinds = (int,) if kind is int else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise ValueError(
            f"{place} is {value!r}; it must be {'a whole number' if kind is int else 'a number'}"
        )
    if isinstance(value, int) and abs(value) > 10**300:
        raise ValueError(
            f"{place} has {len(str(abs(value))):,} digits: it is no number to compute with"
        )
    above = low <= value if ends[0] == "[" else low < value
    below = value <= high if ends[1] == "]" else value < high
    if not (above and below and math.isfinite(value)):
        lower = f"{'from' if ends[0] == '[' else 'above'} {low:,}"
        upper = "" if high == math.inf else f" {'to' if ends[1] == ']' else 'to below'} {high:,}"
        raise ValueError(f"{place} is {value}; it lies {lower}{upper}")


@dataclass(frozen=True)
class Part:
    """One row of a group in `conf/`: a name, the factory that makes it, and the factory's arguments.

    `source` is the SHA-256 of the file that a user's own factory comes from ("" for torch's and ours).
    """

    name: str
    target: str
    arguments: tuple[tuple[str, Any], ...] = ()
    cite: str = field(default="", compare=False)
    source: str = ""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(
                f"name {self.name!r} is not made of letters, digits and _.+- (64 at most)"
            )

    @property
    def keywords(self) -> dict[str, Any]:
        """The factory's keyword arguments, those of this machine included."""
        return dict(self.arguments)

    @classmethod
    def read(cls, row: Mapping[str, Any], place: str) -> Part:
        """Read a row as `conf/` writes it; an activation's factory stands under `module`."""
        if not isinstance(row, Mapping):
            raise ValueError(f"{place} is {row!r}; a row has a name and a _target_")
        row = dict(row)
        name, cite, source = row.pop("name", None), row.pop("cite", ""), row.pop("source", "")
        nested = row.pop("module", None)
        if nested is not None and not isinstance(nested, Mapping):
            raise ValueError(f"{place}.module is {nested!r}; it has a _target_")
        body = row if nested is None else dict(nested)
        if nested is not None and row:
            raise ValueError(f"{place} has an unknown key {next(iter(row))!r} beside its module")
        target = body.pop("_target_", None)
        if not isinstance(name, str) or not isinstance(target, str):
            raise ValueError(f"{place} lacks its name or its _target_")
        arguments = tuple(sorted((k, _frozen(v, f"{place}.{k}")) for k, v in body.items()))
        return cls(name, target, arguments, str(cite), str(source))

    def row(self, *, nested: bool) -> dict[str, Any]:
        """Return the row as `conf/` writes it."""
        body = {"_target_": self.target} | _plain(self.keywords)
        rest = {"cite": self.cite} | ({"source": self.source} if self.source else {})
        return {"name": self.name} | ({"module": body} if nested else body) | rest

    def canonical(self) -> dict[str, Any]:
        """Return what of this row counts for a result."""
        before = BEFORE.get(self.target, {})
        kept = {
            k: _one_way(v)
            for k, v in self.arguments
            if k not in LOCAL and not (k in before and before[k] == v)
        }
        own: dict[str, Any] = {"source": self.source} if self.source else {}
        if self.target in REVISED:
            own["revision"] = REVISED[self.target]
        return {"name": self.name, "target": self.target, "arguments": kept} | own


def _one_way(value: Any) -> Any:
    """Return a value as it is hashed: 10 and 10.0 are one number."""
    if isinstance(value, tuple):
        return [_one_way(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else value
