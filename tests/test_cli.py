"""The command line as its users meet it: real processes, their words, their exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

TINY = ["dataset=ring8", "dataset.points=2000", "architecture.width=16", "budget=smoke"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def ablation(home: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **env}
    return subprocess.run(
        [sys.executable, "-m", "ablation", *words],
        capture_output=True, text=True, cwd=home, env=environment, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def study(home: Path) -> Path:
    """A finished study of four tiny trials, made by the command line."""
    done = ablation(
        home, "sweep", *TINY, "activation=relu,tanh", "seeds=2", "--study", "s", "--workers", "1"
    )
    assert done.returncode == 0, done.stderr
    return home / "runs" / "s"


@pytest.mark.slow
def test_an_unwritable_runs_folder_is_said(home: Path) -> None:
    (home / "file").write_text("I am not a folder")
    done = ablation(home, "sweep", *TINY, "--study", "s", "--runs", "file")
    assert done.returncode in (1, 2)
    assert "file" in done.stderr
    assert "Traceback" not in done.stderr
    assert (home / "file").read_text() == "I am not a folder"


@pytest.mark.slow
def test_help_and_list_answer_at_once(home: Path) -> None:
    """Generous bounds that a torch import (3 s here) would break; the figures are in the benchmarks."""
    for words, most in ((["--help"], 1.0), (["list", "activation"], 1.5)):
        best = min(_seconds(home, words) for _ in range(3))
        assert best < most, (words, best)


def _seconds(home: Path, words: list[str]) -> float:
    began = time.perf_counter()
    assert ablation(home, *words).returncode == 0
    return time.perf_counter() - began


@pytest.mark.slow
def test_list_names_every_row(home: Path) -> None:
    assert "activation" in ablation(home, "list").stdout.split()
    assert "leaky_relu" in ablation(home, "list", "activation").stdout
    assert "relu" in json.loads(ablation(home, "list", "activation", "--json").stdout)
    done = ablation(home, "list", "activations")
    assert done.returncode == 2
    assert "did you mean activation" in done.stderr


@pytest.mark.slow
def test_plan_trains_nothing(home: Path) -> None:
    done = ablation(
        home, "plan", *TINY, "activation=relu,tanh,elu", "seeds=3", "--study", "p", "--json"
    )
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert (plan["cells"], plan["trials"], plan["to_run"]) == (3, 9, 9)
    assert "NOT ENOUGH" in plan["promise"]
    assert not (home / "runs" / "p").exists()


@pytest.mark.slow
def test_a_sweep_leaves_the_folders_that_were_promised(study: Path) -> None:
    assert {"study.yaml", "journal.log", "trials", "report"} <= {p.name for p in study.iterdir()}
    trials = sorted((study / "trials").iterdir())
    assert len(trials) == 4
    for trial in trials:
        names = {p.name for p in trial.iterdir()}
        assert {
            "config.yaml",
            "readings.parquet",
            "samples.png",
            "generator.pt",
            "log.txt",
            "result.json",
        } <= names
        result = json.loads((trial / "result.json").read_text())
        assert {
            "schema",
            "key",
            "outcome",
            "step",
            "message",
            "scores",
            "spec",
            "provenance",
        } <= set(result)
        assert result["key"] == trial.name
    report = study / "report"
    assert (report / "index.html").is_file()
    assert (report / "report.pdf").read_bytes()[:5] == b"%PDF-"
    for table in (
        "trials.csv",
        "trials.parquet",
        "readings.parquet",
        "estimates.csv",
        "estimates.parquet",
    ):
        assert (report / "tables" / table).is_file(), table
    assert list((report / "figures").glob("*.svg"))


@pytest.mark.slow
def test_launching_again_trains_nothing(home: Path, study: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in study.glob("trials/*/result.json")}
    done = ablation(home, "sweep", *TINY, "activation=relu,tanh", "seeds=2", "--study", "s")
    assert done.returncode == 0
    assert "0 to run" in done.stderr
    assert before == {p: p.stat().st_mtime_ns for p in study.glob("trials/*/result.json")}


@pytest.mark.slow
def test_a_rerun_agrees_and_a_changed_result_does_not(home: Path, study: Path) -> None:
    key = next(
        p.name
        for p in (study / "trials").iterdir()
        if p.name.startswith("tanh") and "-s1-" in p.name
    )
    done = ablation(home, "rerun", "s", key, "--verify")
    assert done.returncode == 0, done.stderr
    assert "equal bit for bit" in done.stdout
    assert not list((study / "reruns").iterdir())
    path = study / "trials" / key / "result.json"
    kept = path.read_text()
    result = json.loads(kept)
    name = next(iter(result["scores"]))
    result["scores"][name]["value"] += 1e-9
    path.write_text(json.dumps(result))
    try:
        done = ablation(home, "rerun", "s", key, "--verify", "--json")
        assert done.returncode == 1
        assert any(name in text for text in json.loads(done.stdout)["differences"])
    finally:
        path.write_text(kept)


@pytest.mark.slow
def test_a_damaged_result_is_named_and_lost_by_nobody(home: Path, study: Path) -> None:
    path = next(p for p in sorted(study.glob("trials/*/result.json")) if "relu" in str(p))
    kept = path.read_text()
    path.write_text(kept[:100])
    try:
        done = ablation(home, "doctor", "s")
        assert done.returncode == 1
        assert str(path.parent.name) in done.stdout
        done = ablation(home, "status", "s", "--json")
        assert json.loads(done.stdout)["damaged"] == [path.parent.name]
        done = ablation(home, "rerun", "s", path.parent.name, "--verify")
        assert done.returncode == 2
        assert "damaged" in done.stderr
        assert ablation(home, "report", "s").returncode == 0
        assert path.read_text() == kept[:100]
    finally:
        path.write_text(kept)


@pytest.mark.slow
def test_the_other_verbs_answer(home: Path, study: Path) -> None:
    key = sorted(p.name for p in (study / "trials").iterdir())[0]
    assert ablation(home, "logs", "s", key[-10:]).returncode == 0
    assert ablation(home, "logs", "s", "relu").returncode == 2
    done = ablation(home, "export", "s", "--out", "a/b/s.zip")
    assert done.returncode == 0, done.stderr
    assert (home / "a" / "b" / "s.zip").stat().st_size > 10_000
    assert ablation(home, "export", "s", "--out", "a/b/s.zip").returncode == 2
    done = ablation(home, "doctor", "s", "--rebuild")
    assert done.returncode == 0, done.stdout + done.stderr
    done = ablation(home, "retry", "s")
    assert done.returncode == 0
    assert done.stdout == "no trial crashed: nothing to try again\n"
    done = ablation(home, "compare", "s", "s")
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_train_makes_the_folder_the_trial_and_goes_on_from_it(home: Path) -> None:
    words = [*TINY, "activation=elu", "--out", "one"]
    done = ablation(home, "train", *words)
    assert done.returncode == 0, done.stderr
    assert (home / "one" / "result.json").is_file()
    assert "finished at step 50" in done.stdout
    assert ablation(home, "train", *words).returncode == 0
    other = ablation(home, "train", *TINY, "activation=gelu", "--out", "one")
    assert other.returncode == 2
    assert "another trial" in other.stderr
    many = ablation(home, "train", *TINY, "activation=gelu,elu", "--out", "two")
    assert many.returncode == 2
    assert not (home / "two").exists()


@pytest.mark.slow
def test_an_activation_from_a_folder_of_the_users(home: Path) -> None:
    """From a row and code outside the checkout to a sweep, a report and a rerun, each in its own process."""
    own = home / "mine"
    (own / "conf" / "activation").mkdir(parents=True)
    (own / "waves.py").write_text(
        "import torch\n\n\nclass Wave(torch.nn.Module):\n"
        "    def forward(self, u):\n        return u + torch.sin(u)\n"
    )
    (own / "conf" / "activation" / "wave.yaml").write_text(
        "name: wave\nmodule:\n  _target_: waves.Wave\ncite: mine\n"
    )
    assert "wave" in ablation(home, "list", "activation", "--with", "mine").stdout
    words = [*TINY, "activation=wave,tanh", "seeds=1", "--study", "own"]
    refused = ablation(home, "sweep", *words)
    assert refused.returncode == 2
    assert "wave" in refused.stderr
    done = ablation(home, "sweep", *words, "--with", "mine")
    assert done.returncode == 0, done.stderr
    assert "wave" in (home / "runs" / "own" / "report" / "index.html").read_text()
    untrusted = ablation(home, "rerun", "own", "wave", "--verify")
    assert untrusted.returncode == 2
    assert "--with" in untrusted.stderr
    done = ablation(home, "rerun", "own", "wave", "--verify", "--with", "mine")
    assert done.returncode == 0, done.stderr
    (own / "waves.py").write_text((own / "waves.py").read_text() + "# edited\n")
    edited = ablation(home, "rerun", "own", "wave", "--verify", "--with", "mine")
    assert edited.returncode == 2
    assert "has changed" in edited.stderr


@pytest.mark.slow
def test_trials_measured_otherwise_are_no_answer(home: Path, study: Path) -> None:
    done = ablation(home, "sweep", *TINY, "activation=relu,tanh", "seeds=2",
                    "protocol.samples=300", "--study", study.name)  # fmt: skip
    assert done.returncode == 2
    assert "give another --study" in done.stderr
    done = ablation(home, "plan", *TINY, "activation=relu", "protocol.samples=300,500")
    assert done.returncode == 2
    assert "two protocols" in done.stderr


@pytest.mark.slow
def test_a_refused_sweep_takes_nothing_with_it(home: Path, study: Path) -> None:
    """Planning makes no folder, so a sweep that is refused has none to remove."""
    kept = {p.name for p in study.iterdir()}
    done = ablation(home, "sweep", *TINY, "optimizer.lr=-1", "--study", study.name)
    assert done.returncode == 2
    assert "optimizer.lr is -1" in done.stderr
    assert {p.name for p in study.iterdir()} == kept
    (home / "runs" / "other").mkdir()
    (home / "runs" / "other" / "thesis.tex").write_text("mine")
    done = ablation(home, "sweep", *TINY, "--study", "other")
    assert done.returncode == 2
    assert (home / "runs" / "other" / "thesis.tex").read_text() == "mine"


@pytest.mark.slow
def test_a_device_that_is_none_leaves_no_trial_behind(home: Path) -> None:
    words = ["train", *TINY, "activation=silu", "--out", "device"]
    done = ablation(home, *words, "--device", "banana")
    assert done.returncode == 2
    assert "banana" in done.stderr
    assert ablation(home, *words).returncode == 0


@pytest.mark.slow
def test_a_module_that_draws_on_its_own_repeats_itself(home: Path) -> None:
    row = "activation_at={generator.0: {name: rrelu, module: {_target_: torch.nn.RReLU}}}"
    words = [*TINY, "activation=relu", row, "seeds=1", "--study", "random", "--no-report"]
    done = ablation(home, "sweep", *words)
    assert done.returncode == 0, done.stderr
    done = ablation(home, "rerun", "random", "rrelu", "--verify")
    assert done.returncode == 0, done.stdout
