"""The live table of a study: cells, running trials, what is left; read on a terminal, left with Ctrl-C."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from steps import claimed

from ablation.files import write_json
from ablation.record import TrialRecord
from ablation.spec import TrialSpec
from sweeps import backlog
from sweeps.child import PROGRESS, steps_told
from sweeps.screen import cell_of, shown
from sweeps.status import Watch

Answer = Callable[..., TrialRecord]


def drawn(study: Path, height: int = 40, width: int = 120) -> list[str]:
    eyes = Watch(study)
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(shown(eyes.status(), eyes.ended, height, width))
    file = console.file
    assert isinstance(file, io.StringIO)
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.fixture
def busy(study: Path, tiny: TrialSpec, answer: Answer) -> Path:
    """Give a study of two cells: one trial done, one crashed, one half way, one that starts, four waiting."""
    other = replace(tiny, init="fixed")
    backlog.offer(study, [spec.with_seed(s) for spec in (tiny, other) for s in range(4)])
    for kind in ("finished", "crashed"):
        claim = claimed(study)
        backlog.tell(study, claim, answer(claim, kind, "a reason" if kind == "crashed" else ""))
    half, _ = claimed(study), claimed(study)
    write_json(half.folder / ".attempt-0" / PROGRESS, [500, 1000, 250, 50.0])
    return study


def test_cells_and_running_trials_are_told(busy: Path, tiny: TrialSpec) -> None:
    now = Watch(busy).status()
    assert [(one.step, one.steps, one.left) for one in now.running_trials] == [
        (500, 1000, 100.0), (0, 0, None),
    ]  # fmt: skip
    assert {one.host for one in now.running_trials} == {os.uname().nodename}
    lines = drawn(busy)
    assert lines[0].startswith("s: 2 of 8 trials done, 2 running, 4 waiting")
    cell = cell_of(tiny.key)
    rows = [line.split() for line in lines if line.startswith(f"{cell} ")]
    assert [row[1:4] for row in rows] == [["2/8", "2", "1"]], (
        "what a key's name does not show is one row"
    )
    told = [line for line in lines if "500 of 1,000" in line]
    assert len(told) == 1
    assert told[0].endswith("1:40")
    assert sum("starts" in line for line in lines) == 1


def test_it_fits_a_small_terminal(busy: Path) -> None:
    lines = drawn(busy, height=10, width=60)
    assert all(len(line) <= 60 for line in lines)
    assert any("500 of 1,000" in line for line in lines)


def test_hostile_names_stay_text(busy: Path) -> None:
    eyes = Watch(busy)
    now = replace(eyes.status(), keys=("[red]x[/red]-s0-0123456789", "[/]-s0-0123456789"))
    console = Console(file=io.StringIO(), width=100, height=30, color_system=None)
    console.print(shown(now, {}, 30, 100))
    file = console.file
    assert isinstance(file, io.StringIO)
    assert "[red]x[/red]" in file.getvalue()
    assert "[/]" in file.getvalue()


def test_a_trial_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    told = steps_told(tmp_path)
    told(41, 1000)
    assert (tmp_path / PROGRESS).read_text() == "[41, 1000, 0, 0.0]"
    now[0] += 0.5
    told(42, 1000)
    assert (tmp_path / PROGRESS).read_text() == "[41, 1000, 0, 0.0]"
    now[0] += 9.5
    told(61, 1000)
    assert (tmp_path / PROGRESS).read_text() == "[61, 1000, 20, 10.0]"
    steps_told(tmp_path / "gone")(1, 2)  # a folder that cannot be written stops no training


@pytest.mark.slow
def test_watching_on_a_terminal_ends_with_ctrl_c_and_leaves_the_last_words(busy: Path) -> None:
    (busy / "study.yaml").write_text("study: s\n")
    ours, theirs = pty.openpty()
    words = ["status", "s", "--runs", str(busy.parent), "--watch"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ablation", *words], stdin=theirs, stdout=theirs, stderr=theirs,
        env=os.environ | {"TERM": "xterm", "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    os.close(theirs)
    seen, asked, until = b"", False, time.monotonic() + 300
    while time.monotonic() < until:
        if select.select([ours], [], [], 1)[0]:
            try:
                seen += os.read(ours, 65536)
            except OSError:
                break
        if b"500 of 1,000" in seen and not asked:
            process.send_signal(signal.SIGINT)
            asked = True
    os.close(ours)
    assert process.wait(timeout=300) == 0
    assert asked
    assert b"Traceback" not in seen
    assert b"2 of 8 trials done" in seen.rpartition(b"\x1b[?1049l")[2], "the terminal is given back"
