from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from crowds import Crowd, wait_for

from ablation.spec import TrialSpec
from sweeps import backlog
from sweeps.status import status

pytestmark = pytest.mark.slow
LAUNCH = """
import sys
from pathlib import Path
from sweeps.launch import launch
try:
    print(launch(Path(sys.argv[1]), workers=int(sys.argv[2]), devices="cpu", progress=sys.stdout))
except RuntimeError as error:
    sys.exit(f"refused: {error}")
"""


def launched(crowd: Crowd, study: Path, workers: int = 1) -> subprocess.Popen[str]:
    return crowd.start("-c", LAUNCH, str(study), str(workers))


def results(study: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in study.glob("trials/*/result.json")}


def test_ctrl_c_loses_nothing_and_launching_again_runs_only_what_is_missing(
    study: Path, tiny: TrialSpec, crowd: Crowd
) -> None:
    spec = replace(tiny, budget=replace(tiny.budget, steps=400))
    backlog.offer(study, [spec.with_seed(seed) for seed in range(8)])
    first = launched(crowd, study, 2)
    assert wait_for(lambda: len(results(study)) >= 2, 300)
    os.kill(first.pid, signal.SIGINT)
    output, _ = first.communicate(timeout=300)
    assert "interrupted=True" in output
    assert "Traceback" not in output
    assert crowd.gone()
    early = results(study)
    assert 2 <= len(early) < 8
    now = status(study)
    assert (now.running, now.outcomes["crashed"]) == (0, 0)

    second = launched(crowd, study)
    assert wait_for(crowd.trials, 300)
    second.kill()  # kill -9: nobody is left to stop the workers
    assert crowd.gone(), "workers end with their launcher"
    early |= results(study)

    third = launched(crowd, study)
    output, _ = third.communicate(timeout=300)
    assert "Summary(done=8, failed=0, missing=0" in output
    assert "interrupted=False" in output
    assert output.splitlines()[-2].startswith("trials 8/8")
    late = results(study)
    assert len(late) == 8
    assert late.items() >= early.items(), "what was done is not done again"
    assert crowd.gone()

    logs = {p: p.read_bytes() for p in study.glob("logs/*.log")}
    fourth = launched(crowd, study)
    output, _ = fourth.communicate(timeout=300)
    assert "done=8, failed=0, missing=0" in output
    assert {p: p.read_bytes() for p in study.glob("logs/*.log")} == logs, "no worker was needed"


def test_workers_that_cannot_run_say_why_in_one_line(
    study: Path, tiny: TrialSpec, crowd: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "torch_fidelity.py").write_text("raise ImportError('a broken wheel')\n")
    monkeypatch.syspath_prepend(str(broken))
    backlog.offer(study, [tiny])
    process = launched(crowd, study)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    last = output.strip().splitlines()[-1]
    assert last.startswith("refused: no worker could run: ")
    assert "ImportError: a broken wheel" in last
    assert "worker-0.log" in last
    assert "Traceback" not in output
    assert status(study).waiting == 1
    assert crowd.gone()
