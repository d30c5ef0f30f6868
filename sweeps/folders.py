"""Trial folders as sweeps use them: many questions at once, attempts, answers for the dead."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ablation.files import yaml_text
from ablation.record import (
    Outcome,
    TrialRecord,
    attempt_folder,
    commit,
    read_config,
    read_record,
    trial_folders,
)
from ablation.spec import TrialSpec


def write_configs(study: Path, named: Mapping[str, TrialSpec]) -> None:
    """Write each missing trials/KEY/config.yaml, with the text of `record.write_config`.

    It is five times as fast: a cell becomes YAML once, as its seeds differ in the last line only,
    and nothing waits for the disk: what a power cut empties is written again here.
    """
    cells: dict[TrialSpec, str] = {}
    for key, spec in named.items():
        path = study / "trials" / key / "config.yaml"
        if path.exists() and path.stat().st_size:
            continue
        cell = replace(spec, seed=0)
        if cell not in cells:
            config = cell.config()
            assert list(config)[-1] == "seed", "the seed is the last key of a configuration"
            del config["seed"]
            cells[cell] = yaml_text(config)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(".config.yaml.tmp")
        draft.write_text(f"{cells[cell]}seed: {spec.seed}\n")
        draft.replace(path)


def has_result(folder: Path) -> bool:
    """Say whether a trial is done, which is whether its result.json exists."""
    return (folder / "result.json").exists()


def outcome(folder: Path) -> str:
    """Return a trial's outcome, `damaged` for an unreadable result, "" for none yet."""
    try:
        record = read_record(folder)
    except ValueError:
        return "damaged"
    return record.outcome.kind if record else ""


def next_attempt(folder: Path) -> int:
    """Return one more than the newest attempt that left its scratch folder."""
    names = [p.name.removeprefix(".attempt-") for p in folder.glob(".attempt-*")]
    return 1 + max((int(name) for name in names if name.isdecimal()), default=-1)


def clean(folder: Path) -> None:
    """Remove the scratch folders that a process killed right after its commit left behind."""
    for scratch in folder.glob(".attempt-*"):
        shutil.rmtree(scratch, ignore_errors=True)


def record_crash(folder: Path, message: str) -> None:
    """Commit a crashed record for a trial that cannot speak for itself.

    Its last log and checkpoint are kept. Call it holding the trial's lease.
    """
    number = next_attempt(folder)
    scratch = attempt_folder(folder, number)
    for name in ("log.txt", "checkpoint.pt"):
        for earlier in range(number - 1, -1, -1):
            if (path := folder / f".attempt-{earlier}" / name).exists():
                path.replace(scratch / name)
                break
    with open(scratch / "log.txt", "a") as log:
        log.write(f"{message}\n")
    ended, provenance = Outcome("crashed", 0, message), {"attempt": number}
    try:
        spec = read_config(folder)
    except ValueError:  # the question itself is unreadable: record that it has no answer
        record = TrialRecord(folder.name, {}, ended, provenance=provenance)
    else:
        record = TrialRecord(
            spec.key, spec.config(), ended, protocol=spec.protocol.hash, provenance=provenance
        )
    commit(folder, scratch, record)


def verdict(folder: Path) -> tuple[str, float | None]:
    """Return the state and value that the index shows for a trial that is done.

    The value is the first score of which less is better, or infinity.
    """
    try:
        record = read_record(folder)
    except ValueError:
        record = None
    if record is None or record.outcome.kind == "crashed":
        return "fail", None
    if record.outcome.kind == "pruned":
        return "pruned", None
    values = [score.value for score in record.scores if score.better == "lower"]
    return "complete", values[0] if values and not math.isnan(values[0]) else math.inf


def scored_by(folders: Sequence[Path]) -> list[str]:
    """Return the families of the scores that these trials have; damaged results have none."""
    found: dict[str, None] = {}
    for folder in folders:
        try:
            record = read_record(folder)
        except ValueError:
            continue
        found |= {s.name.split("_")[0]: None for s in (record.scores if record else ())}
    return list(found)


def readable(study: Path) -> list[TrialSpec]:
    """Return the questions of a study's trials but for damaged ones, which `doctor` names."""
    found = []
    for folder in trial_folders(study):
        try:
            found.append(read_config(folder))
        except ValueError:
            continue
    return found
