"""Scores of stored generators under other protocols: further columns, that decide nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import study_builder as builder
from told import said

from ablation.record import Score, read_config, read_record, trial_folders
from ablation.rescored import Rescored, file_of, read_rescored, write_rescored
from ablation.spec import Protocol
from reports.analysis import analysed
from reports.floors import Floor, floor
from reports.page import write_comparison, write_report
from reports.tables import Tables, load, with_primary_score

ASKED = Protocol(probes=20, samples=2000, extractor="classifier")
FID, OTHER = "fid_digits-cnn-1a2b3c_5k", "fid_digits-cnn-1a2b3c_2k"


def again(
    study: Path, *, asked: Protocol = ASKED, worse: float = 2.0, some: int = 99
) -> list[Path]:
    """Score the first trials of a study again: their FID is `worse` times as large, and the order is reversed."""
    written = []
    for folder in trial_folders(study)[:some]:
        record = read_record(folder)
        assert record is not None
        count = f"{asked.samples / 1000:g}k"
        scores = tuple(
            Score(s.name.replace("5k", count), worse * s.value, asked.samples, s.better)
            for s in record.scores
        )
        found = Rescored(
            record.key, asked, scores, record.weights,
            extractor=builder.EXTRACTOR, floors={"fid": (1.5, 0.25, 899)},
        )  # fmt: skip
        written.append(write_rescored(folder, found))
    return written


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return builder.build(tmp_path / "runs" / "s", activations=("relu", "leaky_relu"), seeds=3)


def told(tables: Tables) -> dict[str, Any]:
    return said(analysed(tables), drawn=True)


def heads(table: dict[str, Any]) -> list[str]:
    return [column["name"] for column in table["columns"]]


@pytest.mark.slow
def test_they_are_columns_beside_the_trials_own(study: Path) -> None:
    again(study)
    tables = load([study])
    assert tables.problems == ()
    assert len(tables.scores) == 2 * len(tables.own) == 24
    row = tables.trials.iloc[0]
    assert row[OTHER] == 2 * row[FID]
    cells = told(tables)["cells"]
    assert heads(cells)[4:6] == [
        "FID (digits-cnn-1a2b3c, 5k samples)",
        "FID (digits-cnn-1a2b3c, 2k samples)",
    ]
    first = cells["rows"][0]
    assert first[5]["value"] == pytest.approx(2 * first[4]["value"])
    assert "scored again" in cells["caption"]


@pytest.mark.slow
@pytest.mark.parametrize("samples", [1000, 2000, 9000])
def test_they_decide_nothing(study: Path, samples: int) -> None:
    """Whatever their names sort like: as many trials have them as have the declared score."""
    before = told(load([study]))
    again(study, asked=replace(ASKED, samples=samples), worse=-1.0)
    after = told(load([study]))
    for part in ("verdict", "comparison", "tests", "secondary", "figures", "certificate"):
        assert after[part] == before[part], part
    assert after["cells"] != before["cells"]


@pytest.mark.slow
def test_a_score_that_the_result_has_is_the_results(study: Path) -> None:
    """The same protocol on another device gives the same name, and perhaps another value."""
    before = load([study])
    again(study, asked=read_config(trial_folders(study)[0]).protocol, worse=3.0)
    after = load([study])
    assert after.scores.equals(before.scores)


@pytest.mark.slow
def test_what_real_samples_score_stands_below_them(study: Path) -> None:
    again(study)
    tables = load([study])
    trials = with_primary_score(tables, "fid")
    block = trials["block"].iloc[0]
    assert floor(trials, block, OTHER) == Floor(1.5, 0.25, 899)
    assert floor(trials, block, FID) is None
    rows = told(tables)["cells"]["rows"]
    assert ["1.50 ± 0.25 (n = 899)" in [cell["text"] for cell in row] for row in rows] == [
        False,
        False,
        True,
    ]


@pytest.mark.slow
def test_a_median_of_some_trials_says_of_how_many(study: Path) -> None:
    again(study, some=2)
    texts = [[cell["text"] for cell in row] for row in told(load([study]))["cells"]["rows"]]
    own, other = zip(*(row[4:6] for row in texts), strict=True)
    assert [text.partition(" ")[2] for text in other] == ["(2 of 3)", "", "± 0.25 (n = 899)"]
    assert other[1] == "–"
    assert not any("of" in text for text in own)


def nothing(row: dict[str, Any]) -> None:
    row.clear()


def other_weights(row: dict[str, Any]) -> None:
    row["weights"] = "00fe"


def other_trial(row: dict[str, Any]) -> None:
    row["key"] = "another"


def other_protocol(row: dict[str, Any]) -> None:
    row["protocol"]["samples"] = 77


def no_number(row: dict[str, Any]) -> None:
    row["scores"][OTHER]["value"] = float("nan")


def no_name(row: dict[str, Any]) -> None:
    row["scores"]["<b>"] = row["scores"][OTHER]


def no_floor(row: dict[str, Any]) -> None:
    row["floors"] = {"fid": "low"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (nothing, "damaged: it lacks"),
        (other_weights, "earlier run"),
        (other_trial, "another trial"),
        (other_protocol, "another protocol"),
        (no_number, "is nan"),
        (no_name, "scores are named"),
        (no_floor, "damaged"),
    ],
)
def test_a_damaged_file_is_named_and_left_out(
    study: Path, harm: Callable[[dict[str, Any]], None], words: str
) -> None:
    path = again(study)[0]
    row = json.loads(path.read_text())
    harm(row)
    path.write_text(json.dumps(row))
    tables = load([study])
    assert len(tables.problems) == 1
    assert f"{path.parent.name}/{path.name}" in tables.problems[0]
    assert words in tables.problems[0]
    assert str(study) not in tables.problems[0]
    assert list(tables.scores["score_name"]).count(OTHER) == 5
    assert list(tables.scores["score_name"]).count(FID) == 6
    path.write_text("{")
    assert re.search(rf"{path.name} is damaged", load([study]).problems[0])


@pytest.mark.slow
def test_what_is_written_is_read_as_it_was(study: Path) -> None:
    path = again(study)[0]
    found = read_rescored(path)
    assert path == file_of(path.parent, ASKED)
    assert (found.protocol, found.floors, found.extractor) == (
        ASKED, {"fid": (1.5, 0.25, 899)}, builder.EXTRACTOR,
    )  # fmt: skip
    assert write_rescored(path.parent, found) == path
    assert read_rescored(path) == found


@pytest.mark.slow
def test_a_study_scored_again_is_still_compared_with_others(study: Path, tmp_path: Path) -> None:
    other = builder.build(tmp_path / "runs" / "t", activations=("relu", "gelu"), seeds=3)
    again(study)
    assert write_comparison([study, other], tmp_path / "both").trials == 9


@pytest.mark.slow
def test_many_columns_stay_on_the_page(study: Path) -> None:
    """Twelve scores more than the trials' own: the HTML scrolls, the PDF breaks the table."""
    for samples in (1000, 2000, 3000, 4000, 6000, 7000):
        again(study, asked=replace(ASKED, samples=samples))
    report = write_report(study)
    page = report.html.read_text()
    assert all(f"FID (digits-cnn-1a2b3c, {n}k samples)" in page for n in (1, 2, 3, 4, 5, 6, 7))
    assert report.pdf.read_bytes()[:5] == b"%PDF-"
