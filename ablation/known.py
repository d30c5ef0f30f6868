"""What is known of an activation: facts computed once, kept in the cache folder, read without torch."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ablation.files import cache_folder, read_json, write_json
from ablation.part import Part

VERSION = 1
"""Counts the changes of what is kept; the code that computes it is hashed as it is."""


@dataclass(frozen=True)
class Facts:
    """What `ablation.activations.facts` finds out about an activation, at the values its parameters start from.

    `gain` is None where there is none; `bounds` are the infimum and the supremum of the values; `learnable` counts the
    parameters of one place; `channels` says how many pre-activations a unit sees and how many outputs share them.
    """

    gain: float | None
    steepest: float
    scale: float
    bounds: tuple[float, float]
    monotone: bool
    smooth: bool
    twice_differentiable: bool
    piecewise_linear: bool
    learnable: int
    random: bool
    channels: tuple[int, int]

    @property
    def bounded(self) -> bool:
        """Whether no value exceeds some number."""
        return all(map(math.isfinite, self.bounds))

    def plain(self) -> dict[str, Any]:
        """Return the facts in types that JSON has; infinity is the text `inf`."""
        found = {item.name: _plain(getattr(self, item.name)) for item in fields(self)}
        return found | {"bounded": self.bounded}

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Facts:
        """Read what `plain` returns; raises ValueError, TypeError or KeyError for anything else."""
        gain, channels = row["gain"], tuple(map(int, row["channels"]))
        low, high = map(_number, row["bounds"])
        found = cls(
            gain=None if gain is None else _number(gain),
            steepest=_number(row["steepest"]),
            scale=_number(row["scale"]),
            bounds=(low, high),
            learnable=int(row["learnable"]),
            channels=(channels[0], channels[1]),
            **{item.name: row[item.name] is True for item in fields(cls) if item.type == "bool"},
        )
        if found.plain() != dict(row):
            raise ValueError("these are no facts")
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _number(value: Any) -> float:
    if (isinstance(value, float) and math.isfinite(value)) or value in ("inf", "-inf"):
        return float(value)
    raise ValueError(f"{value!r} is no fact")


def known(part: Part) -> Facts | None:
    """Return the kept facts of a row; None if there are none, or none that can be read."""
    try:
        return Facts.read(read_json(_path(part)))
    except (OSError, ValueError, TypeError, KeyError, IndexError, RuntimeError):
        return None


def keep(part: Part, facts: Facts) -> None:
    """Keep facts for others; where the cache cannot be written, they are computed again."""
    try:
        path = _path(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, facts.plain())
    except (OSError, RuntimeError):
        return


def _path(part: Part) -> Path:
    """Return where facts are kept: by the row, the user's file, our code, and the version of torch."""
    text = json.dumps([part.canonical(), *_versions()], sort_keys=True)
    digits = hashlib.sha256(text.encode()).hexdigest()[:16]
    return cache_folder() / "facts" / f"{part.name}-{digits}.json"


@cache
def _versions() -> tuple[str, str, int]:
    """Return what facts depend on beside the row."""
    code = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "activations").glob("*.py")):
        code.update(path.read_bytes())
    return code.hexdigest(), version("torch"), VERSION
