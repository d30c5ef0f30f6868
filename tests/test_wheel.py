"""The wheel as it is installed elsewhere: every file of the three rooms, every row of conf, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_wheel_holds_all_that_the_checkout_runs(tmp_path: Path) -> None:
    """Built from a copy without version control, in the environment of the tests: nothing is downloaded."""
    copy = tmp_path / "copy"
    copy.mkdir()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=HOME, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no checkout: git lists no files")
    names = [name for name in listed.stdout.decode().split("\0") if (HOME / name).is_file()]
    for name in names:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((HOME / name).read_bytes())
    words = ["pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run(
        [sys.executable, "-m", *words, "--wheel-dir", str(tmp_path), str(copy)],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        held = {name for name in file.namelist() if ".dist-info/" not in name}
    rooms = ("ablation/", "sweeps/", "reports/", "conf/")
    assert held == {name for name in names if name.startswith(rooms)}
