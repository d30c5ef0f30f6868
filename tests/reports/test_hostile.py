"""Hostile words in every field: text on the page, on paper and in tables; they run nowhere and turn nothing around."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import unicodedata
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import hostile
import pandas as pd
import pyarrow.parquet as pq
import pytest
import study_builder as builder
from hostile import TEXTS
from test_page import Page, element_ids
from told import read

from ablation.__main__ import main
from reports.content import content
from reports.drawing import slug
from reports.exports import guarded
from reports.gallery import Gallery, gallery
from reports.lettering import drawable, shortened
from reports.page import write_report
from reports.paper import pages, printable, write_pdf
from reports.printing import PAGES
from reports.texts import shown

pytestmark = pytest.mark.slow
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060\u2066\u2067\ufeff\ud800-\udfff]"
)
"""What hides, but for new lines, tabs, and the marks with which we isolate."""


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a study with every hostile text in every field, reported."""
    study = hostile.build(tmp_path_factory.mktemp("wild") / "wild")
    write_report(study)
    return study


@pytest.fixture(scope="module")
def page(wild: Path) -> Page:
    return Page((wild / "report" / "index.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_page_shows_it_as_text(page: Page, text: str) -> None:
    said = "".join(page.text)
    assert said.count(shown(text)) >= 7  # plan, question, hazards, not run, published, cited, name
    crashed = list(TEXTS.values()).index(text) % 2 == 0
    assert (f"{shown(text)} half ? a pair" in said) == crashed


def test_the_page_has_no_element_attribute_or_hidden_character_of_theirs(
    page: Page, wild: Path
) -> None:
    names = [tag for tag, _ in page.elements]
    assert names.count("script") == 1
    assert not [a for _, given in page.elements for a in given if a.startswith("on")]
    text = (wild / "report" / "index.html").read_text(encoding="utf-8")
    assert HIDDEN.findall(text) == []
    assert len(element_ids(text)) == len(set(element_ids(text)))


def test_the_pdf_shows_them_as_text(wild: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed: the PDF's words are not read")
    run = subprocess.run(
        ["pdftotext", str(wild / "report" / "report.pdf"), "-"], capture_output=True, check=True
    )
    said = _bare(run.stdout.decode())
    for name, text in TEXTS.items():
        if name in (
            "hebrew",
            "arabic",
            "essay",
        ):  # turned around by the reader; longer than paper has
            continue
        assert _bare(printable(shown(text))) in said, name
    assert _bare("שלום")[::-1] in said or _bare("שלום") in said


def _bare(text: str) -> str:
    """Return a text's letters alone: where lines and words break is the page's business."""
    return re.sub(r"[\s\u200b-\u200d\u2068\u2069\ufe0f]", "", unicodedata.normalize("NFKD", text))


@pytest.mark.parametrize("name", ["trials", "estimates"])
def test_no_cell_of_a_csv_file_is_a_formula_or_hides(wild: Path, name: str) -> None:
    path = wild / "report" / "tables" / f"{name}.csv"
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    assert {len(row) for row in rows} == {len(rows[0])}
    cells = [cell for row in rows for cell in row if cell]
    risky = [c for c in cells if c.strip()[0] in "=+-@|＝＋－＠" and not _is_number(c)]
    assert risky == []
    assert not [c for c in cells if HIDDEN.search(c)]
    assert len(rows) == 1 + (27 if name == "trials" else 351)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) is not None


def test_numbers_stay_numbers_and_parquet_keeps_every_text(wild: Path) -> None:
    folder = wild / "report" / "tables"
    trials = pd.read_csv(folder / "trials.csv")
    assert trials["seed"].dtype.kind == "i"
    assert trials["fid_digits-cnn-1a2b3c_5k"].dtype.kind == "f"
    assert trials["message"].str.startswith("'=cmd|' /C calc'!A0").sum() == 1
    kept = set(pq.read_table(folder / "trials.parquet").to_pandas()["message"])
    assert {f"{text} half ? a pair" for text in TEXTS.values()} <= kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("=1+1", "'=1+1"),
        (" \t@x", "' \t@x"),
        ("\uff1d1", "'\uff1d1"),
        ("-2+3", "'-2+3"),
        ("-2.5e-3", "-2.5e-3"),
        ("+4", "+4"),
        ("–", "–"),
        ("relu", "relu"),
        ("a\rb\r\nc\x00", "a\nb\nc⟨U+0000⟩"),
        ("", ""),
        (-2.5, -2.5),
    ],
)
def test_what_begins_as_a_formula_gets_an_apostrophe(text: Any, kept: Any) -> None:
    assert guarded(text) == kept


def test_files_have_plain_names_and_figures_are_whole(wild: Path) -> None:
    files = [p for p in (wild / "report").rglob("*") if p.is_file()]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,100}", p.name) for p in files)
    drawings = [p for p in files if p.suffix == ".svg"]
    assert len(drawings) >= 6
    for path in drawings:
        ElementTree.parse(path)
        assert HIDDEN.findall(path.read_text(encoding="utf-8")) == []
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")


def test_names_that_lose_letters_have_files_of_their_own() -> None:
    names = ["fid_日本_5k", "fid_日韓_5k", "a" * 80, "a" * 81, "fid_x_5k", "…", ""]
    assert len({slug(name) for name in names}) == len(names)
    assert slug("fid_x_5k") == "fid-x-5k"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_figure_has_only_what_its_font_has(text: str) -> None:
    told = drawable(text)
    assert drawable(told) == told
    assert HIDDEN.findall(told) == []
    assert "日" not in told
    assert all(len(line) <= 20 for line in shortened(told, 20).split("\n"))


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the content of a small report in which nothing is drawn."""
    failing = {("gelu", "minimax", 1): "crashed"}
    study = builder.build(
        tmp_path_factory.mktemp("said") / "s",
        activations=("relu", "gelu"),
        losses=("minimax", "hinge"),
        seeds=2,
        failing=failing,
        probed=False,
        warnings=["one"],
        skipped=[{"cell": "one", "reason": "two"}],
    )
    own = read(study)
    empty = Gallery(dict.fromkeys(gallery(own).sections, ()))
    return content(own, empty) | {"samples": []}


def _filled(value: Any, text: str, key: str = "") -> Any:
    """Return the content with the text in the place of every other one; counts stay numbers."""
    if key == "tiles":
        return value
    if isinstance(value, str):
        return value if key == "id" else text
    if isinstance(value, dict):
        return {k: _filled(v, text, k) for k, v in value.items()}
    return [_filled(v, text, key) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("text", [*TEXTS.values(), hostile.HALF], ids=[*TEXTS, "half"])
def test_paper_takes_it_in_the_place_of_every_text(
    said: dict[str, Any], tmp_path: Path, text: str
) -> None:
    write_pdf(tmp_path / "r.pdf", shown(_filled(said, text)), {}, [])
    made = (tmp_path / "r.pdf").read_bytes()
    assert b"pdfuaid" in made
    assert 2 <= pages(made) <= PAGES
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed: the PDF's words are not read")
    command = ["pdftotext", "-bbox", str(tmp_path / "r.pdf"), "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ends = [float(x) for x in re.findall(r'xMax="([\d.]+)"', told)]
    assert len(ends) > 50
    assert max(ends) <= 595.28 - 2.1 * 72 / 2.54 + 1.2


@pytest.mark.parametrize("verb", ["logs", "status"])
def test_a_terminal_shows_it_and_does_not_obey(
    wild: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    key = hostile.spec(TEXTS["controls"]).key
    words = [verb, "wild", *([key] if verb == "logs" else []), "--runs", str(wild.parent)]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert HIDDEN.findall(told) == []
    assert ("⟨U+0000⟩" in told) == (verb == "logs")
    if verb == "logs":
        assert told.startswith("first\na⟨U+0000⟩b⟨U+0007⟩cde⟨U+007F⟩⟨U+009B⟩f\n")
    else:
        assert "  gelu-" in told
        assert len([line for line in told.splitlines() if " crashed: " in line]) == 13
