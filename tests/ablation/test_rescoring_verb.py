"""The verb that scores again: it keeps, repeats, names what is damaged, and survives Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from test_rescoring import Ask

from ablation.__main__ import main
from ablation.files import read_json
from ablation.record import read_record, trial_folders, write_config
from ablation.rescored import file_of, read_rescored
from ablation.trial import run
from sweeps.grid import plan
from sweeps.rescoring import asked_of, kept
from sweeps.study import write_study


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of three trials that ended, one that diverged and one not run yet, made without a queue."""
    runs = tmp_path_factory.mktemp("runs")
    study = runs / "s"
    words = ["dataset=ring8", "dataset.points=600", "architecture.width=8", "budget=smoke"]
    words += ["budget.steps=20", "protocol.samples=64", "protocol.evaluations=2"]
    found = plan(None, [*words, "activation=relu,tanh", "seeds=2"])
    write_study(study, found)
    broken = plan(None, [*words, "loss=wasserstein", "optimizer.lr=1e20"]).specs[0]
    for spec in (*found.specs, broken):
        write_config(study / "trials" / spec.key, spec)
    for spec in (*found.specs[:3], broken):
        run(study / "trials" / spec.key, extractors=study / "extractors")
    return runs


def score(home: Path, *words: str) -> int:
    return main(["score", "s", "--runs", str(home), *words])


def ended(home: Path) -> list[Path]:
    return [f for f in trial_folders(home / "s") if (f / "generator.pt").exists() and good(f)]


def good(folder: Path) -> bool:
    record = read_record(folder)
    return record is not None and record.outcome.kind != "diverged"


@pytest.mark.slow
def test_the_verb_scores_keeps_and_scores_again(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(home) == 0
    told = capsys.readouterr().out
    assert "s: 3 scored, 0 kept from before, 1 diverged: no generator, 1 missing" in told
    folders = ended(home)
    assert len(folders) == 3
    for folder in folders:
        record = read_record(folder)
        assert record is not None
        first = record.scores[0]
        assert (
            f"{folder.name}  {first.name} {first.value:.6g} -> {first.name} {first.value:.6g}"
            in told
        )
        spec = asked_of([folder], {})[0][0].spec
        assert read_rescored(file_of(folder, spec.protocol)).scores == record.scores
    files = sorted((home / "s").glob("trials/*/scores-*.json"))
    before = [path.stat().st_mtime_ns for path in files]
    assert score(home) == 0
    assert "0 scored, 3 kept from before" in capsys.readouterr().out
    assert [path.stat().st_mtime_ns for path in files] == before
    assert score(home, "--again", folders[0].name[-10:], "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert [(row["key"], row["state"]) for row in answer] == [(folders[0].name, "scored")]
    assert answer[0]["scores"] == answer[0]["stored"]
    assert [p.stat().st_mtime_ns > b for p, b in zip(files, before, strict=True)].count(True) == 1


@pytest.mark.slow
def test_how_many_workers_there_are_changes_nothing(home: Path) -> None:
    found = []
    for workers in ("1", "3"):
        assert score(home, "protocol.samples=96", "--again", "--workers", workers) == 0
        texts = [read_json(p) for p in sorted((home / "s").glob("trials/*/scores-*.json"))]
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in texts]
        found.append([row for row in rows if row["protocol"]["samples"] == 96])
    assert len(found[0]) == 3
    assert found[0] == found[1]


@pytest.mark.long
def test_the_other_verbs_know_the_files(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report shows them, doctor names a damaged one, export packs them, a rerun does not look at them."""
    study = home / "s"
    assert score(home, "protocol.samples=128") == 0
    assert main(["report", "s", "--runs", str(home)]) == 0
    head = (study / "report" / "tables" / "trials.csv").read_text().splitlines()[0].split(",")
    assert {"frechet_ring8_64", "frechet_ring8_128", "frechet-best_ring8_128"} <= set(head)
    assert main(["export", "s", "--runs", str(home), "--out", str(tmp_path / "s.zip")]) == 0
    folder = ended(home)[0]
    paths = sorted(folder.glob("scores-*.json"))
    packed = zipfile.ZipFile(tmp_path / "s.zip").namelist()
    assert {f"s/trials/{folder.name}/{path.name}" for path in paths} <= set(packed)
    assert main(["doctor", "s", "--rebuild", "--runs", str(home)]) == 0
    assert main(["rerun", "s", folder.name, "--verify", "--runs", str(home)]) == 0
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole[:50])
    capsys.readouterr()
    assert main(["doctor", "s", "--runs", str(home)]) == 1
    assert str(paths[0]) in capsys.readouterr().out
    changes = {"samples": json.loads(whole)["protocol"]["samples"]}
    assert score(home, f"protocol.samples={changes['samples']}") == 0
    captured = capsys.readouterr()
    assert f"{paths[0]} is damaged" in captured.err
    assert "1 scored, 2 kept" in captured.out
    assert json.loads(paths[0].read_text())["scores"] == json.loads(whole)["scores"]


@pytest.mark.slow
def test_damaged_trials_are_named_and_the_others_are_scored(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, _ = ended(home)
    kept_bytes = (first / "generator.pt").read_bytes(), (second / "result.json").read_bytes()
    (first / "generator.pt").write_bytes(kept_bytes[0] + b"more")
    (second / "result.json").write_bytes(kept_bytes[1][:90])
    try:
        assert score(home, "protocol.samples=160") == 1
    finally:
        (first / "generator.pt").write_bytes(kept_bytes[0])
        (second / "result.json").write_bytes(kept_bytes[1])
    captured = capsys.readouterr()
    assert f"{first / 'generator.pt'} is not the file that the trial wrote" in captured.err
    assert f"{second / 'result.json'} is damaged" in captured.err
    assert "1 scored, 0 kept from before, 1 failed" in captured.out


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("protocol.probes=3", "needs training"),
        ("protocol.evaluations=3", "needs training"),
        ("protocol.sample=3", "protocol.samples, protocol.extractor, protocol.weights"),
        ("seed=1", "protocol.samples"),
        ("+protocol.samples=100", "protocol.samples"),
        ("protocol.samples=3", "from 16 to"),
        ("protocol.samples=many", "protocol.samples"),
        ("protocol.samples=100,200", "one value"),
        ("nobody", "no trial's key"),
    ],
)  # fmt: skip
def test_words_that_say_no_scoring_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ask: Ask, word: str, said: str
) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "study.yaml").write_text("schema: 1\n")
    write_config(tmp_path / "s" / "trials" / ask().key, ask())
    assert score(tmp_path, word) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert len(captured.err.splitlines()) == 1


@pytest.mark.slow
def test_an_extractor_that_does_not_fit_is_refused_before_anything_is_scored(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Vectors have no extractor, so every known word fits them, and an unknown one does not."""
    assert score(home, "protocol.extractor=clasifier") == 2
    assert "auto, classifier, inception, random" in capsys.readouterr().err


@pytest.mark.slow
def test_scores_seen_by_another_extractor_are_not_kept(home: Path) -> None:
    """The protocol's hash does not know what the file of weights holds; retry leaves scores of other weights."""
    assert score(home) == 0
    one = asked_of(ended(home)[:1], {})[0][0]
    assert kept(one, None) is not None
    assert kept(one, "ab12") is None
    retried = replace(one, record=replace(one.record, weights="ab12"))
    assert kept(retried, None) is None


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(home: Path) -> None:
    command = [sys.executable, "-m", "ablation", "score", "s", "--runs", str(home)]
    command += ["--workers", "1", "protocol.samples=4000"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 120

    def files() -> list[Path]:
        found = (home / "s").glob("trials/*/scores-*.json")
        return [p for p in found if read_json(p)["protocol"]["samples"] == 4000]

    while not files():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    done = len(files())
    if done < 3:  # a quick machine may have ended before it heard us
        assert process.returncode == 130
        assert "goes on where it stopped" in err
    again = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert f"{3 - done} scored, {done} kept" in again.stdout
    assert "Traceback" not in out + err


@pytest.mark.slow
def test_a_process_that_dies_is_told_and_takes_nobody_along(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generator of one trial kills its process once it is scored again."""
    own = tmp_path / "own"
    (own / "conf" / "activation").mkdir(parents=True)
    (own / "mines.py").write_text(
        "import os\nfrom pathlib import Path\n\nimport torch\n\n\nclass Mine(torch.nn.Module):\n"
        "    def forward(self, u):\n"
        "        if Path(__file__).with_name('armed').exists():\n            os.kill(os.getpid(), 9)\n"
        "        return u.relu()\n"
    )
    (own / "conf" / "activation" / "mine.yaml").write_text(
        "name: mine\nmodule:\n  _target_: mines.Mine\ncite: mine\n"
    )
    monkeypatch.setenv("ABLATION_WITH", str(own))
    monkeypatch.syspath_prepend(str(own))
    study = tmp_path / "runs" / "s"
    words = ["dataset=ring8", "dataset.points=600", "architecture.width=8", "budget=smoke"]
    found = plan(None, [*words, "budget.steps=5", "protocol.samples=64", "activation=mine,tanh"])
    write_study(study, found)
    for spec in found.specs:
        write_config(study / "trials" / spec.key, spec)
        run(study / "trials" / spec.key)
    (own / "armed").touch()
    assert score(tmp_path / "runs", "--with", str(own), "--workers", "1") == 1
    captured = capsys.readouterr()
    assert "mine-non_saturating" in captured.err
    assert "its process died" in captured.err
    assert "1 scored, 0 kept from before, 1 failed" in captured.out
