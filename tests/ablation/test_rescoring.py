"""Stored generators scored again: the same bits under the same protocol, and what a trial under another would score."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ablation.__main__ import main
from ablation.catalogue import rows
from ablation.datasets import Dataset
from ablation.factories import make
from ablation.files import read_json
from ablation.judgement import _samples
from ablation.part import Part
from ablation.record import Outcome, TrialRecord, read_record, trial_folders, write_config
from ablation.rescored import file_of, read_rescored
from ablation.rescoring import rescore, restore
from ablation.scores import base, families
from ablation.spec import TrialSpec
from ablation.training import begin
from ablation.trial import run
from sweeps.grid import plan
from sweeps.rescoring import asked_of, kept
from sweeps.study import write_study

Ask = Callable[..., TrialSpec]
KINDS = {
    "mlp-digits": {"dataset": "digits"},
    "dcgan-digits": {"dataset": "digits", "architecture": "dcgan"},
    "mlp-ring8": {"dataset": "ring8"},
}


def trial(home: Path, spec: TrialSpec) -> Path:
    """Train a trial in the folder of its key."""
    folder = home / spec.key
    write_config(folder, spec)
    assert run(folder).outcome.kind in ("finished", "collapsed")
    return folder


def unchanged(folder: Path, spec: TrialSpec) -> None:
    """Check that the trial's own protocol gives its own scores, and tells the same of real samples."""
    record, found = read_record(folder), rescore(folder, spec.protocol)
    assert record is not None
    assert record.scores
    assert found.scores == record.scores
    assert dict(found.refused) == record.provenance["refused"]
    assert found.floors == record.provenance["floors"]
    assert found.extractor == record.provenance["extractor"]
    assert found.weights == record.weights


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_own_protocol_gives_the_own_scores_bit_for_bit(
    tmp_path: Path, ask: Ask, kind: str
) -> None:
    """The best generator on the way is another than the last: its score is that of other weights."""
    spec = ask(**KINDS[kind], steps=40, samples=300, evaluations=5, batch_size=8)
    folder = trial(tmp_path, spec)
    assert (folder / "best.pt").exists()
    unchanged(folder, spec)
    record = read_record(folder)
    assert record is not None
    assert {base(s.name) for s in record.scores} == set(families(spec, make(spec.dataset, Dataset)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_another_protocol_gives_what_a_trial_under_it_scores(
    tmp_path: Path, ask: Ask, kind: str
) -> None:
    """Training does not depend on what is measured, so two trials that differ in it leave one generator."""
    few = ask(**KINDS[kind], steps=20, samples=100)
    many = replace(few, protocol=replace(few.protocol, samples=350))
    assert few.key == many.key
    one, other = trial(tmp_path / "few", few), trial(tmp_path / "many", many)
    wanted = read_record(other)
    assert wanted is not None
    found = rescore(one, many.protocol)
    assert found.scores == wanted.scores
    assert {s.n for s in found.scores} == {350}


@pytest.mark.slow
def test_a_collapsed_generator_is_scored_too(
    tmp_path: Path, ask: Ask, part: Callable[..., Part]
) -> None:
    spec = ask(
        dataset="ring8", architecture=part("architecture", "mlp", depth=6), generator="sigmoid",
        optimizer=part("optimizer", "adam", lr=1e-9), init="fixed", ema=0.0, samples=64,
    )  # fmt: skip
    folder = trial(tmp_path, spec)
    record = read_record(folder)
    assert record is not None
    assert record.outcome.kind == "collapsed"
    unchanged(folder, spec)


def stored(home: Path, spec: TrialSpec) -> tuple[Path, TrialRecord, Any, Dataset]:
    """Leave a generator as a trial does, its running statistics moved, and return it with its place."""
    data = make(spec.dataset, Dataset)
    training = begin(spec, data, "cpu")
    training.average.train()
    torch.manual_seed(0)
    training.average(torch.randn(64, training.networks.latent))
    training.average.eval()
    folder = home / spec.key
    write_config(folder, spec)
    torch.save(training.average.state_dict(), folder / "generator.pt")
    return folder, TrialRecord(spec.key, {}, Outcome("finished", 1)), training, data


@pytest.mark.parametrize(
    "words",
    [
        *({"activation": name, "dataset": "ring8"} for name in rows("activation")),
        *({"architecture": name} for name in ("dcgan", "resnet", "deep_mlp", "maxout_mlp")),
        {"dataset": "ring8", "packing": 2, "constraint": "spectral_norm", "precision": "bf16"},
    ],
    ids=lambda words: "-".join(map(str, words.values())),
)
def test_every_generator_comes_back_bit_for_bit(
    tmp_path: Path, ask: Ask, words: dict[str, Any]
) -> None:
    spec = ask(**words)
    folder, record, training, data = stored(tmp_path, spec)
    found = restore(folder, spec, record, data, "cpu")
    assert found.best == {}
    samples = _samples(spec, found, found.generator)
    assert torch.equal(samples, _samples(spec, found, training.average))
    assert samples.std() > 0
    again = [(p.shape, p.stride()) for p in found.generator.parameters()]
    assert again == [(p.shape, p.stride()) for p in training.average.parameters()]


def test_weights_that_are_not_the_trials_are_named(tmp_path: Path, ask: Ask) -> None:
    spec = ask(dataset="ring8")
    folder, record, _, data = stored(tmp_path, spec)
    path = folder / "generator.pt"
    whole = path.read_bytes()

    def refused(words: str, name: str = "generator.pt", **files: str) -> None:
        with pytest.raises(ValueError, match=words) as caught:
            restore(folder, spec, replace(record, files=files), data, "cpu")
        assert str(folder / name) in str(caught.value)

    refused("is not the file that the trial wrote", **{"generator.pt": "00"})
    refused("is missing", "best.pt", **{"best.pt": "00"})
    path.write_bytes(whole[:100])
    refused("is damaged")
    torch.save({"somebody": torch.ones(3)}, path)
    refused("is damaged")
    path.write_bytes(b"cos\nsystem\n(S'touch hacked'\ntR.")
    refused("is damaged")
    assert not Path("hacked").exists()
    path.unlink()
    refused("is missing")


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


@pytest.mark.slow
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
