"""Words of a report that a reader must not stumble over: said once, explained where they stand, one name a thing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import study_builder as builder
from packed import texts
from told import read, said, said_of

from reports import rows
from reports.page import Report, write_report
from reports.scales import printed, score_label
from reports.summary import mixtures

NAMES = ("leaky_relu", "gelu", "sigmoid")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two losses, each with critic steps of its own; gelu, which beats sigmoid, collapsed once."""

    def asked(*words: Any) -> dict[str, Any]:
        return {"n_critic": 1 if "minimax" in words else 5}

    return builder.build(
        tmp_path_factory.mktemp("worded") / "s", activations=NAMES, losses=("minimax", "hinge"), seeds=6,
        probed=False, asked=asked, failing={("gelu", "hinge", 0): "collapsed"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def report(study: Path) -> Report:
    return write_report(study)


@pytest.mark.slow
def test_a_collapse_is_warned_of_once_outside_the_box(report: Report) -> None:
    page = report.html.read_text(encoding="utf-8")
    head = page[page.index("<h1>") : page.index('<section class="alerts"')]
    assert "Beware: gelu collapsed in 1 of 12 trials." in report.verdict  # the terminal has no box
    assert head.count("Beware: gelu collapsed") == 1
    assert 'id="verdict">' + report.said["headline"] in head
    assert "Beware" not in report.said["headline"]


@pytest.mark.slow
def test_what_varies_beside_stands_under_the_title(study: Path, report: Report) -> None:
    told = "Varied as well: loss (hinge, minimax) and n critic (1, 5)."
    assert report.said["varied"] == told
    assert f'<p class="kicker" id="varied">{told}</p>' in report.html.read_text(encoding="utf-8")
    asked = "Which activation, with hinge or minimax?"
    builder.write_plan(study, question=asked)
    assert said_of(study)["varied"] == "Varied as well: n critic (1, 5)."
    one = builder.build(study.with_name("one"), activations=NAMES, seeds=2, probed=False)
    assert said_of(one)["varied"] == ""


def test_the_sizes_stand_below_the_words_that_point_to_them(report: Report) -> None:
    page = report.html.read_text(encoding="utf-8")
    assert page.index("the table “What counts as worse” on") < page.index(
        '<table id="criteria-rules"'
    )


@pytest.mark.slow
def test_a_table_of_tests_explains_its_bold_and_its_intervals(study: Path) -> None:
    own = read(study)
    caption = said(own)["comparison"]["caption"]
    assert caption.endswith(". Bold: decided, with an adjusted p of at most 0.05")
    (relu, *rest) = own.verdict.tests
    apart = replace(relu, finding="not distinguishable", interval=replace(relu.interval, low=0.1))
    verdict = replace(own.verdict, tests=(apart,))
    told = rows.tests(own.found, verdict)["caption"]
    assert told == (
        "Every declared comparison. An interval is of its comparison alone, while the adjusted p is for all of them:"
        " one that leaves out 1 may stand beside “not distinguishable”"
    )
    within = replace(apart, interval=replace(relu.interval, low=-0.1, high=0.1))
    plain = rows.tests(own.found, replace(own.verdict, tests=(within,)))
    assert plain["caption"] == "Every declared comparison"
    assert len(texts(plain)) == 1
    assert rest


def test_the_reverse_kl_has_a_name_as_other_scores_have() -> None:
    assert printed("reverse-kl") == "reverse KL"
    assert score_label("reverse-kl_ring8_2.5k") == "reverse KL (ring8, 2.5k samples)"


@pytest.mark.slow
def test_one_trial_is_counted_as_one(study: Path) -> None:
    trials = read(study).trials.copy()
    trials.loc[trials.index[0], "device"] = "cuda:0"
    (told,) = mixtures(trials)
    assert told == "More than one device: cpu (35 trials), cuda:0 (1 trial)."
