"""A tuned study in its report: points are no blocks, the tuned tier shares alpha, fresh seeds only describe."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import study_builder as builder

from ablation.tune import Tune, applied, bare
from reports.analysis import ranking
from reports.design import Design, design
from reports.estimates import holm
from reports.page import write_report
from reports.pairs import OVERALL, TUNED
from reports.points import untuned
from reports.study import read_study
from reports.tables import load, with_primary_score
from reports.tuned import compare
from reports.tuning import Search, certificate, search
from reports.tuning_words import said
from reports.verdict import judge

TUNE = {"points": 3, "sampler": "sobol", "seed": 0, "space": {"ttur": "log(0.1,10)"}}
SETTINGS = [{"ttur": 0.3}, {"ttur": 4.0}]
NAMES = ("leaky_relu", "relu", "gelu")
Value = Callable[[str, str, int, int], float | None]


def value(name: str, loss: str, point: int, seed: int) -> float | None:
    """Return a score: gelu is far better at its point 2 alone, relu fails there."""
    noise = np.random.default_rng(builder.hash_of(f"{name} {loss} {point} {seed}")).normal()
    if name == "relu" and point == 2:
        return None
    level = {("gelu", 2): -1.0, ("gelu", 0): 0.3}.get((name, point), 0.0)
    return 12 * math.exp(level + 0.05 * noise)


def build(
    study: Path,
    score: Value = value,
    *,
    seeds: int = 6,
    losses: Sequence[str] = ("hinge",),
    names: Sequence[str] = NAMES,
    points: Callable[[str], int] = lambda _: 3,
    **plan: Any,
) -> Path:
    """Write a tuned study: names x losses x points x seeds."""
    study.mkdir(parents=True)
    tune = TUNE | {"settings": SETTINGS}
    builder.write_plan(study, declared={"seeds": list(range(seeds)), "tune": tune}, **plan)
    for name in names:
        for loss in losses:
            for point in range(points(name)):
                for seed in range(seeds):
                    add(study, name, loss, point, seed, score)
    return study


def add(study: Path, name: str, loss: str, point: int, seed: int, score: Value = value) -> None:
    spec = builder.spec(activation=name, loss=loss, seed=seed)
    asked = applied(spec, SETTINGS[point - 1]) if point else spec
    found = score(name, loss, point, seed)
    outcome = "finished" if found else "diverged"
    builder.write_trial(study, asked, found, outcome=outcome, probed=point == 0 and seed == 0)


def looked(study: Path) -> tuple[pd.DataFrame, Design, Search]:
    tables = load([study])
    every = with_primary_score(tables, tables.studies[0].declared.score)
    found = design(untuned(every), tables.studies[0].declared)
    told = search(tables, every, found)
    assert told is not None
    return every, found, told


@pytest.mark.slow
def test_points_are_neither_blocks_nor_levels(tmp_path: Path) -> None:
    every, found, told = looked(build(tmp_path / "s", losses=("hinge", "minimax")))
    assert len(every) == 3 * 2 * 3 * 6
    assert found.treatments == ("gelu", "leaky_relu", "relu")
    assert [b.label for b in found.blocks] == ["hinge", "minimax"]
    assert every.groupby(["treatment", "block"])["point"].nunique().eq(3).all()
    assert every["cell"].nunique() == 3 * 2 * 3
    assert len(found.outcomes) == 3 * 2 * 6  # the cells as they stand, and nothing else
    assert {t.shape for t in told.pair(found, "gelu", "relu")[0]} == {(2, 3, 6)}
    assert set(every.loc[every["point"] == 2, "setting"]) == {"ttur=4.0"}


@pytest.mark.slow
def test_the_tuned_tier_shares_alpha_and_finds_what_tuning_shows(tmp_path: Path) -> None:

    def better(name: str, loss: str, point: int, seed: int) -> float | None:
        found = value(name, loss, 1, seed)
        assert found is not None
        return found * math.exp(0.3 if point == 0 else -1.0) if name == "gelu" else found

    study = build(tmp_path / "s", better, names=("leaky_relu", "gelu"), seeds=7)
    every, found, told = looked(study)
    declared = read_study(study).declared
    verdict = judge(found, declared, told)
    plain = judge(found, declared)
    assert [(t.name, t.weight) for t in verdict.tiers] == [(OVERALL, 0.5), (TUNED, 0.5)]
    assert [t.name for t in plain.tiers] == [OVERALL]
    test = verdict.tuned("gelu")
    assert test is not None
    own = compare(*told.pair(found, "gelu", "leaky_relu"), ("gelu", "leaky_relu", ""))
    assert test.p == own.p
    assert test.finding == "better"
    assert test.interval.estimate == pytest.approx(-1.0, abs=0.15)
    untuned_one = verdict.overall("gelu", "leaky_relu")
    assert untuned_one is not None
    assert test.adjusted == pytest.approx(holm([untuned_one.p, own.p], [0.5, 0.5])[1])
    assert untuned_one.finding == "worse"  # at the common setting it is the other way round
    order = ranking(found, verdict)
    words = said(told, found, verdict, declared, order)
    assert words["tuned_words"].endswith("gelu is better than leaky_relu.")
    assert every["point"].max() == 2


@pytest.mark.slow
def test_a_seed_that_lacks_a_point_is_left_out(tmp_path: Path) -> None:
    study = build(tmp_path / "s", seeds=4)
    lost = applied(builder.spec(activation="gelu", loss="hinge", seed=1), SETTINGS[0])
    (study / "trials" / lost.key / "result.json").unlink()
    _, found, told = looked(study)
    a, r = told.pair(found, "gelu", "leaky_relu")
    assert (a[0].shape, r[0].shape) == ((1, 3, 3), (1, 3, 4))


@pytest.mark.slow
def test_the_certificate_counts_what_every_cell_got_and_names_who_got_less(tmp_path: Path) -> None:
    _, _, told = looked(build(tmp_path / "a", seeds=2))
    rows = {label: (text, one) for label, text, one in certificate(told)}
    assert rows["settings tried in each cell"] == ("3", True)
    assert rows["trials of each cell"] == ("6", True)
    assert rows["generator updates of each cell, all its trials"] == ("9,000", True)
    _, _, told = looked(build(tmp_path / "b", seeds=2, points=lambda n: 2 if n == "relu" else 3))
    rows = {label: (text, one) for label, text, one in certificate(told)}
    text, one = rows["trials of each cell"]
    assert text == "not equal: 4 (relu); 6 (gelu, leaky_relu)"
    assert not one
    assert "of 3 declared" in rows["settings tried in each cell"][0]


@pytest.mark.slow
def test_what_each_cell_chose_stands_beside_its_common_setting(tmp_path: Path) -> None:
    study = build(tmp_path / "s")
    _, found, told = looked(study)
    choices = {c.level: c for c in told.choices(found, NAMES)}
    gelu, relu = choices["gelu"], choices["relu"]
    assert (gelu.best, gelu.votes, gelu.failed) == (2, 6, 0)
    assert relu.best != 2
    assert relu.failed == 6
    assert math.isinf(relu.median[2])
    words = said(
        told,
        found,
        judge(found, read_study(study).declared, told),
        read_study(study).declared,
        NAMES,
    )
    row = next(r for r in words["settings"]["rows"] if r[1]["text"] == "gelu")
    assert row[2]["text"] == "ttur=4.0"
    assert row[3]["text"] == "6 of 6 seeds"
    assert row[-2]["text"] == "4"  # no other setting is within a ratio of 1.1
    assert 12 * math.exp(-1.2) < row[5]["value"] < 12 * math.exp(-0.8)


@pytest.mark.slow
def test_fresh_seeds_describe_and_are_never_tested(tmp_path: Path) -> None:
    study = build(tmp_path / "s", names=("leaky_relu", "gelu"))
    before = looked(study)[2].outcomes
    tune = Tune.read(TUNE | {"settings": SETTINGS})
    cells = {
        name: bare(builder.spec(activation=name, loss="hinge"), tune)
        for name in ("leaky_relu", "gelu")
    }
    fresh = {cells["leaky_relu"]: 0, cells["gelu"]: 2}
    builder.write_yaml(
        study / "tuning.yaml", {"first": {}, "cells": {}, "fresh": fresh, "seeds": [6, 7]}
    )
    for seed in (6, 7):
        add(study, "gelu", "hinge", 2, seed)
        add(study, "leaky_relu", "hinge", 0, seed)
    every, found, told = looked(study)
    assert told.outcomes == before
    assert every["fresh"].sum() == 4
    assert (
        found.undeclared_seeds == ()
    )  # fresh seeds of a common setting are none of the untuned trials
    assert {key[0]: len(y) for key, y in told.fresh.items()} == {"gelu": 2, "leaky_relu": 2}
    report = write_report(study)
    assert "(n = 2)" in report.html.read_text()


@pytest.mark.slow
def test_the_report_and_its_files_say_it_all(tmp_path: Path) -> None:
    study = build(tmp_path / "s", losses=("hinge", "minimax"), seeds=5)
    report = write_report(study)
    page = report.html.read_text()
    for text in (
        "tuned-verdict",
        "gelu, tuned",
        "settings tried in each cell",
        "all blocks, tuned",
    ):
        assert text in page
    assert "chosen again" in page or "choice is made again" in page
    assert {p.stem for p in (study / "report" / "figures").glob("tuned-*.svg")} == {
        "tuned-ttur",
        "tuned-best-of",
    }
    trials = pd.read_csv(study / "report" / "tables" / "trials.csv")
    assert len(trials) == 3 * 2 * 3 * 5
    assert set(trials["point"]) == {0, 1, 2}
    estimates = pd.read_csv(study / "report" / "tables" / "estimates.csv")
    own = estimates[estimates["tier"] == TUNED]
    assert len(own) == 2
    assert own["probability_better"].isna().all()
    assert own["weight"].sum() == pytest.approx(1 / 3) or own["weight"].sum() == pytest.approx(0.5)
    assert report.trials == 90
    assert report.failures == 2 * 5


@pytest.mark.slow
def test_an_untuned_study_says_nothing_of_tuning(tmp_path: Path) -> None:
    study = builder.build(tmp_path / "s", activations=("relu", "leaky_relu"), seeds=2)
    report = write_report(study)
    assert "tuned" not in report.html.read_text().lower()
    assert not {"point", "setting", "fresh"} & set(
        pd.read_csv(study / "report" / "tables" / "trials.csv")
    )


@pytest.mark.slow
def test_damaged_points_are_named_and_nothing_is_tuned(tmp_path: Path) -> None:
    study = build(tmp_path / "s", seeds=2)
    builder.write_plan(study, declared={"seeds": [0, 1], "tune": {"points": "many"}})
    found = read_study(study)
    assert found.declared.tune is None
    assert any("declared.tune" in problem for problem in found.problems)
    (study / "tuning.yaml").write_text("cells: 3\n")
    assert any("tuning.yaml" in problem for problem in read_study(study).problems)
    assert write_report(study).trials == 3 * 3 * 2
