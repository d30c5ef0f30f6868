"""Claims through the whole report: each of the twelve is supported and refuted by studies in which that is planted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import claim_studies as studies
import pandas as pd
import pytest
import study_builder as builder

from reports.claim_tests import BROKEN, HOLDS, OPEN, REFUTED, SUPPORTED
from reports.claims import ABSENT, Claims, conjunction
from reports.page import write_report

TESTED = ("A1", "A2", "A3", "A4", "A5", "A7", "A11", "A12")
MINE = {
    "id": "M1",
    "statement": "GELU beats SiLU",
    "command": "ablation sweep",
    "parts": [{"metric": "fid", "a": "gelu", "r": "silu", "direction": "better", "effect": 1.1}],
}


@pytest.fixture(scope="module")
def agreeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studies.activations_study(
        tmp_path_factory.mktemp("for") / "s", studies.FOR, claims=[MINE, {"id": "M2"}]
    )


@pytest.fixture(scope="module")
def opposing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("against") / "s"
    return studies.activations_study(place, studies.AGAINST, true=False)


def verdicts(claims: Claims) -> dict[str, str]:
    return {one.claim.id: one.verdict for one in claims.judged}


def words(said: dict[str, Any]) -> dict[str, str]:
    return {row[0]["text"]: row[2]["text"] for row in said["claims"]["rows"]}


@pytest.mark.slow
def test_what_is_planted_is_supported(agreeing: Path) -> None:
    said, claims = studies.said(agreeing, drawn=True)
    found = verdicts(claims)
    assert {found[name] for name in (*TESTED, "M1")} == {SUPPORTED}
    assert found["A6"] == HOLDS
    assert {found[name] for name in ("A8", "A9", "A10")} == {ABSENT}
    assert claims.weight == 1 / 9
    told = words(said)
    assert told["A1"] == "supported, and it matters"
    assert told["A3"] == "supported, within its margin"
    assert told["A6"] == "holds by construction: checked in 7 trials, not tested"
    assert told["A8"] == "no evidence in this study: no loss wasserstein"
    assert said["claims_words"] == (
        "Of 13 registered claims this study tests 9: 9 supported (A1, A2, A3, A4, A5, A7, A11, A12, M1); 1 holds by"
        " construction and for 3 it has no evidence."
    )
    assert any("claims[1] lacks its statement" in text for text in said["alerts"])
    drawn = said["figures"]["claims"]
    assert [f["name"] for f in drawn] == ["claim-effects"]
    assert "A4 Attenuation in G relu against tanh" in drawn[0]["alt"]
    assert "M1 FID gelu against silu" in drawn[0]["alt"]
    assert drawn[0]["alt"].count("A3 Time per step") == 1


@pytest.mark.slow
def test_the_opposite_of_what_is_planted_is_refuted(opposing: Path) -> None:
    said, claims = studies.said(opposing)
    found = verdicts(claims)
    assert {found[name] for name in TESTED} == {REFUTED}
    assert found["A6"] == BROKEN
    told = words(said)
    assert told["A7"] == "refuted: opposite"
    assert told["A4"] == "refuted: opposite (0 of 2 parts supported)"
    assert told["A3"] == "refuted: beyond its margin (0 of 6 parts supported)"
    assert told["A6"] == "violated, though true by construction"


@pytest.mark.slow
def test_stability_is_supported_and_refuted(tmp_path: Path) -> None:
    helps = studies.stability_study(tmp_path / "helps", helps=True, losing=True)
    hurts = studies.stability_study(tmp_path / "hurts", helps=False, losing=False)
    said, claims = studies.said(helps)
    assert {verdicts(claims)[name] for name in ("A8", "A9", "A10")} == {SUPPORTED}
    assert claims.weight == 1 / 3
    parts = [[c["text"] for c in row] for row in said["claims_parts"]["rows"]]
    assert [row[1] for row in parts if row[0] == "A8"] == [
        "Rate of bad ends",
        "Spread over seeds",
        "Modes",
    ]
    refuted = studies.claimed(hurts)
    assert {verdicts(refuted)[name] for name in ("A8", "A9", "A10")} == {REFUTED}
    by_id = {one.claim.id: one for one in refuted.judged}
    assert by_id["A10"].effects[0].n == 24
    assert by_id["A10"].effects[0].high < 0.2


@pytest.mark.slow
def test_a_small_effect_is_supported_with_its_size_open_or_refuted_as_too_small(
    tmp_path: Path,
) -> None:
    planted = studies.FOR | {"score": {"relu": 0.18}}
    only = {"names": ("leaky_relu", "relu"), "seeds": 8}
    near = studies.activations_study(tmp_path / "near", planted, spread=0.08, **only)
    said, _ = studies.said(near)
    assert words(said)["A7"] == "supported, size open"
    planted = studies.FOR | {"score": {"relu": 0.02}}
    said, claims = studies.said(
        studies.activations_study(tmp_path / "small", planted, spread=0.002, **only)
    )
    assert words(said)["A7"] == "refuted: too small"
    effect = next(one for one in claims.judged if one.claim.id == "A7").deciding
    assert effect is not None
    assert 0 < effect.low < effect.high < effect.matter


@pytest.mark.slow
def test_an_undecided_claim_says_how_many_seeds_it_needs(tmp_path: Path) -> None:
    planted = studies.FOR | {"score": {"relu": 0.05}}
    only = {"names": ("leaky_relu", "relu"), "seeds": 5}
    study = studies.activations_study(tmp_path / "s", planted, spread=0.1, **only)
    said, claims = studies.said(study)
    assert verdicts(claims)["A7"] == OPEN
    effect = next(one for one in claims.judged if one.claim.id == "A7").deciding
    assert effect is not None
    more = effect.needed - 5
    assert 0 < more <= 45
    assert words(said)["A7"] == f"not distinguishable with 5 seeds; about {more:.0f} more needed"


@pytest.mark.slow
def test_too_few_seeds_prove_nothing(tmp_path: Path) -> None:
    only = {"names": ("leaky_relu", "relu"), "seeds": 3}
    study = studies.activations_study(tmp_path / "s", studies.FOR, spread=0.001, **only)
    said, claims = studies.said(study)
    assert verdicts(claims)["A7"] == OPEN
    assert words(said)["A7"] == "not distinguishable with 3 seeds; about 3 more needed"


@pytest.mark.slow
def test_a_claim_that_depends_on_a_setting_is_mixed(tmp_path: Path) -> None:
    study = tmp_path / "s"
    study.mkdir()
    builder.write_plan(study, declared={"seeds": 7})
    for loss, side in (("hinge", 0.5), ("minimax", -0.4)):
        for name in ("leaky_relu", "relu"):
            for seed in range(7):
                y = (side if name == "relu" else 0.0) + 0.01 * seed
                studies.add(study, y, studies.QUIET, activation=name, loss=loss, seed=seed)
    said, _ = studies.said(study)
    assert words(said)["A7"] == ("mixed: depends on loss: holds with hinge, opposite with minimax")
    assert "1 mixed" in said["claims_words"]


@pytest.mark.slow
def test_a_study_without_evidence_says_so_in_one_line(tmp_path: Path) -> None:
    study = builder.build(tmp_path / "s", activations=("gelu", "silu"), seeds=2, probed=False)
    said, claims = studies.said(study, drawn=True)
    assert claims.tested == ()
    assert said["claims"]["rows"] == said["claims_parts"]["rows"] == said["figures"]["claims"] == []
    assert said["claims_words"] == ""
    assert said["claims_line"] == (
        "This study can test none of the 12 registered claims: `ablation list claim` shows them."
    )
    assert {"id": "claims", "title": "Claims"} in said["sections"]


@pytest.mark.slow
def test_a_damaged_benchmark_is_named(tmp_path: Path) -> None:
    study = builder.build(tmp_path / "s", activations=("relu", "leaky_relu"), seeds=4)
    (study / "costs.json").write_text('{"rows": [{"activation": "relu"}]}')
    said, _ = studies.said(study)
    assert (
        words(said)["A3"]
        == "no evidence in this study: the file of times, costs.json, is damaged (KeyError)"
    )


def test_a_conjunction_needs_every_part() -> None:
    assert conjunction([SUPPORTED, OPEN]) == OPEN
    assert conjunction([SUPPORTED, REFUTED, OPEN]) == REFUTED
    assert conjunction([SUPPORTED, HOLDS]) == SUPPORTED
    assert conjunction([HOLDS]) == HOLDS


@pytest.mark.slow
def test_the_report_holds_the_claims(agreeing: Path) -> None:
    report = write_report(agreeing)
    page = report.html.read_text(encoding="utf-8")
    assert page.index('<section id="compared">') < page.index('<section id="claims">')
    assert page.index('<section id="claims">') < page.index('<section id="complete">')
    assert 'id="claims-verdict"' in page.split("<main>")[0]
    assert '<a href="#claim-A5">A5</a>' in page.split("<main>")[0]
    assert page.count('id="claim-A5"') == 1
    assert page.count('<figure id="claim-effects">') == 1
    tables = agreeing / "report" / "tables"
    found = pd.read_parquet(tables / "claims.parquet")
    again = pd.read_csv(tables / "claims.csv")
    assert list(found.columns) == list(again.columns)
    assert len(found) == len(again)
    assert found["claim"].nunique() == 13
    assert (found["claim"] == "A3").sum() == 6
    seven = found[found["claim"] == "A7"].iloc[0]
    assert (seven["verdict"], seven["n"], seven["smallest"]) == (SUPPORTED, 7, pytest.approx(1.1))
    assert seven["low"] < seven["estimate"] < seven["high"] < 1
    assert seven["share_low"] > 1


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "reached"), [(4, 0), (6, 1), (9, 2)])
def test_looks_on_a_seed_ladder_share_the_alpha_of_claims(
    tmp_path: Path, seeds: int, reached: int
) -> None:
    names, declared = ("leaky_relu", "relu"), {"seeds": list(range(9)), "ladder": [6, 9]}
    study = studies.activations_study(
        tmp_path / "s", studies.FOR, names=names, seeds=seeds, declared=declared
    )
    claims = studies.claimed(study)
    assert claims.alpha == 0.025
    if reached:
        tested = claims.tested
        assert {one.claim.id for one in tested} >= {"A5", "A7"}
        level = 1 - claims.alpha / len(tested)
        assert {e.shown.level for one in tested for e in one.effects if e.units == "seed"} == {
            level
        }
        return
    assert claims.tested == ()
    lacks = {one.lacks for one in claims.judged if one.verdict == ABSENT}
    assert ("no whole rung of the seed ladder, of which the first has 6 seeds",) in lacks
