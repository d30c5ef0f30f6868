"""`ablation export S --tensorboard DIR`: what TensorBoard's own reader finds in the event files."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import study_builder as builder
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ablation.__main__ import main
from ablation.record import Reading, Score, read_readings, read_record, trial_folders
from ablation.tensorboard import tag

MORE = [
    Reading(200, "generator", "generator.0.weight", "weight_norm", 2.0**-100),
    Reading(200, "generator", "class 3", "class_share", 0.125),
    Reading(200, "", "", "event_not_finite", 1.0),
    Reading(300, "generator", "", "selection_score", math.inf),
    Reading(300, "generator", "generator.1", "slope_power", 1e300),
    Reading(400, "generator", "generator.1", "slope_power", 1e-300),
]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Give a study of two trials with all kinds of layers, one that crashed, and one without a result."""
    study = tmp_path / "runs" / "s"
    missing = {("sigmoid", "non_saturating", 0): "missing"}
    builder.build(study, activations=("sigmoid",), seeds=1, failing=missing)
    crashed = builder.spec(activation="gelu")
    builder.write_trial(study, crashed, None, outcome="crashed", message="no", probed=False)
    scores = [Score("fid_x_5k", 12.345678901234567, 5000, "lower"), Score("kid", -0.5, 50, "lower")]
    for name in ("relu", "leaky_relu"):
        builder.write_trial(study, builder.spec(activation=name), 1.0, more=MORE, scores=scores)
    return tmp_path / "runs"


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return (step, value) by tag, as TensorBoard reads a trial's one event file."""
    (path,) = folder.iterdir()
    assert path.name.startswith("events.out.tfevents.")
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    assert found.Tags()["tensors"] == [], "its server shows only scalars"
    return {
        name: [(e.step, e.value) for e in found.Scalars(name)] for name in found.Tags()["scalars"]
    }


def single(value: float) -> float:
    """Return the float32 that is nearest."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


@pytest.mark.slow
def test_tensorboard_reads_every_reading_and_score(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "board"
    assert main(["export", "s", "--runs", str(runs), "--tensorboard", str(out)]) == 0
    assert f"3 trials, 1 without a result; tensorboard --logdir {out}" in capsys.readouterr().err
    done = [f for f in trial_folders(runs / "s") if (f / "result.json").exists()]
    assert sorted(p.name for p in out.iterdir()) == sorted(f.name for f in done)
    for folder in done:
        record = read_record(folder)
        assert record is not None
        if record.outcome.kind == "crashed":
            assert read(out / folder.name) == {}
            continue
        expected: dict[str, list[tuple[int, float]]] = {}
        for r in read_readings(folder):
            expected.setdefault(tag(r), []).append((r.step, single(r.value)))
        for score in record.scores:
            expected[f"scores/{score.name}"] = [(record.outcome.step, single(score.value))]
        found = read(out / folder.name)
        assert found == {name: sorted(rows) for name, rows in expected.items()}
        assert found["generator/0/gradient_norm"][0][0] == 0
        assert len(found["generator/0/gradient_norm"]) == 11
        assert found["generator/0/weight/weight_norm"] == [(200, 2.0**-100)]
        assert found["generator/class 3/class_share"] == [(200, 0.125)]
        assert found["generator/1/slope_power"] == [(300, math.inf), (400, 0.0)]
        assert found["event_not_finite"] == [(200, 1.0)]
        assert found["generator/selection_score"] == [(300, math.inf)]
        assert {"discriminator/loss", "discriminator/accuracy"} < set(found)
        assert found["scores/fid_x_5k"] == [(1500, pytest.approx(12.345678901234567, rel=1e-7))]
        assert found["scores/kid"] == [(1500, -0.5)]


@pytest.mark.slow
def test_a_damaged_trial_is_named_and_the_others_are_written(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (damaged,) = runs.glob("s/trials/relu-*/readings.parquet")
    damaged.write_bytes(b"no table")
    out = tmp_path / "board"
    assert main(["export", "s", "--runs", str(runs), "--tensorboard", str(out)]) == 1
    assert f"left out: {damaged} is damaged" in capsys.readouterr().err
    (other,) = runs.glob("s/trials/leaky_relu-*")
    assert "generator/1/dead_fraction" in read(out / other.name)
    assert not (out / damaged.parent.name).exists()


def test_wrong_words_are_refused(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").touch()
    words = ["export", "s", "--runs", str(runs), "--tensorboard", str(full)]
    for more, said in (
        ([], "is not empty"),
        (["--out", "z.zip"], "give one"),
        (["--paper", "p"], "give one"),
    ):
        assert main([*words, *more]) == 2
        assert said in capsys.readouterr().err
    assert [path.name for path in full.iterdir()] == ["mine"]
    assert main(["export", "none", "--runs", str(runs), "--tensorboard", str(full)]) == 2
    assert "there is no study 'none'" in capsys.readouterr().err


@pytest.mark.slow
def test_without_tensorboard_it_says_what_to_install(runs: Path, tmp_path: Path) -> None:
    """In a process for which there is no such package."""
    code = (
        "import sys\n"
        "sys.modules['tensorboard'] = None\n"
        "from ablation.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    words = ["export", "s", "--runs", str(runs), "--tensorboard", str(tmp_path / "board")]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert 'pip install "activation-ablation[tensorboard]"' in done.stderr
    assert not (tmp_path / "board").exists()
