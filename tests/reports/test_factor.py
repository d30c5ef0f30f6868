"""Whatever a study compares is judged as activations are, and what it holds fixed tells its blocks apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from math import exp, inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import study_builder as builder
from told import judged

from ablation.levels import FACTORS, distinct_names, noun
from ablation.spec import Budget, TrialSpec
from reports import words
from reports.analysis import ranking
from reports.design import Design, design
from reports.drawing import looks
from reports.exports import estimates, write_tables
from reports.names import spec_columns
from reports.study import Declared, read_study
from reports.tables import load, with_primary_score
from reports.verdict import judge

GOLDEN = Path(__file__).parent / "golden"


LEVELS: dict[str, tuple[Any, ...]] = {
    "activation": ("gelu", "leaky_relu", "relu"),
    "generator_activation": ("gelu", "relu"),
    "discriminator_activation": ("gelu", "relu"),
    "loss": ("hinge", "minimax", "wasserstein"),
    "penalty": ("none", "r1"),
    "constraint": ("none", "spectral"),
    "architecture": ("dcgan", "mlp"),
    "optimizer": ("adam", "rmsprop"),
    "n_critic": (1, 5),
    "packing": (1, 2, 10),
    "init": ("fixed", "matched"),
    "ema": (0.99, 0.999),
    "ttur": (1.0, 4.0),
    "schedule": ("constant", "cosine"),
    "precision": ("bf16", "fp32"),
    "compile": ("default", "none"),
}
"""Levels of every factor, in the order of their names in words."""


WORD = {"generator_activation": "generator", "discriminator_activation": "discriminator"}


def _outcome(number: int, other: str, seed: int) -> float | None:
    """Return a score that depends on the level's place alone, not on what the level is."""
    if (number, other, seed) == (1, "one", 2):
        return None
    random = np.random.default_rng([number, len(other), seed])
    return exp(0.6 * number + 0.3 * random.normal())


def _study(place: Path, factor: str, values: Sequence[Any], seeds: int = 5) -> Path:
    """Write a study of a factor in two blocks, which differ by an activation or, for activations, a loss."""
    study = place / "study"
    study.mkdir()
    builder.write_plan(study, declared={"factor": factor, "reference": str(values[-1])})
    beside = "loss" if "activation" in factor else "activation"
    for number, value in enumerate(values):
        for other, name in (("one", "relu"), ("three", "tanh")):
            for seed in range(seeds):
                asked = builder.spec(
                    **{beside: name, WORD.get(factor, factor): value, "seed": seed}
                )
                score = _outcome(number, other, seed)
                outcome = "finished" if score else "diverged"
                builder.write_trial(study, asked, score, outcome=outcome, probed=False)
    return study


@pytest.fixture(scope="module")
def as_activations(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple]:
    """The same outcomes as a study of two and of three activations a, b, c."""
    found = {}
    for count in (2, 3):
        place = tmp_path_factory.mktemp("activations")
        found[count] = judged(_study(place, "activation", ("aa", "bb", "cc")[:count]))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("factor", FACTORS)
def test_a_factor_is_judged_bit_for_bit_as_activations_are(
    tmp_path: Path, factor: str, as_activations: dict[int, tuple]
) -> None:
    values = LEVELS[factor]
    found, verdict, said = judged(_study(tmp_path, factor, values))
    wanted, known, sentence = as_activations[len(values)]
    names = dict(zip(found.treatments, wanted.treatments, strict=True))
    assert found.reference == found.treatments[-1]
    assert len(found.blocks) == 2
    assert inf in found.outcomes.values()
    for test, other in zip(verdict.tests, known.tests, strict=True):
        renamed = replace(test, a=names[test.a], r=names[test.r], block=other.block)
        assert repr(renamed) == repr(other)
    assert verdict.tiers == known.tiers
    assert verdict.seeds == known.seeds
    assert {names[n] for n in verdict.answer.names} == set(known.answer.names)
    for level in sorted(names, key=len, reverse=True):
        said = said.replace(level, names[level])
    assert said.replace(noun(factor), "activation") == sentence
    frame = estimates(found, verdict)
    assert list(frame)[:4] == ["tier", "block", factor, "reference"]
    assert set(frame[factor]) | set(frame["reference"]) == set(found.treatments)


@pytest.mark.parametrize("factor", FACTORS)
def test_sentences_speak_of_the_factor(factor: str) -> None:
    nothing = Design(factor, ("x",), "x", (), (), (), frozenset(), {}, None, (), ())
    some = replace(nothing, outcomes={("x", "b", 0): inf})
    failed = words.sentence(some, None, ())
    assert failed == f"Every trial diverged or crashed: no {noun(factor)} can be recommended."
    assert "activation" in noun(factor) or "activation" not in failed


def _frame(specs: Sequence[TrialSpec], factor: str = "activation") -> pd.DataFrame:
    names = distinct_names(specs)
    rows = [spec_columns(spec, names, factor) for spec in specs]
    told = {"outcome": "finished", "score": 1.0, "score_name": "fid_x_5k", "better": "lower"}
    return pd.DataFrame(rows).assign(**told, other_score=None)


@pytest.mark.slow
def test_the_report_takes_the_reference_in_short_and_names_one_that_is_gone(tmp_path: Path) -> None:
    study = _study(tmp_path, "packing", (1, 2, 10), seeds=1)
    builder.write_plan(study, declared={"factor": "packing", "reference": 10})
    assert judged(study)[0].reference == "packing 10"
    builder.write_plan(study, declared={"factor": "packing", "reference": "7"})
    found, _, _ = judged(study)
    assert found.reference == "packing 1"
    assert "The reference 7 has no trial; packing 1 takes its place." in found.notes
    builder.write_plan(study, declared={"factor": "padding"})
    assert "declared.factor is 'padding'" in " ".join(read_study(study).problems)
    assert read_study(study).declared.factor == "activation"
    builder.write_plan(study, declared={"factor": "packing"}, question=None)
    assert read_study(study).question == "Which packing suits this GAN?"


def test_levels_of_a_factor_look_alike_in_every_figure() -> None:
    shown = looks(("packing 10", "packing 1", "packing 2"))
    assert len({(look.color, look.marker) for look in shown.values()}) == 3
    assert not {look.marker for look in shown.values()} & set("<>")  # those are open intervals
    assert looks(("packing 2", "packing 10", "packing 1")) == shown
    assert (
        len({(v.color, v.marker) for v in looks([f"packing {i}" for i in range(20)]).values()})
        == 20
    )


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Studies of before any of the later columns."""
    place = tmp_path_factory.mktemp("old")
    failing = {("relu", "hinge", 0): "diverged", ("gelu", "minimax", 1): "collapsed"}
    builder.build(place / "plain", probed=False, spread=0.12)
    builder.build(
        place / "two", probed=False, losses=("minimax", "hinge"), seeds=5, failing=failing
    )
    return place


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "two"])
def test_an_old_study_says_what_it_said(old: Path, tmp_path: Path, name: str) -> None:
    tables = load([old / name])
    declared = tables.studies[0].declared
    trials = with_primary_score(tables, declared.score)
    found = design(trials, declared)
    verdict = judge(found, declared)
    said = words.sentence(found, verdict, ranking(found, verdict))
    said += words.collapses(trials, verdict)
    wanted = json.loads((GOLDEN / "verdicts.json").read_text(encoding="utf-8"))[name]
    assert said.replace("\u00a0", " ") == wanted
    write_tables(tmp_path / "tables", tables, trials, found, verdict)
    for table in ("estimates", "trials"):
        new = pd.read_csv(tmp_path / "tables" / f"{table}.csv")
        then = pd.read_csv(GOLDEN / f"{name}-{table}.csv")
        pd.testing.assert_frame_equal(new, then, rtol=1e-9)  # a libm may round otherwise
    assert "treatment" not in pd.read_parquet(tmp_path / "tables" / "readings.parquet")


@pytest.mark.slow
def test_new_columns_are_exported_where_they_tell_anything(tmp_path: Path) -> None:
    study = _study(tmp_path, "packing", (1, 2), seeds=1)
    tables = load([study])
    declared = tables.studies[0].declared
    trials = with_primary_score(tables, declared.score)
    found = design(trials, declared)
    write_tables(tmp_path / "tables", tables, trials, found, judge(found, declared))
    told = pd.read_csv(tmp_path / "tables" / "trials.csv")
    assert set(told["treatment"]) == {"packing 1", "packing 2"}
    assert set(told["packing"]) == {1, 2}
    assert set(told["activation"]) == {"relu", "tanh"}
    assert not {"ttur", "schedule", "stream", "folder", "sites"} & set(told)


def test_the_budget_is_no_factor_and_is_the_same_for_all_levels() -> None:
    specs = [builder.spec(packing=p) for p in (1, 2)]
    longer = [replace(s, budget=Budget(20, 64)) for s in specs[1:]]
    found = design(_frame([*specs, *longer], "packing"), Declared(factor="packing"))
    assert "only packing 2 of packing 1, packing 2 had 20 steps" in " ".join(found.refused)
