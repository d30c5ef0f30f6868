"""What a report shows beside the verdict: published numbers, every score, activations, learned values, early ends."""

from __future__ import annotations

import json
from math import exp, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import study_builder as builder
from packed import HAZARD, ROWS, heads, said_all, texts

from ablation.published import Published
from reports import methods, profile
from reports.beside import beside, perfect
from reports.design import Design
from reports.page import write_report
from reports.study import read_study
from reports.tables import Tables


def test_published_numbers_stand_beside_ours(told: tuple[dict[str, Any], Tables, Design]) -> None:
    said, tables, _ = told
    table = said["published"]
    rows = {(row[0], row[1]): row for row in texts(table)}
    assert heads(table)[:2] == ["packing", "score"]
    own = tables.scores[tables.scores["family"] == "hq"]
    mine = own[own["treatment"] == "packing 1"]["value"]
    mean, error = float(mine.mean()), float(mine.std(ddof=1)) / 2
    shown = dict(zip(heads(table), rows["packing 1", "HQ"], strict=True))
    assert shown["our mean ± s.e."].split(" ± ") == [
        f"{mean:.{len(shown['our mean ± s.e.'].split(' ± ')[0]) - 2}f}",
        f"{float(f'{error:.2g}'):.{len(shown['our mean ± s.e.'].split(' ± ')[1]) - 2}f}",
    ]
    assert shown["n"] == "4 of 5"  # one diverged
    assert (shown["published"], shown["perfect sampler"]) == ("0.982 ± 0.002", "0.9889")
    assert shown["source"] == "GAN; Lin et al. 2018, PacGAN, table 1; 10 runs"
    assert rows["packing 1", "reverse KL"][6] == "0.0014"
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
    shared = {row[0]: row[1:] for row in texts(said["certificate"])}
    word = "4 of 10 trials, after 300 to 900 generator updates"
    assert shared["converged early"] == [word, "several"]
    assert shared["real samples a generator update"] == ["64, 128", "several"]
    assert shared["parameters of the generator"] == ["100", "one"]
    assert shared["parameters of the discriminator"] == [
        "not equal: 100 (packing 1); 200 (packing 2)",
        "several",
    ]
    assert "4 trials ended before their last step, as converged" in said["equal_words"]
    at = heads(said["trials"]).index("step")
    assert sorted(row[at] for row in texts(said["trials"])) == sorted(
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


@pytest.mark.slow
def test_a_study_of_nothing_new_shows_nothing_new(tmp_path: Path) -> None:
    built = builder.build(tmp_path / "s", activations=("relu", "gelu"), seeds=1, probed=False)
    said, tables, found = said_all(built, drawn=True)
    for name in ("published", "learned", "activations"):
        assert said[name]["rows"] == []
    assert profile.activations(tables.facts)["rows"] == []
    assert said["figures"]["learned"] == []
    assert beside(tables, tables.trials, found)["rows"] == []
    assert "step" not in heads(said["trials"])


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
    shown = {row[0]: dict(zip(heads(table), row, strict=True)) for row in texts(table)}
    assert (shown["glu"]["bounds"], shown["glu"]["channels"]) == ("−∞ to ∞", "2 to 1")
    assert (shown["tanh"]["bounds"], shown["tanh"]["channels"]) == ("−1.00 to 1.00", "1 to 1")
    assert shown["odd"]["bounds"] == "–"
