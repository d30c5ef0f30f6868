"""The report's page: one self-contained HTML file, with as many figures and pictures inside as it may weigh."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.bound import SAMPLES
from reports.drawing import Drawing
from reports.frames import MOST, samples_of
from reports.livening import NONE, Inlined, inlined
from reports.samples import SampleRow

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("page.js", "choice.js", "marks.js")
"""They are one script on the page, of which its policy holds the hash."""
FIGURES, FOR_A_TRIAL = 2_200_000, 800
"""Characters that the figures of a page may take, and for each trial beyond 500."""

Content = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """What a page shows beside its words: figures by section, their SVG documents by name, samples.

    `numbers` are the places of trials, by key, in the list `marks` of what is told of them; `choices` are what a reader
    can choose between.
    """

    sections: Mapping[str, Sequence[Drawing]]
    images: Mapping[str, str]
    samples: Sequence[SampleRow]
    numbers: Mapping[str, int]
    marks: Any
    choices: Any


def page(said: Content, what: Shown, trials: int, room: int | None = None) -> str:
    """Return the page of a report of so many trials; with `room`, it has at most so many bytes where its words have.

    Sample pictures get a share of what the words leave, figures all else.
    """
    told = said | {"choices": what.choices, "marks": what.marks}
    figures, pictures = FIGURES + FOR_A_TRIAL * max(0, trials - 500), MOST
    if room is not None:
        free = room - _bytes(html(told | {"frames": samples_of(what.samples, 0)}, NONE))
        pictures = min(pictures, int(SAMPLES * free))
    told |= {"frames": samples_of(what.samples, pictures)}
    if room is not None:
        figures = min(figures, room - _bytes(html(told, NONE)))
    while True:
        drawn = inlined(what.sections, what.images, what.numbers, figures)
        made = html(told, drawn)
        if room is None or not drawn.figures or _bytes(made) <= room:
            return made
        figures -= _bytes(made) - room


def html(said: Content, drawn: Inlined) -> str:
    """Return the page: every text escaped, every figure and picture inside."""
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    told = said | {
        "drawn": {name: Markup(figure) for name, figure in drawn.figures.items()},
        "letters": Markup(drawn.letters),
        "styles": Markup(drawn.styles),
    }
    return (
        environment()
        .get_template("page.html")
        .render(
            **told,
            script=Markup(script),
            script_hash=digest,
            style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        )
    )


def environment() -> Environment:
    """Return what fills our templates: every text escaped, none missing."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _bytes(text: str) -> int:
    return len(text.encode())
