"""Study folders in, tidy tables out: one row a trial, one a score, one a reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ablation.levels import PLACED, Names, distinct_names
from ablation.record import (
    TrialRecord,
    read_config,
    read_record,
    trial_folders,
)
from ablation.rescored import Rescored
from ablation.spec import TrialSpec
from reports.facts import Facts, collect, parameters
from reports.names import BLOCK, spec_columns
from reports.points import POINT, Place, places
from reports.readings import FILE as READINGS_FILE
from reports.readings import Source, readings
from reports.scored import floor_columns, floor_names, further, score_frame
from reports.study import Study, read_study

VERSIONED = ("device", "instruction_set", "commit", "threads", "host", "attempt", "resumed")
WHOLE = (
    *("step", "n_critic", "packing", "steps", "batch_size", "patience"),
    *("seed", "threads", "attempt", "point"),
)
LOST = ("missing", "damaged")
"""Outcomes that are no outcome: the trial counts as absent."""


@dataclass(frozen=True)
class Tables:
    """The tidy tables of one or several studies; `problems` names what could not be read.

    Scores that are `own` stand in their trial's result: they alone are compared. `facts` are what trials say of their
    activations.
    """

    studies: tuple[Study, ...]
    trials: pd.DataFrame
    scores: pd.DataFrame
    readings: pd.DataFrame
    citations: tuple[str, ...]
    problems: tuple[str, ...]
    facts: Facts

    @property
    def own(self) -> pd.DataFrame:
        """The scores of the trials' own protocols."""
        return self.scores[self.scores["own"]]


@dataclass(frozen=True)
class _Trial:
    """A trial's folder as read: spec and record are None where they are missing or damaged.

    `more` are its scores under other protocols, `unread` names files of such that cannot be used.
    """

    study: Study
    folder: Path
    spec: TrialSpec | None
    record: TrialRecord | None
    damage: str
    more: tuple[Rescored, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """The outcome's kind, `missing` without a result, `damaged` where a file is unreadable."""
        if self.damage:
            return "damaged"
        return self.record.outcome.kind if self.record else "missing"


def load(folders: Sequence[Path]) -> Tables:
    """Read the trials of these study folders; a key that several hold counts once, done first."""
    studies = tuple(read_study(folder) for folder in folders)
    found: dict[str, _Trial] = {}
    for study in studies:
        for folder in _folders(study.folder):
            trial = _read(study, folder)
            other = found.get(folder.name)
            if other is None or (other.outcome in LOST and trial.outcome not in LOST):
                found[folder.name] = trial
    trials = [found[key] for key in sorted(found)]
    where: dict[str, Place] = {}
    for study in studies:
        own = {t.folder.name: t.spec for t in trials if t.spec and t.study is study}
        where |= places(study, own)
    names = distinct_names([place.base for place in where.values()])
    factor = studies[0].declared.factor
    frame = pd.DataFrame([_row(t, where.get(t.folder.name), names, factor) for t in trials])
    if frame.empty:
        frame = pd.DataFrame(columns=list(_row_template()))
    problems = [p for s in studies for p in s.problems]
    found_readings, unread = readings([_source(trial) for trial in trials], frame)
    scores = score_frame([(t.folder.name, t.record, t.more) for t in trials if t.record], frame)
    wide = scores.pivot(index="key", columns="score_name", values="value")
    cited = {c for t in trials if t.record for c in t.record.citations if c}
    return Tables(
        studies=studies,
        trials=_whole(frame).merge(wide, how="left", left_on="key", right_index=True),
        scores=scores,
        readings=found_readings,
        citations=tuple(sorted(cited, key=str.lower)),
        problems=(*problems, *unread, *(text for t in trials for text in t.unread)),
        facts=collect(
            ((t.spec, t.record.provenance) for t in trials if t.spec and t.record), names
        ),
    )


def _whole(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with whole numbers where a damaged trial made them floats."""
    kinds = {name: "Int64" for name in WHOLE if frame[name].notna().any()}
    return frame.astype(kinds)


def _folders(study: Path) -> list[Path]:
    """Return the trial folders, those that lost their configuration included."""
    lost = {p.parent for p in (study / "trials").glob("*/result.json")}
    return sorted(lost | set(trial_folders(study)))


def _read(study: Study, folder: Path) -> _Trial:
    """Read a trial's folder; a result tells its own question, so its YAML need not be parsed."""
    record, damage = None, ""
    try:
        record = read_record(folder)
        spec = TrialSpec.read(record.spec) if record and record.spec else read_config(folder)
        if record and not folder.name == record.key == spec.key:
            damage = f"result.json answers another trial, {record.key}"
        beside = further(folder, record) if record and not damage else ((), ())
        return _Trial(study, folder, spec, None if damage else record, damage, *beside)
    except (ValueError, TypeError, AttributeError, OSError) as error:
        damage = str(error).replace(f"{folder}/", "").replace(f"{study.folder}/", "")
    try:
        return _Trial(study, folder, read_config(folder), None, damage)
    except (ValueError, OSError):
        return _Trial(study, folder, None, None, damage)


def _row_template() -> dict[str, Any]:
    told = ("study", "key", "cell", "outcome", "step", "message", "treatment", "activation")
    asked = (*PLACED, "sites", *BLOCK, "seed", "protocol", *POINT)
    run = ("extractor", "block", "stream", "seconds", "peak_memory_mb", *VERSIONED, "folder")
    columns = (*told, *asked, *run)
    return dict.fromkeys(columns) | POINT


def _row(trial: _Trial, place: Place | None, names: Names, factor: str) -> dict[str, Any]:
    """Return a trial's row; what a damaged trial does not say stays empty, a point has its cell's row."""
    row = _row_template()
    row |= {"study": trial.study.name, "key": trial.folder.name, "outcome": trial.outcome}
    row |= {"message": trial.damage, "folder": str(trial.folder)}
    if trial.spec and place:
        row |= spec_columns(place.base, names, factor) | {"cell": trial.spec.cell}
        row |= place.row()
    if trial.record:
        outcome, said = trial.record.outcome, trial.record.provenance
        row |= {"step": outcome.step, "message": outcome.message}
        row |= {name: _scalar(said.get(name)) for name in (*VERSIONED, "peak_memory_mb")}
        row["protocol"] = trial.record.protocol or row["protocol"]
        if said.get("cpu_seconds") is not None:
            row["cpu_seconds"] = _scalar(said["cpu_seconds"])
        if said.get("dataset"):
            row["fingerprint"] = _scalar(said["dataset"])
        for name, value in sorted(_mapping(said.get("versions")).items()):
            row[f"version_{name}"] = str(value)
        for name, value in sorted(_mapping(said.get("seconds")).items()):
            row["seconds" if name == "total" else f"seconds_{name}"] = _scalar(value)
        for name, value in sorted(_mapping(said.get("extractor")).items()):
            row[f"extractor_{name}"] = _scalar(value)
        for name, value in sorted(_mapping(said.get("modes")).items()):
            row[f"perfect_{name}"] = _scalar(value)
        for name, value in sorted(_mapping(said.get("floors")).items()):
            known = value if isinstance(value, list) and len(value) == 3 else (None, None, None)
            row |= dict(zip(floor_names(name), map(_scalar, known), strict=True))
        row |= dict(floor_columns(trial.record, trial.more)) | parameters(said)
        row["hazards"] = " | ".join(map(str, said.get("hazards") or ()))
    return row


def _source(trial: _Trial) -> Source | None:
    if not trial.record or not trial.spec:
        return None
    return Source(trial.folder, trial.record.files.get(READINGS_FILE, ""))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _scalar(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def with_primary_score(tables: Tables, family: str) -> pd.DataFrame:
    """Return the trials with `score`, `score_name` and `better` of the declared family.

    `auto` is fid where a data set has it, else frechet. A data set has one score name, that of most
    of its trials; `other_score` names another protocol's score, which is never put beside it.
    """
    trials, scores = tables.trials.copy(), tables.own
    for name in ("score_name", "better", "other_score"):
        trials[name] = pd.Series([None] * len(trials), index=trials.index, dtype=object)
    trials["score"] = float("nan")
    for dataset in sorted(trials["dataset"].dropna().unique()):
        here = scores[scores["dataset"] == dataset]
        wanted = family
        if family == "auto":
            wanted = "fid" if (here["family"] == "fid").any() else "frechet"
        here = here[here["family"] == wanted]
        inside = trials["dataset"] == dataset
        if here.empty:
            continue
        name = common(list(here["score_name"]))
        chosen = here[here["score_name"] == name].set_index("key")
        trials.loc[inside, "score_name"] = name
        trials.loc[inside, "better"] = common(list(chosen["better"]))
        trials.loc[inside, "score"] = trials.loc[inside, "key"].map(chosen["value"])
        others = here[here["score_name"] != name].set_index("key")["score_name"]
        others = others[~others.index.duplicated()]
        without = inside & trials["score"].isna()
        trials.loc[without, "other_score"] = trials.loc[without, "key"].map(others)
    return trials


def common(values: Sequence[Any]) -> Any:
    """Return the most frequent value, the first in order among equals."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], str(value)))
