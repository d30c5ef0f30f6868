"""Folders that cannot be written: no trial is blamed, one line says why, and with room the same command goes on."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from crowds import Crowd, new_study, wait_for

from ablation import trial
from ablation.files import trouble, without_room
from ablation.record import read_record, write_config
from ablation.spec import TrialSpec
from sweeps import backlog
from sweeps.status import status

LAUNCH = """
import sys
from pathlib import Path
from sweeps.launch import launch
try:
    print(launch(Path(sys.argv[1]), workers=2, devices="cpu", progress=sys.stdout))
except RuntimeError as error:
    sys.exit(f"refused: {error}")
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 24 MiB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root mounts a small tmpfs")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24M", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """Fill a file system up to its last `leave` bytes."""
    path = folder / "ballast"
    room = os.statvfs(folder)
    size = max(room.f_bavail * room.f_frsize - leave, 0)
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):  # others write meanwhile: it is full a little earlier
        while size > 0:
            size -= os.write(file, bytes(min(size, 4096)))
    os.close(file)
    return path


def test_a_full_folder_is_told_and_one_with_room_is_not(small: Path) -> None:
    assert trouble(small) == ""
    fill(small)
    assert trouble(small) == f"{small} cannot be written: No space left on device"
    assert without_room(RuntimeError("torch's writer hides it"), small)
    assert sorted(p.name for p in small.iterdir()) == ["ballast"]


def test_an_error_within_an_error_is_found(tmp_path: Path) -> None:
    hidden = RuntimeError("unexpected pos 64 vs 0")
    hidden.__context__ = OSError(errno.ENOSPC, "No space left on device")
    assert without_room(hidden, tmp_path)
    assert not without_room(ValueError("its own fault"), tmp_path)


@pytest.mark.slow
def test_a_trial_on_a_full_disk_has_no_outcome(small: Path, tiny: TrialSpec) -> None:
    folder = small / "t"
    write_config(folder, tiny)
    ballast = fill(small, leave=2**16 + 2**12)
    with pytest.raises(trial.NoRoom, match=r"cannot be written"):
        trial.run(folder)
    assert read_record(folder) is None
    ballast.unlink()
    assert trial.run(folder, attempt=1).outcome.kind == "finished"


@pytest.mark.long
def test_a_launch_on_a_disk_that_fills_up_goes_on_with_room(
    small: Path, tmp_path: Path, tiny: TrialSpec, crowd: Crowd
) -> None:
    spec = replace(tiny, budget=replace(tiny.budget, steps=200))
    specs = [spec.with_seed(seed) for seed in range(8)]
    study = new_study(small / "s")
    backlog.offer(study, specs)
    process = crowd.start("-c", LAUNCH, str(study))
    assert wait_for(lambda: len(list(study.glob("trials/*/result.json"))) >= 1, 300)
    ballast = fill(small)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 1, output
    last = output.strip().splitlines()[-1]
    assert last.startswith("refused: ")
    assert "No space left on device: make room, and launch again; nothing is lost" in last
    assert "Traceback" not in output
    assert crowd.gone()
    ballast.unlink()
    assert status(study).outcomes["crashed"] == 0
    process = crowd.start("-c", LAUNCH, str(study))
    output, _ = process.communicate(timeout=600)
    assert "Summary(done=8, failed=0, missing=0" in output, output
    for one in specs[:3]:
        write_config(tmp_path / one.key, one)
        calm, found = trial.run(tmp_path / one.key), read_record(study / "trials" / one.key)
        assert found is not None
        assert (found.weights, found.scores) == (calm.weights, calm.scores)
        assert [p.name for p in (study / "trials" / one.key).glob("result*")] == ["result.json"]


@pytest.mark.slow
def test_a_runs_folder_that_cannot_be_written_is_one_line(small: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    words = ["sweep", "quickstart", "--runs", str(small)]
    done = subprocess.run(
        [sys.executable, "-m", "ablation", *words], capture_output=True, text=True, timeout=600
    )
    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last == f"ablation: {small}/quickstart: Read-only file system"
    assert "Traceback" not in done.stderr
