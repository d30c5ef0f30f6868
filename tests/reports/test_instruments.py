"""What the report says of scores, floors, events and lives; and that every definition has one source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import study_builder as builder
from told import said_of

from ablation.instruments import GROUPS, INSTRUMENTS, about, page, sources
from ablation.record import Reading, Score
from reports.tables import load

HOME = Path(__file__).parents[2]


def texts(table: dict[str, Any]) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in table["rows"]]


def test_the_page_of_instruments_is_what_its_source_says() -> None:
    told = (HOME / "docs" / "instruments.md").read_text(encoding="utf-8")
    assert told == page(), "run `make docs`"
    for found in INSTRUMENTS.values():
        assert found.group in GROUPS
        assert f"**`{found.name}`** ({found.title}). {found.text}" in told
        assert found.text.endswith(".")
        assert 40 < len(found.text) < 330, "about two lines"


def test_every_quantity_and_family_finds_its_instrument() -> None:
    for name in ("dead_fraction_real", "learned_beta", "fid-best", "class_share_real"):
        assert about(name) is not None, name
    assert about("dead_fraction_real") == about("dead_fraction")
    assert about("nothing") is None
    assert sources(["fid", "fid-best", "loss", "nothing"]) == [INSTRUMENTS["fid"].cite]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a study whose trials say more than the builder's usual ones: floors, events, lives."""
    folder = tmp_path_factory.mktemp("runs") / "told"
    folder.mkdir()
    builder.write_plan(folder)
    floors = {"fid": [1.5, 0.25, 899], "recall": [0.9, 0.01, 899], "fid-inf": [0.1, 0.2, 899]}
    for name, dead in (("relu", 0.4), ("leaky_relu", 0.0)):
        for seed in range(4):
            asked = builder.spec(
                activation=name, loss="non_saturating", dataset="digits", seed=seed
            )
            protocol = "digits-cnn-1a2b3c_5k"
            scores = [
                Score(f"fid_{protocol}", 10.0 + seed + 5 * dead, 5000, "lower"),
                Score(f"recall_{protocol}", 0.5 - dead, 5000, "higher"),
                Score(f"memorisation_{protocol}", 0.4, 5000, "lower"),
            ]
            if seed == 0:
                scores.append(Score("fid_digits-cnn-1a2b3c_2k", 12.0, 2000, "lower"))
            more = [
                Reading(0, "generator", "generator.0", "unborn_fraction", dead / 2),
                Reading(200, "generator", "generator.0", "died_fraction", dead / 2),
                Reading(400, "generator", "generator.0", "revived_fraction", dead / 4),
                *(
                    Reading(n, "generator", "generator.0", "slope_power", 1 - dead)
                    for n in (0, 400)
                ),
            ]
            if name == "relu":
                first = 1.0 if seed else 2.0
                more += [
                    Reading(200 + seed, "generator", "generator.0", "event_units_die", first),
                    Reading(300, "discriminator", "", "event_discriminator_wins", 3 - first),
                ]
            outcome = "collapsed" if (name, seed) == ("relu", 3) else "finished"
            builder.write_trial(
                folder, asked, 1.0, scores=scores, more=more, outcome=outcome, said={"floors": floors}
            )  # fmt: skip
    return folder


@pytest.mark.slow
def test_floors_stand_below_the_medians_of_their_own_protocol(study: Path) -> None:
    found = said_of(study, drawn=True)
    assert [column["name"] for column in found["cells"]["columns"]][4:] == [
        "FID (digits-cnn-1a2b3c, 5k samples)",
        "FID (digits-cnn-1a2b3c, 2k samples)",
    ]
    assert texts(found["cells"])[-1][1:] == ["real samples", "–", "–", "1.50 ± 0.25 (n = 899)", "–"]
    assert [column["name"] for column in found["covered"]["columns"]][4:] == [
        "recall",
        "memorisation",
    ]
    assert texts(found["covered"])[-1][1:] == [
        "real samples",
        "–",
        "–",
        "0.900 ± 0.010 (n = 899)",
        "–",
    ]
    assert [row[1] for row in texts(found["cells"])] == ["leaky_relu", "relu", "real samples"]
    titles = [entry["title"] for entry in found["meanings"]]
    assert titles == ["FID", "Memorisation", "Recall"]
    assert found["meanings"][0]["text"] == INSTRUMENTS["fid"].text


@pytest.mark.slow
def test_a_study_without_floors_has_no_row_of_real_samples(tmp_path: Path) -> None:
    found = said_of(
        builder.build(tmp_path / "old", activations=("relu", "leaky_relu"), seeds=2), drawn=True
    )
    assert "real samples" not in [row[1] for row in texts(found["cells"])]
    assert found["covered"]["rows"] == []


@pytest.mark.slow
def test_events_are_counted_and_the_first_is_named(study: Path) -> None:
    found = said_of(study, drawn=True)
    assert [row[1:] for row in texts(found["events"])] == [
        ["relu", "Units die", "4 of 4", "3", "202", "1"],
        ["relu", "Discriminator wins", "4 of 4", "1", "300", "1"],
    ]
    assert [c["name"] for c in found["events_bad"]["columns"]][1:] == [
        "diverged",
        "collapsed",
        "units die",
        "no event",
    ]
    assert texts(found["events_bad"]) == [["relu", "0", "1", "1", "0"]]
    assert found["events_words"] == "What came first most often: units die, in 3 trials."
    assert [entry["title"] for entry in found["events_meanings"]] == [
        "Discriminator wins",
        "Units die",
    ]


@pytest.mark.slow
def test_the_lives_of_units_are_added_up(study: Path) -> None:
    rows = {
        row[2]: row[3:]
        for row in texts(said_of(study, drawn=True)["lives"])
        if row[1] == "generator"
    }
    assert rows["leaky_relu"] == ["0 %", "0 %", "0 %", "0 %", "0 %"]
    assert rows["relu"][1:4] == ["20 %", "10 %", "0 %"]


@pytest.mark.slow
def test_captions_are_the_instruments_sentences(study: Path) -> None:
    figures = said_of(study, drawn=True)["figures"]
    captions = {f["name"].split("-")[0]: f["caption"] for s in figures.values() for f in s}
    for name, quantity in (
        ("dead", "dead_fraction"),
        ("saturated", "saturated_fraction"),
        ("gradients", "gradient_norm"),
        ("balance", "accuracy"),
        ("slopes", "slope_power"),
    ):
        assert INSTRUMENTS[quantity].text in captions[name], name


@pytest.mark.slow
def test_the_slope_power_is_drawn_where_it_was_read(study: Path, tmp_path: Path) -> None:
    units = said_of(study, drawn=True)["figures"]["units"]
    (drawn,) = [figure for figure in units if figure["name"].startswith("slopes-")]
    assert drawn["alt"].endswith("At the last step: generator.0: leaky_relu 1.0, relu 0.60.")
    old = said_of(
        builder.build(tmp_path / "old", activations=("relu", "leaky_relu"), seeds=2), drawn=True
    )
    assert not [f for f in old["figures"]["units"] if f["name"].startswith("slopes-")]


@pytest.mark.slow
def test_the_report_says_what_scoring_took(study: Path) -> None:
    told = " ".join(said_of(study, drawn=True)["compute"])
    assert "Scoring, at the end and on the way, took 18 %." in told
    assert isinstance(load([study]).trials, pd.DataFrame)
