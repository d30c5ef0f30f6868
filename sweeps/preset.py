"""A sweep's preset as a person writes it in `conf/sweep/NAME.yaml`: read once, every entry of the right kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ablation.catalogue import row
from sweeps.tuning import words_of

SWAP = "swap_one_site"
"""The key, and the word, whose activations stand at each single site in turn."""


@dataclass(frozen=True)
class Preset:
    """What a preset says: overrides and the levels of its joint axis are words as on the command line.

    Where it names an `experiment`, it says what `ablation probe` measures, and no more than that.
    """

    question: str = ""
    overrides: tuple[str, ...] = ()
    joint: tuple[tuple[str, ...], ...] = ()
    declared: Mapping[str, Any] = field(default_factory=dict)
    published: tuple[Any, ...] = ()
    note: str = ""
    swap_one_site: tuple[str, ...] = ()
    tune: tuple[str, ...] = ()
    experiment: str = ""


def preset(name: str | None) -> Preset:
    """Return the preset of a name, an empty one for None; raises ValueError that names the wrong entry."""
    if name is None:
        return Preset()
    place, found = f"conf/sweep/{name}.yaml", row("sweep", name)
    known = list(Preset.__dataclass_fields__)
    for key in found:
        if key not in known:
            raise ValueError(f"{place} has an unknown key {key!r}; known are {', '.join(known)}")
    for key in ("question", "note", "experiment"):
        if not isinstance(found.get(key, ""), str):
            raise ValueError(f"{place}: {key} is {found[key]!r}; it is a text")
    if not isinstance(found.get("declared", {}), Mapping):
        raise ValueError(
            f"{place}: declared is {found['declared']!r}; it is like {{reference: relu}}"
        )
    beside = sorted(set(found) - {"experiment", "question", "note", "overrides"})
    if "experiment" in found and beside:
        raise ValueError(f"{place} is an experiment's; it says nothing by {', '.join(beside)}")
    lists = {
        key: _list(found.get(key, []), f"{place}: {key}")
        for key in ("overrides", "joint", "published", SWAP)
    }
    for key in ("overrides", SWAP):
        _words(lists[key], f"{place}: {key}")
    for level in lists["joint"]:
        _words(_list(level, f"{place}: a level of joint"), f"{place}: a level of joint")
        keys = [word.partition("=")[0] for word in level]
        if len(set(keys)) < len(keys) or {"seed", "seeds"} & set(keys):
            raise ValueError(
                f"{place}: the level {level} of joint sets one thing twice, or the seed"
            )
    return Preset(
        question=found.get("question", ""),
        overrides=tuple(lists["overrides"]),
        joint=tuple(tuple(level) for level in lists["joint"]),
        declared=found.get("declared", {}),
        published=tuple(lists["published"]),
        note=found.get("note", ""),
        swap_one_site=tuple(lists[SWAP]),
        tune=tuple(words_of(found["tune"], f"{place}: tune")) if "tune" in found else (),
        experiment=found.get("experiment", ""),
    )


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{place} is {value!r}; it is a list")
    return value


def _words(values: list[Any], place: str) -> None:
    for value in values:
        if not isinstance(value, str):
            raise ValueError(f"{place} holds {value!r}; its entries are texts such as loss=hinge")
