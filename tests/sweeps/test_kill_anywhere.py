from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("shards", "least"),
    [
        pytest.param(997, 10, id="few"),
        pytest.param(149, 60, id="more", marks=pytest.mark.long),
        pytest.param(1, 9000, id="every", marks=pytest.mark.long),
    ],
)
def test_a_kill_at_any_line_loses_nothing_and_doubles_nothing(
    tmp_path: Path, shards: int, least: int
) -> None:
    program = Path(__file__).with_name("kill_anywhere.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", program, tmp_path, "0", str(shards)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) >= least
