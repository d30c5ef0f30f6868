"""Limits of a trial and of a launch: what breaks one is stopped with a checkpoint, and nothing is lost."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from crowds import Crowd

from ablation.record import read_record
from ablation.spec import TrialSpec
from sweeps import backlog
from sweeps.limits import Limits, Meter, duration, reach, resident, size
from sweeps.status import status

LAUNCH = """
import sys
from pathlib import Path
from sweeps.launch import launch
from sweeps.limits import Limits
limits = Limits(hours=float(sys.argv[2]))
print(launch(Path(sys.argv[1]), workers=2, devices="cpu", limits=limits, progress=sys.stdout))
"""


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("20m", 1200.0), ("1.5h", 5400.0), ("0.5s", 0.5)]
)
def test_a_time_is_read(text: str, seconds: float) -> None:
    assert duration(text, "--time-limit") == seconds


@pytest.mark.parametrize(("text", "number"), [("500M", 500 * 2**20), ("1.5G", 3 * 2**29)])
def test_a_size_is_read(text: str, number: int) -> None:
    assert size(text, "--memory-limit") == number


@pytest.mark.parametrize(
    "text", ["", "90", "s", "-1s", "0s", "1e3s", "1d", "inf", "nans", "4 G", "4g"]
)
def test_other_words_are_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"--time-limit is .*; it is a time such as 90s"):
        duration(text, "--time-limit")
    with pytest.raises(ValueError, match=r"--memory-limit is .*; it is a size such as 500M"):
        size(text, "--memory-limit")


@pytest.mark.parametrize("hours", [0.0, -1.0, float("inf"), float("nan")])
def test_hours_are_a_positive_number(hours: float) -> None:
    with pytest.raises(ValueError, match="--max-hours is "):
        Limits.read(None, None, hours)


def test_a_worker_hears_the_limits_that_the_launch_was_given() -> None:
    given = Limits.read("90s", "1.5G" if sys.platform == "linux" else None)
    words = given.words()
    said = dict(zip(words[::2], words[1::2], strict=True))
    assert Limits.read(said.get("--time-limit"), said.get("--memory-limit")) == given
    assert Limits().words() == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_is_that_of_the_process_alone() -> None:
    code = "import sys; x = bytearray(80 * 2**20); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        held = resident(process.pid)
        process.kill()
    assert 80 * 2**20 < held < 110 * 2**20
    assert resident(process.pid) == 0
    assert (
        Limits(memory=2**20).broken(0.0, os.getpid()) == "held more memory than its limit of 1 MiB"
    )
    assert Limits(seconds=2).broken(2.5, 0) == "took longer than its limit of 2 s"
    assert Limits(seconds=2, memory=2**50).broken(1.5, os.getpid()) == ""


def test_a_meter_adds_what_all_slots_work() -> None:
    meter = Meter(None)
    meter.seen -= 3600
    assert not meter.spent(3)
    assert meter.used == pytest.approx(3.0, abs=0.01)
    meter = Meter(2.0)
    meter.seen -= 3600
    assert not meter.spent(1)
    meter.seen -= 3600
    assert meter.spent(2)


@pytest.mark.parametrize(("hours", "trials"), [(0.001, 0), (1.0, 2), (1.9, 3), (2.0, 4), (9.0, 4)])
def test_the_hours_reach_so_many_trials(hours: float, trials: int) -> None:
    assert reach([1800.0, 1800.0, 2400.0, 1200.0], hours) == trials


@pytest.mark.long
def test_a_trial_that_is_too_slow_stops_with_a_checkpoint_and_the_third_time_crashes(
    study: Path, tiny: TrialSpec, crowd: Crowd
) -> None:
    endless = replace(tiny, budget=replace(tiny.budget, steps=1_000_000))
    backlog.offer(study, [endless, tiny])
    worker = crowd.start(
        "-m", "ablation", "worker", study.name, "--runs", str(study.parent), "--time-limit", "8s"
    )
    output, _ = worker.communicate(timeout=600)
    assert worker.returncode == 0, output
    assert output.count(f"{endless.key}: took longer than its limit of 8 s") == 3
    record = read_record(study / "trials" / endless.key)
    assert record is not None
    assert record.outcome.kind == "crashed"
    assert record.outcome.message == "took longer than its limit of 8 s (attempt 3, the last)"
    log = (study / "trials" / endless.key / "log.txt").read_text()
    starts = [int(n.replace(",", "")) for n in re.findall(r"training from step ([\d,]+) to", log)]
    assert starts[0] == 0
    assert starts == sorted(set(starts)), "the later attempts went on from a checkpoint"
    other = read_record(study / "trials" / tiny.key)
    assert other is not None
    assert other.outcome.kind == "finished"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_trial_that_is_too_large_is_stopped(study: Path, tiny: TrialSpec, crowd: Crowd) -> None:
    backlog.offer(study, [replace(tiny, budget=replace(tiny.budget, steps=1_000_000))])
    worker = crowd.start(
        "-m", "ablation", "worker", study.name, "--runs", str(study.parent), "--memory-limit", "1M"
    )
    output, _ = worker.communicate(timeout=600)
    assert output.count("held more memory than its limit of 1 MiB") == 3, output
    assert status(study).outcomes["crashed"] == 1


@pytest.mark.long
def test_a_launch_stops_when_its_hours_are_used_up_and_goes_on_later(
    study: Path, tiny: TrialSpec, crowd: Crowd
) -> None:
    slow = replace(tiny, budget=replace(tiny.budget, steps=2000))
    backlog.offer(study, [slow.with_seed(seed) for seed in range(40)])
    process = crowd.start("-c", LAUNCH, str(study), str(2 * 25 / 3600))
    output, _ = process.communicate(timeout=600)
    assert "hours are used up: trials write a checkpoint" in output
    assert "spent=True" in output
    assert "interrupted=False" in output
    assert crowd.gone()
    now = status(study)
    assert now.done < 40, output
    assert (now.running, now.outcomes["crashed"], now.waiting) == (0, 0, 40 - now.done)
    seeds = sorted(
        int(path.parent.name.split("-s")[-1].split("-")[0])
        for path in study.glob("trials/*/result.json")
    )
    first = max(now.done - 2, 0)  # two were under way at once
    assert seeds[:first] == list(range(first)), "seed by seed"


@pytest.mark.parametrize("words", [("0.9s", None), (None, "0.5M")])
def test_limits_that_no_process_keeps_are_refused(words: tuple[str | None, str | None]) -> None:
    with pytest.raises(ValueError, match="it is at least 1"):
        Limits.read(*words)
