"""What a report shows beside the verdict: published numbers, every score, activations, learned values, early ends."""

from __future__ import annotations

import json
from math import exp, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import study_builder as builder
from told import read, said

from ablation.published import Published
from ablation.record import Reading, Score
from reports import methods, profile
from reports.beside import beside, perfect
from reports.design import Design
from reports.page import write_report
from reports.study import read_study
from reports.tables import Tables

HAZARD = "wasserstein without a penalty: nothing bounds the critic"


def _said(study: Path, *, drawn: bool = False) -> tuple[dict[str, Any], Tables, Design]:
    """Return the report's content without writing its files, its figures only where they are asked for."""
    own = read(study)
    return said(own, drawn=drawn), own.tables, own.found


def _texts(table: dict[str, Any]) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in table["rows"]]


def _heads(table: dict[str, Any]) -> list[str]:
    return [column["name"] for column in table["columns"]]


def _ring(random: np.random.Generator, better: float) -> tuple[Score, ...]:
    best, modes = 8.0, float(random.integers(7, 9))
    told = (
        ("frechet", exp(random.normal(-5 - better, 0.3)), "lower"),
        ("frechet-best", exp(random.normal(-6 - better, 0.3)), "lower"),
        ("modes", modes, "higher"),
        ("modes-best", best, "higher"),
        ("hq", 0.9 + 0.04 * better + 0.001 * float(random.integers(5)), "higher"),
        ("reverse-kl", 0.3 - 0.15 * better + 0.01 * random.random(), "lower"),
    )
    return tuple(Score(f"{name}_ring8_2.5k", value, 2500, side) for name, value, side in told)


ROWS = [
    {
        "level": "packing 1",
        "name": "GAN",
        "cite": "Lin et al. 2018, PacGAN, table 1",
        "n": 10,
        "dataset": "ring8",
        "scores": {"modes": [6.3, 0.5], "hq": [0.982, 0.002], "reverse-kl": [0.45, 0.09]},
    },
    {"level": 2, "cite": "the same", "scores": {"modes": [7.9, 0.1], "kid": 3}},
    {"level": "packing 9", "cite": "of a level that we have not", "scores": {"hq": 0.5}},
]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two levels of packing, five seeds, ring8; some converged early, one diverged; with selection scores."""
    study = tmp_path_factory.mktemp("packed") / "s"
    study.mkdir()
    declared = {"factor": "packing", "reference": "1", "score": "reverse-kl", "seeds": 5}
    builder.write_plan(
        study, declared=declared, published=ROWS, note="ours are short.", warnings=[HAZARD]
    )
    for pack in (1, 2):
        for seed in range(5):
            asked = {"packing": pack, "seed": seed, "patience": 3, "evaluations": 5}
            random, lost = np.random.default_rng([pack, seed]), (pack, seed) == (1, 4)
            early = {0: 300, 1: 900}.get(seed)
            more = [
                Reading(t, "generator", "", "selection_score", exp(-pack - t / 900))
                for t in range(300, (early or 1500) + 1, 300)
            ]
            builder.write_trial(
                study,
                builder.spec(activation="relu", dataset="ring8", **asked),
                None if lost else 1.0,
                outcome="diverged" if lost else "converged" if early else "finished",
                scores=() if lost else _ring(random, pack - 1.0),
                step=early,
                probed=False,
                more=more,
                said={
                    "hazards": [HAZARD] if pack == 1 else [],
                    "parameters": {"generator": 100, "discriminator": 100 * pack},
                    "modes": {"count": 8, "ceiling": 1 - exp(-4.5)},
                },
            )
    return study


@pytest.fixture(scope="module")
def told(packed: Path) -> tuple[dict[str, Any], Tables, Design]:
    return _said(packed, drawn=True)


def test_published_numbers_stand_beside_ours(told: tuple[dict[str, Any], Tables, Design]) -> None:
    said, tables, _ = told
    table = said["published"]
    rows = {(row[0], row[1]): row for row in _texts(table)}
    assert _heads(table)[:2] == ["packing", "score"]
    own = tables.scores[tables.scores["family"] == "hq"]
    mine = own[own["treatment"] == "packing 1"]["value"]
    mean, error = float(mine.mean()), float(mine.std(ddof=1)) / 2
    shown = dict(zip(_heads(table), rows["packing 1", "HQ"], strict=True))
    assert shown["our mean ± s.e."].split(" ± ") == [
        f"{mean:.{len(shown['our mean ± s.e.'].split(' ± ')[0]) - 2}f}",
        f"{float(f'{error:.2g}'):.{len(shown['our mean ± s.e.'].split(' ± ')[1]) - 2}f}",
    ]
    assert shown["n"] == "4 of 5"  # one diverged
    assert (shown["published"], shown["perfect sampler"]) == ("0.982 ± 0.002", "0.9889")
    assert shown["source"] == "GAN; Lin et al. 2018, PacGAN, table 1; 10 runs"
    assert rows["packing 1", "reverse-kl"][6] == "0.0014"
    assert rows["packing 2", "modes"][5:7] == ["7.9 ± 0.1", "8"]
    assert rows["packing 2", "KID"][2:7] == ["–", "–", "0", "3", "–"]
    assert rows["packing 9", "HQ"][2:6] == ["–", "–", "0", "0.5"]
    assert "Settings differ: ours are short." in table["caption"]


def test_a_perfect_sampler_scores_what_it_is_said_to() -> None:
    random, n, modes = np.random.default_rng(0), 2500, 8
    inside = (random.normal(size=(200_000, 2)) ** 2).sum(axis=1) <= 9
    ceiling = 1 - exp(-4.5)
    assert perfect(8, ceiling, "hq", n) == ceiling == pytest.approx(inside.mean(), abs=1e-3)
    counts = random.multinomial(n, [1 / modes] * modes, size=4000) / n
    loss = np.log(modes) + (counts * np.log(counts)).sum(axis=1)
    assert perfect(8, ceiling, "reverse-kl", n) == pytest.approx(loss.mean(), rel=0.05)
    assert perfect(25, ceiling, "modes-best", n) == 25
    assert perfect(25, ceiling, "reverse-kl", 2500) == pytest.approx(24 / 5000)
    assert perfect(8, ceiling, "frechet", n) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"level": None}, "lacks its level"),
        ({"cite": ""}, "lacks its cite"),
        ({"scores": {}}, "lacks its scores"),
        ({"scores": [1]}, r"scores is \[1\]"),
        ({"scores": {"fid": "low"}}, "a value, or"),
        ({"scores": {"fid": [1, -2]}}, "an error is not negative"),
        ({"scores": {"fid": [1, 2, 3]}}, "a value, or"),
        ({"scores": {"fid": [nan]}}, "a value, or"),
        ({"scores": {"FID 5k": 1}}, "a score family is like fid"),
        ({"n": 0}, "n is 0"),
        ({"n": 1.5}, "whole number"),
        ({"level": True}, "level is True"),
        ({"name": 3}, "name is 3; it is a text"),
        ({"years": 3}, "unknown key 'years'; known are level, cite, scores"),
    ],
)
def test_a_wrong_published_row_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Published.read(ROWS[0] | change, "published[0]")


def test_a_published_row_survives_the_file_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    one = Published.read(ROWS[0], "published[0]")
    assert Published.read(json.loads(json.dumps(one.row())), "again") == one
    builder.write_plan(tmp_path, published=[ROWS[0], {"level": 3}])
    found = read_study(tmp_path)
    assert found.published == (one,)
    assert any("published[1] lacks its cite; the row is left out" in p for p in found.problems)


def test_converged_trials_are_finished_and_say_where_they_stopped(
    told: tuple[dict[str, Any], Tables, Design],
) -> None:
    said, _, _ = told
    tiles = {tile["label"]: tile["value"] for tile in said["tiles"]}
    assert (tiles["finished"], tiles["of these converged"], tiles["diverged"]) == ("9", "4", "1")
    shared = {row[0]: row[1:] for row in _texts(said["certificate"])}
    word = "4 of 10 trials, after 300 to 900 generator updates"
    assert shared["converged early"] == [word, "several"]
    assert shared["real samples a generator update"] == ["64, 128", "several"]
    assert shared["parameters of the generator"] == ["100", "one"]
    assert shared["parameters of the discriminator"] == [
        "not equal: 100 (packing 1); 200 (packing 2)",
        "several",
    ]
    assert "4 trials ended before their last step, as converged" in said["equal_words"]
    at = _heads(said["trials"]).index("step")
    assert sorted(row[at] for row in _texts(said["trials"])) == sorted(
        ["300", "900", "1,500", "1,500", "1,500", "300", "900", "1,500", "1,500", "400"]
    )
    (curve,) = [f for f in said["figures"]["scores"] if f["name"].startswith("selection-")]
    assert curve["title"] == "Score on the selection split over training: non_saturating"
    assert "n = 10 trials; 1 diverged or crashed" in curve["caption"]


def test_a_hazard_is_said_once_with_its_trials(told: tuple[dict[str, Any], Tables, Design]) -> None:
    said, tables, _ = told
    assert said["warnings"] == [f"{HAZARD} (5 trials)"]
    silent = tables.trials.assign(hazards="")
    assert methods.warnings(tables, silent) == [HAZARD]
    other = tables.trials.assign(hazards=["another"] + [""] * 9)
    assert methods.warnings(tables, other) == [HAZARD, "another (1 trial)"]


def test_a_study_of_nothing_new_shows_nothing_new(tmp_path: Path) -> None:
    built = builder.build(tmp_path / "s", activations=("relu", "gelu"), seeds=1, probed=False)
    said, tables, found = _said(built, drawn=True)
    for name in ("published", "learned", "activations"):
        assert said[name]["rows"] == []
    assert profile.activations(tables.facts)["rows"] == []
    assert said["figures"]["learned"] == []
    assert beside(tables, tables.trials, found)["rows"] == []
    assert "step" not in _heads(said["trials"])


@pytest.mark.slow
def test_all_sections_are_in_the_page_and_the_pdf_is_made(packed: Path) -> None:
    report = write_report(packed)
    page = report.html.read_text(encoding="utf-8")
    for heading in ("Beside published numbers", "Every score, each packing", "Scores by packing"):
        assert heading in page
    assert "activation can be" not in page
    assert report.pdf.read_bytes().startswith(b"%PDF-")
    assert (
        (packed / "report" / "tables" / "estimates.csv")
        .read_text()
        .startswith("tier,block,packing")
    )


def test_a_pair_of_facts_is_shown_as_from_to() -> None:
    """As trials write them: an infinite bound is the text `inf`."""
    glu = {"gain": 1.8, "bounds": ["-inf", "inf"], "channels": [2, 1], "cite": "Dauphin"}
    tanh = {"gain": 1.6, "bounds": [-1.0, 1.0], "channels": [1, 1], "cite": "LeCun"}
    table = profile.activations({"glu": glu, "tanh": tanh, "odd": {"bounds": [[1], 2], "cite": ""}})
    shown = {row[0]: dict(zip(_heads(table), row, strict=True)) for row in _texts(table)}
    assert (shown["glu"]["bounds"], shown["glu"]["channels"]) == ("−∞ to ∞", "2 to 1")
    assert (shown["tanh"]["bounds"], shown["tanh"]["channels"]) == ("−1.00 to 1.00", "1 to 1")
    assert shown["odd"]["bounds"] == "–"
