"""The parts of a recommendation: costs and their file, circles of differences, and what is joined in the figure."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from pathlib import Path

import pandas as pd
import pytest
import study_builder as builder

from reports.advice import Advice, Better, _dominated
from reports.advice_figures import front
from reports.costs import read
from reports.criteria import Rated, criteria
from reports.design import Block
from reports.page import write_report

PLAIN = Rated("plain", 6, 0, 0, 10.0, (9.0, 11.0), 2.3, 0.9, 0.1, 0.0, 0.1, 1.0, 4.0)
ROUGH, TIMED = criteria(0.095, timed=False), criteria(0.095, timed=True)


def _better(name: str, a: Rated, b: Rated) -> bool:
    return next(c for c in ROUGH if c.name == name).better(a, b)


@pytest.mark.parametrize(
    ("name", "just", "less"),
    [
        ("failed or collapsed", {"failed": 1, "collapsed": 1}, {"failed": 1}),
        ("failed or collapsed", {"n": 20, "failed": 2}, {"n": 21, "failed": 2}),
        ("spread over seeds", {"spread": 0.2}, {"spread": 0.19}),
        ("dead units", {"dead": 0.1}, {"dead": 0.09}),
        ("attenuation", {"attenuation": 0.1 + 0.3011}, {"attenuation": 0.4}),
        ("signal to G", {"signal": 0.1}, {"signal": 0.11}),
        ("cost", {"cost": 6.0}, {"cost": 5.9}),
    ],
)
def test_a_difference_counts_from_its_size_on(
    name: str, just: dict[str, float], less: dict[str, float]
) -> None:
    worse, alike = replace(PLAIN, level="worse", **just), replace(PLAIN, level="alike", **less)
    plain = replace(PLAIN, n=worse.n)
    assert _better(name, plain, worse)
    assert not _better(name, worse, plain)
    assert not _better(name, plain, alike)
    assert [c.name for c in ROUGH if c.better(plain, worse)] == [name], "in nothing else"


def test_a_small_spread_is_no_difference_however_many_times_another() -> None:
    calm, twice = replace(PLAIN, spread=0.001), replace(PLAIN, spread=0.09)
    assert not _better("spread over seeds", calm, twice), "below the smallest effect that matters"


def test_what_is_not_known_is_no_better_and_no_worse() -> None:
    blind = replace(PLAIN, spread=nan, dead=nan, attenuation=nan, signal=nan, cost=nan)
    extreme = replace(PLAIN, spread=9.0, dead=1.0, attenuation=9.0, signal=0.0, cost=900.0)
    assert not any(c.better(a, b) for c in ROUGH for a, b in ((blind, extreme), (extreme, blind)))


def test_an_interleaved_measurement_tells_five_percent_apart() -> None:
    dear = replace(PLAIN, cost=4.2)
    assert [c.name for c in TIMED if c.better(PLAIN, dear)] == ["cost"]
    assert not [c.name for c in ROUGH if c.better(PLAIN, dear)]


def test_levels_that_are_better_than_each_other_in_a_circle_all_stay() -> None:
    """First is better than second in one thing, second than third, third than first; a fourth is worse than all."""
    first = replace(PLAIN, level="first", dead=0.0, attenuation=0.2, cost=5.0)
    second = replace(PLAIN, level="second", dead=0.12, attenuation=0.0, cost=4.0)
    third = replace(PLAIN, level="third", dead=0.06, attenuation=0.32, cost=3.3)
    fourth = replace(PLAIN, level="fourth", dead=0.9, attenuation=0.2, cost=9.0)
    assert dict(_dominated([first, second, third], ROUGH, 0.095)) == {}
    assert [name for name, _ in _dominated([first, second, third, fourth], ROUGH, 0.095)] == [
        "fourth"
    ]
    assert dict(_dominated([first, second], ROUGH, 0.095)) == {"second": ("first",)}


def test_a_level_with_a_worse_median_dominates_nothing() -> None:
    """Not told apart by a test is not alike: a smaller spread is no reason for three times the distance."""
    steady = replace(PLAIN, level="steady", outcome=2.3 + 0.095)
    wild = replace(PLAIN, level="wild", spread=0.4)
    assert dict(_dominated([steady, wild], ROUGH, 0.095)) == {}
    near = replace(steady, outcome=2.3 + 0.094)
    assert dict(_dominated([near, wild], ROUGH, 0.095)) == {"wild": ("steady",)}
    failing = replace(steady, outcome=inf)
    assert dict(_dominated([failing, wild], ROUGH, 0.095)) == {}


def test_a_signal_and_a_spread_are_told_in_words_that_can_be_checked() -> None:
    told = {c.name: c.told for c in ROUGH}
    spread = told["spread over seeds"](replace(PLAIN, spread=1.6), PLAIN)
    assert spread == "spreads by ×4.95 over seeds (against ×1.11)"
    signal = told["signal to G"]
    assert signal(PLAIN, replace(PLAIN, signal=4.0)) == "gives G 0.25 times the signal"
    assert signal(PLAIN, replace(PLAIN, signal=400.0)) == (
        "gives G less than a hundredth of the signal"
    )
    assert signal(replace(PLAIN, signal=0.0), PLAIN) == "gives G no signal"
    assert signal(PLAIN, replace(PLAIN, signal=0.0)) == "gives G a signal, the other none"


def test_joined_is_what_costs_less_or_beats() -> None:
    cheap = replace(PLAIN, level="cheap", score=30.0, cost=1.0)
    good = replace(PLAIN, level="good", score=10.0, cost=4.0)
    alike = replace(PLAIN, level="alike", score=12.0, cost=4.4)
    dear = replace(PLAIN, level="dear", score=9.0, cost=9.0)
    bad = replace(PLAIN, level="bad", score=40.0, cost=4.0)
    lost = replace(PLAIN, level="lost", score=float("inf"), cost=nan)
    beats = (
        Better("good", "cheap", False),
        Better("alike", "cheap", False),
        Better("good", "bad", False),
        Better("cheap", "bad", False),
    )
    block = Block("b", "hinge", "digits", "digits/mlp")
    rated = (cheap, good, alike, dear, bad, lost)
    advice = Advice(block, "fid", False, rated, ROUGH, beats, (), ("good",), "", True)
    assert [r.level for r in front(advice)] == ["cheap", "good", "alike"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{", "costs.json is damaged"),
        ("[]", "costs.json is damaged: it has no list of rows"),
        ('{"rows": "x"}', "costs.json is damaged: it has no list of rows"),
        ('{"rows": [{"milliseconds": [1]}]}', "costs.json, row 0 names no activation"),
        ('{"rows": [{"activation": "relu", "milliseconds": []}]}', "costs.json, row 0 has no list"),
        (
            '{"rows": [{"activation": "relu", "milliseconds": [0]}]}',
            "costs.json, row 0 has no list",
        ),
        (
            '{"rows": [{"activation": "relu", "milliseconds": ["1"]}]}',
            "costs.json, row 0 has no list",
        ),
    ],
)
def test_a_damaged_file_of_costs_is_refused_in_one_line(
    tmp_path: Path, text: str, wrong: str
) -> None:
    path = tmp_path / "costs.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=wrong) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_file_of_costs_is_read_with_the_cell_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    assert read(path) == []
    path.write_text(
        '{"rows": [{"activation": "relu", "loss": "hinge", "rounds": 3, "milliseconds": [2, 1.5]}]}'
    )
    (row,) = read(path)
    assert (row.level, dict(row.cell), row.milliseconds) == ("relu", {"loss": "hinge"}, (2.0, 1.5))


@pytest.mark.slow
def test_the_title_and_the_files_name_the_factor(tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    folder.mkdir()
    builder.write_plan(folder, declared={"factor": "packing", "reference": "1", "seeds": 4})
    for pack in (1, 2):
        for seed in range(4):
            asked = builder.spec(activation="relu", packing=pack, seed=seed)
            builder.write_trial(folder, asked, 10.0 + 5 * pack + 0.1 * seed)
    report = write_report(folder)
    page = report.html.read_text(encoding="utf-8")
    assert "Which packing?" in page
    assert "For non_saturating on digits: packing 1; it beats packing 2 in FID." in page
    rows = pd.read_csv(folder / "report" / "tables" / "advice.csv")
    assert rows[["packing", "n", "beaten_by", "recommended"]].fillna("").to_numpy().tolist() == [
        ["packing 1", 4, "", True],
        ["packing 2", 4, "packing 1", False],
    ]
    assert (
        pd.read_parquet(folder / "report" / "tables" / "advice.parquet")["median_score"]
        .notna()
        .all()
    )
    signals = pd.read_csv(folder / "report" / "tables" / "signals.csv")
    assert list(signals["signal"]) == ["dead", "signal", "accuracy"]
    figures = {p.stem for p in (folder / "report" / "figures").glob("*.svg")}
    assert {"cost-1-non-saturating", "early-1-non-saturating"} <= figures
    assert '<section id="mechanism">' in page
