"""The commands of the benchmarks: which rows they know, what they refuse, and the page that they write."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.append(str(Path(__file__).resolve().parent / "benchmarks"))

import speed
import speed_notes
import speed_page
import speed_races

PLACE = Path(speed.__file__).parent
RACED: dict[str, Any] = {
    "what": "mlp 28x28, fp32",
    "reach": 2.2,
    "threads": 1,
    "theirs": 20.0,
    "ours": 8.0,
    "ratio": 2.5,
    "range": [2.4, 2.6],
    "slices": 3,
    "kernels": 6.25,
    "bound": 3.2,
    "rest": [1.75, 1.5, 2.0],
    "room": [2.84, 2.5, 3.0],
    "others": 0.05,
}
LIMIT: dict[str, Any] = {
    "what": "mlp fp32",
    "reach": 0.7,
    "gflop": 0.5,
    "rate": 60.0,
    "best": 100.0,
    "kernel": "product 64 x 256 x 256",
    "share": 0.6,
    "range": [0.55, 0.62],
    "bound": 0.8,
    "others": None,
}


def run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PLACE / script), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def test_the_medians_of_slices_are_told_with_the_range_of_their_ratios() -> None:
    pairs = [(10.0, 5.0), (30.0, 10.0), (8.0, 4.0)]
    slices = [
        {"theirs": {"cpu": a, "wall": 2 * a}, "ours": {"cpu": b, "wall": 4 * b}} for a, b in pairs
    ]
    found = speed_races.summary(slices, threads=1)
    assert (found["ratio"], found["range"]) == (2.0, [2.0, 3.0])
    assert (found["theirs"], found["ours"], found["slices"]) == (10.0, 5.0, 3)
    assert speed_races.summary(slices, threads=2)["ratio"] == 1.0
    assert speed_races.beside(slices, 2.0) == {}
    alone = [{**one, "kernels": {"cpu": k}} for one, k in zip(slices, (2.5, 4.0, 1.0), strict=True)]
    found = speed_races.beside(alone, 2.0)
    assert (found["kernels"], found["bound"]) == (2.5, 7.5)
    assert found["rest"] == [3.0, 2.5, 6.0]
    assert found["room"] == [3.0, 2.5, 11.0]


def test_the_page_says_what_was_measured_and_what_misses_its_aim() -> None:
    found = {"machine": speed_page.machine(), "mlp": RACED, "limit-mlp": LIMIT}
    page = speed_page.page(found, {"limit-mlp": "Packing takes a seventh.", "ring8": "unseen"})
    assert (
        "| mlp 28x28, fp32 | 1 | 20 ms | 8 ms | 6.25 ms | 2.50 (2.40 to 2.60, 3) | 2.2 | 3.20 | 0.05 |"
        in page.splitlines()
    )
    assert "**missed** 60 % (55 to 62) | 70 % | 80 % |  |" in page
    assert "**mlp fp32.** Packing takes a seventh." in page
    assert "unseen" not in page, "a note stands beside its row"
    without = {name: value for name, value in RACED.items() if name != "bound"}
    told = speed_page.ratio_row({**without, "quick": True})
    assert "| 8 ms |  | 2.50 (2.40 to 2.60, 3, quick) | 2.2 |  | 0.05 |" in told
    slow = {**found, "mlp": {**RACED, "ratio": 2.1}}
    assert "**missed** 2.10" in speed_page.page(slow, {})


def test_a_note_says_what_the_aim_leaves_beside_the_kernels() -> None:
    told = speed_notes.note("mlp", RACED)
    assert "may take 2.84 ms (2.5 to 3) and reach the aim; ours takes 1.75 ms (1.5 to 2)" in told
    without = {name: value for name, value in RACED.items() if name != "room"}
    assert "reach the aim" not in speed_notes.note("mlp", without)
    assert "{" not in "".join(speed_notes.note(name, RACED) for name in speed_notes.NOTES)


def test_rows_are_kept_one_by_one_on_the_same_machine(tmp_path: Path) -> None:
    own = speed_page.machine()
    speed.keep(tmp_path, {"limit-mlp": LIMIT, "machine": own})
    again = speed.read(tmp_path / "benchmarks.json")
    speed.keep(tmp_path, {**again, "mlp": RACED})
    kept = json.loads((tmp_path / "benchmarks.json").read_text())
    assert list(kept) == ["machine", "mlp", "limit-mlp"], "in the page's order"
    assert "## How near the limit" in (tmp_path / "benchmarks.md").read_text()
    for damaged in ("[]", '{"machine":'):
        (tmp_path / "worse.json").write_text(damaged)
        with pytest.raises(ValueError, match=r"worse\.json is damaged"):
            speed.read(tmp_path / "worse.json")
    kept["machine"]["cores"] = -1
    (tmp_path / "benchmarks.json").write_text(json.dumps(kept))
    assert speed.read(tmp_path / "benchmarks.json") == {"machine": own}


def test_the_longest_rows_are_asked_for() -> None:
    usual = speed.chosen([], sweep=False, others=False)
    assert [name for name in speed.rows() if name not in usual] == list(speed.LONG)
    assert set(speed.chosen([], sweep=True, others=True)) == set(speed.rows())
    with pytest.raises(ValueError, match="'mpl' is no row; the rows are mlp, mlp@2, dcgan"):
        speed.chosen(["mpl"], sweep=False, others=False)


@pytest.mark.slow
def test_a_wrong_row_ends_in_one_line(tmp_path: Path) -> None:
    done = run("speed.py", "mpl", "--out", str(tmp_path / "o"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("speed: 'mpl' is no row; the rows are mlp,")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "o").exists()


def test_what_cannot_be_measured_or_kept_is_said_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(speed.speed_lanes, "FASHION", tmp_path)
    assert speed.main(["memory", "--out", str(tmp_path / "out")]) == 2
    assert "no train-images-idx3-ubyte.gz in it" in capsys.readouterr().err
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"")
    assert speed.main(["memory", "--out", str(tmp_path / "file")]) == 2
    assert "which is no folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_without_a_gpu_its_benchmark_says_so() -> None:
    done = run("speed_gpu.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "speed_gpu: no CUDA device: torch sees none on this machine\n"


@pytest.mark.slow
def test_the_gpus_tables_are_named() -> None:
    done = run("speed_gpu.py", "grphs")
    assert done.returncode == 2
    assert done.stderr == "speed_gpu: 'grphs' is no table; they are races, graphs, processes\n"


@pytest.mark.long
def test_the_gpus_tables_stand_on_the_cpu_too() -> None:
    """Every path but CUDA's own is walked: two processes, each scored, side by side."""
    done = run("speed_gpu.py", "processes", "--device", "cpu", "--quick")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[2] == "| processes | trials an hour | times one process |"
    counts = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[4:]]
    assert [row[0] for row in counts] == ["1", "2"]
    assert all(float(row[1]) > 0 for row in counts)
    assert counts[0][2] == "1.00"
