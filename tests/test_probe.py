"""Built-in experiments as their users run them: real processes, real kills, the same bytes again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablation.__main__ import main
from ablation.experiments import EXPERIMENTS
from ablation.words import EXPERIMENTS as TOLD

SMALL = {
    "freeze-generator": [
        *("activation=relu,sigmoid", "seeds=2", "architecture.width=16", "budget.steps=30"),
        *("--critic-steps", "20", "--stages", "0,10,30", "--losses", "minimax,hinge"),
    ],
    "layer-norms": [
        *("seeds=1", "architecture.width=12", "architecture.depth=3", "budget.steps=40"),
        *("dataset.points=1000", "protocol.samples=100"),
    ],
    "augmentation": ["seeds=2", "architecture.width=16", "budget.steps=10"],
}


def test_the_help_names_every_experiment() -> None:
    told = [line.split()[0] for line in TOLD.splitlines() if not line.startswith(" ")]
    assert told == [*EXPERIMENTS, "speed"]
    assert set(SMALL) == set(EXPERIMENTS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_names_its_paper(name: str) -> None:
    assert "arXiv:" in EXPERIMENTS[name].cite
    assert EXPERIMENTS[name].question.endswith("?")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["freeze-generater"], "did you mean freeze-generator"),
        (["freeze-generator", "activation=rleu"], "did you mean relu"),
        (["freeze-generator", "--losses", "hings"], "did you mean hinge"),
        (["freeze-generator", "--stages", "9999"], "--stages is 9999"),
        (["layer-norms", "--losses", "hinge"], "--losses says nothing to layer-norms"),
        (["layer-norms", "protocol.probes=0"], "protocol.probes is 0"),
        (["augmentation", "dataset=ring8"], "needs images of labelled classes"),
        (["augmentation", "dataset=photo_patches"], "dataset=photo_patches has none"),
        (["freeze-generator", "dataset=ring8", "architecture=dcgan"], "square images"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_words_get_one_clear_line_and_leave_nothing(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", *words, "--out", str(tmp_path / "out")]) == 2
    lines = [x for x in capsys.readouterr().err.splitlines() if x.startswith("ablation: ")]
    assert len(lines) == 1
    assert said in lines[0]
    assert not (tmp_path / "out").exists()


def start(out: Path, name: str, workers: int) -> subprocess.Popen[str]:
    words = ["probe", name, *SMALL[name], "--out", str(out), "--workers", str(workers), "--json"]
    command = [sys.executable, "-m", "ablation", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


LONG = [pytest.param(name, marks=pytest.mark.long) for name in ("layer-norms", "augmentation")]


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    ["freeze-generator", *LONG],
)
def test_a_killed_experiment_goes_on_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    """Two workers in one go, and one worker killed after its first trial: one table, one figure."""
    quiet, killed = tmp_path / "quiet", tmp_path / "killed"
    process = start(quiet, name, 2)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    told = json.loads(out)
    assert told["failed"] == []
    assert told["told"]
    assert {Path(file).name for file in told["files"]} == {
        *("readings.parquet", "figure.svg", "figure.pdf", "figure.png"),
    }

    process, deadline = start(killed, name, 1), time.monotonic() + 300
    while not (done := list(killed.glob("trials/*/result.json"))):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert not (killed / "readings.parquet").exists()
    before = {path: path.stat().st_mtime_ns for path in done}

    process = start(killed, name, 2)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert before == {path: path.stat().st_mtime_ns for path in done}
    for file in ("readings.parquet", "figure.svg", "figure.pdf", "figure.png"):
        assert (quiet / file).read_bytes() == (killed / file).read_bytes(), file


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_experiment_leaves_no_process_behind(tmp_path: Path) -> None:
    process = start(tmp_path / "out", "freeze-generator", 2)
    children: list[int] = []
    deadline = time.monotonic() + 120
    while len(children) < 2:
        assert time.monotonic() < deadline
        own = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        names = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in own]
        children = [int(p) for p, n in zip(own, names, strict=True) if b"spawn_main" in n]
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.long
def test_a_trial_that_cannot_be_measured_is_an_answer(tmp_path: Path) -> None:
    """Its reason is told, the others are measured and drawn, and the exit code is 1."""
    words = [w.replace("seeds=2", "seeds=1") for w in SMALL["freeze-generator"]]
    own = tmp_path / "own"
    (own / "conf" / "loss").mkdir(parents=True)
    (own / "conf" / "loss" / "moody.yaml").write_text("name: moody\n_target_: moods.moody\n")
    (own / "moods.py").write_text(
        "import os\n"
        "from ablation.losses import Loss, minimax\n\n\n"
        "def moody() -> Loss:\n"
        "    def generator(*, real, fake):\n"
        "        if os.path.exists('refuse'):\n"
        "            os.remove('refuse')\n"
        "            raise ValueError('not today')\n"
        "        return -fake.mean()\n\n"
        "    return Loss(minimax().discriminator, generator)\n"
    )
    (tmp_path / "refuse").touch()
    command = [sys.executable, "-m", "ablation", "probe", "freeze-generator", *words]
    command += ["--losses", "moody,minimax", "--out", "out", "--with", "own", "--workers", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    assert "ValueError: not today" in done.stdout
    assert "sigmoid, frozen at step 10" in done.stdout
    assert "relu, frozen" not in done.stdout
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
    assert "1 trials done, 1 to run" in again.stderr
    assert "relu, frozen at step 10" in again.stdout
