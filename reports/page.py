"""The report's files: a page, a PDF, tables and figures, all or nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

import pandas as pd

from reports.analysis import analysed
from reports.bound import Bound, slimmed
from reports.changed import Changed, changed
from reports.changed_words import plain, section
from reports.choices import choices
from reports.claim_files import write_claims
from reports.claims_apart import Apart
from reports.content import content
from reports.drawing import svg
from reports.exports import write_rows, write_tables
from reports.gallery import Gallery, gallery
from reports.html import Shown, page
from reports.marked import marked
from reports.paper import figure_pdf, write_pdf
from reports.replacing import replace, sweep_out
from reports.samples import SampleRow, sample_rows
from reports.scales import scale
from reports.sides import sides
from reports.tables import Tables, load
from reports.texts import shown

FILES = ("index.html", "report.pdf")


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


def write_report(study: Path, out: Path | None = None, bound: Bound | None = None) -> Report:
    """Write `study`/report anew from the study's trials, or the folder `out`, within `bound`.

    Raises ValueError for a missing folder, and where `out` holds something else.
    """
    study = Path(study)
    return write(load([study]), study / "report" if out is None else _free(out), bound=bound)


def write_comparison(studies: Sequence[Path], out: Path, bound: Bound | None = None) -> Report:
    """Write one report over the trials of several studies into the folder `out`, within `bound`.

    A trial that several hold counts once. Raises ValueError where a data set was scored under
    different protocols, which never share an axis, and where `out` holds something else.
    """
    out = _free(out)
    tables = load([Path(study) for study in studies])
    _same_protocols(tables)
    own = [load([Path(study)]) for study in studies]
    return write(tables, out, [(one.studies[0].name, analysed(one).claims) for one in own], bound)


def _free(out: Path) -> Path:
    """Return the whole path of a folder for a report; raises ValueError where something else would be removed."""
    out = Path(out)
    place = out.resolve()
    if any((folder / "study.yaml").exists() for folder in (place, *place.parents)):
        raise ValueError(f"{out} is in a study's folder, where its own report lies: name another")
    if place.exists():
        held = {path.name for path in place.iterdir()} if place.is_dir() else set()
        if not set(FILES) <= held <= {*FILES, "tables", "figures"}:
            raise ValueError(f"{out} exists and is not a report alone: name a new folder")
    return place if out.is_symlink() or not out.name or ".." in out.parts else out


def _same_protocols(tables: Tables) -> None:
    for (dataset, family), part in tables.own.groupby(["dataset", "family"], sort=True):
        names = sorted(part["score_name"].unique())
        if len(names) > 1:
            raise ValueError(
                f"{dataset} is scored as {' and as '.join(names)}: {family} with different"
                " extractors or sample counts cannot be compared; report the studies one by one"
            )


def write(tables: Tables, out: Path, apart: Apart = (), bound: Bound | None = None) -> Report:
    """Write every file beside `out`, then put them in its place at once; `apart` is what each study says of claims.

    Within `bound` there is no folder of figures.
    """
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
        scratch.mkdir()
        if bound is None:
            _draw(scratch / "figures", pictures, images)
        write_tables(scratch / "tables", tables, every, found, read.verdict, read.weighed)
        write_rows(scratch / "tables", "advice", said["advice_rows"])
        write_rows(scratch / "tables", "signals", said["signals_rows"])
        write_claims(scratch / "tables", read.claims)
        gone = slimmed(scratch / "tables", bound.tables) if bound else []
        said |= {"bound": bound.said(_command(tables), gone) if bound else "", "without": gone}
        write_pdf(scratch / "report.pdf", said, images, samples, bound.paper if bound else None)
        numbers, marks = marked(tables, trials, found, pictures.all)
        chosen = shown(choices(trials, found, pictures.all))
        what = Shown(pictures.sections, images, samples, numbers, marks, chosen)
        room = bound.most - _bytes(scratch) if bound else None
        (scratch / "index.html").write_text(page(said, what, len(every), room), encoding="utf-8")
        if bound:
            bound.check(_bytes(scratch))
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


def _draw(folder: Path, pictures: Gallery, images: Mapping[str, str]) -> None:
    folder.mkdir()
    for drawing in pictures.all:
        file = folder / drawing.name
        file.with_name(f"{drawing.name}.svg").write_text(images[drawing.name], encoding="utf-8")
        file.with_name(f"{drawing.name}.pdf").write_bytes(figure_pdf(drawing, images[drawing.name]))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _command(tables: Tables) -> str:
    """Return the command that writes the whole report."""
    names = [study.name for study in tables.studies]
    return f"ablation {'report' if len(names) == 1 else 'compare'} {' '.join(names)}"


def _changed(tables: Tables, every: pd.DataFrame, trials: pd.DataFrame, factor: str) -> Changed:
    names = dict(zip(every["key"], every["score_name"].fillna(""), strict=True))
    return changed(sides(tables.studies), names, factor, frozenset(trials["key"]))


def _sample_row(row: SampleRow) -> dict[str, Any]:
    samples = [
        {"treatment": s.treatment, "alt": s.alt, "note": s.note, "name": s.name}
        | {"shown": s.picture is not None}
        for s in row.samples
    ]
    return {"block": row.block, "seed": row.seed, "samples": samples}
