"""A registered claim: a statement, the comparisons that bear on it, where it applies, and how its evidence is got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

from ablation.catalogue import nearest, own_rows, rows
from ablation.claim_levels import check_level
from ablation.instruments import INSTRUMENTS, SCORES
from ablation.levels import FACTORS, PLACED
from ablation.metrics import COST, RATES, SCORE, SPREAD, TUNED, check_metric, is_ratio, is_score
from ablation.part import NAME, check_number
from ablation.spec import PARTS, SETTINGS

NETWORKS = ("generator", "discriminator", "both")
OVER = ("end", "mean")
"""The last probe, or the mean over all probes."""

DATA = ("images", "points")
"""Kinds of data that a claim may be about."""

OTHERS = "others"
"""In the place of `r`: every other level, one comparison each."""

AND = " + "
"""Between a level and words of the `free` settings that it must have: `wasserstein + weight_clip`."""

WHERE = ("data", "activation", *PLACED, *PARTS, *SETTINGS)


@dataclass(frozen=True)
class Evidence:
    """One thing that a claim says: `a` against `r`, a rate, a rank correlation `against` a metric, or a `bound`.

    `effect` is the smallest that matters: a ratio above 1 of scores, distances, norms and times, else a difference.
    With a `margin` the statement is that `a` is not worse by more than that. `free` are settings that belong to the
    levels and may differ with them. What is `optional` counts only where a study has it.
    """

    metric: str
    a: str = ""
    r: str = ""
    factor: str = "activation"
    direction: str = ""
    effect: float | None = None
    network: str = "both"
    over: str = "end"
    against: str = ""
    bound: float | None = None
    margin: float | None = None
    free: tuple[str, ...] = ()
    optional: bool = False

    @property
    def kind(self) -> str:
        """What is done with it: `compare`, `rate`, `correlate` or `check`."""
        if self.bound is not None:
            return "check"
        return "correlate" if self.against else "compare" if self.r else "rate"

    @property
    def ratio(self) -> bool:
        """Whether its effect is a ratio."""
        return is_ratio(self.metric)


@dataclass(frozen=True)
class Claim:
    """A statement that holds if all its `parts` do, `where` (column, allowed values) it applies.

    `reaching` (score, value) says how good a generator must be for its trial to count: what never covered the modes
    has lost none. It must reach each of these scores that its data have, and these must have one. The `command` gets
    the evidence, STUDY in it is the name of the study at hand; without one it is the study's own.
    """

    id: str
    statement: str
    parts: tuple[Evidence, ...]
    command: str = ""
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    reaching: tuple[tuple[str, float], ...] = ()

    @classmethod
    def read(cls, row: Any, place: str) -> Claim:
        """Read a claim as `conf/claim` writes it; raises ValueError that names what is wrong with it.

        A key of a part that stands beside the statement counts for every part that lacks it.
        """
        if not isinstance(row, Mapping):
            raise ValueError(f"{place} is {row!r}; it is a row of {', '.join(_names(cls))}")
        shared = [name for name in _names(Evidence) if name not in ("metric", "optional")]
        _known(row, [*_names(cls), *shared], place)
        for key in ("id", "statement", "parts"):
            if not row.get(key):
                raise ValueError(f"{place} lacks its {key}")
        command = row.get("command", "")
        for key, said in (("id", row["id"]), ("statement", row["statement"]), ("command", command)):
            if not isinstance(said, str) or len(said.splitlines()) > 1:
                raise ValueError(f"{place}.{key} is {said!r}; it is a text of one line")
        if not NAME.fullmatch(row["id"]):
            raise ValueError(f"{place}.id is {row['id']!r}; it is a word such as A1")
        if not isinstance(row["parts"], (list, tuple)):
            raise ValueError(f"{place}.parts is {row['parts']!r}; it is a list of parts")
        common = {key: row[key] for key in shared if key in row}
        parts = tuple(
            _evidence(part, common, f"{place}.parts[{number}]")
            for number, part in enumerate(row["parts"])
        )
        return cls(
            id=row["id"],
            statement=row["statement"].rstrip("."),
            parts=parts,
            command=command,
            where=_where(row.get("where") or {}, f"{place}.where"),
            reaching=_reaching(row.get("reaching") or {}, f"{place}.reaching"),
        )


def registered() -> tuple[Claim, ...]:
    """Return the claims of `conf/claim` and the user's folders, by name.

    Raises ValueError for one id twice, and for a level in a claim of the user's that the catalogue does not have.
    """
    own = own_rows("claim")
    found: dict[str, tuple[str, Claim]] = {}
    for name, row in rows("claim").items():
        place = f"conf/claim/{name}.yaml"
        claim = Claim.read(row, place)
        if claim.id in found:
            raise ValueError(f"{place}.id is {claim.id!r}, which is that of {found[claim.id][0]}")
        found[claim.id] = (place, claim)
        if name in own:
            check_levels(claim, place)
    return tuple(claim for _, claim in found.values())


def check_levels(claim: Claim, place: str) -> None:
    """Raise ValueError for a level that no row has; a study of which the rows are gone may still name it."""
    for number, part in enumerate(claim.parts):
        for key, said in (("a", part.a), ("r", part.r)):
            word = said.split(AND)[0]
            if word and word != OTHERS:
                check_level(word, part.factor, f"{place}.parts[{number}].{key}")
    for column, values in claim.where:
        for word in values:
            check_level(word, column, f"{place}.where.{column}")


def own_claims() -> tuple[Mapping[str, Any], ...]:
    """Return the rows of the claims in the user's own folders; raises ValueError for a wrong one, or one id twice."""
    registered()
    return tuple(own_rows("claim").values())


def _evidence(row: Any, common: Mapping[str, Any], place: str) -> Evidence:
    if not isinstance(row, Mapping):
        raise ValueError(f"{place} is {row!r}; it is a row of {', '.join(_names(Evidence))}")
    _known(row, _names(Evidence), place)
    said = {**common, **row}
    if "metric" not in said:
        raise ValueError(f"{place} lacks its metric")
    for key in ("metric", "against"):
        if key in said:
            check_metric(said[key], f"{place}.{key}")
    for key, known in (("factor", FACTORS), ("network", NETWORKS), ("over", OVER)):
        if key in said:
            _one_of(said[key], known, f"{place}.{key}")
    if not isinstance(said.get("optional", False), bool):
        raise ValueError(f"{place}.optional is {said['optional']!r}; it is true or false")
    free = said.get("free", ())
    for name in free if isinstance(free, (list, tuple)) else [free]:
        _one_of(name, (*PARTS, *SETTINGS), f"{place}.free")
    if empty := [key for key in ("a", "r") if key in said and said[key] is None]:
        raise ValueError(f"{place}.{empty[0]} is empty; it is the name of a level")
    levels = {key: str(said[key]) for key in ("a", "r") if key in said}
    found = Evidence(**{**said, **levels, "free": tuple(free)})
    _numbers(found, place)
    _form(found, place)
    return found


def _numbers(found: Evidence, place: str) -> None:
    for key in ("effect", "bound", "margin"):
        value = getattr(found, key)
        if value is not None and key == "bound":
            check_number(value, float, f"{place}.bound", -1e12)
        elif value is not None:
            ratio = found.ratio and found.kind != "correlate"
            check_number(value, float, f"{place}.{key}", 1 if ratio else 0, ends="()")


def _form(found: Evidence, place: str) -> None:
    """Raise ValueError for a part of which the kind lacks something, or has what it does not use."""
    kind, metric = found.kind, found.metric
    if kind == "compare":
        sides = ("better", "worse") if is_score(metric) else ("lower", "higher")
        _one_of(found.direction, sides, f"{place}.direction")
        if (AND in found.a or AND in found.r) and not found.free:
            raise ValueError(f"{place} has a level with a +, and no free settings that it names")
        if not found.a:
            raise ValueError(f"{place} lacks its a, the level that is compared with {found.r}")
        if found.margin is not None and metric in RATES:
            raise ValueError(f"{place}.margin is {found.margin}; a rate has an effect, no margin")
    elif found.direction or found.margin is not None:
        key = "direction" if found.direction else "margin"
        raise ValueError(f"{place} has a {key} and no r to be compared with")
    if kind == "rate":
        _one_of(metric, RATES, f"{place} has no r, so its metric")
    if kind == "check" and (is_score(metric) or metric in (SPREAD, COST, *RATES) or not found.a):
        raise ValueError(f"{place}.bound is for a reading of one level, named by a; got {metric!r}")
    if kind == "correlate" and {metric, found.against} & {TUNED, SPREAD, COST, *RATES}:
        raise ValueError(f"{place}.against is for scores and readings; got {metric!r}")
    needless = kind == "check" or found.margin is not None or metric in (SCORE, TUNED, SPREAD)
    if found.effect is None and not needless:
        raise ValueError(f"{place} lacks its effect, the smallest that matters")


def _where(row: Any, place: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(row, Mapping):
        raise ValueError(f"{place} is {row!r}; it is like {{loss: [minimax, hinge]}}")
    _known(row, WHERE, place)
    found = []
    for key, value in row.items():
        values = tuple(map(str, value if isinstance(value, (list, tuple)) else [value]))
        for word in values if key == "data" else ():
            _one_of(word, DATA, f"{place}.data")
        found.append((key, values))
    return tuple(found)


def _reaching(row: Any, place: str) -> tuple[tuple[str, float], ...]:
    if not isinstance(row, Mapping):
        raise ValueError(f"{place} is {row!r}; it is like {{hq: 0.5}}")
    scores = [name for name, found in INSTRUMENTS.items() if found.group == SCORES]
    _known(row, scores, place)
    for key, value in row.items():
        check_number(value, float, f"{place}.{key}", -1e12)
    return tuple((key, float(value)) for key, value in row.items())


def _names(kind: type) -> list[str]:
    needed = [f.name for f in fields(kind) if f.default is MISSING]
    return needed + [f.name for f in fields(kind) if f.default is not MISSING]


def _known(row: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    for key in row:
        if key not in known:
            raise ValueError(f"{place} has an unknown key {key!r}{nearest(str(key), known)}")


def _one_of(value: Any, known: Sequence[str] | Mapping[str, Any], place: str) -> None:
    if value not in known:
        raise ValueError(f"{place} is {value!r}; it is one of {', '.join(known)}")
