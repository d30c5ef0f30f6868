"""Planted studies end as planted: what matters, where the winner changes, what holds beyond the data."""

from __future__ import annotations

import json
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import planted
import pytest

from reports.blocking import factors
from reports.design import design
from reports.exports import estimates, write_tables
from reports.exports import factors as frame
from reports.page import write_report
from reports.tables import load, with_primary_score
from reports.weighing import Row, Weighed

THREE = ("gelu", "leaky_relu", "relu")
GRID = planted.cells(activation=THREE, loss=("hinge", "minimax", "wasserstein"))
CROSSED = {("gelu", "hinge"): -0.8, ("gelu", "wasserstein"): 0.8}
PLANTS = {
    "loss": lambda loss, **_: 0.4 * len(loss),
    "activation": lambda activation, **_: {"relu": 0.5, "gelu": -0.5}.get(activation, 0.0),
    "crossed": lambda activation, loss: CROSSED.get((activation, loss), 0.0),
    "noise": lambda **_: 0.0,
}


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One study of each plant, never changed by a test."""
    place = tmp_path_factory.mktemp("planted")
    return {name: planted.write(place / name, GRID, shift) for name, shift in PLANTS.items()}


def _by_label(weighed: Weighed) -> dict[str, Row]:
    return {row.label: row for row in weighed.rows}


def _p(row: Row) -> float:
    assert row.test is not None
    return row.test.p


def _texts(table: dict[str, Any]) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in table["rows"]]


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS)
def test_what_was_planted_is_what_matters(studies: dict[str, Path], plant: str) -> None:
    told, weighed, _, _ = planted.said(studies[plant])
    rows = _by_label(weighed)
    assert list(rows) == ["activation", "loss", "activation × loss", "seeds"]
    main = {"crossed": "activation × loss", "noise": "seeds"}.get(plant, plant)
    for label, row in rows.items():
        if label == main:
            assert row.share.omega > (0.5 if plant == "crossed" else 0.8)
        elif label != "seeds" and (plant, label) != ("crossed", "loss"):
            assert row.share.omega < 0.03
            assert _p(row) > 0.05
    if main != "seeds":
        assert _p(rows[main]) == (2 / 64 if plant == "crossed" else pytest.approx(1 / 20_000))
    share = f"{100 * rows[main].share.omega:.0f} %"
    assert share in told["matters_words"]
    assert [row[0] for row in _texts(told["matters"])] == list(rows)
    shown = {row[0]: row[3] for row in _texts(told["matters"])}
    assert shown[main] == share
    assert {"id": "matters", "title": "What matters"} in told["sections"]


@pytest.mark.slow
def test_the_winner_changes_only_where_it_does(studies: dict[str, Path]) -> None:
    sentence = "The winner changes with the loss: gelu is better than leaky_relu with hinge and worse with wasserstein."
    told = {name: planted.said(study)[0] for name, study in studies.items()}
    assert told["crossed"]["winner_words"] == told["crossed"]["winner_notes"] == [sentence]
    assert [told[name]["winner_words"] for name in ("loss", "activation", "noise")] == [[]] * 3
    steady = (
        "no activation is significantly better than leaky_relu in one block and worse in another"
    )
    assert steady in told["activation"]["winner_notes"][0]


@pytest.mark.slow
def test_five_seeds_have_shares_and_no_p_of_an_interaction(tmp_path: Path) -> None:
    study = planted.write(tmp_path / "s", GRID, PLANTS["crossed"], seeds=5)
    told, weighed, _, _ = planted.said(study)
    row = _by_label(weighed)["activation × loss"]
    assert row.share.omega > 0.4
    assert (row.test, row.basis) == (None, "needs 6 seeds, complete are 5")
    assert _texts(told["matters"])[2][-2:] == ["–", "needs 6 seeds, complete are 5"]
    assert told["winner_notes"] == [
        "Whether the winner changes from block to block is not tested: a block alone needs 6 seeds."
    ]


def _failing(activation: str, seed: int, **_: Any) -> bool:
    return activation == "relu" and seed < 2


@pytest.mark.slow
def test_a_failure_counts_as_an_untrained_generator(tmp_path: Path) -> None:
    """What is worse than 13, the untrained generator's FID, counts as 13; without that reading, as the worst score."""
    grid = planted.cells(activation=THREE, loss=("hinge",))
    noise = PLANTS["noise"]
    study = planted.write(tmp_path / "a", grid, noise, failing=_failing, untrained=13.0)
    told, weighed, found, _ = planted.said(study, drawn=True)
    inside, key = weighed.capped, found.blocks[0].key
    assert inside.outcomes["relu", key, 0] == inside.outcomes["relu", key, 1] == log(13)
    worse = [k for k, y in found.outcomes.items() if y > log(13)]
    assert len(worse) == inside.changed > 2
    assert all(inside.outcomes[k] == min(y, log(13)) for k, y in found.outcomes.items())
    (drawn,) = told["figures"]["factors"]
    capped = f"n = 18 outcomes in 1 block, {len(worse)} capped: a failure counts as"
    assert f"{capped} what the untrained generator scores (median at step 0)" in drawn["caption"]
    study = planted.write(tmp_path / "b", grid, noise, failing=_failing)
    told, weighed, found, _ = planted.said(study, drawn=True)
    finite = max(y for y in found.outcomes.values() if y < 100)
    assert weighed.capped.outcomes["relu", found.blocks[0].key, 0] == finite
    (drawn,) = told["figures"]["factors"]
    assert "2 capped: a failure counts as the worst finite outcome of the block" in drawn["caption"]


@pytest.mark.slow
def test_factors_that_change_together_are_one(tmp_path: Path) -> None:
    """Wasserstein alone has a penalty, so the loss tells the penalty; initialisation varies by itself."""
    pairs = [("hinge", "none"), ("minimax", "none"), ("wasserstein", "r1")]
    grid = [
        {**cell, "penalty": penalty}
        for loss, penalty in pairs
        for cell in planted.cells(
            activation=("gelu", "relu"), loss=(loss,), init=("matched", "fixed")
        )
    ]

    def shift(penalty: str, init: str, **_: Any) -> float:
        return 0.8 * (penalty == "r1") + 0.5 * (init == "fixed")

    study = planted.write(tmp_path / "s", grid, shift, declared={"reference": "relu"})
    _, weighed, found, _ = planted.said(study)
    rows = _by_label(weighed)
    names = ["activation", "loss (with penalty)", "initialisation"]
    crossed = ["activation × loss", "activation × initialisation"]
    assert list(rows) == [*names, *crossed, "other combinations of these", "seeds"]
    assert rows[names[1]].share.df == 2
    assert rows[names[1]].share.omega > 0.4
    assert rows["other combinations of these"].share.df == 4
    assert rows["initialisation"].basis == "levels within 12 units"
    tables = load([study])
    trials = with_primary_score(tables, "fid")
    (loss, init) = factors(design(trials, tables.studies[0].declared), trials)
    assert (loss.columns, loss.levels, init.levels) == (("loss", "penalty"), 3, 2)
    assert weighed.total == len(found.blocks) == 6


@pytest.mark.slow
def test_one_seed_tells_nothing_apart(tmp_path: Path) -> None:
    told, weighed, _, _ = planted.said(planted.write(tmp_path / "s", GRID, PLANTS["loss"], seeds=1))
    assert told["matters_words"] == "No cell has two seeds: what the outcomes go with is not known."
    assert {row[3] for row in _texts(told["matters"])} == {"–"}
    assert "n = 9 outcomes in 3 blocks, none capped" in told["matters"]["caption"]
    assert weighed.changes == ()


@pytest.mark.slow
def test_a_level_that_lacks_a_block_leaves_it_out(tmp_path: Path) -> None:
    grid = [c for c in GRID if c != {"activation": "relu", "loss": "minimax"}]
    told, weighed, _, _ = planted.said(planted.write(tmp_path / "s", grid, PLANTS["loss"]))
    assert [len(weighed.capped.blocks), weighed.total, weighed.n] == [2, 3, 36]
    assert "2 of 3 blocks enter: those with every activation" in told["matters"]["caption"]
    assert _by_label(weighed)["loss"].levels == 2


@pytest.mark.slow
def test_factors_that_nothing_tells_apart_have_no_share(tmp_path: Path) -> None:
    """Three blocks have two degrees of freedom, and three factors that share them: none is told apart."""
    base = {"loss": "hinge", "architecture": "mlp", "init": "matched"}
    blocks = [base, base | {"loss": "minimax", "init": "fixed"}]
    blocks.append(base | {"loss": "minimax", "architecture": "dcgan"})
    grid = [{**block, "activation": name} for block in blocks for name in THREE]
    told, weighed, _, _ = planted.said(planted.write(tmp_path / "s", grid, PLANTS["noise"]))
    rows = _by_label(weighed)
    names = ["loss", "architecture", "initialisation"]
    assert list(rows)[:4] == ["activation", *names]
    assert [(rows[n].share.df, rows[n].test) for n in names] == [(0, None)] * 3
    assert {r.basis for r in weighed.rows if "×" in r.label} == {rows["loss"].basis}
    assert rows["loss"].basis == "its levels never meet with all else equal"
    assert _texts(told["matters"])[1][3:] == ["–", "–", "other factors tell all of it"]
    assert "loss" not in told["matters_words"]
    assert told["matters_words"].startswith(
        "Of the variance between outcomes, 0 % goes with the activation (p"
    )
    assert rows["other combinations of these"].share.df == 2 + 4


@pytest.mark.slow
def test_another_factor_than_the_activation_is_weighed_alike(tmp_path: Path) -> None:
    grid = planted.cells(packing=(1, 2), activation=("gelu", "relu"))

    def shift(packing: int, **_: Any) -> float:
        return 0.6 * packing

    declared = {"factor": "packing", "reference": "1"}
    study = planted.write(tmp_path / "s", grid, shift, declared=declared)
    _, weighed, _, _ = planted.said(study)
    rows = _by_label(weighed)
    assert list(rows) == ["packing", "activation", "packing × activation", "seeds"]
    assert rows["packing"].share.omega > 0.7
    assert rows["activation"].share.omega < 0.05


@pytest.mark.slow
def test_the_global_generator_moves_no_number(studies: dict[str, Path]) -> None:
    def numbers(seed: int) -> list[str]:
        np.random.seed(seed)
        told, weighed, found, verdict = planted.said(studies["noise"])
        tables = [estimates(found, verdict), frame(weighed)]
        assert int(tables[0]["splits"].max()) >= 924
        assert not frame(weighed)["all_ways"].all()  # some p are of random draws
        return [json.dumps(told, sort_keys=True), *(t.to_csv() for t in tables)]

    assert numbers(1) == numbers(2)


@pytest.mark.slow
def test_the_table_is_written(studies: dict[str, Path], tmp_path: Path) -> None:
    _, weighed, found, verdict = planted.said(studies["loss"])
    tables = load([studies["loss"]])
    trials = with_primary_score(tables, "fid")
    write_tables(tmp_path / "t", tables, trials, found, verdict, weighed)
    told = pd.read_csv(tmp_path / "t" / "factors.csv", keep_default_na=False, na_values={"p": [""]})
    assert told["what"].tolist() == ["activation", "loss", "activation × loss", "seeds"]
    assert told["kind"].tolist() == ["factor", "factor", "interaction", "seeds"]
    assert told["omega_squared"].tolist() == pytest.approx([r.share.omega for r in weighed.rows])
    assert told["p"].tolist()[:3] == [_p(row) for row in weighed.rows[:3]]
    assert (told["outcomes"].iloc[0], told["blocks"].iloc[0], told["capped"].iloc[0]) == (54, 3, 0)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "t" / "factors.parquet"), told, check_dtype=False
    )


@pytest.mark.slow
def test_page_and_paper_have_the_section(studies: dict[str, Path]) -> None:
    report = write_report(studies["crossed"])
    page = report.html.read_text(encoding="utf-8")
    before, _, after = page.partition("<main ")
    assert "The winner changes with the loss" in before
    assert '<section id="matters">' in after
    assert 'id="shares"' in after
    assert (report.html.parent / "figures" / "shares.pdf").read_bytes().startswith(b"%PDF-")
    assert (report.html.parent / "tables" / "factors.parquet").stat().st_size > 0
