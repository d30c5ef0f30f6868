"""A published result beside which a study is shown: which level, whose numbers, and where they stand."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ablation.part import check_number

FAMILY = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class Published:
    """What a paper says of one level: by score family the value and its error (None where it gives none).

    `name` is what the paper calls it, `n` over how many runs it averages, `note` what differs from the study.
    """

    level: str
    cite: str
    scores: tuple[tuple[str, float, float | None], ...]
    name: str = ""
    n: int | None = None
    dataset: str = ""
    note: str = ""

    @classmethod
    def read(cls, row: Any, place: str) -> Published:
        """Read a row as a preset writes it; raises ValueError that names what is wrong with it."""
        known = [item.name for item in fields(cls)]
        if not isinstance(row, Mapping):
            raise ValueError(f"{place} is {row!r}; it is a row of {', '.join(known)}")
        for key in row:
            if key not in known:
                raise ValueError(
                    f"{place} has an unknown key {key!r}; known are {', '.join(known)}"
                )
        for key in ("level", "cite", "scores"):
            if row.get(key) in (None, "", {}):
                raise ValueError(f"{place} lacks its {key}")
        texts = {k: row.get(k, "") for k in ("cite", "name", "dataset", "note")}
        for key, text in texts.items():
            if not isinstance(text, str):
                raise ValueError(f"{place}.{key} is {text!r}; it is a text")
        level = row["level"]
        if not isinstance(level, (str, int, float)) or isinstance(level, bool):
            raise ValueError(f"{place}.level is {level!r}; it is a level such as packing 1")
        if row.get("n") is not None:
            check_number(row["n"], int, f"{place}.n", 1)
        if not isinstance(row["scores"], Mapping):
            raise ValueError(
                f"{place}.scores is {row['scores']!r}; it is like {{hq: [0.98, 0.01]}}"
            )
        scores = tuple(_score(k, v, f"{place}.scores") for k, v in row["scores"].items())
        return cls(level=str(level), scores=scores, n=row.get("n"), **texts)

    def row(self) -> dict[str, Any]:
        """Return the row as a preset writes it."""
        scores = {k: [v] if error is None else [v, error] for k, v, error in self.scores}
        kept = {f.name: getattr(self, f.name) for f in fields(self)} | {"scores": scores}
        return {k: v for k, v in kept.items() if v not in ("", None)}


def _score(family: Any, said: Any, place: str) -> tuple[str, float, float | None]:
    if not isinstance(family, str) or not FAMILY.fullmatch(family):
        raise ValueError(f"{place} names {family!r}; a score family is like fid or reverse-kl")
    pair = list(said) if isinstance(said, (list, tuple)) else [said]
    numbers = [isinstance(x, (int, float)) and not isinstance(x, bool) for x in pair]
    if len(pair) not in (1, 2) or not all(numbers) or not all(map(math.isfinite, pair)):
        raise ValueError(f"{place}.{family} is {said!r}; it is a value, or [value, standard error]")
    if len(pair) == 2 and pair[1] < 0:
        raise ValueError(f"{place}.{family} is {said!r}; an error is not negative")
    return family, float(pair[0]), float(pair[1]) if len(pair) == 2 else None
