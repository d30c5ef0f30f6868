"""The report over several studies: what changed stands on top of the page, on paper, and in the terminal."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import study_builder as builder

from ablation.__main__ import main
from reports.page import write_comparison, write_report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("compared")
    for name, steps in (("short", 1500), ("long", 3000)):
        builder.build(
            home / name, activations=("relu", "leaky_relu"), seeds=2, probed=False,
            asked=lambda *_, steps=steps: {"steps": steps}, declared={"seeds": 2},
        )  # fmt: skip
    return home


def test_what_changed_is_the_first_section(runs: Path) -> None:
    report = write_comparison([runs / "short", runs / "long"], runs / "both")
    page = report.html.read_text(encoding="utf-8")
    assert re.findall(r'<section id="(\w+)">', page)[:2] == ["changed", "compared"]
    assert "4 paired under another setting (budget.steps 1500 → 3000), 0 new, 0 lost." in page
    assert 'id="changed-settings"' in page
    assert report.changed is not None
    assert report.changed["studies"] == ["short", "long"]
    before = report.html.read_bytes()
    again = write_comparison([runs / "short", runs / "long"], runs / "both")
    assert again.html.read_bytes() == before


def test_three_studies_have_a_heading_each(runs: Path) -> None:
    studies = [runs / "short", runs / "long", runs / "short"]
    page = write_comparison(studies, runs / "three").html.read_text(encoding="utf-8")
    assert "<h3>long against short</h3>" in page
    assert "<h3>short against short</h3>" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_terminal_has_the_short_form_and_json_the_whole(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", "short", "long", "--runs", str(runs)]
    assert main(words) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "The studies differ in budget.steps."
    assert said[1].startswith("long against short: 0 trials in both, 4 paired")
    assert [line.split(":")[0] for line in said[2:4]] == ["leaky_relu", "relu"]
    assert said[-1].endswith("report.pdf")
    assert main([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["changed"]["sentences"] == said[:4]
    (against,) = answer["changed"]["against"]
    assert (against["moved"], against["both"]) == (4, 0)
    assert [cell["pairs"] for cell in against["cells"]] == [2, 2]
    assert answer["expected"] == answer["ended"] == 8


def test_other_sample_counts_are_refused_in_one_line(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = shutil.copytree(runs / "long", runs / "fewer")
    for result in other.glob("trials/*/result.json"):
        result.write_text(result.read_text().replace("_5k", "_1k"))
    assert main(["compare", "short", "fewer", "--runs", str(runs)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "fid_digits-cnn-1a2b3c_1k and as fid_digits-cnn-1a2b3c_5k" in said[0]


@pytest.mark.slow
def test_a_comparison_replaces_no_study_s_own_report(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = write_report(runs / "short").html
    before = own.read_bytes()
    words = ["compare", "short", "long", "--runs", str(runs), "--out", str(own.parent)]
    assert main(words) == 2
    assert "where its own report lies" in capsys.readouterr().err
    assert own.read_bytes() == before


def test_a_study_of_hostile_words_and_damaged_trials_compares(
    hostile_study: Path, tmp_path: Path
) -> None:
    other = builder.build(
        tmp_path / "other", activations=("relu",), losses=("hinge",), seeds=3, probed=False,
        declared={"seeds": 3, "score": "fid"}, question="Another question?",
    )  # fmt: skip
    report = write_comparison([hostile_study, other], tmp_path / "both")
    page = report.html.read_text(encoding="utf-8")
    assert "<script>alert(" not in page
    assert report.changed is not None
    (against,) = report.changed["against"]
    assert against["both"] == 2
    assert against["new"] == 1
