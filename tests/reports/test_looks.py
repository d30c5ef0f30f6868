"""Looks at a study: rungs of a declared ladder are tested at their share of alpha, seeds added without one never."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import study_builder as builder
from told import judged

from reports.analysis import analysed
from reports.page import write_report
from reports.pairs import OVERALL
from reports.stopping import flags, ladder_words
from reports.study import Declared, read_study
from reports.tables import load

PAIR = ("leaky_relu", "sigmoid")
LATER = "2026-01-09T08:00:00Z"


def _study(place: Path, seeds: int, ladder: list[int] | None, first: int, **plan: Any) -> Path:
    """Write a study of so many seeds, of which the `first` were declared at first."""
    declared = {"seeds": list(range(first))} | ({"ladder": ladder} if ladder else {})
    return builder.build(
        place / "s", activations=PAIR, seeds=seeds, probed=False, declared=declared, **plan
    )


def _grown(seeds: int, **more: Any) -> list[dict[str, Any]]:
    declared = {"score": "fid", "alpha": 0.05, "effect": 1.1, "pairs": "all"}
    declared |= {"reference": "leaky_relu", "seeds": list(range(seeds))} | more
    return [{"when": LATER, "overrides": ["seeds"], "declared": declared}]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "reached", "tested", "waiting"),
    [(4, 0, 4, 0), (5, 1, 5, 0), (7, 1, 5, 2), (8, 2, 8, 0), (12, 3, 12, 0)],
)
def test_a_rung_tests_its_first_seeds_at_its_share_of_alpha(
    tmp_path: Path, seeds: int, reached: int, tested: int, waiting: int
) -> None:
    found, verdict, said = judged(_study(tmp_path, seeds, [5, 8, 12], 5))
    assert found.ladder is not None
    assert (found.ladder.reached, found.seeds) == (reached, tuple(range(tested)))
    assert found.ladder.waiting == tuple(range(tested, tested + waiting))
    assert found.undeclared_seeds == ()
    assert verdict.alpha == pytest.approx(0.05 / 3)
    tier, (test,) = verdict.tier(OVERALL), verdict.tests
    assert tier is not None
    assert (tier.descriptive, test.units) == (reached == 0, tested)
    assert (test.finding == "worse") == (reached > 0)
    below = "Nothing is tested before the first rung of the ladder, 5 seeds for each activation."
    assert (said == below) == (reached == 0)


@pytest.mark.slow
def test_half_a_rung_is_not_looked_at(tmp_path: Path) -> None:
    failing = {("sigmoid", "non_saturating", 7): "missing"}
    found, verdict, _ = judged(_study(tmp_path, 8, [5, 8], 5, failing=failing))
    assert found.ladder is not None
    assert (found.ladder.reached, found.ladder.lacks, verdict.tests[0].units) == (1, 1, 5)
    failing = {("sigmoid", "non_saturating", 7): "diverged"}  # a failure is an end
    found, verdict, _ = judged(_study(tmp_path / "b", 8, [5, 8], 5, failing=failing))
    assert (found.seeds, verdict.tests[0].units) == (tuple(range(8)), 8)


@pytest.mark.slow
def test_what_is_significant_at_alpha_alone_is_not_on_a_rung(tmp_path: Path) -> None:
    """With 4 seeds the least p is 2/70 = .029: below .05, above .05/3."""
    _, plain, _ = judged(_study(tmp_path, 4, None, 4))
    _, rung, _ = judged(_study(tmp_path / "b", 4, [4, 6, 9], 4))
    assert plain.tests[0].finding == "worse"
    assert rung.tests[0].finding == "descriptive"
    tier = rung.tier(OVERALL)
    assert tier is not None
    assert tier.seeds == 5


@pytest.mark.slow
def test_the_report_says_its_rung_and_the_next(tmp_path: Path) -> None:
    found, verdict, _ = judged(
        _study(tmp_path, 7, [5, 8, 12], 5, history=_grown(7, ladder=[5, 8, 12]))
    )
    assert ladder_words(found, 0.05) == (
        "Declared seed ladder of 5, 8 and 12 seeds, each rung tested at alpha 0.0167: this report stands on rung 1"
        " of 3 (5 seeds for each activation); the next rung is 8 seeds, 3 more for each activation (2 trials of it"
        " still to end). Between rungs, shown and not yet tested: seeds 5 and 6."
    )
    study = read_study(tmp_path / "s")
    assert study.promised == 7
    assert flags([study], found, verdict) == []  # growing along the ladder is what was declared
    report = write_report(tmp_path / "s")
    page = report.html.read_text()
    assert '<p id="ladder">Declared seed ladder of 5, 8 and 12 seeds' in page
    assert "ladder of 5, 8 and 12 seeds, each at alpha / 3" in page
    assert "* seed not tested" in page
    assert "Optional stopping" not in page
    last, _, _ = judged(_study(tmp_path / "b", 12, [5, 8, 12], 5))
    assert ladder_words(last, 0.05).endswith(
        "on rung 3 of 3 (12 seeds for each activation), the last one."
    )
    none, _, _ = judged(_study(tmp_path / "c", 3, [5, 8], 5))
    assert ladder_words(none, 0.05).endswith(
        "below its first rung of 5 seeds for each activation, 4 trials of it still to end; nothing is tested."
    )


@pytest.mark.slow
def test_seeds_added_without_a_ladder_are_flagged_with_the_dates_and_not_tested(
    tmp_path: Path,
) -> None:
    study = _study(tmp_path, 8, None, 5, history=_grown(7))
    found, verdict, _ = judged(study)
    assert (verdict.tests[0].units, found.undeclared_seeds) == (5, (5, 6, 7))
    dated, undated, remedy = flags([read_study(study)], found, verdict)
    assert dated.startswith(
        "Optional stopping: seeds 5 and 6 of s came on 2026-01-09 08:00, after the first launch"
        " (2026-01-02 03:04) had declared 5 seeds and no ladder."
    )
    assert dated.count("shown and not tested") == 1
    assert undated.startswith("Not declared: seed 7 (5 were), and no launch tells of them")
    assert remedy == (
        "To test what the added seeds show, launch a new study of 5 seeds that nobody has looked at (as many as were"
        " declared): the same command with 'seed=range(8,13)' --study s-2 in place of its seeds and its name."
    )
    page = write_report(study).html.read_text()
    alerts = page[page.index('<section class="alerts"') : page.index("</section>")]
    assert alerts.index("Optional stopping: seeds 5 and 6 of s came on 2026-01-09") < 200


@pytest.mark.slow
def test_seeds_that_another_study_declares_are_tested_there(tmp_path: Path) -> None:
    first = _study(tmp_path, 5, None, 5)
    fresh = tmp_path / "s-2"
    builder.write_plan(_empty(fresh), declared={"seeds": [5, 6]})
    for name in PAIR:
        for seed in (5, 6):
            asked = builder.spec(activation=name, seed=seed)
            builder.write_trial(fresh, asked, 12.0 + seed, probed=False)
    own = analysed(load([first, fresh]))
    assert own.found.undeclared_seeds == (5, 6)
    assert flags(own.tables.studies, own.found, own.verdict) == [
        "Seeds 5 and 6 are declared by s-2, not by s: shown here, and tested in the report of s-2 alone."
    ]


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.slow
def test_a_ladder_that_is_declared_late_is_flagged_and_not_used(tmp_path: Path) -> None:
    study = _study(tmp_path, 5, None, 5, history=_grown(5, ladder=[5, 8], effect=1.3))
    found, verdict, _ = judged(study)
    assert found.ladder is None
    assert verdict.alpha == 0.05
    assert flags([read_study(study)], found, verdict) == [
        "The declaration of s was changed on 2026-01-09 08:00, after its first launch: effect 1.1 became 1.3;"
        " ladder none became 5, 8. The first one is used."
    ]


def test_a_ladder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    study = _study(tmp_path, 5, [8, 5], 5)
    read = read_study(study)
    assert read.declared.ladder == ()
    assert any("declared.ladder is [8, 5]; it is true or rising" in p for p in read.problems)
    with pytest.raises(ValueError, match=r"declared\.ladder is \[6, 6\]"):
        Declared(ladder=(6, 6))
