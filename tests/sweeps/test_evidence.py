"""What a plan says of claims is what its report says of them, as far as it can be known before training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from test_studies import STUDIES, asked, names

from ablation.verbs.evidence import evidence, evidence_words
from ablation.verbs.promises import power
from reports.claims_foreseen import NO_SITES, NOT_TIMED, Foreseen, foreseen_words
from sweeps.grid import plan
from sweeps.study import Plan, write_study

pytestmark = pytest.mark.slow
HOME = Path(__file__).resolve().parents[2]
SHIPPED = [
    name
    for name in STUDIES
    if name
    not in (
        "article_fashion",
        "article_fashion_long",
        "placement_sites",
    )  # data that is not everywhere
]
BARE = ["loss=minimax", "budget=smoke"]
QUICK = [*BARE, "activation=relu,leaky_relu,sigmoid", "dataset=digits"]


def planned(*words: str) -> dict[str, Foreseen]:
    return by_id(plan(None, [*QUICK, *words], site_names=names))


def by_id(found: Plan) -> dict[str, Foreseen]:
    return {one.id: one for one in evidence(found)}


@pytest.mark.parametrize("study", SHIPPED)
def test_a_plan_foresees_what_the_report_of_its_study_says(study: str) -> None:
    told = pd.read_csv(HOME / "docs" / "studies" / study / "tables" / "claims.csv")
    verdicts = dict(zip(told["claim"], told["verdict"], strict=True))
    found = {one.id: one for one in evidence(asked(study))}
    assert set(found) == set(verdicts)
    absent = {name for name, verdict in verdicts.items() if verdict.startswith("no evidence")}
    lacking = {name for name, one in found.items() if one.lacks}
    assert absent - lacking <= {"A10"}  # only good generators count for it: not to be foreseen
    assert lacking - absent <= {"A3"}  # cells are timed afterwards
    for name, one in found.items():
        if not one.lacks and not one.needs and one.tested and not one.only:
            assert not verdicts[name].startswith("no evidence")
        if one.needs:
            assert verdicts[name] in ("not distinguishable", "refuted")  # by another of its parts
        if not one.tested and not one.lacks:
            assert verdicts[name] == "holds by construction"


def test_too_few_seeds_are_said_with_how_many_it_takes() -> None:
    few, many = planned("seeds=4"), planned("seeds=6")
    assert few["A1"].needs == few["A5"].needs == "5 seeds"
    assert not many["A1"].needs
    assert not many["A5"].needs
    assert foreseen_words(list(few.values())).startswith(
        "claims that these trials may decide: none; only checked: A6; too few to support A1, A5, A7 (that takes 5"
        " seeds); no evidence on A2, A4 (no activation tanh), A3 (a sweep"
    )
    assert foreseen_words(list(many.values()), alone=True).startswith(
        "claims that these trials alone may decide: A1, A5, A7; only checked: A6; no evidence on A2, A4"
    )


def test_a_network_of_one_site_has_no_evidence_on_attenuation() -> None:
    assert planned("architecture=dcgan", "seeds=6")["A1"].lacks == NO_SITES
    assert not planned("architecture=mlp,dcgan", "seeds=6")["A1"].lacks


def test_without_probes_nothing_is_read_and_that_is_the_reason() -> None:
    found = planned("protocol.probes=0", "seeds=6")
    assert found["A5"].lacks == "no dead units and no units died less revived"
    assert found["A1"].lacks == "no attenuation and no signal to G"
    assert not found["A7"].lacks


def test_a_claim_of_good_generators_takes_no_share_from_the_others() -> None:
    """Whether any is good enough nobody knows beforehand; so nothing is said to be undecidable for its sake."""
    words = [*BARE, "dataset=ring8", "activation=relu,leaky_relu", "seeds=4"]
    found = by_id(plan(None, words, site_names=names))
    assert not found["A5"].needs
    assert found["A10"].only == "high-quality samples of 0.5 or precision of 0.5 or better"
    assert "A5, A10 (if generators reach high-quality" in foreseen_words(list(found.values()))


def test_trials_without_the_declared_score_decide_nothing_of_it() -> None:
    words = [*BARE, "activation=sigmoid,leaky_relu", "dataset=ring8,digits", "seeds=3"]
    found = plan(
        None, words, site_names=names, declared={"score": "fid"}, families=lambda _: ["fid"]
    )
    assert by_id(found)["A1"].needs == "4 seeds"


def test_only_whole_rungs_of_a_ladder_count() -> None:
    assert planned("seeds=5", "declared.ladder=[4,6]")["A7"].needs == "5 seeds"
    assert not planned("seeds=6", "declared.ladder=[4,6]")["A7"].needs
    assert planned("seeds=3", "declared.ladder=[4,6]") == {}


def test_a_study_that_climbs_its_ladder_counts_the_seeds_of_all_rungs(tmp_path: Path) -> None:
    study = tmp_path / "lad"
    first = plan(None, [*QUICK, "seeds=2", "declared.ladder=[2,4,6]"], site_names=names)
    write_study(study, first)
    for words in ("seeds=6", "seed=range(2,6)"):
        again = plan(None, [*QUICK, words], site_names=names, study=study)
        said = power(again, study=study)
        assert said is not None
        assert said["seeds"] == 6
        assert not {one.id: one for one in evidence(again, study)}["A7"].needs


def test_a_launched_study_tests_its_declared_seeds_alone(tmp_path: Path) -> None:
    study = tmp_path / "s"
    write_study(study, plan(None, [*QUICK, "seeds=5"], site_names=names))
    others = plan(None, [*QUICK, "seed=range(5,11)"], site_names=names, study=study)
    assert evidence(others, study) == ()
    assert evidence_words((), study).startswith("claims: none of these seeds is tested")


OWN = """
id: OWN1
statement: Packing by one ends badly
parts:
  - {metric: bad_end_rate, factor: packing, a: 1, effect: 0.1}
"""


def test_a_study_s_own_claims_and_its_times_count(tmp_path: Path) -> None:
    study, found = tmp_path / "s", plan(None, [*QUICK, "seeds=6"], site_names=names)
    write_study(study, replace(found, claims=(yaml.safe_load(OWN),)))
    told = {one.id: one for one in evidence(found, study)}
    assert not told["OWN1"].lacks  # its level is said in short
    assert told["A3"].lacks == NOT_TIMED
    (study / "costs.json").write_text("{}")
    assert not {one.id: one for one in evidence(found, study)}["A3"].lacks
