"""Launchers by name: their rows, their options, and what is said of a wrong one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from ablation.__main__ import main
from ablation.catalogue import rows
from sweeps.launchers import BESIDE, chosen, installed
from sweeps.launchers.slurm import Slurm


@pytest.mark.parametrize("name", rows("launcher"))
def test_a_row_shows_every_option_with_its_default(name: str) -> None:
    row = rows("launcher")[name]
    made = chosen(name, {})
    assert made.name == row["name"] == name
    assert row["about"]
    assert {key: value for key, value in row.items() if key not in BESIDE} == asdict(made)
    assert type(made)() == made, "the class has the same defaults"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("launcher=slum", "'slum' is not a known launcher: did you mean slurm? Known: local, ray"),
        ("launcher.worker=3", "launcher.worker is no option of local: did you mean workers?"),
        ("launcher=slurm launcher.gpus=2", "launcher.gpus is 2; a worker trains on 0 or 1"),
        ("launcher=slurm launcher.time=soon", "launcher.time is 'soon'; it is a whole number"),
        ("launcher=slurm launcher.time=2", "launcher.time is 2; it is at least 5 minutes"),
        ("launcher=slurm launcher.executor=k8", "launcher.executor is 'k8'; it is slurm or local"),
        ("launcher=slurm launcher.memory=much", "launcher.memory is 'much'; it is like 8GB"),
        ("launcher=slurm launcher.wait=maybe", "launcher.wait is 'maybe'; it is true or false"),
        ("launcher=slurm --devices cpu", "--devices is no option of slurm"),
        ("launcher=slurm launcher.workers=3 --workers 2", "--workers 2 and launcher.workers=3"),
        ("launcher=ray launcher.workers=0", "launcher.workers is 0; it is at least 1"),
        ("launcher=ray launcher.retries=null", "launcher.retries is 'null'; it is a whole number"),
        ("launcher=ray launcher.num_gpus=2", "launcher.num_gpus is 2.0; a worker trains on at"),
    ],
)
def test_wrong_words_get_one_clear_line_and_leave_nothing(
    words: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "quickstart", "--runs", str(tmp_path / "runs"), *words.split()]) == 2
    output = capsys.readouterr()
    assert output.err.startswith(f"ablation: {said}"), output.err
    assert len(output.err.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_slurm_without_its_commands_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit", reason="submitit is not installed: pip install submitit")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ValueError, match=r"needs sbatch, .* \(launcher\.executor=local tries it"):
        chosen("slurm", {}).ready()
    chosen("slurm", {"executor": "local"}).ready()


def test_a_missing_extra_says_what_to_install() -> None:
    expected = r'which is not installed: pip install "activation-ablation\[slurm\]"$'
    with pytest.raises(ValueError, match=expected):
        installed("slurm", "no_such_package")


def test_what_slurm_is_told_of_a_task(tmp_path: Path) -> None:
    told = Slurm(gpus=1, cpus=3, memory="8GB", setup="module load cuda").parameters(tmp_path, 7)
    assert told["additional_parameters"] == {"ntasks": 1, "requeue": True}
    assert (told["gpus_per_node"], told["cpus_per_task"], told["mem"]) == (1, 3, "8GB")
    assert told["array_parallelism"] == 7
    assert told["setup"][-1] == "module load cuda"
    assert "--cpus-per-task=3" in told["srun_args"]
    told = Slurm(requeue=False).parameters(tmp_path, 1)
    assert told["additional_parameters"] == {"ntasks": 1, "no-requeue": True}
    assert (Slurm(gpus=1).device, Slurm(gres="gpu:a100:1").device) == ("cuda", "cuda")
    assert Slurm().device == "cpu"


def test_a_site_has_defaults_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "conf" / "launcher"
    folder.mkdir(parents=True)
    row = "name: slurm\n_target_: sweeps.launchers.slurm.Slurm\npartition: gpu\ngpus: 1\n"
    (folder / "slurm.yaml").write_text(row)
    monkeypatch.setenv("ABLATION_WITH", str(tmp_path))
    assert chosen("slurm", {"cpus": "4"}) == Slurm(partition="gpu", gpus=1, cpus=4)
    (folder / "slurm.yaml").write_text(row + "gpu: 1\n")
    with pytest.raises(ValueError, match=r"conf/launcher/slurm\.yaml: gpu is no option of slurm"):
        chosen("slurm", {})


@pytest.mark.slow
def test_a_plan_reckons_with_the_launchers_workers(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan", "quickstart", "launcher=slurm", "launcher.workers=8"]
    assert main(words) == 0
    assert "with 8 slurm workers" in capsys.readouterr().out
