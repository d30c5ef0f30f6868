from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from crowds import Crowd, wait_for

from ablation.record import TrialRecord, read_record, write_config
from ablation.spec import Part, TrialSpec
from sweeps import backlog
from sweeps.status import status
from sweeps.worker import AUTOGROUP

pytestmark = pytest.mark.slow


def worker(crowd: Crowd, study: Path) -> subprocess.Popen[str]:
    return crowd.start("-m", "ablation", "worker", study.name, "--runs", str(study.parent))


def result(study: Path, spec: TrialSpec) -> TrialRecord:
    record = read_record(study / "trials" / spec.key)
    assert record is not None, f"{spec.key} has no result"
    return record


def test_a_stopped_trial_goes_on_bit_for_bit(
    study: Path, tiny: TrialSpec, crowd: Crowd, tmp_path: Path
) -> None:
    from ablation import trial

    spec = replace(tiny, budget=replace(tiny.budget, steps=120))
    alone = tmp_path / "alone"
    write_config(alone, spec)
    expected = trial.run(alone)

    backlog.offer(study, [spec])
    folder = study / "trials" / spec.key
    first = worker(crowd, study)
    assert wait_for(crowd.trials, 300)
    assert wait_for(lambda: status(study).running == 1, 300)
    first.send_signal(signal.SIGTERM)
    output, _ = first.communicate(timeout=300)
    assert first.returncode == 0, output
    assert crowd.gone()
    assert (folder / ".attempt-0" / "checkpoint.pt").exists()
    assert read_record(folder) is None
    assert status(study).waiting == 1

    second = worker(crowd, study)
    output, _ = second.communicate(timeout=300)
    assert second.returncode == 0, output
    found = result(study, spec)
    assert 0 < found.provenance["resumed"] < 120
    assert found.weights == expected.weights
    assert found.scores == expected.scores
    assert (folder / "readings.parquet").read_bytes() == (alone / "readings.parquet").read_bytes()


def test_a_trial_outlives_its_fork_server_and_dies_with_its_worker(
    study: Path, tiny: TrialSpec, crowd: Crowd
) -> None:
    long = replace(tiny, budget=replace(tiny.budget, steps=120))
    longest = replace(tiny, budget=replace(tiny.budget, steps=100_000))
    backlog.offer(study, [long, longest])
    process = worker(crowd, study)
    assert wait_for(lambda: long.key in crowd.trials().values(), 300)
    for server in crowd.servers():
        os.kill(server, signal.SIGKILL)
    assert wait_for(lambda: longest.key in crowd.trials().values(), 300)
    assert result(study, long).provenance["attempt"] == 0
    (trained,) = crowd.trials()
    os.kill(trained, signal.SIGSTOP)
    process.kill()
    process.wait(timeout=300)
    assert backlog.claim(study) is None, "a frozen trial without a worker still holds its lease"
    os.kill(trained, signal.SIGCONT)
    assert crowd.gone()
    claim = backlog.claim(study)
    assert claim is not None
    assert (claim.key, claim.attempt) == (longest.key, 1)
    assert claim.folder.joinpath(".attempt-0", "log.txt").exists()


def test_a_trial_that_raises_is_a_record_and_three_alike_stop_their_cell(
    study: Path, tiny: TrialSpec, crowd: Crowd, tmp_path: Path
) -> None:
    nowhere = (("folder", str(tmp_path / "nowhere")),)
    sick = replace(tiny, dataset=Part("broken", "ablation.datasets.image_folder", nowhere))
    sick_too = [sick.with_seed(seed) for seed in range(5)]
    backlog.offer(study, [*sick_too, tiny])
    process = worker(crowd, study)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "Traceback" not in output
    messages = [result(study, spec).outcome.message for spec in sick_too]
    assert len(set(messages[:3])) == 1
    assert all(message.startswith("not run: 3 trials") for message in messages[3:])
    log = (study / "trials" / sick.key / "log.txt").read_text()
    assert "Traceback" in log
    assert messages[0].split(": ", 1)[1] in log
    assert result(study, tiny).outcome.kind == "finished"
    now = status(study)
    assert (now.outcomes["crashed"], now.outcomes["finished"], now.waiting) == (5, 1, 0)
    assert backlog.retry(study) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells another's environment")
@pytest.mark.parametrize("own", ["", "glibc.malloc.check=0"])
def test_trials_have_large_pages_unless_memory_is_arranged_already(own: str) -> None:
    """The process that trials fork from inherits it: glibc reads it once, at the start of a program."""
    code = """
import pathlib, time
from multiprocessing import forkserver
from sweeps.worker import warm
warm()
place = pathlib.Path(f"/proc/{forkserver._forkserver._forkserver_pid}")
while "multiprocessing.forkserver" not in (place / "cmdline").read_text():  # it is being started
    time.sleep(0.01)
print((place / "environ").read_text().replace(chr(0), chr(10)))
"""
    environment = {k: v for k, v in os.environ.items() if k != "GLIBC_TUNABLES"}
    environment |= {"GLIBC_TUNABLES": own} if own else {}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert f"GLIBC_TUNABLES={own or 'glibc.malloc.hugetlb=1'}" in done.stdout.splitlines()


UNPRIVILEGED = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all")
"""Root may write the weights of sessions as often as it likes, others ten times a second together."""


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel does not weigh sessions")
@pytest.mark.parametrize(("own", "nice", "weight"), [(True, 7, 7), (True, 0, 0), (False, 7, 0)])
def test_workers_sessions_weigh_what_nice_says(own: bool, nice: int, weight: int) -> None:
    """One that leads no session, such as in a user's shell, lets that shell keep its weight."""
    code = (
        f"import os; os.nice({nice}); from sweeps.worker import AUTOGROUP, weigh; weigh();"
        " print(AUTOGROUP.read_text())"
    )
    start = "import os, subprocess, sys; os.setsid();" * (not own)
    run = f"{start} subprocess.run([sys.executable, '-c', {code!r}], check=True)" if start else code
    prefix = UNPRIVILEGED if os.geteuid() == 0 and shutil.which("setpriv") else ()
    started = [
        subprocess.Popen(
            [*prefix, sys.executable, "-c", run],
            start_new_session=own,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4 if own and nice else 1)
    ]
    for one in started:
        told, _ = one.communicate(timeout=120)
        assert one.returncode == 0
        assert told.strip().endswith(f"nice {weight}")
