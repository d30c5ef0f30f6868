"""A trial's folder: one result for ever, and damage that is named."""

from __future__ import annotations

import json
import math
import re
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablation.files import read_json, sha256
from ablation.record import (
    OUTCOMES,
    Outcome,
    Reading,
    Score,
    TrialRecord,
    attempt_folder,
    commit,
    read_config,
    read_readings,
    read_record,
    set_aside,
    study_folder,
    trial_folders,
    write_config,
    write_readings,
)

RECORD = TrialRecord(
    key="relu-s0-0123456789",
    spec={"seed": 0},
    outcome=Outcome("finished", 50, "as planned"),
    scores=(Score("fid_x_5k", 1.0 / 3.0, 5000, "lower"), Score("is_x_5k", 2.5, 5000, "higher")),
    citations=("relu: Nair & Hinton 2010",),
    weights="ab" * 32,
    protocol="0123456789",
    provenance={"device": "cpu", "versions": {"torch": "2"}},
)
READINGS = [
    Reading(1, "generator", "generator.0", "gradient_norm", 1e-300),
    Reading(1, "generator", "", "loss", math.nan),
    Reading(2, "discriminator", "", "loss", -math.inf),
    Reading(2, "discriminator", "", "accuracy", 0.1 + 0.2),
]


def committed(folder: Path, record: TrialRecord = RECORD, attempt: int = 0) -> bool:
    scratch = attempt_folder(folder, attempt)
    (scratch / "log.txt").write_text(f"attempt {attempt}")
    return commit(folder, scratch, record)


def test_what_was_committed_is_read_back(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    assert committed(tmp_path)
    found = read_record(tmp_path)
    assert found == replace(RECORD, files={"log.txt": sha256(tmp_path / "log.txt")})


@pytest.mark.parametrize("kind", OUTCOMES)
def test_every_outcome_is_read_back(kind: str, tmp_path: Path) -> None:
    outcome = Outcome(kind, 7, 'why: "quoted" and ä')
    assert committed(tmp_path, replace(RECORD, outcome=outcome))
    found = read_record(tmp_path)
    assert found is not None
    assert found.outcome == outcome


def test_an_unknown_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match=r"outcome 'fine' is none of finished, converged"):
        Outcome("fine", 1)


def test_result_json_has_the_fields_of_the_contract(tmp_path: Path) -> None:
    committed(tmp_path)
    row = read_json(tmp_path / "result.json")
    assert {"schema", "key", "outcome", "step", "message", "scores", "spec", "provenance"} <= {*row}
    assert row["outcome"] == "finished"
    assert row["scores"]["fid_x_5k"] == {"value": 1.0 / 3.0, "n": 5000, "better": "lower"}


def test_a_second_commit_changes_nothing(tmp_path: Path) -> None:
    committed(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    assert not committed(tmp_path, replace(RECORD, weights="cd"), attempt=1)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before
    assert not [*tmp_path.glob(".attempt-*")]


@pytest.mark.slow
def test_of_many_processes_that_commit_at_once_one_wins(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from ablation.record import Outcome, TrialRecord, attempt_folder, commit\n"
        "folder, n = Path(sys.argv[1]), int(sys.argv[2])\n"
        "scratch = attempt_folder(folder, n); (scratch / 'log.txt').write_text(str(n))\n"
        "while not (folder / 'go').exists(): time.sleep(0.001)\n"
        "print(commit(folder, scratch, TrialRecord('k', {}, Outcome('finished', n))))"
    )
    words = [[sys.executable, "-c", code, str(tmp_path), str(n)] for n in range(6)]
    running = [subprocess.Popen(w, stdout=subprocess.PIPE, text=True) for w in words]
    while len([*tmp_path.glob(".attempt-*/log.txt")]) < 6:
        assert all(process.poll() is None for process in running)
    (tmp_path / "go").touch()
    said = [process.communicate(timeout=300)[0].strip() for process in running]

    assert sorted(said) == ["False"] * 5 + ["True"]
    found = read_record(tmp_path)
    assert found is not None
    assert said[found.outcome.step] == "True"
    assert (tmp_path / "log.txt").read_text() == str(found.outcome.step)
    assert found.files == {"log.txt": sha256(tmp_path / "log.txt")}


def test_a_commit_cut_short_is_finished_by_the_next_attempt(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("moved by an attempt that died before its result")
    assert committed(tmp_path, attempt=1)
    assert (tmp_path / "log.txt").read_text() == "attempt 1"


def test_a_score_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    wrong = replace(RECORD, scores=(Score("fid", math.nan, 5, "lower"),))
    with pytest.raises(ValueError, match="JSON"):
        committed(tmp_path, wrong)
    assert read_record(tmp_path) is None


FIELDS = [
    "schema", "key", "outcome", "step", "message", "scores", "spec", "citations", "weights", "protocol",
    "provenance", "files",
]  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_a_result_that_lacks_a_field_is_named(name: str, tmp_path: Path) -> None:
    committed(tmp_path)
    path = tmp_path / "result.json"
    row = read_json(path)
    assert sorted(row) == sorted(FIELDS)
    path.write_text(json.dumps({k: v for k, v in row.items() if k != name}))
    with pytest.raises(ValueError, match=rf"result\.json is damaged: .*{name}"):
        read_record(tmp_path)


@pytest.mark.parametrize("name", FIELDS)
def test_a_result_with_a_field_of_the_wrong_kind_is_named(name: str, tmp_path: Path) -> None:
    committed(tmp_path)
    path = tmp_path / "result.json"
    row = read_json(path)
    for value in (None, ["x", {}], 3.5):
        if name == "step" and value == 3.5:
            continue  # as good as 3
        path.write_text(json.dumps(row | {name: value}))
        with pytest.raises(ValueError, match=r"result\.json is damaged"):
            read_record(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"schema": 1', '{"schema": 99}'])
def test_a_damaged_result_is_named_and_left_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(ValueError, match=rf"^{re.escape(str(tmp_path))}.*result\.json is damaged"):
        read_record(tmp_path)
    assert (tmp_path / "result.json").read_text() == text


def test_a_result_set_aside_keeps_every_older_one(tmp_path: Path) -> None:
    assert set_aside(tmp_path) is None
    for step in (1, 2, 3):
        assert committed(tmp_path, replace(RECORD, outcome=Outcome("crashed", step)))
        old = set_aside(tmp_path)
        assert old == tmp_path / f"result.{step}.json"
        assert read_json(old)["step"] == step
    assert read_record(tmp_path) is None


def test_readings_come_back_bit_for_bit(tmp_path: Path) -> None:
    write_readings(tmp_path / "readings.parquet", READINGS)
    found = list(read_readings(tmp_path))
    assert [r.step for r in found] == [1, 1, 2, 2]
    for mine, theirs in zip(READINGS, found, strict=True):
        assert replace(mine, value=0.0) == replace(theirs, value=0.0)
        assert struct.pack("<d", mine.value) == struct.pack("<d", theirs.value)


def test_no_readings_are_readings_too(tmp_path: Path) -> None:
    write_readings(tmp_path / "readings.parquet", [])
    assert list(read_readings(tmp_path)) == []


@pytest.mark.parametrize("content", [None, b"", b"PAR1 not really PAR1"])
def test_damaged_readings_are_named(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "readings.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=r"readings\.parquet is damaged or missing"):
        read_readings(tmp_path)


def test_a_question_is_written_once_and_read_back(ask: Any, tmp_path: Path) -> None:
    first, second = ask(seed=1), ask(seed=2)
    write_config(tmp_path / "k", first)
    write_config(tmp_path / "k", second)
    assert read_config(tmp_path / "k") == first
    with pytest.raises(ValueError, match="not a trial's folder"):
        read_config(tmp_path)
    text = (tmp_path / "k" / "config.yaml").read_text()
    for damage in (text[: len(text) // 2], "", "3", text.replace("seed: 1", "seed: -1")):
        (tmp_path / "k" / "config.yaml").write_text(damage)
        with pytest.raises(ValueError, match=r"config\.yaml is damaged"):
            read_config(tmp_path / "k")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/a", "../a", "a\\b", ".hidden", "a b", "ä", "a\n", "x" * 65]
)
def test_a_study_name_is_a_plain_folder_name(name: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"study name {name!r}")):
        study_folder("runs", name)


def test_trials_are_the_folders_with_a_question(ask: Any, tmp_path: Path) -> None:
    study = study_folder(tmp_path, "s")
    assert study == tmp_path / "s"
    assert trial_folders(study) == []
    for name in ("b", "a"):
        write_config(study / "trials" / name, ask())
    (study / "trials" / "empty").mkdir()
    assert [folder.name for folder in trial_folders(study)] == ["a", "b"]
