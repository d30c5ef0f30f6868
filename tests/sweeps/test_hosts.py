"""Two hosts on one folder, clocks that go back, journals that are lost: every key still has one answer."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from crowds import Crowd, wait_for

from ablation import trial
from ablation.checkpoint import newest
from ablation.record import TrialRecord, read_record, write_config
from ablation.spec import TrialSpec
from sweeps import backlog, leases
from sweeps.status import status

Answer = Callable[..., TrialRecord]


def stranger(folder: Path, *, host: str = "elsewhere") -> None:
    """Write a lease as a process of another host does whose locks do not reach here."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / leases.LEASE).write_text(json.dumps({"host": host, "boot": "other", "pid": 7}))


@pytest.mark.slow
def test_a_trial_of_another_host_is_left_alone_while_its_heart_beats(
    study: Path, tiny: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(leases.STALE, "1.5")
    backlog.offer(study, [tiny])
    folder = study / "trials" / tiny.key
    stranger(folder)
    for beat in range(3):
        assert backlog.claim(study) is None
        assert beat or status(study).running == 1
        time.sleep(1)
        os.utime(folder / leases.LEASE, (beat, beat))  # a clock of its own, far from ours
    assert backlog.claim(study) is None
    time.sleep(1.6)
    assert status(study).running == 0
    claim = backlog.claim(study)
    assert claim is not None
    holder = json.loads((folder / leases.LEASE).read_text())
    assert (holder["host"], holder["pid"]) == (platform.node(), os.getpid())
    backlog.release(study, claim)
    assert (folder / leases.LEASE).read_text() == ""


def test_a_lease_that_was_given_back_is_free_at_once(
    study: Path, tiny: TrialSpec, answer: Answer
) -> None:
    backlog.offer(study, [tiny])
    claim = backlog.claim(study)
    assert claim is not None
    leases.beat(claim.lease)
    backlog.tell(study, claim, answer(claim))
    assert not leases.elsewhere(claim.folder)
    assert not leases.held(claim.folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "7", "\x00\xff"])
def test_a_lease_that_says_nothing_is_decided_by_its_lock(
    study: Path, tiny: TrialSpec, content: str
) -> None:
    backlog.offer(study, [tiny])
    (study / "trials" / tiny.key / leases.LEASE).write_text(content)
    assert backlog.claim(study) is not None


@pytest.mark.long
def test_two_hosts_share_a_folder_and_one_dies(study: Path, tiny: TrialSpec, crowd: Crowd) -> None:
    """Each worker runs under a host name of its own, as root may give one to a process."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root gives a process a host name of its own")
    probe = subprocess.run(["unshare", "--uts", "true"], capture_output=True)
    if probe.returncode:
        pytest.skip("processes cannot have host names of their own here")
    spec = replace(tiny, budget=replace(tiny.budget, steps=60))
    specs = [spec.with_seed(seed) for seed in range(10)]
    backlog.offer(study, specs)
    program = 'hostname "$1"; shift; exec "$@"'
    worker = [sys.executable, "-m", "ablation", "worker", study.name, "--runs", str(study.parent)]
    hosts = {
        name: subprocess.Popen(
            ["unshare", "--uts", "sh", "-c", program, "-", name, *worker],
            env=crowd.environment | {leases.STALE: "4"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for name in ("north", "south")
    }  # fmt: skip

    def holders() -> set[str]:
        found = set()
        for path in study.glob(f"trials/*/{leases.LEASE}"):
            text = path.read_text()
            found |= {json.loads(text)["host"]} if text.endswith("}") else set()
        return found

    assert wait_for(lambda: holders() >= {"north", "south"}, 300)
    hosts["north"].send_signal(signal.SIGKILL)
    hosts["north"].communicate(timeout=300)
    output, _ = hosts["south"].communicate(timeout=600)
    assert hosts["south"].returncode == 0, output
    assert crowd.gone()
    for one in specs:
        record = read_record(study / "trials" / one.key)
        assert record is not None
        assert record.outcome.kind == "finished"
        assert len(list((study / "trials" / one.key).glob("result*.json"))) == 1
    counts = backlog.counts(study)
    assert (counts["complete"], counts["waiting"], counts["running"]) == (10, 0, 0)


@pytest.mark.long
def test_a_clock_that_goes_back_a_day_changes_nothing(
    study: Path, tiny: TrialSpec, crowd: Crowd, tmp_path: Path
) -> None:
    """After it, all that was written before lies in the future."""
    spec = replace(tiny, budget=replace(tiny.budget, steps=150))
    backlog.offer(study, [spec])
    folder = study / "trials" / spec.key
    for attempt in range(2):
        worker = crowd.start("-m", "ablation", "worker", study.name, "--runs", str(study.parent))
        scratch = folder / f".attempt-{attempt}"
        assert wait_for(partial(training, scratch), 300)
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=600)
        assert (scratch / "checkpoint.pt").exists()
        tomorrow = time.time() + 86400 * (2 - attempt)
        for path in [study, *study.rglob("*")]:
            os.utime(path, (tomorrow, tomorrow))
    assert newest(folder) == folder / ".attempt-1" / "checkpoint.pt"
    worker = crowd.start("-m", "ablation", "worker", study.name, "--runs", str(study.parent))
    output, _ = worker.communicate(timeout=600)
    assert worker.returncode == 0, output
    found = read_record(folder)
    write_config(tmp_path / "calm", spec)
    calm = trial.run(tmp_path / "calm")
    assert found is not None
    assert found.provenance["resumed"] > 0
    assert (found.weights, found.scores) == (calm.weights, calm.scores)


def training(scratch: Path) -> bool:
    log = scratch / "log.txt"
    return log.exists() and "training from" in log.read_text()


def test_a_deleted_journal_is_named_and_made_again_from_the_folders(
    study: Path, tiny: TrialSpec, answer: Answer
) -> None:
    specs = [tiny.with_seed(seed) for seed in range(4)]
    backlog.offer(study, specs)
    claim = backlog.claim(study)
    assert claim is not None
    backlog.tell(study, claim, answer(claim))
    (study / "journal.log").unlink()
    with pytest.raises(ValueError, match=r"journal\.log is gone; `ablation doctor s --rebuild`"):
        backlog.claim(study)
    with pytest.raises(ValueError, match="is gone"):
        backlog.offer(study, specs)
    assert backlog.rebuild(study) == 4
    counts = backlog.counts(study)
    assert (counts["complete"], counts["waiting"]) == (1, 3)
    assert backlog.offer(study, specs) == 0
