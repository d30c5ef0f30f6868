from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from crowds import new_study
from steps import claimed, vanish

from ablation.record import (
    Outcome,
    Score,
    TrialRecord,
    attempt_folder,
    commit,
    read_config,
    read_record,
    write_config,
)
from ablation.spec import TrialSpec
from sweeps import backlog, embedded
from sweeps.backlog import RETRIES, VANISHES
from sweeps.storages import place_of

Answer = Callable[..., TrialRecord]


@pytest.fixture
def study(each_storage: Path) -> Path:
    """The same queue in each storage."""
    return each_storage


def forget(study: Path) -> None:
    """Lose what the index knows: its study is deleted, its journal begun anew."""
    place = place_of(study)
    if place.url:
        storage = optuna.storages.RDBStorage(place.url)
        optuna.delete_study(study_name=place.study, storage=storage)
        storage.engine.dispose()
    else:
        (study / "journal.log").unlink()
        embedded.create(study / "journal.log", study.name)


@pytest.mark.slow
def test_offer_writes_what_write_config_writes(
    study: Path, tiny: TrialSpec, tmp_path: Path
) -> None:
    spec = tiny.with_seed(7)
    assert backlog.offer(study, [tiny, spec]) == 2
    write_config(tmp_path / "one", spec)
    written = (study / "trials" / spec.key / "config.yaml").read_bytes()
    assert written == (tmp_path / "one" / "config.yaml").read_bytes()
    assert read_config(study / "trials" / spec.key) == spec


@pytest.mark.slow
def test_offer_queues_only_what_is_missing(
    study: Path, specs: list[TrialSpec], answer: Answer
) -> None:
    assert backlog.offer(study, specs[:3]) == 3
    done, running = claimed(study), claimed(study)
    backlog.tell(study, done, answer(done))
    assert backlog.offer(study, specs) == 2
    assert backlog.offer(study, [*specs, *specs]) == 0
    order = [claimed(study).key for _ in range(3)]
    assert order == [spec.key for spec in specs[2:]]
    assert backlog.claim(study) is None
    vanish(running)


@pytest.mark.slow
def test_a_config_that_a_power_cut_emptied_is_written_again(
    study: Path, specs: list[TrialSpec]
) -> None:
    backlog.offer(study, specs)
    path = study / "trials" / specs[1].key / "config.yaml"
    path.write_bytes(b"")
    backlog.offer(study, specs)
    assert read_config(path.parent) == specs[1]


def test_claim_refuses_a_study_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no study 'nobody'"):
        backlog.claim(tmp_path / "nobody")
    assert not (tmp_path / "nobody").exists()


@pytest.mark.slow
def test_a_living_trial_is_not_taken_and_a_dead_one_is_run_again(
    study: Path, specs: list[TrialSpec]
) -> None:
    backlog.offer(study, specs[:1])
    first = claimed(study)
    assert backlog.claim(study) is None
    vanish(first)
    second = claimed(study)
    assert (second.key, second.attempt) == (first.key, first.attempt + 1)
    assert backlog.counts(study) == {
        "running": 1, "complete": 0, "pruned": 0, "fail": 1, "waiting": 0,
    }  # fmt: skip


@pytest.mark.slow
def test_a_result_that_nobody_told_is_entered_and_not_run_again(
    study: Path, specs: list[TrialSpec], answer: Answer
) -> None:
    backlog.offer(study, specs[:1])
    claim = claimed(study)
    answer(claim)
    (claim.folder / ".attempt-9").mkdir()
    vanish(claim)
    assert backlog.claim(study) is None
    assert backlog.counts(study)["complete"] == 1
    assert not list(claim.folder.glob(".attempt-*"))


@pytest.mark.slow
def test_attempts_never_share_a_number_even_if_the_journal_forgot(
    study: Path, specs: list[TrialSpec]
) -> None:
    backlog.offer(study, specs[:1])
    claim = claimed(study)
    vanish(claim)
    forget(study)
    assert backlog.offer(study, specs[:1]) == 1
    assert claimed(study).attempt == claim.attempt + 1


@pytest.mark.slow
def test_stopping_is_no_failure(study: Path, specs: list[TrialSpec]) -> None:
    backlog.offer(study, specs[:1])
    attempts = []
    for _ in range(VANISHES + RETRIES + 3):
        claim = claimed(study)
        attempts.append(claim.attempt)
        backlog.release(study, claim)
    assert attempts == list(range(len(attempts)))
    assert backlog.counts(study)["waiting"] == 1


@pytest.mark.slow
def test_a_trial_that_keeps_dying_is_recorded_as_crashed(
    study: Path, specs: list[TrialSpec]
) -> None:
    backlog.offer(study, specs[:1])
    for _ in range(RETRIES + 1):
        claim = claimed(study)
        scratch = claim.folder / f".attempt-{claim.attempt}"
        (scratch / "log.txt").write_text("last words\n")
        backlog.lost(study, claim, "killed by SIGKILL")
    assert backlog.claim(study) is None
    record = read_record(claim.folder)
    assert record is not None
    assert record.outcome.kind == "crashed"
    assert record.outcome.message == f"killed by SIGKILL (attempt {RETRIES + 1}, the last)"
    assert record.spec == specs[0].config()
    assert (claim.folder / "log.txt").read_text().startswith("last words\n")
    assert backlog.counts(study)["fail"] == RETRIES + 1


@pytest.mark.slow
def test_losing_workers_is_forgiven_longer(study: Path, specs: list[TrialSpec]) -> None:
    backlog.offer(study, specs[:1])
    for _ in range(VANISHES + 1):
        claim = claimed(study)
        assert read_record(claim.folder) is None
        vanish(claim)
    assert backlog.claim(study) is None
    record = read_record(claim.folder)
    assert record is not None
    assert record.outcome.message.startswith("worker lost (attempt ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "value", "state"),
    [("finished", 1.5, "complete"), ("diverged", 1.5, "complete"), ("collapsed", 2.0, "complete"),
     ("finished", float("nan"), "complete"), ("pruned", 1.0, "pruned"), ("crashed", 1.0, "fail")],
)  # fmt: skip
def test_every_outcome_has_its_state(
    study: Path, specs: list[TrialSpec], kind: str, value: float, state: str
) -> None:
    backlog.offer(study, specs[:1])
    claim = claimed(study)
    scores = () if value != value else (Score("frechet", value, 9, "lower"),)
    record = TrialRecord(claim.key, {}, Outcome(kind, 3), scores)
    commit(claim.folder, attempt_folder(claim.folder, claim.attempt), record)
    backlog.tell(study, claim, record)
    assert backlog.counts(study)[state] == 1
    assert sum(backlog.counts(study).values()) == 1


@pytest.mark.slow
def test_the_index_can_be_made_again_from_the_folders(
    study: Path, specs: list[TrialSpec], answer: Answer
) -> None:
    backlog.offer(study, specs)
    done, crashed, running = claimed(study), claimed(study), claimed(study)
    backlog.tell(study, done, answer(done))
    backlog.tell(study, crashed, answer(crashed, "crashed", "ValueError: no"))
    forget(study)
    assert backlog.rebuild(study) == 5
    counts = backlog.counts(study)
    assert (counts["complete"], counts["fail"], counts["waiting"]) == (1, 1, 3)
    rest = {claimed(study).key, claimed(study).key}
    assert rest == {specs[3].key, specs[4].key}, "the one that still runs is not taken again"
    assert backlog.claim(study) is None
    backlog.tell(study, running, answer(running))
    assert backlog.counts(study)["complete"] == 2


def test_an_older_journal_in_its_place_is_read_anew(tmp_path: Path, specs: list[TrialSpec]) -> None:
    study = new_study(tmp_path / "older")
    backlog.offer(study, specs[:2])
    older = (study / "journal.log").read_bytes()
    backlog.offer(study, specs)
    (study / "journal.log").write_bytes(older)
    assert backlog.counts(study)["waiting"] == 2
    assert backlog.offer(study, specs) == 3


OFFER = """
import sys
from pathlib import Path
from ablation.record import read_config
from sweeps import backlog
base = read_config(Path(sys.argv[2]))
specs = [base.with_seed(seed) for seed in range(int(sys.argv[3]))]
input()
print(backlog.offer(Path(sys.argv[1]), specs if sys.argv[4] == "up" else specs[::-1]))
"""
DRAIN = """
import sys
from pathlib import Path
from ablation.record import Outcome, TrialRecord, attempt_folder, commit
from sweeps import backlog
study = Path(sys.argv[1])
input()
while (claim := backlog.claim(study)) is not None:
    record = TrialRecord(claim.key, {}, Outcome("finished", 1))
    assert commit(claim.folder, attempt_folder(claim.folder, claim.attempt), record)
    backlog.tell(study, claim, record)
    print(claim.key)
"""


def at_once(count: int, *command: str, last: tuple[str, ...] = ("",)) -> list[list[str]]:
    """Run the same program several times, all released at the same moment; return their lines."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", *command, last[number % len(last)]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for number in range(count)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=300)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * count
    return outputs


@pytest.mark.slow
def test_two_planners_and_four_workers_at_once(
    study: Path, tiny: TrialSpec, tmp_path: Path
) -> None:
    write_config(tmp_path / "base", tiny)
    count = 40 if place_of(study).url else 200  # a database takes ten times as long for each
    words = (str(study), str(tmp_path / "base"), str(count))
    added = at_once(2, OFFER, *words, last=("up", "down"))
    assert sum(int(line) for lines in added for line in lines) == count
    keys = [key for lines in at_once(4, DRAIN, str(study)) for key in lines]
    assert sorted(keys) == sorted(tiny.with_seed(seed).key for seed in range(count))
    assert backlog.counts(study)["complete"] == count
