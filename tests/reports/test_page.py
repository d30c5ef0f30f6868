"""The report's files: whole, self-contained, literal, reproducible, and there in every case."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import study_builder as builder
from study_builder import HOSTILE, WARNING

from reports.page import Report, write_comparison, write_report
from reports.paper import printable

pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """Collects elements, their attributes, and the text of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def element_ids(page: str) -> list[str]:
    """Return every id of a page."""
    return re.findall(r'\bid="([^"]+)"', page)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _pdf_text(path: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed: the PDF's words are not read")
    run = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True)
    return re.sub(r"\s+", " ", run.stdout.replace("\u200b", "").replace("\n", " "))


def test_the_report_is_whole(hostile_report: Report, hostile_study: Path) -> None:
    assert hostile_report.html == hostile_study / "report" / "index.html"
    assert (hostile_report.trials, hostile_report.failures) == (12, 4)
    names = set(_files(hostile_study / "report"))
    tables = {f"tables/{name}" for name in ("trials.csv", "trials.parquet", "readings.parquet")}
    assert {"index.html", "report.pdf", "tables/estimates.csv", *tables} <= names
    assert "tables/readings.csv" not in names
    figures = {Path(name).stem for name in names if name.startswith("figures/")}
    assert {"forest", "score-fid-digits-cnn-1a2b3c-5k", "score-is-digits-cnn-1a2b3c-5k"} <= figures
    assert all({f"figures/{f}.svg", f"figures/{f}.pdf"} <= names for f in figures)
    assert not [p.name for p in hostile_study.iterdir() if p.name.startswith(".report")]


def test_the_page_loads_nothing_from_outside(hostile_report: Report) -> None:
    text = hostile_report.html.read_text(encoding="utf-8")
    page = Page(text)
    loading = {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background"}
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            if name in loading:
                assert re.match(r"#|data:", value or ""), (tag, name, value)
            assert not name.startswith("on"), (tag, name)
    assert all(re.match(r"url\([\"']?#", url) for url in re.findall(r"url\([^)]*\)", text))
    assert "@import" not in text
    assert {tag for tag, _ in page.elements}.isdisjoint(
        {"iframe", "object", "embed", "base", "form"}
    )
    policy = next(a["content"] for t, a in page.elements if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_hostile_words_are_literal_on_the_page(hostile_report: Report) -> None:
    page = Page(hostile_report.html.read_text(encoding="utf-8"))
    said = "".join(page.text)
    assert HOSTILE in said
    assert WARNING in said
    assert f"red {HOSTILE}" in said
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert ("b", {}) in page.elements  # ours, in tiles and captions
    assert "<b>elu</b>" in said


def test_ids_are_unique_and_figures_are_named(hostile_report: Report) -> None:
    text = hostile_report.html.read_text(encoding="utf-8")
    ids = element_ids(text)
    assert len(ids) == len(set(ids))
    page = Page(text)
    letters, *drawn = [a for tag, a in page.elements if tag == "svg"]
    assert letters["aria-hidden"] == "true"
    assert len(drawn) >= 6
    assert {attributes["role"] for attributes in drawn} == {"img", "group"}  # a group has marks
    for attributes in drawn:
        assert set((attributes["aria-labelledby"] or "").split()) <= set(ids)
    assert all(a.get("alt") for tag, a in page.elements if tag == "img")
    linked = {(a["href"] or "")[1:] for tag, a in page.elements if tag == "a"}
    assert linked <= set(ids)


def test_failures_are_shown_with_message_log_and_commands(hostile_report: Report) -> None:
    said = "".join(Page(hostile_report.html.read_text(encoding="utf-8")).text)
    key = builder.spec(activation="relu", loss="minimax", seed=1).key
    assert f"ablation logs study {key}" in said
    assert f"ablation rerun study {key} --verify" in said
    assert "shapes cannot be multiplied" in said
    assert "result.json is damaged" in said
    assert (
        "1 of 12 trials has not ended yet (waiting); 1 of 12 trials has ended with a result that"
        in said
    )
    assert "gelu shares no complete seed with leaky_relu: it is not compared." in said
    for outcome in ("diverged", "crashed", "collapsed", "damaged", "missing"):
        assert outcome in said


def test_pdf_shows_the_words_literally(hostile_report: Report) -> None:
    said = _pdf_text(hostile_report.pdf)
    assert '<script>alert("x")</script> #panic("x") $x_1$ _a_ *b* \\u{41} & {{ 7*7 }}' in said
    assert "⟨U+65E5⟩⟨U+672C⟩" in said
    assert "shapes cannot be multiplied" in said
    assert str(hostile_report.pdf.parent) not in said


def test_the_pdf_is_tagged_and_undated(hostile_report: Report) -> None:
    data = hostile_report.pdf.read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"/MarkInfo" in data
    assert b"/CreationDate" not in data
    assert b"pdfuaid" in data


def test_a_second_report_is_the_same_bytes(hostile_report: Report, hostile_study: Path) -> None:
    before = _files(hostile_report.html.parent)
    write_report(hostile_study)
    after = _files(hostile_report.html.parent)
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == []


def test_the_tables_hold_what_the_page_says(hostile_report: Report) -> None:
    folder = hostile_report.html.parent / "tables"
    trials = pd.read_csv(folder / "trials.csv")
    assert len(trials) == 12
    assert set(trials["outcome"]) == {
        *("finished", "diverged", "crashed", "collapsed", "missing", "damaged")
    }
    assert "folder" not in trials
    assert trials["seed"].dtype.kind == "i"
    assert len(pq.read_table(folder / "trials.parquet")) == 12
    estimates = pd.read_csv(folder / "estimates.csv")
    # gelu lost one block of either seed: it has no unit overall, and none in hinge
    assert estimates["tier"].tolist() == ["overall"] + 3 * ["per block"]
    assert (estimates["finding"] == "descriptive").all()
    readings = pq.read_table(folder / "readings.parquet").to_pandas()
    assert set(readings["activation"]) == {"leaky_relu", "gelu", "relu"}


def test_printable_keeps_what_the_fonts_have() -> None:
    asked = {"a": ["Fréchet ≥ 0 Ж א", "日\x07\n"]}
    assert printable(asked) == {"a": ["Fréchet ≥ 0 Ж א", "⟨U+65E5⟩⟨U+0007⟩\n"]}


def test_a_killed_report_leaves_the_old_one_whole(tmp_path: Path) -> None:
    study = builder.build(tmp_path / "s", activations=("relu", "gelu"), seeds=2, probed=False)
    write_report(study)
    before = _files(study / "report")
    builder.write_plan(study, question="Another question?")
    code = "import sys; from pathlib import Path; from reports.page import write_report;"
    child = subprocess.Popen(
        [sys.executable, "-c", f"{code} write_report(Path(sys.argv[1]))", str(study)],
        cwd=Path(__file__).parents[2],
    )
    patience = time.monotonic() + 300
    while not list(study.glob(".report.*.tmp/figures/*")):
        assert child.poll() is None, "the report ended before it could be killed"
        assert time.monotonic() < patience
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert _files(study / "report") == before
    write_report(study)
    assert "Another question?" in (study / "report" / "index.html").read_text(encoding="utf-8")


EVERYTHING = {(a, "minimax", s): "diverged" for a in ("relu", "leaky_relu") for s in range(2)}
CASES = {
    "nothing finished": {
        "activations": ("relu", "leaky_relu"),
        "seeds": 2,
        "failing": {
            (a, "non_saturating", s): "missing" for a in ("relu", "leaky_relu") for s in range(2)
        },
    },
    "no trial": {"seeds": 0},
    "one activation": {"activations": ("relu",), "seeds": 2},
    "one seed": {"activations": ("relu", "leaky_relu"), "seeds": 1},
    "all diverged": {
        "activations": ("relu", "leaky_relu"),
        "losses": ("minimax",),
        "seeds": 2,
        "failing": EVERYTHING,
    },
    "ring8": {
        "activations": ("relu", "leaky_relu"),
        "datasets": ("ring8",),
        "seeds": 2,
        "declared": {"score": "auto"},
    },
    "two data sets": {
        "activations": ("relu", "leaky_relu"),
        "datasets": ("digits", "ring8"),
        "seeds": 2,
        "declared": {"score": "auto"},
    },
}


@pytest.mark.parametrize("name", CASES)
def test_every_study_has_a_sensible_report(tmp_path: Path, name: str) -> None:
    study = builder.build(tmp_path / "s", probed=False, **CASES[name])
    report = write_report(study)
    page = report.html.read_text(encoding="utf-8")
    said = "".join(Page(page).text)
    assert report.verdict in said.replace("\u00a0", " ")
    assert report.pdf.read_bytes().startswith(b"%PDF-")
    assert not re.search(r"\b(nan|None|NaT|inf|<NA>)\b", re.sub(r"data:\S+", "", said))
    ids = element_ids(page)
    assert len(ids) == len(set(ids))
    if name == "two data sets":
        assert "Fréchet distance" in said


def test_a_comparison_joins_studies(tmp_path: Path) -> None:
    one = builder.build(tmp_path / "a", activations=("relu",), seeds=2, probed=False)
    two = builder.build(tmp_path / "b", activations=("relu", "gelu"), seeds=2, probed=False)
    report = write_comparison([one, two], tmp_path / "joined")
    assert (report.trials, report.html) == (4, tmp_path / "joined" / "index.html")
    assert "a and b" in report.html.read_text(encoding="utf-8")
    assert write_comparison([one, two], tmp_path / "joined").trials == 4
    with pytest.raises(ValueError, match="is in a study's folder"):
        write_comparison([one, two], tmp_path / "a")
    with pytest.raises(ValueError, match="is not a report"):
        write_comparison([one, two], tmp_path)


def test_scores_of_different_extractors_are_refused(tmp_path: Path) -> None:
    one = builder.build(tmp_path / "a", activations=("relu",), seeds=1, probed=False)
    two = builder.build(tmp_path / "b", activations=("gelu",), seeds=1, probed=False)
    (result,) = two.glob("trials/*/result.json")
    result.write_text(result.read_text().replace("digits-cnn-1a2b3c_5k", "digits-cnn-ffffff_5k"))
    with pytest.raises(ValueError, match="different extractors or sample counts"):
        write_comparison([one, two], tmp_path / "joined")
    assert not (tmp_path / "joined").exists()
