"""What a study may compare, how its reference may be named, and which published rows stand beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablation.__main__ import main
from ablation.instruments import INSTRUMENTS, SCORES
from ablation.preflight import score_families
from ablation.spec import TrialSpec
from ablation.verbs.promises import power, promise
from reports.study import read_study as read_plan
from sweeps.grid import plan
from sweeps.study import Declared, Plan, declare, published, read_study, write_study

SEEDS = (0, 1, 2, 3, 4)
ROW = {"level": "1", "cite": "Lin et al. 2018, PacGAN", "scores": {"hq": [0.98, 0.01]}}


@pytest.fixture
def packed(tiny: TrialSpec) -> list[TrialSpec]:
    return [replace(tiny, packing=p, seed=s) for s in SEEDS for p in (4, 1)]


def test_an_undeclared_factor_leaves_hash_and_file_as_they_were(packed: list[TrialSpec]) -> None:
    """The hash of version 0.1.0's defaults, and of a declaration with everything said."""
    assert Declared().hash == "0fd59fe873"
    said = Declared("fid", "gelu", 0.01, 1.2, (3, 1), "reference")
    assert said.hash == "af3825eee2"
    assert "factor" not in said.row()
    assert (
        declare({}, packed, SEEDS).row() == declare({"factor": "activation"}, packed, SEEDS).row()
    )
    assert replace(said, factor="packing").hash != said.hash
    assert replace(said, factor="packing").row()["factor"] == "packing"


@pytest.mark.parametrize("score", ["foo", "fid_digits-cnn_5k", "loss", "dead_fraction", ""])
def test_a_score_that_is_none_is_refused(packed: list[TrialSpec], score: str) -> None:
    with pytest.raises(ValueError, match=r"declared.score is .*auto, fid, .*frechet"):
        declare({"score": score}, packed, SEEDS)


@pytest.mark.parametrize("row", [r.name for r in INSTRUMENTS.values() if r.group == SCORES])
def test_every_score_may_be_declared(packed: list[TrialSpec], row: str) -> None:
    assert declare({"score": row}, packed, SEEDS).score == row


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "score", "said"),
    [
        (["dataset=ring8"], "fid", "frechet, modes, hq, reverse-kl, memorisation, frechet-best"),
        (["dataset=swiss_roll"], "is", "auto, frechet, modes, hq, reverse-kl, memorisation"),
        (["dataset=digits"], "frechet", "fid, is, kid, precision, recall, memorisation, classes"),
        (["dataset=digits"], "fid-inf", "class-recall, fid-best"),
        (["dataset=ring8", "protocol.evaluations=0"], "frechet-best", "reverse-kl, memorisation"),
        (["dataset=photo_patches"], "is", "fid, kid, precision, recall, memorisation, fid-best"),
    ],
)
@pytest.mark.parametrize("verb", ["plan", "sweep"])
def test_a_score_that_no_trial_will_have_is_refused_before_training(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    words: list[str],
    score: str,
    said: str,
) -> None:
    given = [verb, *words, "--score", score, "--study", "s", "--runs", str(tmp_path)]
    assert main(given) == 2
    told = capsys.readouterr().err.splitlines()
    assert f"declared.score is {score!r}; of these trials it is one of auto, " in told[-1]
    assert said in told[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_score_that_some_trials_will_have_may_decide() -> None:
    """Also that of a data set beside another, and any once nothing is known of done trials."""
    words = ["dataset=digits,ring8"]
    found = plan(None, words, declared={"score": "modes"}, families=score_families)
    assert found.declared.score == "modes"
    found = plan(None, words, declared={"score": "kid"}, families=lambda _: [])
    assert found.declared.score == "kid"


@pytest.mark.parametrize("word", ["1", 1, "packing 1", 1.0])
def test_the_reference_may_be_named_in_short(packed: list[TrialSpec], word: Any) -> None:
    assert declare({"factor": "packing", "reference": word}, packed, SEEDS).reference == "packing 1"


def test_the_first_level_of_the_plan_is_the_reference(packed: list[TrialSpec]) -> None:
    assert declare({"factor": "packing"}, packed, SEEDS).reference == "packing 4"
    assert declare({}, packed, SEEDS).reference == packed[0].activation


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (
            {"factor": "padding"},
            r"declared\.factor is 'padding'; it is one of activation, .*packing",
        ),
        ({"factor": "dataset"}, r"declared\.factor is 'dataset'; it is one of activation, .*loss"),
        ({"factor": ["loss"]}, r"declared\.factor is \['loss'\]"),
        ({"factor": "packing", "reference": "3"}, "'3' is not in this study; it has packing 4, pa"),
        ({"factor": "packing", "reference": "leaky_relu"}, "it has packing 4, packing 1"),
        ({"fctor": "packing"}, r"declared\.fctor is unknown; known are .*factor"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    packed: list[TrialSpec], said: dict[str, Any], answer: str
) -> None:
    with pytest.raises(ValueError, match=answer):
        declare(said, packed, SEEDS)


def test_published_rows_take_their_level_and_data_set(packed: list[TrialSpec]) -> None:
    (one,) = published([ROW], packed, "packing", [])
    assert (one.level, one.dataset) == ("packing 1", packed[0].dataset.name)


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        (
            [ROW | {"level": "7"}],
            r"published\[0\]: level '7' is not in this sweep; it has packing 4",
        ),
        (
            [ROW, ROW | {"dataset": "cifar"}],
            r"published\[1\]: dataset 'cifar' is not in this sweep",
        ),
        ([ROW | {"leve": 1}], r"published\[0\] has an unknown key 'leve'; known are level, cite"),
        ({"level": 1}, "it is a list of rows"),
        (["x"], r"published\[0\] is 'x'; it is a row of level, cite, scores"),
    ],
)
def test_a_published_row_that_fits_nothing_is_refused(
    packed: list[TrialSpec], rows: Any, answer: str
) -> None:
    with pytest.raises(ValueError, match=answer):
        published(rows, packed, "packing", [])


def test_words_of_the_user_take_rows_away_and_never_move_them(packed: list[TrialSpec]) -> None:
    """A row of the preset's data set is not shown beside another one that the user chose."""
    assert published([ROW | {"level": "7"}, ROW], packed, "packing", ["packing=1,4"])[0].level
    assert published([ROW], packed, "packing", ["dataset=other"]) == ()
    assert published([ROW], packed, "packing", ["dataset.points=9"]) == ()
    with pytest.raises(ValueError, match="unknown key"):
        published([ROW | {"leve": 1}], packed, "packing", ["packing=1"])


def test_published_rows_are_kept_in_the_study_and_added_to(
    tmp_path: Path, packed: list[TrialSpec]
) -> None:
    rows = published([ROW, ROW | {"level": "4"}], packed, "packing", [])
    said = declare({"factor": "packing"}, packed, SEEDS)
    first = Plan(None, "Why?", ("a",), tuple(packed), (), (), said, rows[:1], "ours are short")
    write_study(tmp_path, first)
    write_study(tmp_path, replace(first, words=("b",), published=rows))
    kept = read_study(tmp_path)
    assert [row["level"] for row in kept["published"]] == ["packing 1", "packing 4"]
    assert kept["history"][0].keys() == {"when", "overrides"}
    read = read_plan(tmp_path)
    assert (read.published, read.note) == (rows, "ours are short")
    assert (read.declared.factor, read.declared.reference) == ("packing", "packing 4")
    assert read.problems == ()
    plain = tmp_path / "plain"
    write_study(plain, replace(first, published=(), note=""))
    assert not {"published", "note"} & set(read_study(plain))


TINY = ["dataset=ring8", "dataset.points=2000", "architecture.width=16", "budget=smoke", "seeds=5"]


def _planned(*words: str, **declared: Any) -> Plan:
    return plan(None, [*TINY, *words], declared=declared)


@pytest.mark.slow
def test_a_plan_counts_the_levels_of_its_factor() -> None:
    both = _planned("packing=1,2", factor="packing", reference="2")
    assert both.declared.reference == "packing 2"
    assert both.question.startswith("Which packing, 1 or 2, with leaky_relu and non_saturating, on")
    assert promise(both).startswith("1 comparison needs 4 seeds")
    assert promise(_planned("packing=1,2")) == (
        "one activation: nothing to compare; what differs can be compared with --factor packing"
    )
    wide = _planned("optimizer.lr=1e-3,1e-4,1e-5", factor="optimizer")
    assert wide.declared.reference == "adam(lr=0.001)"
    assert promise(wide).startswith("3 comparisons need 5 seeds")
    two = _planned("loss=non_saturating,minimax", "activation=relu,gelu", factor="loss")
    assert two.question.startswith("Which loss, non_saturating or minimax, with relu or gelu, on ")
    assert promise(two).startswith("1 comparison needs 5 seeds")  # two blocks share alpha
    nets = _planned("architecture.depth=1,2", factor="architecture")
    assert nets.question.endswith("with leaky_relu and non_saturating, on ring8?")


@pytest.mark.slow
def test_a_preset_may_declare_a_factor_and_published_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABLATION_WITH", str(tmp_path))
    preset = {
        "question": "Does packing help?",
        "overrides": ["packing=1,2", *TINY],
        "declared": {"factor": "packing", "reference": 1, "score": "reverse-kl"},
        "published": [ROW],
        "note": "ours are short",
    }
    path = tmp_path / "conf" / "sweep" / "pack.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(preset))
    found = plan("pack", [])
    assert (found.question, found.note) == ("Does packing help?", "ours are short")
    assert (found.declared.factor, found.declared.reference) == ("packing", "packing 1")
    assert [(row.level, row.dataset) for row in found.published] == [("packing 1", "ring8")]
    assert plan("pack", ["packing=2,4"], declared={"reference": "2"}).published == ()
    path.write_text(json.dumps(preset | {"published": [ROW | {"level": "9"}]}))
    with pytest.raises(
        ValueError, match="level '9' is not in this sweep; it has packing 1, packing 2"
    ):
        plan("pack", [])
    path.write_text(json.dumps(preset | {"publshed": [ROW]}))
    with pytest.raises(ValueError, match="unknown key 'publshed'"):
        plan("pack", [])


@pytest.mark.slow
def test_the_command_line_names_the_factor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["plan", *TINY, "packing=1,2", "--factor", "packing", "--reference", "2", "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["declared"]["factor"], told["declared"]["reference"]) == ("packing", "packing 2")
    assert main(["plan", *TINY, "packing=1,2", "--factor", "padding"]) == 2
    assert "declared.factor is 'padding'; it is one of activation" in capsys.readouterr().err


@pytest.mark.slow
def test_the_cells_of_a_plan_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *TINY, "packing=1,2", "loss=minimax", "--factor", "packing"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert lines == [
        f"  leaky_relu-minimax-ring8-mlp, packing {n}  (50 steps)" for n in (1, 2)
    ]  # fmt: skip


@pytest.mark.slow
def test_the_power_of_a_launched_study_is_that_of_its_declared_seeds(tmp_path: Path) -> None:
    study = tmp_path / "s"
    first = _planned("activation=relu,tanh")
    write_study(study, first)
    found = power(plan(None, [*TINY[:-1], "activation=relu,tanh", "seeds=8"]), study=study)
    assert found is not None
    assert found["seeds"] == 5
    assert found == power(first)
    assert (
        power(plan(None, [*TINY[:-1], "activation=relu,tanh", "seed=range(5,9)"]), study=study)
        is None
    )
