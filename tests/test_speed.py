"""`ablation probe speed` as its users run it: a study or overrides in, costs.json and a table out."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

from ablation.__main__ import main
from ablation.experiments.speed import orders
from sweeps.folders import write_configs
from sweeps.grid import plan
from sweeps.study import write_study

TINY = ["dataset=ring8", "dataset.points=500", "architecture=mlp", "architecture.width=8"]
FEW = ["--steps", "2", "--rounds", "15"]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of studies with one that is planned: two losses, three activations, two seeds."""
    monkeypatch.chdir(tmp_path)
    found = plan(None, ["activation=tanh,relu,elu", "loss=non_saturating,hinge", "seed=0,1", *TINY])
    study = tmp_path / "runs" / "s"
    write_study(study, found)
    write_configs(study, {spec.key: spec for spec in found.specs})
    assert len(found.specs) == 12
    return tmp_path / "runs"


@pytest.mark.slow
def test_a_studys_first_block_is_measured_and_kept_there(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", "speed", "--study", "s", *FEW]) == 0
    told = capsys.readouterr()
    found = json.loads((runs / "s" / "costs.json").read_text())
    assert list(found) == ["schema", "rows", "steps", "rounds", "threads", "machine"]
    assert [found[name] for name in ("schema", "steps", "rounds", "threads")] == [1, 2, 15, 1]
    assert [(row["activation"], row["loss"]) for row in found["rows"]] == [
        ("elu", "hinge"),
        ("relu", "hinge"),
        ("tanh", "hinge"),
    ]
    for row in found["rows"]:
        assert list(row) == [
            *("activation", "architecture", "dataset", "loss", "penalty", "milliseconds"),
        ]
        assert (row["architecture"], row["dataset"], row["penalty"]) == ("mlp", "ring8", "none")
        assert len(row["milliseconds"]) == 15
        assert all(0 < one < 60_000 for one in row["milliseconds"])
    lines = told.out.splitlines()
    assert " ".join(lines[0].split()) == "activation ms a step x relu (range over rounds)"
    assert {line.split()[0] for line in lines[1:4]} == {"elu", "relu", "tanh"}
    (own,) = [line for line in lines if line.startswith("relu")]
    assert own.endswith("1.00  (1.00 to 1.00)")
    assert "3 cells, 15 rounds of 2 steps each, one thread" in told.err
    assert "round 15 of 15" in told.err
    assert [path.name for path in (runs / "s").iterdir() if path.name.endswith("tmp")] == []


@pytest.mark.slow
def test_of_a_tuned_study_the_cells_are_measured_as_they_stand(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["activation=tanh,relu", "penalty=gradient_penalty", "seed=0,1", *TINY]
    tuned = ["tune.penalty.weight=log(0.1,100)", "tune.points=4"]
    found = plan(None, [*words, *tuned])
    assert len(found.specs) == 16
    write_study(runs / "t", found)
    write_configs(runs / "t", {spec.key: spec for spec in found.specs})
    assert main(["probe", "speed", "--study", "t", *FEW, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["activation"], row["penalty"]) for row in rows] == [
        ("relu", "gradient_penalty"),
        ("tanh", "gradient_penalty"),
    ]


@pytest.mark.slow
def test_overrides_are_measured_into_the_folder_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "folder"
    words = ["activation=relu,maxout", "loss=hinge,minimax", *TINY]
    assert main(["probe", "speed", *words, *FEW, "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer.pop("file") == str(out / "costs.json")
    assert answer == json.loads((out / "costs.json").read_text())
    assert {(row["activation"], row["loss"]) for row in answer["rows"]} == {
        (name, loss) for name in ("relu", "maxout") for loss in ("hinge", "minimax")
    }


def own_activations(folder: Path, body: str, *names: str) -> None:
    """Write activations of a user's own, each a tanh that does `body` first (`self.name` is its name)."""
    (folder / "conf" / "activation").mkdir(parents=True)
    for name in names:
        row = f"name: {name}\nmodule:\n  _target_: own_module.Own\n  name: {name}\ncite: ''\n"
        (folder / "conf" / "activation" / f"{name}.yaml").write_text(row)
    (folder / "own_module.py").write_text(
        "import time\nfrom pathlib import Path\nimport torch\n\n\n"
        "class Own(torch.nn.Module):\n"
        "    def __init__(self, name):\n        super().__init__()\n        self.name = name\n\n"
        f"    def forward(self, u):\n        {body}\n        return torch.tanh(u)\n"
    )


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ablation", "probe", "speed", *words, *TINY, *FEW]
    command += ["--with", str(folder / "own"), "--out", str(folder / "out")]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.slow
def test_an_activation_that_dozes_is_found_slower_in_every_round(tmp_path: Path) -> None:
    own_activations(tmp_path / "own", "time.sleep(0.004)", "dozing")
    done = run(tmp_path, "activation=relu,dozing,tanh")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "out" / "costs.json").read_text())["rows"]
    times = {row["activation"]: row["milliseconds"] for row in rows}
    assert set(times) == {"relu", "dozing", "tanh"}
    assert min(times["dozing"]) > 8 * 4, "a step passes at least eight sites"
    slower = [a > b for a, b in zip(times["dozing"], times["tanh"], strict=True)]
    assert sum(slower) >= 14
    assert done.stdout.splitlines()[3].startswith("dozing"), "the table ends with the slowest"


@pytest.mark.slow
def test_the_cells_take_turns_in_the_order_of_each_round(tmp_path: Path) -> None:
    """Every forward pass of a cell is written down: a warm-up each, then 15 rounds, each its own order."""
    log, names = tmp_path / "log.txt", ("first", "second", "third")
    own_activations(
        tmp_path / "own", f"Path({str(log)!r}).open('a').write(self.name + chr(10))", *names
    )
    done = run(tmp_path, f"activation={','.join(names)}")
    assert done.returncode == 0, done.stderr
    seen = [name for name, _ in groupby(log.read_text().split())]
    turns = [0, 1, 2, *(turn for own in orders(3, 15) for turn in own)]
    expected = [name for name, _ in groupby(names[turn] for turn in turns)]
    assert len(expected) > 30
    assert seen[-len(expected) :] == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--study", "none"], "there is no study 'none' in runs"),
        (["--study", "s", "activation=relu"], "give one"),
        ([], "give one"),
        (["activation=relu"], "--out DIR is missing"),
        (["activation=rleu", "--out", "o"], "did you mean relu"),
        (["--study", "s", "--rounds", "3"], "--rounds is 3"),
        (["--study", "s", "--losses", "hinge"], "--losses says nothing to speed; its own options"),
        (["--study", "s", "--workers", "2"], "--workers says nothing to speed"),
        (["--study", "empty"], "has no trial yet"),
        (["architecture=dcgan", *TINY[:2], "--out", "o"], "square images"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_words_get_one_clear_line_and_leave_nothing(
    words: list[str], said: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "empty").mkdir()
    (runs / "empty" / "study.yaml").write_text((runs / "s" / "study.yaml").read_text())
    assert main(["probe", "speed", *words]) == 2
    lines = [x for x in capsys.readouterr().err.splitlines() if x.startswith("ablation: ")]
    assert len(lines) == 1
    assert said in lines[0]
    assert not Path("o").exists()
    assert not list(runs.glob("*/costs.json"))


def test_other_experiments_refuse_what_is_only_for_speed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", "layer-norms", "--rounds", "20", "--out", str(tmp_path / "o")]) == 2
    assert "--rounds says nothing to layer-norms" in capsys.readouterr().err
    assert main(["probe", "layer-norms"]) == 2
    assert "--out DIR is missing" in capsys.readouterr().err
