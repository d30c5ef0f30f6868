"""The table of activations: what each row is, and what is computed about it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ablation.factories import source_of
from ablation.files import brief
from ablation.known import known
from ablation.part import Part
from ablation.verbs import tell

YES, NO = "●", "·"
HEADER = "   gain  sup|φ'|  bounded  smooth  twice  monotone  learns  "
FOOTER = """
gain     makes E φ(z)² = 1 for standard normal z          sup|φ'|  its steepest slope
smooth   φ' is continuous; twice: φ'' is too              learns   parameters it has at each place
(5→1)    turns 5 channels into 1                          (draws)  is random while it trains"""


def described(rows: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return each row with its `facts`; without them, and with an `error`, if it cannot be used."""
    found: dict[str, dict[str, Any]] = {}
    parts: dict[str, Part] = {}
    for name, row in rows.items():
        try:
            part = Part.read(row, f"activation.{name}")
            parts[name] = replace(part, source=source_of(part))
        except ValueError as error:
            found[name] = {**row, "facts": None, "error": brief(error)}
    kept = {name: known(part) for name, part in parts.items()}
    missing = [name for name, facts in kept.items() if facts is None]
    if missing:
        many = f"{len(missing)} activations, once; it takes seconds"
        tell(f"computing what is known of {many if len(missing) > 1 else 'one activation, once'}")
    for name, facts in kept.items():
        if facts is not None:
            found[name] = {**rows[name], "facts": facts.plain()}
            continue
        from ablation.activations import Activation

        try:
            found[name] = {**rows[name], "facts": Activation(parts[name]).facts}
        except Exception as error:  # a user's own module may fail in any way; the others are shown
            found[name] = {**rows[name], "facts": None, "error": brief(error)}
    return {name: found[name] for name in rows}


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table as wide as the terminal (100 columns where there is none)."""
    names = {name: name + _mark(row["facts"]) for name, row in rows.items()}
    width = max(map(len, ("activation", *names.values())))
    room = max(20, shutil.get_terminal_size((100, 24)).columns - width - len(HEADER))
    lines = [f"{'activation':<{width}}{HEADER}source"]
    for name, row in rows.items():
        if row["facts"] is None:
            lines.append(f"{name:<{width}}  {row['error']}")
        else:
            cells = f"{names[name]:<{width}}{_cells(row['facts'])}"
            lines.append(cells + _source(str(row.get("cite", "")), room))
    return "\n".join(line.rstrip() for line in [*lines, *FOOTER.split("\n")])


def _mark(facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return ""
    seen, sharing = facts["channels"]
    changes = "" if seen == sharing else f" ({seen}→{sharing})"
    return changes + (" (draws)" if facts["random"] else "")


def _cells(facts: Mapping[str, Any]) -> str:
    """Return the numbers and marks of a row, each under its word of the header."""
    gain, steepest = _number(facts["gain"]), _number(facts["steepest"])
    flags = ("bounded", "smooth", "twice_differentiable", "monotone")
    marks = [*(YES if facts[flag] else NO for flag in flags), str(facts["learnable"] or NO)]
    words = HEADER.split()[2:]
    under = "  ".join(f"{mark:^{len(word)}}" for mark, word in zip(marks, words, strict=True))
    return f"{gain:>6}  {steepest:>7}  {under}  ".rjust(len(HEADER))


def _number(value: float | str | None) -> str:
    """Return a number with four decimals, in seven characters."""
    if value is None or isinstance(value, str):
        return "∞" if value else "none"
    return f"{value:.4f}" if value < 100 else f"{value:.3g}"


def _source(cite: str, room: int) -> str:
    """Return authors and year of a citation, or its beginning, in `room` characters."""
    if len(cite) <= room:
        return cite
    dated = re.match(r"(.*?\b(?:19|20)\d\d)\b", cite)
    short = dated[1] if dated else cite
    if len(short) > room and dated:
        short = re.sub(r"^([^,&]+?)(?:,| &).* (\d{4})$", r"\1 et al. \2", short)
    return short if len(short) <= room else short[: room - 1] + "…"
