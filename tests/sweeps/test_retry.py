"""Trials that are tried again: crashed ones, those set aside, and cells that crash alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from steps import claimed, vanish

from ablation.record import (
    TrialRecord,
    read_record,
)
from ablation.spec import TrialSpec
from sweeps import backlog, index
from sweeps.audit import audit
from sweeps.backlog import ALIKE

Answer = Callable[..., TrialRecord]


@pytest.fixture
def study(each_storage: Path) -> Path:
    """The same queue in each storage."""
    return each_storage


@pytest.mark.slow
def test_retry_runs_crashed_and_damaged_trials_again(
    study: Path, specs: list[TrialSpec], answer: Answer
) -> None:
    backlog.offer(study, specs[:4])
    claims = [claimed(study) for _ in range(4)]
    for claim, kind in zip(claims, ("finished", "crashed", "diverged", "finished"), strict=True):
        backlog.tell(study, claim, answer(claim, kind, kind))
    (claims[3].folder / "result.json").write_text('{"schema": 1, "key')
    assert backlog.retry(study) == 2
    again = [claimed(study), claimed(study)]
    assert {c.key for c in again} == {claims[1].key, claims[3].key}
    assert all(c.attempt == 1 for c in again)
    assert all((c.folder / "result.1.json").exists() for c in again)
    assert backlog.retry(study) == 0
    assert backlog.retry(study, [claims[2].key]) == 1
    assert backlog.retry(study, [claims[0].key]) == 1
    for key, state in ((claims[1].key, "has no result yet"), ("nobody", "is no trial of s")):
        with pytest.raises(ValueError, match=state):
            backlog.retry(study, [key])
    assert not (claims[1].folder / "result.2.json").exists()


@pytest.mark.slow
def test_three_equal_crashes_stop_their_cell_and_no_other(
    study: Path, tiny: TrialSpec, answer: Answer
) -> None:
    sick = [tiny.with_seed(seed) for seed in range(ALIKE + 3)]
    sound = [replace(spec, n_critic=2) for spec in sick]
    backlog.offer(study, [*sick, *sound])
    for message in ["boom", "another", "boom", "boom"]:
        claim = claimed(study)
        backlog.tell(study, claim, answer(claim, "crashed", message))
    for spec in sick[4:]:
        record = read_record(study / "trials" / spec.key)
        assert record is not None
        assert record.outcome.kind == "crashed"
        assert record.outcome.message.startswith(
            "not run: 3 trials of this cell crashed with: boom"
        )
        assert "`ablation retry s`" in record.outcome.message
    left = [claimed(study).key for _ in sound]
    assert left == [spec.key for spec in sound]
    assert backlog.claim(study) is None
    assert backlog.retry(study) == len(sick)
    assert {claimed(study).key for _ in sick} == {spec.key for spec in sick}


@pytest.mark.slow
def test_a_result_that_is_set_aside_before_it_is_told_runs_again(
    study: Path, specs: list[TrialSpec], answer: Answer
) -> None:
    backlog.offer(study, specs[:1])
    claim = claimed(study)
    record = answer(claim)
    assert backlog.retry(study, [claim.key]) == 1
    backlog.tell(study, claim, record)
    again = claimed(study)
    assert (again.key, again.attempt) == (claim.key, claim.attempt + 1)
    vanish(again)


@pytest.mark.slow
def test_a_trial_that_is_queued_again_and_not_set_aside_counts_once(
    study: Path, specs: list[TrialSpec], answer: Answer
) -> None:
    backlog.offer(study, specs[:1])
    claim = claimed(study)
    backlog.tell(study, claim, answer(claim))
    with index.opened(study) as opened:  # as far as a killed `retry` came
        opened.add(index.Entry(claim.key, "cell", 1))
    assert backlog.claim(study) is None
    assert backlog.counts(study)["complete"] == 1
    assert not [line for line in audit(study) if line.wrong]
