"""What a plan says of claims is what its report says of them, as far as it can be known before training."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from test_studies import STUDIES, asked, names

from ablation.verbs.evidence import evidence
from reports.claims_foreseen import NO_SITES, Foreseen, foreseen_words
from sweeps.grid import plan

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
QUICK = ["activation=relu,leaky_relu,sigmoid", "loss=minimax", "dataset=digits", "budget=smoke"]


def planned(*words: str) -> dict[str, Foreseen]:
    return {one.id: one for one in evidence(plan(None, [*QUICK, *words], site_names=names))}


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
        if one.needs:
            assert verdicts[name] in ("not distinguishable", "refuted")  # by another of its parts
        if not one.tested:
            assert verdicts[name] == "holds by construction"


def test_too_few_seeds_are_said_with_how_many_it_takes() -> None:
    few, many = planned("seeds=4"), planned("seeds=6")
    assert few["A1"].needs == few["A5"].needs == "5 seeds"
    assert not many["A1"].needs
    assert not many["A5"].needs
    assert foreseen_words(list(few.values())).startswith(
        "claims that these trials may decide: none; too few to support A1, A5, A7 (that takes 5 seeds); no evi"
    )
    assert foreseen_words(list(many.values())).startswith(
        "claims that these trials may decide: A1, A5, A7; no evidence on A2, A4 (no activation tanh), A3 (a sweep"
    )


def test_a_network_of_one_site_has_no_evidence_on_attenuation() -> None:
    assert planned("architecture=dcgan", "seeds=6")["A1"].lacks == NO_SITES
    assert not planned("architecture=mlp,dcgan", "seeds=6")["A1"].lacks


def test_without_probes_nothing_is_read() -> None:
    found = planned("protocol.probes=0", "seeds=6")
    assert found["A5"].lacks == "no dead units"
    assert not found["A7"].lacks


def test_only_whole_rungs_of_a_ladder_count() -> None:
    assert planned("seeds=5", "declared.ladder=[4,6]")["A7"].needs == "5 seeds"
    assert not planned("seeds=6", "declared.ladder=[4,6]")["A7"].needs
    assert planned("seeds=3", "declared.ladder=[4,6]") == {}
