"""In which settings compared studies differ: what they declared, what they asked, and with what they ran."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ablation.spec import TrialSpec
from reports.names import natural
from reports.sides import Side, machines, settings
from reports.study import Declared

DECLARED, ASKED, FIXED, LEVELS, RAN = "declared", "asked", "setting", "levels", "ran with"
"""The kinds of what differs. A setting is one in each study; of levels a study has several."""

MOST = 12
"""Of more levels only the number is said."""


@dataclass(frozen=True)
class Differing:
    """Something in which studies differ, and what each of them has, in words."""

    kind: str
    what: str
    values: tuple[str, ...]


def differing(sides: Sequence[Side]) -> tuple[Differing, ...]:
    """Return everything in which the studies differ, in the order of declaration, question and run."""
    found = [*_declared(sides), *_asked(sides), *_settings(sides), *_ran(sides)]
    return tuple(one for one in found if len(set(one.values)) > 1)


def fixed(differences: Sequence[Differing]) -> tuple[Differing, ...]:
    """Return the settings that are one in each study, and not the same."""
    return tuple(one for one in differences if one.kind == FIXED)


def _declared(sides: Sequence[Side]) -> Iterator[Differing]:
    def told(side: Side, name: str) -> str:
        value = getattr(side.study.declared, name)
        if name == "seeds":
            return numbers(value) or "none"
        if name == "tune":
            return "none" if value is None else _plain(value.row())
        return _plain(value)

    for item in fields(Declared):
        yield Differing(DECLARED, item.name, tuple(told(side, item.name) for side in sides))


def _asked(sides: Sequence[Side]) -> Iterator[Differing]:
    yield Differing(ASKED, "overrides", tuple(" ".join(s.study.overrides) or "–" for s in sides))
    yield Differing(ASKED, "question", tuple(side.study.question for side in sides))


def _settings(sides: Sequence[Side]) -> Iterator[Differing]:
    own = [_values(side.specs.values(), settings) for side in sides]
    for name in dict.fromkeys(name for values in own for name in values):
        each = [values.get(name, []) for values in own]
        kind = FIXED if all(len(values) == 1 for values in each) else LEVELS
        lone = all(len(values) <= 1 for values in each)
        if lone and kind != FIXED:  # an argument that the other study's row does not have
            kind = FIXED
        yield Differing(kind, name, tuple(_several(values) for values in each))
    seeds = [numbers(sorted({s.seed for s in side.specs.values()})) or "none" for side in sides]
    yield Differing(LEVELS, "seed", tuple(seeds))


def _ran(sides: Sequence[Side]) -> Iterator[Differing]:
    own = [_values(side.records.values(), lambda record: dict(machines(record))) for side in sides]
    for name in dict.fromkeys(name for values in own for name in values):
        yield Differing(RAN, name, tuple(_several(values.get(name, [])) for values in own))


def _values(items: Any, read: Callable[[Any], Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the distinct values, in words, of everything that `read` finds in the items."""
    found: dict[str, dict[str, None]] = {}
    for item in items:
        for name, value in read(item).items():
            found.setdefault(name, {})[_plain(value)] = None
    return {name: sorted(values, key=natural) for name, values in found.items()}


def _several(values: Sequence[str]) -> str:
    if len(values) > MOST:
        return f"{len(values)} values"
    return ", ".join(values) or "–"


def _plain(value: Any) -> str:
    """Return a value as the command line writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}={_plain(v)}" for k, v in value.items())
    return str(value)


def numbers(values: Sequence[int]) -> str:
    """Return sorted whole numbers with runs of three or more as a range: `0–5, 8`."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ", ".join(
        f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )


def rest(spec: TrialSpec, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the seed and all settings of a trial but those of these names."""
    told = settings(spec) | {"seed": spec.seed}
    return tuple((k, _plain(v)) for k, v in told.items() if k not in names)
