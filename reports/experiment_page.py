"""The page of a built-in experiment: its question, its figure, the same numbers in sentences, provenance."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from reports.drawing import inline
from reports.html import TEMPLATES, environment
from reports.phrases import counted, duration
from reports.story import Story
from reports.texts import shown
from reports.words import listed


def experiment_page(asked: Mapping[str, Any], story: Story, document: str) -> str:
    """Return the page of an experiment that was `asked` so, with its figure's SVG document inside."""
    drawing, name = story.drawing, str(asked["experiment"])
    ends = Counter(str(row["outcome"]) for row in asked["trials"])
    told_ends = listed([f"{n} {kind}" for kind, n in sorted(ends.items())])
    words = [*map(str, asked["words"]), *_options(asked["settings"])]
    versions = [f"{package} {number}" for package, number in asked["versions"].items()]
    told = {
        "name": name,
        "question": asked["question"],
        "title": drawing.title,
        "told": list(story.told),
        "outcomes": f"{counted(len(asked['trials']), 'trial')}: {told_ends}{_took(asked['trials'])}",
        "command": shlex.join(["ablation", "probe", name, *words, "--out", "DIR"]),
        "versions": f"Commit {asked['commit'] or 'unknown'}; {', '.join(versions)}.",
        "cite": asked["cite"],
    }
    return (
        environment()
        .get_template("experiment.html")
        .render(
            **shown(told),
            figure=Markup(inline(document, "f1", drawing.title, drawing.alt)),
            style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        )
    )


def _took(trials: Sequence[Mapping[str, Any]]) -> str:
    """Say how long the trials that tell it used a processor; those of earlier versions do not."""
    known = [s for row in trials if isinstance(s := row.get("cpu_seconds"), (int, float))]
    if not known:
        return ""
    of = "" if len(known) == len(trials) else f" ({len(known)} of them)"
    subject = "It" if len(trials) == 1 else "They"
    return f". {subject} took {duration(sum(known))} of one core{of}"


def _options(settings: Mapping[str, Any]) -> list[str]:
    """Return an experiment's settings as options of the command line."""
    found = []
    for name, value in settings.items():
        if value is not None:
            several = value if isinstance(value, list) else [value]
            found += [f"--{name.replace('_', '-')}", ",".join(map(str, several))]
    return found
