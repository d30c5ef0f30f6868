"""Partial reports: what page one says of trials that are still out, and folders replaced under others' hands."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import study_builder as builder
from told import said_of

from ablation.tune import Tune
from reports.page import write_report
from reports.partial import extent
from reports.replacing import replace, sweep_out
from reports.summary import OUTCOMES, Completeness

HOME = Path(__file__).parents[2]


def counts(**known: int) -> Completeness:
    return Completeness(sum(known.values()), dict.fromkeys(OUTCOMES, 0) | known)


def test_damaged_trials_are_in_and_missing_ones_are_not() -> None:
    part = counts(finished=3, diverged=1, damaged=1, missing=2)
    found = extent(part, part, None)
    assert (found.ended, found.expected, found.whole) == (5, 7, False)
    assert found.sentence.startswith("Partial report: 5 of 7 trials are in.")
    whole = counts(finished=3, crashed=1)
    assert extent(whole, whole, None).sentence == ""
    one = counts(finished=1, missing=1_999)
    assert extent(one, one, None).sentence.startswith("Partial report: 1 of 2,000 trials is in.")


def test_points_that_are_asked_for_on_the_way_are_expected() -> None:
    row = {"points": 4, "sampler": "tpe", "space": {"optimizer.lr": "log(1e-5,1e-2)"}}
    tune = Tune.read(row, "tune")
    found = extent(counts(finished=9), counts(finished=6), tune)
    assert (found.ended, found.expected, found.whole) == (9, 24, False)
    assert extent(counts(finished=24), counts(finished=6), tune).whole


@pytest.mark.slow
def test_only_what_is_not_tested_may_be_out_of_the_declared_tests(tmp_path: Path) -> None:
    failing = {("relu", "non_saturating", 3): "missing"}
    study = builder.build(
        tmp_path / "s", activations=("relu", "leaky_relu"), seeds=4, probed=False, failing=failing,
        declared={"seeds": 3},
    )  # fmt: skip
    said = said_of(study)
    assert said["partial"] == (
        "Partial report: 7 of 8 trials are in. Its tests are the declared ones and will not change: what is still out"
        " is of seeds that are not tested."
    )
    assert [text for text in said["alerts"] if "not ended" in text] == [
        "1 of 8 trials has not ended yet (waiting). A seed counts only where all blocks of its random stream are there."
    ]
    (study / "trials" / builder.spec(activation="relu", seed=3).key / ".attempt-0").mkdir()
    assert any(
        "has not ended yet (1 begun, 0 waiting)" in text for text in said_of(study)["alerts"]
    )
    builder.write_plan(study, declared={"seeds": 4})
    assert said_of(study)["partial"] == (
        "Partial report: 7 of 8 trials are in. Its tests are a look on the way, not the declared ones, and may change"
        " with the others."
    )


@pytest.mark.slow
def test_page_and_paper_say_how_many_trials_are_in(tmp_path: Path) -> None:
    failing = {("relu", "non_saturating", seed): "missing" for seed in range(2)}
    study = builder.build(
        tmp_path / "s", activations=("relu", "gelu"), seeds=3, probed=False, failing=failing,
        declared={"seeds": 3},
    )  # fmt: skip
    report = write_report(study)
    said = "Partial report: 4 of 6 trials are in."
    assert (report.ended, report.expected) == (4, 6)
    assert said in report.html.read_text(encoding="utf-8")
    if shutil.which("pdftotext") is not None:
        words = ["pdftotext", "-l", "1", str(report.pdf), "-"]
        paper = subprocess.run(words, capture_output=True, text=True, check=True)
        assert said in " ".join(paper.stdout.split())
    for seed in range(2):
        builder.write_trial(study, builder.spec(activation="relu", seed=seed), 12.0, probed=False)
    report = write_report(study)
    assert (report.ended, report.expected) == (6, 6)
    assert "Partial report" not in report.html.read_text(encoding="utf-8")


WRITER = """
import sys, threading, time
from pathlib import Path
from reports.replacing import replace
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()  # as libraries have them
place, number, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for _ in range(rounds):
    new = place.with_name(f"new-{number}")
    new.mkdir(exist_ok=True)
    for name in "ab":
        (new / name).write_text(number)
    replace(new, place)
"""


def writer(place: Path, number: int, rounds: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", WRITER, str(place), str(number), str(rounds)]
    return subprocess.Popen(words, cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_of_two_that_replace_a_folder_at_once_one_stays_whole(tmp_path: Path) -> None:
    place = tmp_path / "report"
    both = [writer(place, number, 300) for number in (1, 2)]
    for process in both:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    assert {path.read_text() for path in place.iterdir()} in ({"1"}, {"2"})
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_what_a_killed_process_left_goes_after_an_hour(tmp_path: Path) -> None:
    old, fresh, other = (tmp_path / name for name in (".report.1.tmp", ".report.2.tmp", ".r.3.tmp"))
    for folder in (old, fresh, other):
        folder.mkdir()
        (folder / "half").write_text("half")
    for folder in (old, other):
        os.utime(folder, (0, 0))
    sweep_out(tmp_path / "report")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".r.3.tmp", ".report.2.tmp"]


def test_a_replacement_that_fails_halfway_brings_the_old_folder_back(tmp_path: Path) -> None:
    place = tmp_path / "report"
    place.mkdir()
    (place / "a").write_text("old")
    with pytest.raises(FileNotFoundError):
        replace(tmp_path / "gone", place)
    assert (place / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.slow
def test_a_ctrl_c_waits_until_the_old_folder_is_gone(tmp_path: Path) -> None:
    place = tmp_path / "report"
    place.mkdir()
    for number in range(5_000):  # their removal takes long enough to be interrupted
        (place / f"old-{number}").touch()
    process = writer(place, 1, 1_000_000)
    end = time.monotonic() + 300
    while not (place / "a").exists():
        assert time.monotonic() < end
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert b"KeyboardInterrupt" in err
    assert sorted(path.name for path in place.iterdir()) == ["a", "b"]
    assert not list(tmp_path.glob(".report.*"))
