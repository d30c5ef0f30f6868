"""What a paper takes from a study: LaTeX that says what the tests say, data, and figures at a column's width."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import latex_reader
import pandas as pd
import pytest
import study_builder as builder
from matplotlib import rc_context

from ablation.__main__ import main
from reports.drawing import STYLE, WIDTH, drawn_at, figure, fitting
from reports.journal import Paper, winners, write_latex, write_paper
from reports.narrow import fit
from reports.rows import table


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return builder.build(
        tmp_path_factory.mktemp("journal") / "runs" / "my_study",
        losses=("hinge", "minimax"),
        probed=False,
    )


@pytest.fixture(scope="module")
def paper(study: Path) -> Paper:
    return write_paper(study, study.parents[1] / "paper")


def files(folder: Path) -> dict[str, bytes]:
    found = [p for p in folder.rglob("*") if p.is_file()]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


def read(paper: Paper, name: str) -> list[latex_reader.Read]:
    return latex_reader.tables((paper.folder / "tables" / f"{name}.tex").read_text())


@pytest.mark.slow
def test_every_table_is_whole_latex_with_data_beside_it(paper: Paper) -> None:
    assert paper.tables == ("estimates", "tests", "medians", "failures", "claims", "certificate")
    for name in paper.tables:
        found = read(paper, name)
        assert found[0].label == f"tab:my-study-{name}"
        assert len({one.label for one in found}) == len(found)
        data = pd.read_csv(paper.folder / "tables" / f"{name}.csv")
        assert len(data) == len(pd.read_parquet(paper.folder / "tables" / f"{name}.parquet")) > 0
    assert len(pd.read_csv(paper.folder / "tables" / "trials.csv")) == 48
    medians = pd.read_csv(paper.folder / "tables" / "medians.csv")
    assert (medians["FID"].astype(float) - medians["FID (number)"]).abs().max() < 0.05


@pytest.mark.slow
def test_bold_is_what_the_declared_tests_find(paper: Paper) -> None:
    (estimates,) = read(paper, "estimates")
    names = [row[0] for row in estimates.rows[1:]]
    assert names == ["\\textbf{leaky\\_relu}", "\\textbf{gelu}", "relu", "sigmoid"]
    column = estimates.rows[0].index("adjusted p")
    strong = ["textbf" in row[column] for row in estimates.rows[1:]]
    tests = pd.read_csv(paper.folder / "tables" / "estimates.csv")
    own = tests[(tests["tier"] == "overall") & (tests["reference"] == "leaky_relu")]
    claimed = set(own.loc[own["adjusted_p"] <= 0.05, "activation"])
    assert claimed == {"relu", "sigmoid"}
    assert strong == [False, False, True, True]
    (medians,) = read(paper, "medians")
    fid = medians.rows[0].index("FID")
    bold = [row[1] for row in medians.rows[1:] if "textbf" in row[fid]]
    assert bold == ["leaky\\_relu", "leaky\\_relu"]  # the blocks' tests are against it
    assert not any("textbf" in c for row in medians.rows for c in row[:fid] + row[fid + 1 :])


def test_who_wins_one_and_loses_none() -> None:
    body = [["b", "x", "y", "better"], ["b", "z", "x", "better"], ["b", "z", "y", "descriptive"]]
    body += [["c", "x", "y", "worse"]]
    t = table("tests", "", ["block", "activation", "against", "finding"], body)
    assert winners(t) == {("b", "z"), ("c", "y")}


def test_claims_that_only_a_file_holds_are_a_table_too(tmp_path: Path) -> None:
    rows = {"claim": ["A1", "A5"], "verdict": ["supported", "100 % open_ended & more"]}
    pd.DataFrame(rows).to_csv(tmp_path / "claims.csv", index=False)
    heads = ["block", "activation", "against", "finding"]
    said = {"study": "s", "tests": table("tests", "", heads, [])}
    assert write_latex(said, tmp_path) == ("claims",)
    (read,) = latex_reader.tables((tmp_path / "claims.tex").read_text())
    assert read.label == "tab:s-claims"
    assert read.rows[1:] == (("A1", "supported"), ("A5", "100 \\% open\\_ended \\& more"))


@pytest.mark.slow
def test_figures_are_drawn_at_the_widths_of_columns(paper: Paper) -> None:
    assert set(paper.figures) == {3.5, 7.16}
    for width, names in paper.figures.items():
        place = paper.folder / "figures" / f"{width:g}in"
        assert {p.stem for p in place.iterdir()} == set(names)
        assert {"forest", "heat-fid-digits-cnn-1a2b3c-5k"} <= set(names)
        for name in names:
            drawn = re.search(r'width="([\d.]+)pt"', (place / f"{name}.svg").read_text())
            assert drawn
            assert float(drawn[1]) / 72 == pytest.approx(width, abs=0.005)
            box = re.search(rb"/MediaBox\s*\[([^\]]*)\]", (place / f"{name}.pdf").read_bytes())
            if box is not None:
                assert float(box[1].split()[2]) / 72 == pytest.approx(width, abs=0.02)


@pytest.mark.slow
def test_a_second_export_is_the_same_bytes_and_others_folders_are_safe(
    study: Path, paper: Paper
) -> None:
    again = write_paper(study, study.parents[1] / "again")
    assert files(paper.folder) == files(again.folder)
    assert write_paper(study, again.folder, [3.25]).figures.keys() == {3.25}
    assert [p.name for p in (again.folder / "figures").iterdir()] == ["3.25in"]
    with pytest.raises(ValueError, match="is not a paper's folder"):
        write_paper(study, study)
    assert not list(study.parents[1].glob(".*"))


@pytest.mark.slow
def test_the_readme_says_what_is_what_and_how_to_cite(paper: Paper) -> None:
    said = (paper.folder / "README.txt").read_text()
    assert said.startswith("Tables and figures of an ablation study: my_study\n")
    for path in paper.folder.rglob("*.tex"):
        assert path.stem in said
    count = len(paper.figures[3.5])
    assert count > 4
    assert f"{count} figures drawn 3.5 inches wide" in said
    assert "Study my_study, declaration 1a2b3c4d5e, planned 2026-01-02, code 0f1e2d3." in said
    assert "* Author of gelu. A paper on gelu. 2010." in said
    assert str(paper.folder.parent) not in said


@pytest.mark.slow
def test_pdflatex_shows_all_of_it(paper: Paper, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed (texlive-latex-recommended): example.tex is not run")
    copy = shutil.copytree(paper.folder, tmp_path / "paper")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "example.tex"],
        cwd=copy, capture_output=True, text=True, check=False, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    wide = re.findall(r"Overfull .hbox \(([\d.]+)pt", done.stdout)
    assert max(map(float, wide), default=0.0) < 2  # points: less than the gap between two columns


@pytest.mark.slow
def test_the_zip_holds_the_paper_and_is_the_same_twice(
    study: Path, paper: Paper, tmp_path: Path
) -> None:
    for name in ("a.zip", "b.zip"):
        words = ["export", study.name, "--runs", str(study.parent), "--out", str(tmp_path / name)]
        assert main(words) == 0
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        packed.extractall(tmp_path)
    assert files(tmp_path / "my_study" / "paper") == files(paper.folder)
    assert (tmp_path / "my_study" / "study.yaml").read_bytes() == (
        study / "study.yaml"
    ).read_bytes()


@pytest.mark.slow
def test_a_study_without_results_packs_without_a_paper(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = {("relu", "non_saturating", 0): "missing"}
    builder.build(tmp_path / "s", activations=("relu",), seeds=1, failing=failing)
    words = ["export", "s", "--runs", str(tmp_path), "--out", str(tmp_path / "s.zip")]
    assert main(words) == 0
    assert "no trial has ended: the zip file has no paper/" in capsys.readouterr().err
    with zipfile.ZipFile(tmp_path / "s.zip") as packed:
        assert not [name for name in packed.namelist() if name.startswith("s/paper/")]


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["--column", "3.5"], "--column goes with --paper DIR"),
        (["--paper", "p", "--out", "x.zip"], "give one of them"),
        (["--paper", "p", "--column", "0.5"], "--column is 0.5; it lies between 2 and 15 inches"),
    ],
)
def test_wrong_words_of_an_export_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    wrong: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    builder.build(tmp_path / "runs" / "s", activations=("relu",), seeds=1, probed=False)
    assert main(["export", "s", *words]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert wrong in said[0]
    assert not (tmp_path / "p").exists()


@pytest.mark.slow
def test_a_narrow_figure_turns_its_labels_or_is_widened() -> None:
    def ticks(count: int, width: float) -> tuple[float, float]:
        with drawn_at(width), rc_context(STYLE):
            drawn = figure(2.0)
            axes = drawn.add_subplot()
            axes.set_xticks(range(count), [f"a long label {i}" for i in range(count)])
            fit(drawn, WIDTH)
            return drawn.get_figwidth(), axes.get_xticklabels()[0].get_rotation()

    assert ticks(2, 3.5) == (3.5, 0.0)
    assert ticks(6, 3.5) == (3.5, 90.0)
    assert ticks(60, 3.5)[0] == WIDTH
    assert ticks(6, WIDTH) == (WIDTH, 0.0)


def test_things_side_by_side_are_fewer_in_a_narrow_figure() -> None:
    assert fitting(4) == 4
    with drawn_at(3.5):
        assert (fitting(4), fitting(5), fitting(1)) == (2, 2, 1)
    with drawn_at(7.16):
        assert fitting(4) == 4
