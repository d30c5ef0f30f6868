"""What a study promises before it trains, and the file that keeps it: study.yaml."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ablation.files import locked, read_yaml, write_yaml
from ablation.instruments import INSTRUMENTS, SCORES, about
from ablation.ladder import check_rungs
from ablation.levels import check_factor, levels, resolve
from ablation.part import check_number
from ablation.published import Published
from ablation.spec import TrialSpec
from ablation.tune import Tune, bare
from sweeps.registered import enrol

SCHEMA = 1
KINDS = {"declared": dict, "overrides": list, "history": list, "skipped": list, "warnings": list}
"""What the parts of a study.yaml are."""
AUTO = "auto"
"""The declared score that is FID where a data set has it, else the Frechet distance."""


@dataclass(frozen=True)
class Declared:
    """What a study promises before it trains: score family, reference, alpha, smallest ratio that matters, seeds.

    `factor` is what it compares, `reference` the level that the others are compared with, `tune` what each cell tunes,
    `ladder` the numbers of seeds at which it is tested, where these are several.
    """

    score: str = AUTO
    reference: str = "leaky_relu"
    alpha: float = 0.05
    effect: float = 1.1
    seeds: tuple[int, ...] = (0,)
    pairs: str = "all"
    factor: str = "activation"
    tune: Tune | None = None
    ladder: tuple[int, ...] = ()

    @property
    def looks(self) -> int:
        """How many times it may be tested: each rung of a ladder has an equal share of alpha."""
        return max(1, len(self.ladder))

    @property
    def hash(self) -> str:
        """Ten hexadecimal digits over what is declared."""
        return hashlib.sha256(json.dumps(self.row(), sort_keys=True).encode()).hexdigest()[:10]

    def row(self) -> dict[str, Any]:
        """Return what study.yaml keeps; what came later is said where it is not as it was before."""
        row = asdict(self) | {"seeds": list(self.seeds), "tune": self.tune and self.tune.row()}
        row |= {"ladder": list(self.ladder)}
        before: tuple[tuple[str, Any], ...] = (
            ("factor", "activation"),
            ("tune", None),
            ("ladder", []),
        )
        return {k: v for k, v in row.items() if (k, v) not in before}


def declare(
    said: Mapping[str, Any],
    specs: Sequence[TrialSpec],
    seeds: Sequence[int],
    tune: Tune | None = None,
) -> Declared:
    """Return what `said` declares of these trials; raises ValueError for what cannot be declared."""
    known = [name for name in asdict(Declared()) if name != "tune"]
    if unknown := set(said) - set(known):
        raise ValueError(f"declared.{sorted(unknown)[0]} is unknown; known are {', '.join(known)}")
    promised = list(said.get("seeds", seeds))
    if promised != list(seeds):
        raise ValueError(f"declared.seeds is {promised}; this study's seeds are {list(seeds)}")
    ladder = check_rungs(said["ladder"]) if said.get("ladder") else ()
    settled = {"seeds": tuple(seeds), "tune": tune, "ladder": ladder}
    found = replace(Declared(), **{**said, **settled})
    for name in ("score", "factor", "pairs"):  # a reference may be a number, too
        if not isinstance(getattr(found, name), str):
            raise ValueError(f"declared.{name} is {getattr(found, name)!r}; it is a name")
    if found.score != AUTO and getattr(about(found.score), "group", "") != SCORES:
        check_score(found.score, [name for name, row in INSTRUMENTS.items() if row.group == SCORES])
    check_number(found.alpha, float, "declared.alpha", 0, 0.5, ends="()")
    check_number(found.effect, float, "declared.effect", 1, 1_000, ends="()")
    if found.pairs not in ("all", "reference"):
        raise ValueError(f"declared.pairs is {found.pairs!r}; it is all or reference")
    check_factor(found.factor)
    names = list(dict.fromkeys(levels(specs, found.factor)))
    plain = [spec.activation for spec in specs] if found.factor == "activation" else []
    reference = resolve(found.reference, found.factor, [*names, *plain])
    if reference is None and "reference" in said:
        raise ValueError(
            f"the reference {found.reference!r} is not in this study; it has {', '.join(names)}"
        )
    if reference is None or ("reference" not in said and not plain):
        reference = [*plain, *names][0]
    return replace(found, reference=reference)


def check_score(score: str, families: Sequence[str]) -> None:
    """Raise ValueError for a score that none of the `families` is, which are all that the trials will have."""
    if score not in families:
        known = ", ".join([AUTO, *families])
        raise ValueError(f"declared.score is {score!r}; of these trials it is one of {known}")


@dataclass(frozen=True)
class Plan:
    """The trials of a sweep, seed by seed over all cells, and what it skips and warns of.

    `fresh` counts the further seeds that each cell's best point is run with; `claims` are the user's own.
    """

    sweep: str | None
    question: str
    words: tuple[str, ...]
    specs: tuple[TrialSpec, ...]
    skipped: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    declared: Declared
    published: tuple[Published, ...] = ()
    note: str = ""
    fresh: int = 0
    claims: tuple[Mapping[str, Any], ...] = ()

    @property
    def cells(self) -> int:
        """The number of cells that have trials, the points of one counted once."""
        return len({spec.cell for spec in self.untuned})

    @property
    def untuned(self) -> tuple[TrialSpec, ...]:
        """The trials of each cell as it stands: its point 0, which comes before its others."""
        tune, first = self.declared.tune, dict[str, str]()
        if tune is None:
            return self.specs
        for spec in self.specs:
            first.setdefault(bare(spec, tune), spec.cell)
        return tuple(spec for spec in self.specs if first[bare(spec, tune)] == spec.cell)

    @property
    def trials(self) -> int:
        """The number of trials, those whose points are asked for on the way among them."""
        tune = self.declared.tune
        return len(self.untuned) * tune.points if tune else len(self.specs)


def write_study(study: Path, found: Plan, kept: Mapping[str, Any] | None = None) -> None:
    """Write study.yaml, or add to the history of a study that asks for more than it did.

    `kept` is what a new study keeps besides: settings of how it runs. Launches at one moment wait for each other.
    """
    study.mkdir(parents=True, exist_ok=True)
    with locked(study / ".study.lock"):
        _write(study, found, kept)


def register(study: Path, claims: Sequence[Mapping[str, Any]]) -> None:
    """Keep claims in the plan of a study that has been launched."""
    with locked(study / ".study.lock"):
        old = read_study(study)
        if enrol(old, claims, study):
            write_yaml(study / "study.yaml", old)


def _write(study: Path, found: Plan, kept: Mapping[str, Any] | None) -> None:
    path, now = study / "study.yaml", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    skipped = [{"cell": cell, "reason": reason} for cell, reason in found.skipped]
    if not path.exists():
        write_yaml(
            path,
            {
                "schema": SCHEMA,
                "study": study.name,
                "sweep": found.sweep,
                "question": found.question,
                "overrides": list(found.words),
                "created": now,
                "declared": found.declared.row(),
                "declared_hash": found.declared.hash,
                "history": [],
                "skipped": skipped,
                "warnings": list(found.warnings),
            }
            | _beside(found)
            | ({"claims": [dict(row) for row in found.claims]} if found.claims else {})
            | dict(kept or {}),
        )
        return
    old = read_study(study)
    if enrol(old, found.claims, study):
        write_yaml(path, old)
    launched = [old["overrides"], *(entry["overrides"] for entry in old["history"])]
    hashes = [old["declared_hash"], *(entry.get("declared_hash") for entry in old["history"])]
    if list(found.words) in launched and found.declared.hash in hashes:
        return
    edited = (
        {}
        if found.declared.hash == old["declared_hash"]
        else {"declared": found.declared.row(), "declared_hash": found.declared.hash}
    )
    old["history"].append({"when": now, "overrides": list(found.words)} | edited)
    old["skipped"] += [entry for entry in skipped if entry not in old["skipped"]]
    old["warnings"] += [text for text in found.warnings if text not in old["warnings"]]
    for name, value in _beside(found).items():
        had = old.setdefault(name, value)
        old[name] = had + [row for row in value if row not in had] if name == "published" else had
    write_yaml(path, old)


def _beside(found: Plan) -> dict[str, Any]:
    """Return what a study keeps to be shown beside its results, where it has any."""
    rows = [row.row() for row in found.published]
    kept = {"published": rows, "note": found.note}
    return {name: value for name, value in kept.items() if value}


def published(
    rows: Any, specs: Sequence[TrialSpec], factor: str, words: Sequence[str]
) -> tuple[Published, ...]:
    """Read a preset's published rows; raises ValueError for one that fits no trial of the preset.

    A user's own `words` may leave out a level or a data set: its rows then go too.
    """
    if not isinstance(rows, (list, tuple)):
        raise ValueError(f"published is {rows!r}; it is a list of rows")
    names, data = levels(specs, factor), list(dict.fromkeys(s.dataset.name for s in specs))
    moved, found = any(w.startswith(("dataset=", "dataset.")) for w in words), []
    for number, row in enumerate(rows):
        place = f"published[{number}]"
        one = Published.read(row, place)
        level = resolve(one.level, factor, names)
        dataset = one.dataset or (data[0] if len(data) == 1 and not moved else "")
        if level is not None and dataset in data:
            found.append(replace(one, level=level, dataset=dataset))
        elif not words:
            what = f"level {one.level!r}" if level is None else f"dataset {dataset!r}"
            known = dict.fromkeys(names) if level is None else data
            raise ValueError(f"{place}: {what} is not in this sweep; it has {', '.join(known)}")
    return tuple(found)


def read_study(study: Path) -> dict[str, Any]:
    """Read study.yaml; raises ValueError that names a missing or damaged file."""
    path = study / "study.yaml"
    if not path.is_file():
        raise ValueError(f"there is no study {study.name!r} in {study.parent} (no study.yaml)")
    found = read_yaml(path)
    needed = {"schema", "overrides", "declared", "declared_hash", "history", "skipped", "warnings"}
    if not isinstance(found, dict) or needed - set(found):
        raise ValueError(
            f"{path} is damaged: it lacks {', '.join(sorted(needed - set(found or {})))}"
        )
    for name, kind in KINDS.items():
        if not isinstance(found[name], kind):
            raise ValueError(f"{path} is damaged: {name} is {found[name]!r}")
    return found
