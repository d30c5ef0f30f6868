"""A study's plan in `study.yaml`: its question, its declaration, what the planner said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from ablation.claim import Claim
from ablation.files import read_yaml
from ablation.ladder import check_rungs
from ablation.levels import check_factor, noun
from ablation.published import Published
from ablation.tune import Drawn, Tune, read_drawn

Row = TypeVar("Row")
PAIRS = ("all", "reference")
NONE_DRAWN = Drawn({}, {}, {})

MOST_SEEDS = 100_000
"""Seeds of a study: a greater number is a slip."""


@dataclass(frozen=True)
class Declared:
    """What was fixed before training: `effect` is the smallest ratio that matters.

    `score` is a family (the part of a score's name before its first underscore) or `auto`;
    `seeds` are those declared by number; empty where none were. `factor` is what is compared, `reference` one of its
    levels, `tune` what each cell tunes, `ladder` the numbers of seeds at which it is tested.
    """

    score: str = "auto"
    reference: str = "leaky_relu"
    alpha: float = 0.05
    effect: float = 1.1
    seeds: tuple[int, ...] = ()
    pairs: str = "all"
    factor: str = "activation"
    tune: Tune | None = None
    ladder: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a value that is out of range."""
        for name in ("score", "reference"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"declared.{name} is {getattr(self, name)!r}; it is a name")
        for name, low, high in (("alpha", 0, 0.5), ("effect", 1, 1_000)):
            value = getattr(self, name)
            if not _number(value) or not low < value < high:
                raise ValueError(f"declared.{name} is {value!r}; it lies between {low} and {high}")
        if not all(isinstance(s, int) and not isinstance(s, bool) for s in self.seeds):
            raise ValueError(f"declared.seeds is {self.seeds!r}; it is a list of whole numbers")
        if self.pairs not in PAIRS:
            raise ValueError(f"declared.pairs is {self.pairs!r}; it is {' or '.join(PAIRS)}")
        check_factor(self.factor)
        if self.ladder:
            check_rungs(self.ladder)

    @property
    def level(self) -> float:
        """Alpha of one look: the rungs of a ladder share it equally."""
        return self.alpha / max(1, len(self.ladder))

    @classmethod
    def read(cls, row: Any) -> tuple[Declared, list[str]]:
        """Read `declared`; a wrong value gives way to its default and is named beside it."""
        if not isinstance(row, Mapping):
            return cls(), ["study.yaml declares nothing: the defaults stand, chosen after training"]
        kept, wrong = cls(), []
        for item in fields(cls):
            if item.name not in row:
                continue
            value = row[item.name]
            if item.name == "reference" and _number(value):
                value = str(value)
            if item.name == "seeds" and isinstance(value, int) and value > MOST_SEEDS:
                wrong.append(f"declared.seeds is {value}; a study has at most {MOST_SEEDS:,}")
                continue
            if item.name == "seeds":  # a bare count means the first ones
                value = tuple(range(value)) if isinstance(value, int) else value
                value = tuple(value) if isinstance(value, (list, tuple)) else (value,)
            try:
                if item.name == "ladder" and value:
                    value = check_rungs(value)
                if item.name == "tune":
                    value = value and Tune.read(value, "declared.tune")
                kept = cls(**{**kept.__dict__, item.name: value})
            except ValueError as error:
                wrong.append(f"study.yaml: {error}; {getattr(kept, item.name)} is used")
        return kept, wrong


@dataclass(frozen=True)
class Late:
    """When a claim was registered of which trials had `ended` before."""

    when: str
    ended: int


@dataclass(frozen=True)
class Study:
    """A study's folder and its plan; `problems` says what of the plan could not be read.

    Its `name` is its folder's; `launched` is the name that it was launched by, where that is another.

    `published` are the numbers beside which it is shown, `note` says in which settings those differ.
    `claims` are the study's own, judged beside the registered ones; `registered` tells by id which came late.
    """

    folder: Path
    name: str
    question: str
    declared: Declared
    declared_hash: str = ""
    created: str = ""
    overrides: tuple[str, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()
    note: str = ""
    sweep: str = ""
    drawn: Drawn = NONE_DRAWN
    claims: tuple[Claim, ...] = ()
    registered: Mapping[str, Late] = field(default_factory=dict)
    launched: str = ""

    @property
    def title(self) -> str:
        """The name, and that of the first launch where the folder was copied or renamed."""
        return f"{self.name} (launched as {self.launched})" if self.launched else self.name

    @property
    def promised(self) -> int:
        """The seeds that every cell should have: the declared ones and, on a ladder, those of later launches."""
        later = [h["declared"].get("seeds") for h in self.history if _is_row(h.get("declared"))]
        grown = [len(seeds) for seeds in later if isinstance(seeds, list)]
        return max([len(self.declared.seeds), *(grown if self.declared.ladder else [])])


def read_study(folder: Path) -> Study:
    """Read a study's plan, a damaged one as a problem; raises ValueError for a missing folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a study's folder: there is no such folder")
    path, plan, problems = folder / "study.yaml", {}, []
    try:
        plan = read_yaml(path)
        if not isinstance(plan, Mapping):
            raise ValueError(f"{path} is damaged: it holds {type(plan).__name__}, not keys")
    except FileNotFoundError:
        problems.append(f"{path.name} is missing: the question and the declaration are not known")
    except (ValueError, OSError) as error:
        problems.append(str(error).replace(f"{folder}/", ""))
    plan = plan if isinstance(plan, Mapping) else {}
    declared, wrong = Declared.read(plan.get("declared"))
    drawn = NONE_DRAWN
    try:
        drawn = read_drawn(folder)
    except (ValueError, OSError) as error:
        problems.append(str(error).replace(f"{folder}/", ""))
    name = folder.resolve().name
    launched = str(plan.get("study") or name)
    published, unread = _rows(plan, "published", Published.read)
    claims, unclear = _rows(plan, "claims", Claim.read)
    return Study(
        folder=folder,
        name=name,
        question=str(plan.get("question") or f"Which {noun(declared.factor)} suits this GAN?"),
        declared=declared,
        declared_hash=str(plan.get("declared_hash") or ""),
        created=str(plan.get("created") or ""),
        overrides=tuple(map(str, _list(plan, "overrides"))),
        history=tuple(h for h in _list(plan, "history") if isinstance(h, Mapping)),
        skipped=tuple(
            (str(s.get("cell", "?")), str(s.get("reason", "?")))
            for s in _list(plan, "skipped")
            if isinstance(s, Mapping)
        ),
        warnings=tuple(map(str, _list(plan, "warnings"))),
        problems=tuple(problems + wrong + unread + unclear),
        published=published,
        note=str(plan.get("note") or ""),
        sweep=str(plan.get("sweep") or ""),
        drawn=drawn,
        claims=claims,
        launched="" if launched == name else launched,
        registered=_late(plan.get("registered")),
    )


def _late(rows: Any) -> dict[str, Late]:
    """Read which claims came after trials; what is damaged of it counts as after an unknown number."""
    found = {}
    for name, row in (rows if _is_row(rows) else {}).items():
        ended = row.get("ended") if _is_row(row) else None
        when = str(row.get("when", "?")) if _is_row(row) else "?"
        found[str(name)] = Late(when, ended if isinstance(ended, int) else 0)
    return found


def _rows(
    plan: Mapping[str, Any], name: str, read: Callable[[Any, str], Row]
) -> tuple[tuple[Row, ...], list[str]]:
    """Read the rows of a list of the plan; one that is wrong is left out and named."""
    found, wrong = [], []
    for number, row in enumerate(_list(plan, name)):
        try:
            found.append(read(row, f"{name}[{number}]"))
        except ValueError as error:
            wrong.append(f"study.yaml: {error}; the row is left out")
    return tuple(found), wrong


def _list(plan: Mapping[str, Any], name: str) -> list[Any]:
    value = plan.get(name)
    return value if isinstance(value, list) else []


def _is_row(value: Any) -> bool:
    return isinstance(value, Mapping)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
