"""The report's files: one self-contained HTML page, one PDF, tables and figures, all or nothing."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.analysis import analysed
from reports.changed import Changed, changed
from reports.changed_words import plain, section
from reports.choices import choices
from reports.claim_files import write_claims
from reports.claims_apart import Apart
from reports.content import content
from reports.drawing import svg
from reports.exports import write_rows, write_tables
from reports.frames import samples_of
from reports.gallery import gallery
from reports.livening import Inlined, inlined
from reports.marked import marked
from reports.paper import figure_pdf, write_pdf
from reports.replacing import replace, sweep_out
from reports.samples import SampleRow, sample_rows
from reports.scales import scale
from reports.sides import sides
from reports.tables import Tables, load
from reports.texts import shown

TEMPLATES = Path(__file__).parent / "templates"
FILES = ("index.html", "report.pdf")
SCRIPTS = ("page.js", "choice.js", "marks.js")
"""They are one script on the page, of which its policy holds the hash."""
FIGURES, FOR_A_TRIAL = 2_200_000, 800
"""Characters that the figures of a page may take, and for each trial beyond 500."""


@dataclass(frozen=True)
class Report:
    """Where a report lies, what it concludes, how many of its trials failed, and how many of those asked for ended.

    `changed` says of several studies what changed between them: sentences, and plain values; `said` is all that the
    report says, in plain JSON types.
    """

    html: Path
    pdf: Path
    verdict: str
    trials: int
    failures: int
    ended: int
    expected: int
    changed: Mapping[str, Any] | None = None
    said: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


def write_report(study: Path) -> Report:
    """Write `study`/report anew from the study's trials; raises ValueError for a missing folder."""
    study = Path(study)
    return write(load([study]), study / "report")


def write_comparison(studies: Sequence[Path], out: Path) -> Report:
    """Write one report over the trials of several studies into the folder `out`.

    A trial that several hold counts once. Raises ValueError where a data set was scored under
    different protocols, which never share an axis, and where `out` holds something else.
    """
    out = Path(out)
    if out.exists() and not all((out / name).is_file() for name in FILES):
        raise ValueError(f"{out} exists and is not a report: name a new folder")
    if (out.parent / "study.yaml").exists():
        raise ValueError(f"{out} is in a study's folder, where its own report lies: name another")
    tables = load([Path(study) for study in studies])
    _same_protocols(tables)
    own = [load([Path(study)]) for study in studies]
    return write(tables, out, [(one.studies[0].name, analysed(one).claims) for one in own])


def _same_protocols(tables: Tables) -> None:
    for (dataset, family), part in tables.own.groupby(["dataset", "family"], sort=True):
        names = sorted(part["score_name"].unique())
        if len(names) > 1:
            raise ValueError(
                f"{dataset} is scored as {' and as '.join(names)}: {family} with different"
                " extractors or sample counts cannot be compared; report the studies one by one"
            )


def write(tables: Tables, out: Path, apart: Apart = ()) -> Report:
    """Write every file beside `out`, then put them in its place at once; `apart` is what each study says of claims."""
    read = analysed(tables)
    every, trials, found = read.every, read.trials, read.found
    pictures = gallery(read)
    images = {drawing.name: svg(drawing) for drawing in pictures.all}
    samples = sample_rows(trials, found, read.order)
    moved = _changed(tables, every, trials, found.factor) if len(tables.studies) > 1 else None
    changes = section(moved, scale(trials), found.factor) if moved else None
    said = content(read, pictures, changes, apart)
    said["samples"] = [_sample_row(row) for row in samples]
    said = shown(said)
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    sweep_out(out)
    try:
        (scratch / "figures").mkdir(parents=True)
        for drawing in pictures.all:
            file = scratch / "figures" / drawing.name
            file.with_name(f"{drawing.name}.svg").write_text(images[drawing.name], encoding="utf-8")
            file.with_name(f"{drawing.name}.pdf").write_bytes(
                figure_pdf(drawing, images[drawing.name])
            )
        write_tables(scratch / "tables", tables, every, found, read.verdict, read.weighed)
        write_rows(scratch / "tables", "advice", said["advice_rows"])
        write_rows(scratch / "tables", "signals", said["signals_rows"])
        write_claims(scratch / "tables", read.claims)
        write_pdf(scratch / "report.pdf", said, images, samples)
        numbers, marks = marked(tables, trials, found, pictures.all)
        most = FIGURES + FOR_A_TRIAL * max(0, len(every) - 500)
        more = {
            "drawn": inlined(pictures.sections, images, numbers, most),
            "choices": shown(choices(trials, found, pictures.all)),
            "frames": samples_of(samples),
            "marks": marks,
        }
        (scratch / "index.html").write_text(html(said | more), encoding="utf-8")
        replace(scratch, out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    verdict_text = said["verdict"].replace("\u00a0", " ")
    ends = (out / "index.html", out / "report.pdf")
    failed, (ended, expected) = len(said["failures"]), said["in"]
    written = Report(*ends, verdict_text, len(every), failed, ended, expected, said=said)
    if moved is None or changes is None:
        return written
    short = [sentence.replace("\u00a0", " ") for sentence in changes["sentences"]]
    return replaced(written, changed=plain(moved) | {"sentences": short})


def _changed(tables: Tables, every: pd.DataFrame, trials: pd.DataFrame, factor: str) -> Changed:
    names = dict(zip(every["key"], every["score_name"].fillna(""), strict=True))
    return changed(sides(tables.studies), names, factor, frozenset(trials["key"]))


def html(said: dict[str, Any]) -> str:
    """Return the page: every text escaped, every figure and picture inside."""
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn: Inlined = said["drawn"]
    told = said | {
        "drawn": {name: Markup(figure) for name, figure in drawn.figures.items()},
        "letters": Markup(drawn.letters),
    }
    return environment.get_template("page.html").render(
        **told,
        script=Markup(script),
        script_hash=digest,
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
    )


def _sample_row(row: SampleRow) -> dict[str, Any]:
    samples = [
        {"treatment": s.treatment, "alt": s.alt, "note": s.note, "name": s.name}
        | {"shown": s.picture is not None}
        for s in row.samples
    ]
    return {"block": row.block, "seed": row.seed, "samples": samples}
