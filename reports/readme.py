"""The words beside a paper's files: what each file is, how to cite it, and a document that shows them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import ablation
from reports.tables import Tables

FIRST_LINE = "Tables and figures of an ablation study"
"""Begins every README.txt of ours: a folder with it may be written again."""

ABOUT = {
    "estimates": "each level against the reference over all blocks: estimate, interval, adjusted p",
    "tests": "every declared comparison, overall and block by block",
    "medians": "medians of the scores of quality over seeds, cell by cell, beside real samples",
    "coverage": "medians of the scores of coverage and copying, cell by cell",
    "failures": "how often training diverged, crashed or collapsed",
    "claims": "the article's statements with their verdicts",
    "certificate": "what all compared trials share: steps, batch size, protocol, networks",
    "trials": "one row a trial: what was asked, how it ended, every score",
    "readings": "one row a measured number of a trial in training",
}


def readme(
    said: Mapping[str, Any],
    tables: Tables,
    figures: Mapping[float, Sequence[str]],
    wide: Mapping[float, Sequence[str]],
    names: Sequence[str],
) -> str:
    """Return the README.txt of a paper's folder."""
    study = tables.studies[0]
    lines = [f"{FIRST_LINE}: {said['study']}", "", *_wrapped(study.question)]
    lines += _wrapped(f"Verdict: {said['verdict']}".replace("\u00a0", " "))
    if said["partial"]:
        lines += _wrapped(said["partial"])
    lines += ["", "WHAT IS WHAT", ""]
    lines += _wrapped(
        "tables/*.tex  LaTeX for \\usepackage{booktabs}; \\input them. Wide ones are table*, over both columns."
        " The same tables lie beside them as CSV and Parquet, as printed or, for estimates, trials and readings, in"
        " full precision."
    )
    shown = [*names, "trials", "readings"]
    lines += [f"  {name:<12} {ABOUT[name]}" for name in shown if name in ABOUT]
    for width, drawn in figures.items():
        lines += ["", f"figures/{width:g}in/  {len(drawn)} figures drawn {width:g} inches wide"]
        lines += _wrapped(
            "SVG and PDF, type of 7 points and more: include them at their own size, not scaled."
        )
        titles = _titles(said)
        lines += [f"  {name:<36}  {titles.get(name, '')}".rstrip() for name in drawn]
        if wide[width]:
            lines += _wrapped(f"Too wide for {width:g} inches, left out: {', '.join(wide[width])}")
    lines += ["", "example.tex  shows all tables and figures: pdflatex example.tex", ""]
    lines += ["HOW TO CITE", "", *_cite(said, tables)]
    return "\n".join(lines) + "\n"


def _wrapped(text: str) -> list[str]:
    return fill(text, 100, break_long_words=False, break_on_hyphens=False).splitlines()


def _titles(said: Mapping[str, Any]) -> dict[str, str]:
    return {f["name"]: f["title"] for drawn in said["figures"].values() for f in drawn}


def _cite(said: Mapping[str, Any], tables: Tables) -> list[str]:
    """Return how the framework, this study and everything that it used are cited."""
    study = tables.studies[0]
    commits = sorted({str(c) for c in tables.trials["commit"].dropna() if c})
    told = [
        f"activation-ablation {ablation.__version__}, by the activation-ablation authors (software)."
    ]
    what = f"Study {said['study']}"
    what += f", declaration {study.declared_hash}" if study.declared_hash else ""
    what += f", planned {study.created[:10]}" if study.created else ""
    what += f", code {', '.join(commits)}" if commits else ""
    lines = [*told, f"{what}.", ""]
    if said["citations"]:
        lines += ["What this study uses:", ""]
        lines += [line for cited in said["citations"] for line in _wrapped(f"* {cited}")]
    return lines


def example(names: Sequence[str], figures: Sequence[str], width: float) -> str:
    """Return a LaTeX document with every table and every figure."""
    page = max(6.5, width)
    lines = [
        "\\documentclass{article}",
        "\\usepackage{booktabs}",
        "\\usepackage{graphicx}",
        f"\\setlength{{\\textwidth}}{{{page:g}in}}",
        f"\\setlength{{\\oddsidemargin}}{{{(8.5 - page) / 2 - 1:.3f}in}}",
        "\\setlength{\\topmargin}{-0.5in}",
        "\\setlength{\\textheight}{9.5in}",
        "\\begin{document}",
    ]
    for name in names:
        lines += [f"\\input{{tables/{name}.tex}}", "\\clearpage"]
    for name in figures:
        lines += [
            "\\begin{figure}[t]",
            f"\\centering\\includegraphics{{figures/{width:g}in/{name}.pdf}}",
            "\\end{figure}",
            "\\clearpage",
        ]
    return "\n".join([*lines, "\\end{document}", ""])
