"""One trial in its folder: killed and resumed, stopped, crashed, diverged, collapsed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablation.compose import compose
from ablation.record import read_readings, read_record, write_config
from ablation.trial import run
from ablation.verify import agreement

TINY = ("dataset=ring8", "dataset.points=2000", "architecture.width=16", "budget=smoke")
RUN = """
import sys
from pathlib import Path
from ablation.trial import run
run(Path(sys.argv[1]), attempt=int(sys.argv[2]), checkpoint_seconds=0.15)
"""


def prepared(folder: Path, *words: str) -> Path:
    write_config(folder, compose([*TINY, *words]))
    return folder


def start(folder: Path, attempt: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RUN, str(folder), str(attempt)])


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        (),
        ("loss=wasserstein", "penalty=gradient_penalty", "n_critic=2", "optimizer=rmsprop"),
        pytest.param(
            ("dataset=digits", "architecture=dcgan", "architecture.width=8"), marks=pytest.mark.long
        ),
    ],
    ids=["plain", "penalty", "dcgan"],
)
def test_a_killed_trial_goes_on_bit_for_bit(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Three SIGKILLs, each after a new checkpoint, leave the readings, scores and weights of a quiet run."""
    words = tuple(w for w in words if w != "architecture.width=8") + (
        ("architecture.width=8",) if "architecture=dcgan" in words else ()
    )
    if "dataset=digits" in words:
        spec = compose(["budget=smoke", "budget.steps=400", *words])
        for name in ("quiet", "killed"):
            write_config(tmp_path / name, spec)
    else:
        for name in ("quiet", "killed"):
            prepared(tmp_path / name, "budget.steps=1500", *words)
    quiet, killed = tmp_path / "quiet", tmp_path / "killed"
    run(quiet)
    seen = -1
    for attempt in range(3):
        process = start(killed, attempt)
        file = killed / f".attempt-{attempt}" / "checkpoint.pt"
        deadline = time.monotonic() + 300
        while not file.exists() or file.stat().st_mtime_ns == seen:
            assert time.monotonic() < deadline
            assert process.poll() is None, "it ended before it could be killed: give it more steps"
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert read_record(killed) is None
    assert start(killed, 3).wait() == 0
    found = agreement(quiet, killed)
    assert found.equal, found.differences
    record = read_record(killed)
    assert record is not None
    assert record.provenance["resumed"] > 0
    assert sorted(p.name for p in killed.glob("samples*.png")) == sorted(
        p.name for p in quiet.glob("samples*.png")
    )
    assert not list(killed.glob(".attempt-*"))


@pytest.mark.slow
def test_a_trial_says_how_long_its_processor_worked(tmp_path: Path) -> None:
    """On a busy machine a trial waits: what it cost is the processor's time, not the clock's."""
    began = time.process_time()
    record = run(prepared(tmp_path / "t"))
    assert 0 < record.provenance["cpu_seconds"] <= round(time.process_time() - began, 3)


@pytest.mark.slow
def test_an_error_is_a_record_with_its_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = prepared(tmp_path / "t", "architecture.depth=0")
    record = run(folder)
    assert record.outcome.kind == "crashed"
    assert "architecture.depth is 0" in record.outcome.message
    assert "Traceback" in capfd.readouterr().err
    kept = read_record(folder)
    assert kept is not None
    assert kept.outcome == record.outcome


@pytest.mark.slow
def test_divergence_is_an_outcome_without_a_score(tmp_path: Path) -> None:
    record = run(prepared(tmp_path / "t", "loss=wasserstein", "optimizer.lr=1e20"))
    assert record.outcome.kind == "diverged"
    assert record.outcome.step == 1, "the first update throws every weight out of float32"
    assert record.scores == ()


@pytest.mark.slow
def test_a_generator_that_hardly_varies_has_collapsed_and_keeps_its_score(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "t", "optimizer.lr=1e-9", "init=fixed", "architecture.depth=6",
                      "activation@generator.activation=sigmoid", "ema=0.0")  # fmt: skip
    record = run(folder)
    assert record.outcome.kind == "collapsed", record
    assert {score.name.split("_")[0] for score in record.scores} >= {"frechet", "modes", "hq"}


@pytest.mark.slow
def test_a_second_result_is_impossible(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "t")
    first = run(folder)
    before = (folder / "result.json").read_bytes()
    again = run(folder, attempt=1)
    assert (folder / "result.json").read_bytes() == before
    assert again.weights == first.weights


@pytest.mark.slow
def test_equal_seeds_are_equal_and_others_are_not(tmp_path: Path) -> None:
    a, b = run(prepared(tmp_path / "a")), run(prepared(tmp_path / "b"))
    other = run(prepared(tmp_path / "c", "seed=1"))
    assert a.weights == b.weights
    assert a.scores == b.scores
    assert agreement(tmp_path / "a", tmp_path / "b").equal
    assert other.weights != a.weights
    assert "readings differ first" in agreement(tmp_path / "a", tmp_path / "c").differences[0]


@pytest.mark.slow
def test_nothing_is_read_after_a_divergence_but_its_losses(tmp_path: Path) -> None:
    record = run(
        prepared(tmp_path / "t", "loss=wasserstein", "optimizer.lr=1e20", "protocol.probes=50")
    )
    readings = [r for r in read_readings(tmp_path / "t") if not r.quantity.startswith("event_")]
    assert {r.step for r in readings} >= {0}, "the look before training stays"
    assert {r.quantity for r in readings if r.step >= record.outcome.step} <= {"loss"}
