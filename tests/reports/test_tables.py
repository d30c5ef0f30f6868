"""Folders in the real format become tidy tables; nothing that is damaged is hidden."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import study_builder as builder

from reports.methods import compute
from reports.study import Declared, read_study
from reports.tables import load, with_primary_score


def _row(trials: pd.DataFrame, key: str) -> dict:
    return trials.set_index("key").loc[key].to_dict()


def test_a_trial_becomes_a_row_with_its_scores_and_provenance(tmp_path: Path) -> None:
    study = builder.build(tmp_path / "s", activations=("relu",), seeds=2, spread=0)
    tables = load([study])
    trials = with_primary_score(tables, "fid")
    assert trials["activation"].tolist() == ["relu", "relu"]
    row = _row(trials, builder.spec(activation="relu", seed=1).key)
    asked = builder.spec(activation="relu", seed=1)
    assert (row["seed"], row["steps"], row["batch_size"]) == (1, 1500, 64)
    assert (row["loss"], row["penalty"], row["architecture"]) == ("non_saturating", "none", "mlp")
    assert (row["outcome"], row["cell"], row["protocol"]) == (
        "finished",
        asked.cell,
        asked.protocol.hash,
    )
    assert (row["seconds"], row["version_torch"], row["device"]) == (6.0, "2.6.0", "cpu")
    assert row["score_name"] == "fid_digits-cnn-1a2b3c_5k"
    assert row["score"] == row["fid_digits-cnn-1a2b3c_5k"] == pytest.approx(13.262, abs=1e-3)
    assert len(tables.scores) == 4
    assert set(tables.scores["better"]) == {"lower", "higher"}


@pytest.mark.slow
def test_processor_time_is_told_where_trials_know_it(tmp_path: Path) -> None:
    study = builder.build(tmp_path / "s", activations=("relu",), seeds=2)
    trials = load([study]).trials
    assert "cpu_seconds" not in trials
    assert compute(trials)[0] == "12 seconds of computing in 2 trials."
    assert not any("Processor" in text for text in compute(trials))
    asked = builder.spec(activation="relu", seed=2)
    builder.write_trial(study, asked, 12.0, said={"cpu_seconds": 200.0})
    trials = load([study]).trials
    assert _row(trials, asked.key)["cpu_seconds"] == 200.0
    assert compute(trials)[3] == "Processor time: 3.3 minutes, known of 1 trial."


def test_readings_carry_their_trial(tmp_path: Path) -> None:
    study = builder.build(tmp_path / "s", activations=("relu", "gelu"), seeds=1)
    readings = load([study]).readings
    assert set(readings["activation"]) == {"relu", "gelu"}
    assert set(readings["quantity"]) >= {"gradient_norm", "dead_fraction", "loss"}
    part = readings[(readings["activation"] == "relu") & (readings["layer"] == "generator.1")]
    assert len(part[part["quantity"] == "dead_fraction"]) == 11


@pytest.mark.slow
def test_what_is_missing_or_damaged_is_said(tmp_path: Path) -> None:
    study = builder.build(
        tmp_path / "s",
        activations=("relu",),
        seeds=5,
        failing={("relu", "non_saturating", seed): "missing" for seed in (0, 2)},
    )
    keys = {seed: builder.spec(activation="relu", seed=seed).key for seed in range(5)}
    folders = {seed: study / "trials" / key for seed, key in keys.items()}
    (folders[1] / "result.json").write_text('{"schema": 1, "key"')
    (folders[2] / "config.yaml").write_text("generator: 3\n")
    (folders[3] / "readings.parquet").write_bytes(b"PAR1 no longer")
    result = folders[4] / "result.json"
    result.write_text(result.read_text().replace(keys[4], keys[3]))
    tables = load([study])
    outcomes = {seed: _row(tables.trials, key)["outcome"] for seed, key in keys.items()}
    assert outcomes == {0: "missing", 1: "damaged", 2: "damaged", 3: "finished", 4: "damaged"}
    assert "result.json is damaged" in _row(tables.trials, keys[1])["message"]
    assert "config.yaml is damaged" in _row(tables.trials, keys[2])["message"]
    assert "answers another trial" in _row(tables.trials, keys[4])["message"]
    assert str(tmp_path) not in _row(tables.trials, keys[1])["message"]
    assert len(tables.problems) == 1
    assert "readings.parquet is damaged" in tables.problems[0]
    assert set(tables.scores["key"]) == {keys[3]}


def test_readings_that_changed_after_the_end_are_said(tmp_path: Path) -> None:
    study = builder.build(tmp_path / "s", activations=("relu", "gelu"), seeds=1)
    one, other = (study / "trials" / builder.spec(activation=n).key for n in ("relu", "gelu"))
    (one / "readings.parquet").write_bytes((other / "readings.parquet").read_bytes())
    assert any("changed after its trial ended" in p for p in load([study]).problems)


def test_no_study_yaml_and_wrong_values_fall_back_and_are_said(tmp_path: Path) -> None:
    study = builder.build(tmp_path / "s", activations=("relu",), seeds=1, probed=False)
    builder.write_plan(study, declared={"alpha": "much", "pairs": "some", "effect": 1.2})
    found = read_study(study)
    assert (found.declared.alpha, found.declared.pairs, found.declared.effect) == (0.05, "all", 1.2)
    assert "alpha is 'much'" in " ".join(found.problems)
    (study / "study.yaml").write_text("study: [")
    assert "study.yaml is damaged" in " ".join(read_study(study).problems)
    (study / "study.yaml").unlink()
    assert read_study(study).declared == Declared()
    assert "study.yaml is missing" in " ".join(read_study(study).problems)
    with pytest.raises(ValueError, match="no such folder"):
        read_study(tmp_path / "nothing")


def test_placement_and_equal_names_are_told_apart(tmp_path: Path) -> None:
    study = tmp_path / "s"
    study.mkdir()
    builder.write_plan(study)
    placed = builder.spec(generator="relu", discriminator="gelu")
    builder.write_trial(study, placed, 9.0, probed=False)
    for slope in (0.1, 0.2):
        asked = builder.config(activation="leaky_relu")
        for network in ("generator", "discriminator"):
            asked[network]["activation"]["module"]["negative_slope"] = slope
        builder.write_trial(study, builder.TrialSpec.read(asked), 9.0, probed=False)
    names = set(load([study]).trials["activation"])
    assert names == {
        "G_relu+D_gelu",
        "leaky_relu(negative_slope=0.1)",
        "leaky_relu(negative_slope=0.2)",
    }


def test_blocks_differ_by_everything_but_activation_and_seed(tmp_path: Path) -> None:
    study = tmp_path / "s"
    study.mkdir()
    builder.write_plan(study)
    base = {"activation": "relu", "seed": 0}
    same = ({}, {"activation": "gelu"}, {"seed": 3}, {"generator": "gelu"})
    other = ({"loss": "wasserstein"}, {"penalty": "r1"}, {"steps": 20}, {"n_critic": 5})
    written = {}
    for change in (*same, *other):
        folder = builder.write_trial(study, builder.spec(**base | change), 9.0, probed=False)
        written[folder.name] = change
    blocks = load([study]).trials.set_index("key")["block"]
    first = blocks[builder.spec(**base).key]
    for key, change in written.items():
        assert (blocks[key] == first) is (change in same), change


@pytest.mark.slow
def test_auto_takes_fid_where_it_is_and_frechet_elsewhere(tmp_path: Path) -> None:
    study = builder.build(
        tmp_path / "s", activations=("relu",), datasets=("digits", "ring8"), seeds=1, probed=False
    )
    trials = with_primary_score(load([study]), "auto").set_index("dataset")
    assert trials.loc["digits", "score_name"] == "fid_digits-cnn-1a2b3c_5k"
    assert trials.loc["ring8", "score_name"] == "frechet_ring8_2.5k"
    declared = with_primary_score(load([study]), "hq").set_index("dataset")
    assert (declared.loc["ring8", "better"], declared.loc["digits", "score_name"]) == (
        "higher",
        None,
    )


def test_a_key_that_two_studies_hold_counts_once_and_done_wins(tmp_path: Path) -> None:
    lost = {("relu", "non_saturating", 0): "missing"}
    one = builder.build(tmp_path / "a", activations=("relu",), seeds=2, failing=lost, probed=False)
    two = builder.build(tmp_path / "b", activations=("relu", "gelu"), seeds=2, probed=False)
    trials = load([one, two]).trials.set_index("key")
    assert len(trials) == 4
    assert trials.loc[builder.spec(activation="relu", seed=0).key, "study"] == "b"
    assert trials.loc[builder.spec(activation="relu", seed=1).key, "study"] == "a"


@pytest.mark.slow
def test_reports_is_light_and_never_loads_what_is_not_its_own() -> None:
    code = "import sys, {}; print(' '.join(sorted(sys.modules)))"
    for module, heavy in (
        ("reports", ("numpy", "pandas", "matplotlib", "typst", "jinja2", "torch")),
        ("reports.page", ("torch", "hydra", "optuna", "sweeps", "matplotlib.pyplot")),
    ):
        run = subprocess.run(
            [sys.executable, "-c", code.format(module)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        loaded = set(run.stdout.split())
        assert module in loaded
        assert not loaded & set(heavy)
        ours = {name for name in loaded if name.startswith("ablation.")}
        light = ("part", "spec", "files", "record", "rescored", "shape", "levels", "published")
        light += (
            "space",
            "tune",
            "texts",
            "ladder",
            "claim",
            "claim_levels",
            "metrics",
            "catalogue",
            "factories",
        )
        assert ours <= {f"ablation.{name}" for name in light} | {
            name for name in ours if name.startswith("ablation.instruments")
        }


def test_a_copied_study_has_the_name_of_its_folder_and_says_the_other(tmp_path: Path) -> None:
    study = builder.build(tmp_path / "small", activations=("relu",), seeds=1, probed=False)
    assert (load([study]).studies[0].title, load([study]).studies[0].name) == ("small", "small")
    copy = study.rename(tmp_path / "kept")
    found = load([copy])
    assert found.studies[0].title == "kept (launched as small)"
    assert set(found.trials["study"]) == {"kept"}
