"""Workers through submitit: its stand-in for Slurm on this machine, and a real Slurm of one node."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from clusters import MINUTES, answered_once, real_slurm, slurm_missing, stopped, sweep
from crowds import Crowd, wait_for

from ablation.record import read_record
from sweeps.status import status

pytest.importorskip("submitit", reason="submitit is not installed: pip install submitit")
__all__ = ["real_slurm"]


def ask(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def results(study: Path) -> int:
    return len(list(study.glob("trials/*/result.json")))


@pytest.mark.long
def test_submitit_on_this_machine_stops_cleanly_and_can_be_left_alone(
    tmp_path: Path, crowd: Crowd
) -> None:
    study = tmp_path / "runs" / "s"
    words = ("seeds=3", "budget.steps=500", "launcher=slurm", "launcher.executor=local")
    words += ("launcher.workers=2",)
    first = sweep(crowd, study, *words)
    assert wait_for(lambda: len(crowd.trials()) == 2 or first.poll() is not None, MINUTES)
    os.kill(first.pid, signal.SIGINT)
    output, _ = first.communicate(timeout=MINUTES)
    assert first.returncode == 130, output
    assert "stopping: trials write a checkpoint" in output
    assert "Traceback" not in output
    assert crowd.gone()
    now = status(study)
    assert (now.running, now.outcomes["crashed"]) == (0, 0)
    assert now.done < 6
    assert stopped(study) == 2

    second = sweep(crowd, study, *words, "launcher.wait=false")
    assert second.wait(timeout=MINUTES) == 0
    assert results(study) < 6, "it did not wait"
    assert wait_for(lambda: results(study) == 6, MINUTES)
    assert crowd.gone(MINUTES)
    output, _ = second.communicate(timeout=MINUTES)  # the workers held its other end
    assert f"ablation status s --runs {study.parent} --watch" in output
    answered_once(study, 6)


@pytest.mark.long
def test_workers_that_cannot_run_say_why_in_one_line(
    tmp_path: Path, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tmp_path / "runs" / "s"
    words = ("launcher=slurm", "launcher.executor=local", "launcher.workers=1", "launcher.gpus=1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    process = sweep(crowd, study, *words)
    output, _ = process.communicate(timeout=MINUTES)
    assert process.returncode == 1
    last = output.strip().splitlines()[-1]
    assert "no worker could run: worker" in last
    assert "sees no such GPU" in last
    assert "Traceback" not in output
    assert crowd.gone()


@pytest.mark.long
@pytest.mark.skipif(bool(slurm_missing()), reason=slurm_missing() or "all is there")
def test_a_requeued_task_goes_on_and_every_trial_is_answered_once(
    tmp_path: Path, crowd: Crowd, real_slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(real_slurm))
    study = tmp_path / "runs" / "s"
    process = sweep(
        crowd, study, "seeds=4", "budget.steps=500", "launcher=slurm", "launcher.workers=2"
    )
    assert wait_for(lambda: len(crowd.trials()) == 2 or process.poll() is not None, MINUTES)
    array = ask("squeue", "--noheader", "--format=%F").split()[0]
    assert "NumTasks=1 " in ask("scontrol", "show", "job", f"{array}_0")
    early, interrupted = set(crowd.workers()), set(crowd.trials().values())

    ask("scontrol", "requeue", f"{array}_0")  # as preemption does
    ask("scancel", "--signal=TERM", f"{array}_1")  # as its time of grace begins
    for number in (0, 1):
        task = f"{array}_{number}"
        state = ("squeue", "--noheader", "--jobs", task, "--format=%T")
        assert wait_for(lambda state=state: ask(*state) == "PENDING", MINUTES)
        ask("scontrol", "update", f"JobId={task}", "StartTime=now+5")  # not after two minutes
    log = study / "logs" / f"{array}_0.log"
    assert stopped(study) == 2
    assert wait_for(lambda: len(set(crowd.workers()) - early) == 2, MINUTES)
    assert wait_for(lambda: len(crowd.trials()) == 2, MINUTES)

    ask("scancel", "--signal=USR2", f"{array}_1")  # as its time is almost up
    state = ("squeue", "--noheader", "--jobs", f"{array}_1", "--format=%T")
    assert wait_for(lambda: ask(*state) == "PENDING", MINUTES)
    output, _ = process.communicate(timeout=2 * MINUTES)
    assert process.returncode == 0, output
    answered_once(study, 8)
    for key in interrupted:
        record = read_record(study / "trials" / key)
        assert record is not None
        assert 0 < record.provenance["resumed"] < 500, "it went on from its checkpoint"
    assert status(study).outcomes["finished"] == 8
    assert len(re.findall("ready", log.read_text())) == 2
    assert crowd.gone(MINUTES)
    assert ask("squeue", "--noheader") == "", "the task that still waited was cancelled"


@pytest.mark.long
@pytest.mark.skipif(bool(slurm_missing()), reason=slurm_missing() or "all is there")
def test_ctrl_c_takes_the_array_back_and_sbatch_says_what_it_refuses(
    tmp_path: Path, crowd: Crowd, real_slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(real_slurm))
    study = tmp_path / "runs" / "s"
    words = ("seeds=3", "budget.steps=500", "launcher=slurm", "launcher.workers=2")
    wrong = sweep(crowd, study, *words, "launcher.partition=gpux")
    output, _ = wrong.communicate(timeout=MINUTES)
    assert wrong.returncode == 2
    assert output.strip().splitlines()[-1].startswith("ablation: sbatch refuses: ")
    assert "invalid partition specified: gpux" in output

    process = sweep(crowd, study, *words)
    assert wait_for(lambda: len(crowd.trials()) == 2 or process.poll() is not None, MINUTES)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=MINUTES)
    assert process.returncode == 130, output
    assert ask("squeue", "--noheader") == ""
    assert crowd.gone()
    now = status(study)
    assert (now.done, now.running, now.waiting) == (0, 0, 6)
    assert stopped(study) == 2
