"""A study that is there keeps what it declared first: new words that say otherwise are answered in one line each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ablation.__main__ import main
from ablation.record import write_config
from ablation.spec import TrialSpec
from ablation.verbs.standing import standing
from sweeps.study import Declared, Plan, write_study


def planned(tiny: TrialSpec, declared: Declared, steps: int = 30) -> Plan:
    specs = tuple(
        replace(tiny, seed=seed, budget=replace(tiny.budget, steps=steps)) for seed in (0, 1)
    )
    return Plan(None, "Why?", ("a",), specs, (), (), declared)


@pytest.fixture
def study(tmp_path: Path, tiny: TrialSpec) -> Path:
    first = planned(tiny, Declared("frechet", seeds=(0, 1)))
    write_study(tmp_path / "s", first)
    for spec in first.specs:
        write_config(tmp_path / "s" / "trials" / spec.key, spec)
    return tmp_path / "s"


def test_the_same_words_are_answered_with_nothing(study: Path, tiny: TrialSpec) -> None:
    assert standing(planned(tiny, Declared("frechet", seeds=(0, 1))), study) == []
    assert standing(planned(tiny, Declared("modes")), study.parent / "other") == []
    assert standing(planned(tiny, Declared("modes")), None) == []


def test_another_score_is_not_used(study: Path, tiny: TrialSpec) -> None:
    assert standing(planned(tiny, Declared("modes", seeds=(0, 1))), study) == [
        "s declared score frechet when it was first launched: that is used, not modes; another --study may declare it"
    ]


def test_another_budget_makes_two(study: Path, tiny: TrialSpec) -> None:
    assert standing(planned(tiny, Declared("frechet", seeds=(0, 1)), 2000), study) == [
        "s has trials of 30 steps and this plan asks for 2,000: it then holds 2 budgets, which the report keeps apart"
        " as blocks; another --study holds one"
    ]


@pytest.mark.slow
def test_plan_says_it(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan", "dataset=ring8", "budget=smoke", "budget.steps=40", "seeds=2"]
    words += ["--score", "modes", "--study", "s", "--runs", str(study.parent)]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["standing"]
    assert [line.split(" when")[0].split(" and")[0] for line in told] == [
        "s declared score frechet",
        "s has trials of 30 steps",
    ]
    assert main(words) == 0
    assert "\n".join(told) in capsys.readouterr().out
