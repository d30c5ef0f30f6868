"""The spaces in which a search may look: how a person writes one, and its values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import exp, isfinite, log
from typing import Any

KINDS = ("log", "uniform", "integer", "choice")


@dataclass(frozen=True)
class Dimension:
    """One thing that is tuned: between two `ends` (log, uniform, integer: both belong to it), or one of `choices`."""

    name: str
    kind: str
    ends: tuple[float, float] = (0.0, 0.0)
    choices: tuple[Any, ...] = ()

    @property
    def text(self) -> str:
        """The space as a person writes it."""
        told = self.choices if self.kind == "choice" else self.ends
        return f"{self.kind}({','.join(map(worded, told))})"

    def at(self, share: float) -> Any:
        """Return the value at a `share` of the dimension, from 0 up to 1; numbers keep four digits."""
        if self.kind == "choice":
            return self.choices[min(int(share * len(self.choices)), len(self.choices) - 1)]
        low, high = self.ends
        if self.kind == "integer":
            return int(low) + min(int(share * (high - low + 1)), int(high - low))
        if self.kind == "log":
            return self.rounded(exp(log(low) + share * (log(high) - log(low))))
        return self.rounded(low + share * (high - low))

    def rounded(self, value: Any) -> Any:
        """Return a value with four digits, inside the ends; whole numbers and words as they are."""
        if self.kind in ("choice", "integer"):
            return value
        return min(max(float(f"{value:.4g}"), self.ends[0]), self.ends[1])


def dimension(name: str, said: Any, place: str = "tune") -> Dimension:
    """Read one space: log(a,b), uniform(a,b), integer(a,b), choice(a,b,...) or a list; raises ValueError."""
    form, where = "log(a,b), uniform(a,b), integer(a,b) or choice(a,b,...)", f"{place}.{name}"
    if isinstance(said, (list, tuple)):
        kind, values = "choice", list(said)
    else:
        found = re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", str(said)) or re.fullmatch(
            r"\s*()\[(.*)\]\s*", str(said)
        )
        if found is None or found[1] not in (*KINDS, ""):
            raise ValueError(f"{where} is {said!r}; it is {form}")
        kind, values = found[1] or "choice", [_value(word) for word in found[2].split(",")]
    if kind == "choice":
        scalars = all(isinstance(v, (bool, int, float, str)) and v != "" for v in values)
        if not scalars or len(set(map(_known, values))) < len(values) or len(values) < 2:
            raise ValueError(f"{where} is {said!r}; a choice has two or more different values")
        return Dimension(name, kind, choices=tuple(values))
    if len(values) != 2 or not all(map(is_number, values)) or not values[0] < values[1]:
        raise ValueError(f"{where} is {said!r}; {kind}(a,b) has two numbers, the lower one first")
    if kind == "log" and values[0] <= 0:
        raise ValueError(f"{where} is {said!r}; log(a,b) begins above 0")
    if kind == "integer" and not all(map(is_whole, values)):
        raise ValueError(f"{where} is {said!r}; integer(a,b) has two whole numbers")
    ends = (values[0], values[1]) if kind == "integer" else (float(values[0]), float(values[1]))
    return Dimension(name, kind, ends)


def _known(value: Any) -> str:
    """Return what tells a value from others: 1 and 1.0 are one setting."""
    return repr(value if isinstance(value, (bool, str)) else float(value))


def worded(value: Any) -> str:
    """Return a value as a word of the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(word: str) -> Any:
    """Return a word of the command line as YAML reads it: a number, true, false or a text."""
    text = word.strip()
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def is_whole(value: Any) -> bool:
    """Say whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Say whether a value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
