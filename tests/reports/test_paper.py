"""The PDF of a small, a middle and a huge study: nothing off the page, nothing over anything, tagged, 6 to 20 pages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import pytest
import shapes
from PIL import Image
from pypdf import PdfReader

from reports.page import write_report
from reports.printing import PAGES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed"),
]
SHAPES = {
    "small": (shapes.small, 5),
    "middle": (shapes.middle, 6),
    "huge": (shapes.huge, 12),
    "hostile": (hostile.build, 10),
}
"""How each study is written, and the least number of pages that says all of it."""
WIDTH, HEIGHT = 595.28, 841.89
SIDE, TOP = 2.1 * 72 / 2.54, 2.2 * 72 / 2.54
EDGE = 1.2
"""Points that a letter may hang into the margin."""


@dataclass(frozen=True)
class Word:
    """A word's box in points from the top left corner of its page."""

    page: int
    left: float
    top: float
    right: float
    bottom: float
    text: str


HEAVY = ("huge", "hostile")
"""Shapes whose reports take half a minute."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(n, marks=pytest.mark.long) if n in HEAVY else n for n in SHAPES],
)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a written study, its report inside."""
    study = tmp_path_factory.mktemp("paper") / request.param
    SHAPES[request.param][0](study)
    write_report(study)
    return study


def pdf(study: Path) -> Path:
    return study / "report" / "report.pdf"


def words(study: Path) -> list[Word]:
    """Return every word of the PDF with its box; those of figures are outlines and not among them."""
    command = ["pdftotext", "-bbox", str(pdf(study)), "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = []
    for number, page in enumerate(told.split("<page ")[1:], 1):
        box = r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>'
        for left, top, right, bottom, text in re.findall(box, page, re.DOTALL):
            place = (float(left), float(top), float(right), float(bottom))
            found.append(Word(number, *place, unescape(text)))
    return found


@pytest.mark.slow
def test_every_word_lies_inside_the_margins(made: Path) -> None:
    found = words(made)
    assert len(found) > 400
    outside = [w for w in found if w.left < SIDE - EDGE or w.right > WIDTH - SIDE + EDGE]
    outside += [w for w in found if w.top < 20 or w.bottom > HEIGHT - 20]
    assert outside == []


@pytest.mark.slow
def test_no_word_covers_another(made: Path) -> None:
    found = [w for w in words(made) if w.text.strip("\u200b\u2068\u2069")]
    for page in range(1, found[-1].page + 1):
        here = [w for w in found if w.page == page]
        box = np.array([(w.left, w.top, w.right, w.bottom) for w in here])
        wide = np.minimum.outer(box[:, 2], box[:, 2]) - np.maximum.outer(box[:, 0], box[:, 0])
        high = np.minimum.outer(box[:, 3], box[:, 3]) - np.maximum.outer(box[:, 1], box[:, 1])
        both = np.triu(
            (wide > 1) & (high > 4), 1
        )  # lines of small type share some points of height
        assert [(here[i].text, here[j].text) for i, j in np.argwhere(both)] == []


def test_it_has_as_many_pages_as_it_needs(made: Path) -> None:
    pages = len(PdfReader(pdf(made)).pages)
    assert SHAPES[made.name][1] <= pages <= PAGES


@pytest.mark.slow
def test_the_first_page_has_question_verdict_and_forest_plot(made: Path) -> None:
    report = " ".join(w.text for w in words(made) if w.page == 1)
    for text in ("Study", "Which", "1 seed" if made.name != "huge" else "2 seeds", "Figure 1."):
        if (made.name, text) != ("middle", "1 seed"):
            assert text in report


@pytest.mark.slow
def test_no_page_is_nearly_empty(made: Path, tmp_path: Path) -> None:
    command = ["pdftoppm", "-r", "20", "-gray", "-png", str(pdf(made)), str(tmp_path / "p")]
    subprocess.run(command, check=True, capture_output=True)
    filled = []
    for picture in sorted(tmp_path.glob("p*.png")):
        with Image.open(picture) as image:
            rows = (np.asarray(image) < 200).any(axis=1)
        body = rows[int(rows.size * 0.07) : int(rows.size * 0.925)]
        filled.append(float(np.flatnonzero(body).max(initial=0) / body.size))
    assert min(filled[:-1]) > 0.5, filled
    assert filled[-1] > 0.08, filled


@pytest.mark.slow
def test_figures_and_tables_are_numbered_and_captions_have_two_lines(made: Path) -> None:
    found = words(made)
    for kind in ("Figure", "Table"):
        starts = [
            i
            for i, w in enumerate(found[:-1])
            if w.text == kind and w.left < SIDE + 2 and re.fullmatch(r"\d+\.", found[i + 1].text)
        ]
        numbers = [int(found[i + 1].text[:-1]) for i in starts]
        captions = numbers[: max(numbers)]  # the notes repeat some of them
        assert captions == list(range(1, len(captions) + 1))
        for i in starts[: len(captions)]:
            lines = {round(w.bottom) for w in _caption(found, i)}
            assert len(lines) <= 2, [w.text for w in _caption(found, i)]


def _caption(found: list[Word], start: int) -> list[Word]:
    """Return the words from a caption's first on, as long as the next line is as near as in one."""
    told = [found[start]]
    for word in found[start + 1 :]:
        if word.page != told[-1].page or not -9 < word.bottom - told[-1].bottom < 14:
            break
        if word.bottom - told[-1].bottom > 3 and word.left > SIDE + 2:
            break
        if abs((word.bottom - word.top) - (told[0].bottom - told[0].top)) > 0.4:
            break
        told.append(word)
    return told


@pytest.mark.slow
def test_it_is_tagged_titled_and_tells_its_language(made: Path) -> None:
    reader = PdfReader(pdf(made))
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"] is True or root["/MarkInfo"]["/Marked"].value is True
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "Which" in (reader.metadata.title or "")
    kinds: dict[str, list[Any]] = {}
    todo = [root["/StructTreeRoot"]]
    while todo:
        node = todo.pop().get_object()
        if isinstance(node, list):
            todo += node
        elif isinstance(node, dict):
            kinds.setdefault(str(node.get("/S")), []).append(node)
            todo += [node["/K"]] if "/K" in node else []
    assert {"/H1", "/H2", "/Figure", "/Table", "/TH", "/TD", "/Caption"} <= set(kinds)
    assert all(figure.get("/Alt") for figure in kinds["/Figure"])
    assert all(node["/A"] for node in kinds["/TH"])  # each heading says of what it is one


def test_every_font_is_inside(made: Path) -> None:
    command = ["pdffonts", str(pdf(made))]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = table.splitlines()[2:]
    assert rows
    assert {row.split()[-5] for row in rows} == {"yes"}
    assert all("LibertinusSerif" in row or "DejaVu" in row for row in rows)


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    study = shapes.small(tmp_path / "s")
    code = "import sys; from pathlib import Path; from reports.page import write_report;"
    code += " write_report(Path(sys.argv[1]))"
    told = []
    for seed in ("0", "4711"):
        subprocess.run(
            [sys.executable, "-c", code, str(study)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            check=True,
        )
        files = (p for p in sorted((study / "report").rglob("*")) if p.is_file())
        told.append({p.relative_to(study): p.read_bytes() for p in files})
    assert told[0].keys() == told[1].keys()
    assert [str(name) for name in told[0] if told[0][name] != told[1][name]] == []
