"""Wrong words on the command line: one clear line, exit code 2, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablation.__main__ import main

TINY = ["dataset=ring8", "dataset.points=2000", "architecture.width=16", "budget=smoke"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["activation=rleu"], "did you mean relu"),
        (["los=minimax"], "did you mean loss"),
        (["optimizer.lrr=1"], "did you mean optimizer.lr"),
        (["seed=abc"], "seed"),
        (["seed=-1"], "seed is -1"),
        (["budget.steps=0"], "budget.steps is 0"),
        (["n_critic=0"], "n_critic is 0"),
        (["ema=1.5"], "ema is 1.5"),
        (["init=maybe"], "matched, fixed"),
        (["activation=glob(zz*)"], "matches nothing"),
        (["activation="], "activation="),
        (["seed=range(3,3)"], "empty"),
        (["optimizer.lr=interval(0,1)"], "interval"),
        (["activation=relu", "activation=tanh,elu"], "activation"),
        (["quickstrat"], "did you mean quickstart"),
        (["quickstart", "loss=wasserstien"], "did you mean wasserstein"),
        (["dataset=image_folder"], "dataset.root"),
        (["dataset=image_folder", "dataset.root=nowhere"], "nowhere"),
        (["dataset=fashion_mnist", "dataset.root=nowhere"], "nowhere"),
        (["protocol.extractor=incepton"], "incepton"),
        (["protocol.extractor=inception", "protocol.weights=none.pth"], "none.pth"),
        (["architecture=dcgan", "dataset=ring8"], "square images"),
        (["activation_at={generator.9: tanh}"], "generator.9"),
        (["activation_at={generator.1: thanh}"], "did you mean tanh"),
        (["+loss.power=3"], "power"),
        (["+whatever=3"], "whatever"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_words_get_one_clear_line_and_leave_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    """In this process, for speed: `main` is all that `python -m ablation` calls."""
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", *words, "--study", "refused"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert said in lines[0]
    assert not (tmp_path / "runs" / "refused").exists()


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "x" * 65, "-x=", "a b"])
def test_a_study_is_a_plain_folder_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", *TINY, f"--study={name}"]) == 2
    assert f"study name {name!r}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [["status", "none"], ["report", "none"], ["logs", "none", "k"], ["retry", "none"],
     ["rerun", "none", "k"], ["export", "none"], ["worker", "none"], ["compare", "none", "other"],
     ["doctor", "none"]],
    ids=lambda words: words[0],
)  # fmt: skip
def test_every_verb_says_that_a_study_is_missing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "none" in said[0]


@pytest.mark.parametrize(
    "words", [["report", "smal"], ["compare", "smal", "large"], ["status", "smal"]]
)
def test_a_study_that_is_missing_has_a_neighbour(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert capsys.readouterr().err == (
        "ablation: there is no study 'smal' in runs, which holds no study\n"
    )
    for name in ("small", "large"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "study.yaml").touch()
    (tmp_path / "runs" / "smart").mkdir()  # holds no plan
    assert main(words) == 2
    assert capsys.readouterr().err == (
        "ablation: there is no study 'smal' in runs: did you mean small? Known: large, small\n"
    )


def test_a_study_is_not_compared_with_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "small", "small"]) == 2
    said = capsys.readouterr().err
    assert said == "ablation: compare is given 'small' more than once; it takes different studies\n"


@pytest.mark.parametrize(("words", "usage"), [(["help"], "VERB"), (["help", "report"], "report")])
def test_help_is_a_word_as_well(
    capsys: pytest.CaptureFixture[str], words: list[str], usage: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("usage: ablation")
    assert usage in lines[0]
