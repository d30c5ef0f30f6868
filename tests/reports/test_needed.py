"""How many seeds a reader is told to run: one number, of a new study where seeds were added without a ladder."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log
from pathlib import Path
from typing import Any

import pytest
import study_builder as builder
from told import judged

from reports import needed
from reports.planning import Seeds
from reports.stopping import replication
from reports.study import Declared, read_study

DECLARED = Declared(seeds=tuple(range(6)))
ALIKE = ("leaky_relu", "gelu", "relu")


def _study(place: Path, seeds: int, first: int, spread: float = 0.05, **declared: Any) -> Path:
    return builder.build(
        place / "s", activations=ALIKE, seeds=seeds, spread=spread, probed=False,
        declared={"seeds": first, **declared},
    )  # fmt: skip


@pytest.mark.slow
def test_too_few_seeds_are_told_by_one_number_of_more(tmp_path: Path) -> None:
    found, verdict, said = judged(_study(tmp_path, 4, 4))
    assert verdict.seeds is not None
    verdict = replace(verdict, seeds=replace(verdict.seeds, needed=18.0, low=9.0, high=30.0))
    assert said.startswith("Not distinguishable with 4 seeds: 3 comparisons need at least 5 seeds")
    assert needed.beyond(found, verdict, 5, 4) == (
        ", and about 18 to show the smallest effect that matters; about 14 more for each activation needed"
    )
    assert needed.power(found, verdict, DECLARED) == (
        "Between the undecided, 4 seeds cannot be counted on to show any difference; to show a ratio of 1.1, the"
        " declared smallest effect that matters, a new study of about 18 seeds for each activation is needed, 14"
        " more than here (10–90 % range 9 to 30): seeds that are added to this one are not tested."
    )
    assert needed.power(
        found, verdict, Declared()
    ).endswith(  # what declares no seeds tests all of them
        "about 14 more seeds for each activation are needed (10–90 % range 5 to 26)."
    )
    decided = replace(verdict, seeds=None)
    assert needed.beyond(found, decided, 5, 4) == "; about 1 more for each activation needed"


@pytest.mark.slow
def test_added_seeds_are_not_counted_on(tmp_path: Path) -> None:
    study = _study(tmp_path, 6, 4)
    found, verdict, said = judged(study)
    assert verdict.seeds is not None
    total = round(verdict.seeds.needed)
    assert 5 < total <= 40
    assert said.endswith(
        f", and about {total} to show the smallest effect that matters; the added seeds are not tested: a new study"
        f" of about {total} seeds for each activation is needed."
    )
    assert replication([read_study(study)], found, verdict) == (
        f"To test what the added seeds show, launch a new study of {total} seeds that nobody has looked at (to show"
        f" the smallest effect that matters with 80 % power): the same command with 'seed=range(6,{6 + total})'"
        " --study s-2 in place of its seeds and its name."
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "end"), [(63.0, "a new study of about 63 seeds"), (3521.0, "more than 100 seeds")]
)
def test_a_ratio_beyond_ten_is_no_result(tmp_path: Path, count: float, end: str) -> None:
    found, verdict, _ = judged(_study(tmp_path, 6, 6))
    seeds = Seeds(6, count, 40.0, inf, log(79.2))
    told = needed.power(found, replace(verdict, seeds=seeds), DECLARED)
    assert told.startswith(
        "Between the undecided, the spread between seeds is too large for 6 seeds to show anything of interest; to"
        f" show a ratio of 1.1, the declared smallest effect that matters, {end} for each activation"
    )
    near = replace(verdict, seeds=replace(seeds, detectable=log(1.79)))
    alone = "Between the undecided, 6 seeds show a ratio of 1.79 with 80 % power."
    assert needed.power(found, near, DECLARED) == alone  # more than ten times the seeds: no number


@pytest.mark.slow
def test_a_difference_beyond_the_range_of_scores_is_no_result(tmp_path: Path) -> None:
    found, verdict, _ = judged(_study(tmp_path, 6, 6, score="is"))
    reach = max(found.outcomes.values()) - min(found.outcomes.values())
    inside, outside = (
        needed.power(
            found, replace(verdict, seeds=Seeds(6, 24.0, 12.0, 66.0, reach * by)), DECLARED
        )
        for by in (0.9, 1.1)
    )
    assert f"6 seeds show a difference of {0.9 * reach:.3g} with 80 % power; to show" in inside
    assert "the spread between seeds is too large for 6 seeds to show anything" in outside


@pytest.mark.slow
def test_one_seed_has_no_spread_to_count_by(tmp_path: Path) -> None:
    found, verdict, said = judged(_study(tmp_path, 1, 1))
    assert said.endswith("can be significant; about 4 more for each activation needed.")
    assert needed.power(found, verdict, DECLARED) == (
        "One seed tells nothing of the spread between seeds, so how many are needed cannot be said."
    )
