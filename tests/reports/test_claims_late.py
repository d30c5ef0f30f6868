"""Claims that came after trials had ended are marked wherever their verdict stands, and commands name the study."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import claim_studies as studies
import pandas as pd
import pytest
import study_builder as builder

from ablation.__main__ import main
from ablation.factories import WITH
from ablation.files import read_yaml, write_yaml
from ablation.verbs import meaning
from reports.claim_files import frame
from sweeps.registered import enrol

MINE: dict[str, Any] = {
    "id": "M1",
    "statement": "Leaky ReLU beats ReLU",
    "parts": [
        {"metric": "fid", "a": "leaky_relu", "r": "relu", "direction": "better", "effect": 1.1}
    ],
}
WHEN = "2026-01-02T03:04:05Z"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    made = studies.activations_study(
        tmp_path / "runs" / "s",
        studies.FOR,
        names=("leaky_relu", "relu"),
        claims=[MINE],
        sweep="quickstart",
        overrides=["seed=0,1"],
    )
    (made / "costs.json").unlink()
    return made


def late(study: Path) -> None:
    plan = read_yaml(study / "study.yaml")
    plan["registered"] = {"M1": {"when": WHEN, "ended": 14}}
    write_yaml(study / "study.yaml", plan)


def rows(said: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {row[0]["text"]: row for row in said["claims"]["rows"]}


@pytest.mark.slow
def test_a_claim_that_came_after_the_trials_is_marked(study: Path) -> None:
    before, _ = studies.said(study)
    late(study)
    said, claims = studies.said(study)
    shown = [rows(one)["M1"][2] for one in (before, said)]
    assert shown[0]["text"] == "supported, and it matters"
    assert shown[1]["text"] == "supported, and it matters; registered after the trials"
    assert [one["strong"] for one in shown] == [True, False]
    parts = [row[5]["strong"] for row in said["claims_parts"]["rows"] if row[0]["text"] == "M1"]
    assert parts == [False]
    assert said["claims_words"].endswith(" M1 came after the trials: exploratory.")
    (note,) = [text for text in said["claims_notes"] if text.startswith("M1 was registered")]
    assert note.startswith(
        "M1 was registered on 2026-01-02 03:04, when 14\u00a0trials had ended".replace(
            "\u00a0", " "
        )
    )
    assert not [text for text in before["claims_notes"] if "was registered on" in text]
    told = frame(claims).set_index("claim")["ended_before"]
    assert dict(told[["M1", "A7"]]) == {"M1": 14, "A7": 0}


@pytest.mark.slow
def test_the_notes_say_over_how_many_claims_tests_are_adjusted(study: Path) -> None:
    said, claims = studies.said(study)
    count = len(claims.tested)
    assert (
        f"shared equally by {count} tested claims: intervals and p are adjusted over these"
        in (said["claims_notes"][0])
    )


@pytest.mark.slow
def test_a_command_names_the_study_at_hand(study: Path) -> None:
    said, _ = studies.said(study)
    assert rows(said)["A3"][-1]["text"] == "ablation probe speed --study s"
    assert rows(said)["M1"][-1]["text"] == "ablation sweep quickstart seed=0,1 --study s"


@pytest.mark.slow
def test_what_is_absent_says_what_to_do(study: Path) -> None:
    told = {k: row[2]["text"] for k, row in rows(studies.said(study)[0]).items()}
    assert told["A3"] == (
        "no evidence in this study: its cells have not been timed: `ablation probe speed --study s` times them"
    )
    bare = builder.build(study.parent / "bare", seeds=5, probed=False)
    (bare / "costs.json").write_text(json.dumps({"rows": []}))
    lacks = {one.claim.id: one.lacks for one in studies.claimed(study).judged}
    assert lacks["A11"] == ("too few activations to rank in every block: 2, and it needs 5",)
    twelfth = next(one for one in studies.claimed(bare).judged if one.claim.id == "A12")
    assert twelfth.lacks == (
        "its trials did not read attenuation by slopes alone: trials of this version with probes do, so run"
        " them again, in another study",
    )


def test_a_claim_is_late_once_trials_have_ended(tmp_path: Path) -> None:
    plan: dict[str, Any] = {}
    assert enrol(plan, [MINE], tmp_path)
    assert plan == {"claims": [MINE]}
    (tmp_path / "trials" / "k").mkdir(parents=True)
    (tmp_path / "trials" / "k" / "result.json").write_text("{}")
    assert not enrol(plan, [MINE], tmp_path)
    assert "registered" not in plan
    changed = MINE | {"statement": "ReLU loses"}
    assert enrol(plan, [changed], tmp_path)
    assert plan["claims"] == [MINE, changed]
    assert plan["registered"]["M1"]["ended"] == 1
    assert enrol(plan, [MINE], tmp_path), "what is changed back is changed"
    assert plan["claims"][-1] == MINE


@pytest.mark.slow
def test_report_judges_the_claims_of_a_folder_and_keeps_them(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(WITH, "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = tmp_path / "mine" / "conf" / "claim"
    folder.mkdir(parents=True)
    write_yaml(folder / "two.yaml", MINE | {"id": "M2"})
    words = ["report", "s", "--runs", str(study.parent), "--with", str(tmp_path / "mine")]
    assert main(words) == 0, capsys.readouterr().err
    plan = read_yaml(study / "study.yaml")
    assert [row["id"] for row in plan["claims"]] == ["M1", "M2"]
    assert plan["registered"]["M2"]["ended"] == 14
    found = pd.read_csv(study / "report" / "tables" / "claims.csv").set_index("claim")
    assert found.loc["M2", "verdict"] == "supported"
    assert found.loc["M2", "ended_before"] == 14
    kept = (study / "study.yaml").read_bytes()
    meaning.report(study, as_json=True)
    assert (study / "study.yaml").read_bytes() == kept
