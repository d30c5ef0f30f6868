"""Reports of a sweep that really runs: partial ones, watched ones, and none that disturbs a worker."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SMALL = ["dataset=ring8", "budget=smoke", "protocol.samples=100", "activation=relu,tanh"]
PATIENCE = 300
"""Seconds for what takes ten on a quiet machine."""


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ablation", *words],
        cwd=home, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something holds, while the process that brings it about lives."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def results(study: Path) -> int:
    return len(list(study.glob("trials/*/result.json")))


def files(folder: Path) -> dict[str, bytes]:
    found = [p for p in folder.rglob("*") if p.is_file()]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


def told(study: Path) -> tuple[int, int]:
    """Return the n and m that the page says; a whole report says neither."""
    try:
        page = (study / "report" / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:  # the moment between the old report and the new one
        time.sleep(0.5)
        page = (study / "report" / "index.html").read_text(encoding="utf-8")
    found = re.search(r"Partial report: (\d+) of (\d+) trials", page)
    return (int(found[1]), int(found[2])) if found else (0, 0)


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A sweep of 24 trials that has ended some and runs others; the study and the sweep."""
    words = [*SMALL, "seeds=12", "--study", "s", "--workers", "1", "--no-report"]
    process, study = start(tmp_path, "sweep", *words), tmp_path / "runs" / "s"
    try:
        until(lambda: results(study) >= 1, process)
        yield study, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)


@pytest.mark.long
def test_a_partial_report_says_so_and_leaves_no_trace(
    sweep: tuple[Path, subprocess.Popen[str]],
) -> None:
    study, process = sweep
    home, before = study.parents[1], results(study)
    code, out, err = finish(start(home, "report", "s", "--json"))
    assert code == 0, err
    answer, after = json.loads(out), results(study)
    assert answer["expected"] == 24
    assert before <= answer["ended"] <= after
    assert answer["ended"] < 24, "the sweep was under way"
    assert told(study) == (answer["ended"], 24)
    code, out, err = finish(process)
    assert code == 0, err
    assert results(study) == 24
    code, out, err = finish(start(home, "status", "s", "--audit", "--json"))
    assert code == 0, out
    lines = json.loads(out)
    assert [len(line["starts"]) for line in lines] == [1] * 24
    assert {line["wrong"] for line in lines} == {""}
    assert finish(start(home, "report", "s"))[0] == 0
    assert told(study) == (0, 0)
    untouched = home / "elsewhere" / "s"
    shutil.copytree(study, untouched, ignore=shutil.ignore_patterns("report"))
    assert finish(start(home, "report", "s", "--runs", "elsewhere"))[0] == 0
    first, second = files(study / "report"), files(untouched / "report")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


@pytest.mark.long
def test_watching_writes_until_it_is_stopped_or_all_is_done(
    sweep: tuple[Path, subprocess.Popen[str]],
) -> None:
    study, process = sweep
    home = study.parents[1]
    watcher = start(home, "report", "s", "--watch", "--every", "1s")
    until((study / "report" / "index.html").exists, watcher)
    first = told(study)
    assert first[1] == 24
    until(lambda: told(study) != first, watcher)  # written again, with more trials
    watcher.send_signal(signal.SIGINT)
    code, out, err = finish(watcher)
    assert code == 0, err
    assert err.splitlines()[-1].startswith("stopped watching; ")
    assert out.startswith(f"{first[0]} of 24 trials: ")
    assert (study / "report" / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert not list(study.glob(".report.*"))
    code, out, err = finish(start(home, "report", "s", "--watch", "--every", "1s"))
    assert code == 0, err
    assert err.splitlines()[-1] == "s is complete"
    counts = [int(line.split()[0]) for line in out.splitlines()]
    assert counts == sorted(set(counts)), "a report is written only when trials were added"
    assert counts[-1] == 24
    assert told(study) == (0, 0)
    assert finish(process)[0] == 0


def test_wrong_words_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "runs" / "s").mkdir(parents=True)
    (tmp_path / "runs" / "s" / "study.yaml").write_text("schema: 1\n")
    for words, wrong in (
        (["--every", "30s"], "--every goes with --watch"),
        (["--watch", "--every", "soon"], "--every is 'soon'; it is a time such as"),
        (["--watch", "--every", "0.1s"], "--every is '0.1s'; it lies between 1s and 24h"),
    ):
        code, _, err = finish(start(tmp_path, "report", "s", *words))
        assert code == 2
        assert len(err.splitlines()) == 1
        assert wrong in err
