"""The PDF report: the content as JSON into a typst template, never as markup."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ablation.texts import numbered
from reports.drawing import Drawing
from reports.lettering import characters, fonts
from reports.printing import LOWER, PAGES, ROOMS, SOFT, TIGHT, on_paper
from reports.samples import SampleRow
from reports.texts import END, ISOLATE

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "report.typ"
FIGURE = """\
#set document(title: sys.inputs.title, date: none)
#set page(width: auto, height: auto, margin: 0pt)
#image("figure.svg", alt: sys.inputs.alt)
"""
PRINTED = ("\n", SOFT, ISOLATE, END)
"""Characters that no font draws, and that typst obeys: a new line, a place to break, the ends of a run."""


def figure_pdf(drawing: Drawing, image: str) -> bytes:
    """Return a figure's SVG document as a PDF page of its size."""
    import typst

    with tempfile.TemporaryDirectory(prefix="figure-") as scratch:
        (Path(scratch) / "figure.svg").write_text(image, encoding="utf-8")
        (Path(scratch) / "figure.typ").write_text(FIGURE, encoding="utf-8")
        return bytes(
            typst.compile(
                str(Path(scratch) / "figure.typ"),
                format="pdf",
                ignore_system_fonts=True,
                sys_inputs={"title": drawing.title, "alt": drawing.alt},
                pdf_standards="ua-1",
            )
        )


def write_pdf(
    path: Path,
    content: dict[str, Any],
    images: Mapping[str, str],
    samples: Sequence[SampleRow],
    most: int | None = None,
) -> None:
    """Write the PDF/UA-1 report from the content, SVG documents by name, and samples.

    It has at most `PAGES` pages, and at most `most` bytes, where the narrowest of `ROOMS` gives that.
    """
    with tempfile.TemporaryDirectory(prefix="report-") as scratch:
        root = Path(scratch)
        for name, image in images.items():
            (root / f"{name}.svg").write_text(image, encoding="utf-8")
        for row in samples:
            for sample in row.samples:
                if sample.picture is not None:
                    (root / f"{sample.name}.png").write_bytes(sample.picture)
        for file in sorted(TEMPLATES.rglob("*.typ")):
            copy = root / file.relative_to(TEMPLATES)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(file.read_bytes())
        for room in ROOMS:
            made = _compiled(root, on_paper(content, room))
            if pages(made) <= PAGES and (most is None or len(made) <= most):
                break
        lower = _compiled(root, on_paper(content, replace(room, height=LOWER, air=TIGHT)))
        made = lower if pages(lower) < pages(made) else made
    path.write_bytes(made)


def _compiled(root: Path, data: dict[str, Any]) -> bytes:
    import typst

    return bytes(
        typst.compile(
            str(root / TEMPLATE),
            root=str(root),
            format="pdf",
            font_paths=[str(fonts())],
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(printable(data), ensure_ascii=False, allow_nan=False)},
            pdf_standards="ua-1",
        )
    )


def pages(document: bytes) -> int:
    """Return how many pages a PDF of typst's has: the greatest count of a node of its tree."""
    return max(int(n) for n in re.findall(rb"/Type\s*/Pages\b[^>]*?/Count\s+(\d+)", document))


def printable(value: Any) -> Any:
    """Return JSON values in which a character that no font of ours has is written as its number."""
    if isinstance(value, str):
        known = characters()
        return "".join(c if c in PRINTED or ord(c) in known else _named(c) for c in value)
    if isinstance(value, dict):
        return {k: printable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(item) for item in value]
    return value


def _named(character: str) -> str:
    return " " if character.isspace() else numbered(character)
