from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ablation.files import locked
from ablation.record import TrialRecord
from ablation.spec import TrialSpec
from sweeps import backlog
from sweeps.child import see_device
from sweeps.devices import fitting, free_memory, slots
from sweeps.launch import launch
from sweeps.status import clock, running_keys, status

Answer = Callable[..., TrialRecord]


def test_a_study_is_told_from_its_folders(study: Path, tiny: TrialSpec, answer: Answer) -> None:
    backlog.offer(study, [tiny.with_seed(seed) for seed in range(6)])
    claims = [backlog.claim(study) for _ in range(4)]
    assert all(claims)
    done, diverged, damaged, running = (claim for claim in claims if claim)
    backlog.tell(study, done, answer(done))
    backlog.tell(study, diverged, answer(diverged, "diverged", "the loss is not finite"))
    (damaged.folder / "result.json").write_text("{")
    backlog.lost(study, damaged, "its result is damaged")
    (study / "journal.log").unlink()  # the folders are the truth

    now = status(study)
    assert (now.expected, now.done, now.running, now.waiting) == (6, 3, 1, 2)
    assert now.outcomes["finished"] == now.outcomes["diverged"] == now.outcomes["damaged"] == 1
    assert now.damaged == (damaged.key,)
    assert now.failures[0][:2] == (damaged.key, "damaged")
    assert now.failures[1] == (diverged.key, "diverged", "the loss is not finite")
    assert json.loads(json.dumps(now.as_dict()))["expected"] == 6
    told = "\n".join(now.lines())
    assert told.startswith("s: 3 of 6 trials done, 1 running, 2 waiting")
    assert f"{diverged.key}  diverged: the loss is not finite" in told
    assert "`ablation retry s`" in told
    os.close(running.lease)
    assert status(study).running == 0


def test_status_refuses_a_study_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no study 'nobody'"):
        status(tmp_path / "nobody")


@pytest.mark.slow
def test_status_loads_neither_optuna_nor_torch() -> None:
    code = "import sys, sweeps.status, sweeps.launch, sweeps.worker, sweeps.child;"
    code += "sys.exit(', '.join({'optuna', 'torch', 'hydra', 'pandas'} & set(sys.modules)) or 0)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


WATCH = """
import sys
import threading
from pathlib import Path
from sweeps.status import status
while True:
    print(status(Path(sys.argv[1])).done, flush=True)
"""


@pytest.mark.slow
def test_looking_never_disturbs_a_claim(study: Path, tiny: TrialSpec, answer: Answer) -> None:
    """A look takes each lease for a moment; a claim that met it would believe the trial to run."""
    backlog.offer(study, [tiny.with_seed(seed) for seed in range(60)])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    watcher = subprocess.Popen(
        [sys.executable, "-c", WATCH, str(study)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        for _ in range(60):
            claim = backlog.claim(study)
            assert claim is not None
            assert claim.attempt == 0
            backlog.tell(study, claim, answer(claim))
        looks = 0
        while int(watcher.stdout.readline()) < 60:
            looks += 1
    finally:
        watcher.kill()
        watcher.communicate()
    assert looks, "the watcher looked while trials were claimed"
    assert backlog.counts(study)["complete"] == 60


@pytest.mark.slow
def test_looking_waits_while_somebody_claims(study: Path, tiny: TrialSpec) -> None:
    backlog.offer(study, [tiny])
    found: list[list[str]] = []
    looking = threading.Thread(target=lambda: found.append(running_keys(study, [tiny.key])))
    with locked(study / ".lock"):
        looking.start()
        looking.join(0.3)
        assert not found
    looking.join(5)
    assert found == [[]]


def test_a_lease_of_a_stranger_is_seen(study: Path, tiny: TrialSpec) -> None:
    backlog.offer(study, [tiny, tiny.with_seed(1)])
    claim = backlog.claim(study)
    assert claim is not None
    assert running_keys(study, [tiny.key, tiny.with_seed(1).key]) == [tiny.key]


@pytest.mark.parametrize(
    ("seconds", "text"), [(7, "0:07"), (92, "1:32"), (59.6, "1:00"), (7510, "2:05:10")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    assert slots("cpu", 3) == ["cpu"] * 3
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert slots("auto", None) == slots("cuda", None) == ["cuda:0", "cuda:1"]
    assert slots("cuda:1", 2) == ["cuda:1", "cuda:1"]
    assert slots("cuda:1,cpu", 3) == ["cuda:1", "cpu", "cuda:1"]
    assert slots("auto", None, 3) == ["cuda:0", "cuda:1"] * 3
    assert slots("auto", 4, 3) == ["cuda:0", "cuda:1"] * 2
    assert slots("cuda:1,cpu", None, 2) == ["cuda:1", "cpu", "cuda:1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert set(slots("auto", None)) == {"cpu"}
    with pytest.raises(ValueError, match="'gpu' is none of auto, cpu"):
        slots("gpu", None)
    with pytest.raises(ValueError, match="finds no GPU"):
        slots("cuda", None)
    with pytest.raises(ValueError, match="workers is 0"):
        slots("cpu", 0)


GIB = 2**30


@pytest.mark.parametrize(
    ("free", "left", "cores", "trials"),
    [
        (80 * GIB, 79 * GIB, 16, 16),
        (80 * GIB, 79 * GIB, 100, 72),
        (8 * GIB, 5 * GIB, 16, 2),
        (8 * GIB, 0, 16, 1),
        (8 * GIB, 8 * GIB, 4, 4),
    ],
)
def test_a_gpu_takes_what_fits_into_nine_tenths_of_its_memory(
    free: int, left: int, cores: int, trials: int
) -> None:
    assert fitting(free, left, cores) == trials


def test_the_free_memory_is_asked_of_the_gpu_that_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\n[ "$1" = --id=5 ] && echo 1024 || echo nonsense\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert free_memory("cuda:1") == GIB
    with pytest.raises(ValueError, match="nvidia-smi does not say how much of cuda:0 is free"):
        free_memory("cuda:0")


def test_a_worker_sees_its_own_gpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert see_device("cpu") == "cpu"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "2,5"
    assert see_device("cuda:1") == "cuda"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5"
    with pytest.raises(ValueError, match="'cuda:1': CUDA_VISIBLE_DEVICES is '5'"):
        see_device("cuda:1")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    see_device("cuda:3")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_nothing_to_do_needs_no_worker(study: Path, tiny: TrialSpec, answer: Answer) -> None:
    backlog.offer(study, [tiny])
    claim = backlog.claim(study)
    assert claim is not None
    backlog.tell(study, claim, answer(claim))
    summary = launch(study, devices="cpu", progress=sys.stderr)
    assert (summary.done, summary.failed, summary.missing) == (1, 0, 0)
    assert not (study / "logs").exists()
