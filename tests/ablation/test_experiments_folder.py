"""An experiment's folder: what it may hold, how it grows, what its panels are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablation.experiments import EXPERIMENTS, Experiment
from ablation.experiments.experiment import Row, ended, keep, kept
from ablation.experiments.folder import Asked, check_folder, failures, gather, held, open_folder
from ablation.files import read_yaml, write_json
from ablation.record import Outcome
from ablation.spec import TrialSpec

FREEZE = EXPERIMENTS["freeze-generator"]
ROWS = [
    Row("minimax", 3, 0, "generator", "", "parameter_gradient_norm", 0.1 + 0.2),
    Row("", 3, 1, "discriminator", "", "accuracy", float("nan")),
]


def asked(*specs: TrialSpec, experiment: Experiment = FREEZE, **settings: Any) -> Asked:
    return Asked(experiment, ("seeds=2",), {"critic_steps": 9} | settings, specs)


def opened(out: Path, question: Asked) -> list[TrialSpec]:
    with held(out):
        return open_folder(out, question)


def answer(out: Path, question: Asked, *specs: TrialSpec) -> None:
    for spec in specs:
        keep(question.folder(out, spec), spec, ROWS, Outcome("finished", 12), 2.5)


@pytest.mark.slow
def test_only_what_is_missing_is_measured_again(tmp_path: Path, ask: Any) -> None:
    out, specs = tmp_path / "new", [ask(seed=0), ask(seed=1)]
    question = asked(*specs)
    assert opened(out, question) == specs
    answer(out, question, specs[1])
    assert opened(out, question) == specs[:1]
    more = asked(*specs, ask(seed=2))
    assert opened(out, more) == [specs[0], ask(seed=2)]
    assert [row["outcome"] for row in read_yaml(out / "experiment.yaml")["trials"]] == [
        "missing", "finished", "missing",
    ]  # fmt: skip
    took = [row["cpu_seconds"] for row in read_yaml(out / "experiment.yaml")["trials"]]
    assert took == [None, 2.5, None]


def test_a_crashed_trial_is_tried_again_and_its_result_kept(tmp_path: Path, ask: Any) -> None:
    spec = ask()
    question = asked(spec)
    open_folder(tmp_path, question)
    folder = question.folder(tmp_path, spec)
    keep(folder, spec, [], Outcome("crashed", 0, "out of ideas"), 0.1)
    assert failures(question, tmp_path, {}) == [f"{spec.key}: out of ideas"]
    assert open_folder(tmp_path, question) == [spec]
    assert (folder / "result.1.json").exists()
    assert failures(question, tmp_path, {folder: "killed"}) == [f"{spec.key}: killed"]


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path, ask: Any) -> None:
    spec, out = ask(), tmp_path / "out"
    opened(out, asked(spec))
    kept_before = (out / "experiment.yaml").read_bytes()
    other = replace(FREEZE, name="melt-generator")
    for question, said in (
        (
            asked(spec, experiment=other),
            "holds the experiment freeze-generator, not melt-generator",
        ),
        (asked(spec, critic_steps=10), "measured with critic_steps 9, not 10"),
        (asked(ask(seed=5)), "holds other trials"),
        (asked(replace(spec, protocol=replace(spec.protocol, probes=7))), "measured otherwise"),
    ):
        with pytest.raises(ValueError, match=said):
            check_folder(out, question)
    assert (out / "experiment.yaml").read_bytes() == kept_before
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match="not an experiment's folder"):
        check_folder(strange, asked(spec))
    with pytest.raises(ValueError, match="not an experiment's folder"):
        check_folder(strange / "thesis.tex", asked(spec))
    assert [p.name for p in strange.iterdir()] == ["thesis.tex"]
    (out / "experiment.yaml").write_text("schema: 1\n")
    with pytest.raises(ValueError, match="is damaged: it lacks 'experiment'"):
        check_folder(out, asked(spec))


def test_two_processes_never_measure_in_one_folder(tmp_path: Path, ask: Any) -> None:
    out = tmp_path / "out"
    with held(out), pytest.raises(ValueError, match="another process measures"), held(out):
        pass
    with held(out):
        check_folder(out, asked(ask()))


@pytest.mark.slow
def test_the_table_holds_every_row_of_every_answer(tmp_path: Path, ask: Any) -> None:
    import pandas as pd

    specs = [ask(activation=name, seed=seed) for seed in (0, 1) for name in ("relu", "tanh")]
    question = asked(*specs)
    open_folder(tmp_path, question)
    answer(tmp_path, question, *specs[:3])
    assert gather(tmp_path, question) == 6
    table = pd.read_parquet(tmp_path / "readings.parquet")
    assert list(table.columns) == [
        *("cell", "seed", "panel", "treatment", "stage", "step"),
        *("network", "layer", "quantity", "value"),
    ]
    assert table["panel"].tolist() == ["relu", "relu", "tanh", "tanh", "relu", "relu"]
    assert table["seed"].tolist() == [0, 0, 0, 0, 1, 1]
    assert table["value"].iloc[0] == 0.1 + 0.2
    assert table["value"].isna().tolist() == [False, True] * 3
    assert table["cell"].nunique() == 2


def test_rows_come_back_as_they_were(tmp_path: Path, ask: Any) -> None:
    keep(tmp_path, ask(), ROWS, Outcome("diverged", 7, "a loss was no longer finite"), 0.1)
    back = kept(tmp_path)
    assert back[0] == ROWS[0]
    assert (back[1].step, back[1].quantity) == (1, "accuracy")
    assert ended(tmp_path) == Outcome("diverged", 7, "a loss was no longer finite")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"rows\.parquet is damaged"):
        kept(tmp_path)
    write_json(tmp_path / "result.json", {"outcome": "finished"})
    with pytest.raises(ValueError, match=r"result\.json is damaged: 'step'"):
        ended(tmp_path)


@pytest.mark.slow
def test_panels_say_what_differs(tmp_path: Path, ask: Any, part: Any) -> None:
    def panels(*specs: TrialSpec, compares: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        own = asked(*specs, experiment=replace(FREEZE, compares=compares))
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        opened(out, own)
        rows = read_yaml(out / "experiment.yaml")["trials"]
        return [(row["panel"], row["treatment"]) for row in rows]

    clips = [part("penalty", "weight_clip", bound=bound) for bound in (0.1, 0.01)]
    assert panels(ask(activation="relu")) == [("relu", "")]
    assert panels(ask(loss="minimax"), ask(loss="hinge")) == [("minimax", ""), ("hinge", "")]
    assert panels(ask(dataset="digits"), ask(dataset="ring8")) == [
        ("leaky_relu · digits", ""), ("leaky_relu · ring8", ""),
    ]  # fmt: skip
    both = panels(*(ask(penalty=p, activation=a) for p in clips for a in ("relu", "tanh")),
                  compares=("penalty",))  # fmt: skip
    assert both == [(a, f"weight_clip(bound={b})") for b in (0.1, 0.01) for a in ("relu", "tanh")]
    assert panels(ask(), compares=("penalty",)) == [("leaky_relu", "no penalty")]
    alike = panels(ask(steps=12), ask(steps=13))
    assert alike[0] != alike[1]
    assert all(panel.startswith("leaky_relu · ") for panel, _ in alike)
