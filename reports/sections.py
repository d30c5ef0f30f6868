"""The sections of a report, in their order: page and PDF show the same ones, each from a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SECTIONS = {
    "changed": ("What changed", "changed"),
    "compared": ("Comparison", ""),
    "advice": ("Recommendation", "criteria"),
    "stands": ("Robustness", "robustness"),
    "matters": ("What matters", "matters"),
    "claims": ("Claims", "claims_line"),
    "tuning": ("Tuning", "tuned_words"),
    "beside": ("Published numbers", "published"),
    "complete": ("Completeness", ""),
    "scores": ("Scores", ""),
    "gradients": ("Gradients", ""),
    "units": ("Dead units", ""),
    "events": ("Events", ""),
    "mechanism": ("Early signals", "signals"),
    "parameters": ("Learned parameters", "learned"),
    "facts": ("Activations", "activations"),
    "samples": ("Samples", ""),
    "failures": ("Failures", ""),
    "all": ("All trials", ""),
    "methods": ("Methods", ""),
    "references": ("References", ""),
    "ran": ("Provenance", ""),
}
"""By the name of `templates/page/NAME.html` and `templates/paper/NAME.typ`: its title in the list of sections, and
the part of the content without which it is left out: a text, a list or a table."""


def sections(content: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the sections that have something to show; raises KeyError for a part that there is not."""
    return [
        {"id": name, "title": title}
        for name, (title, needed) in SECTIONS.items()
        if not needed or _says(content[needed])
    ]


def _says(part: Any) -> bool:
    return bool(part["rows"] if isinstance(part, Mapping) and "rows" in part else part)
