"""What of a report goes on paper, and how short: captions of two lines, long texts cut, tables and lists capped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

CAPTION = 225
"""Letters of two lines of a caption at 8.5 pt, beside its number."""
CUT = 60
"""Letters of the sentence that says how many rows were left out."""
TITLE = 90
CELL = 140
TEXT = 700
"""Letters of any other text; the page has it whole."""
LINE = 100
"""Letters in a line of a log, which is not wrapped."""
HEAD = 70
"""Letters of the running head."""
RUN, PIECE = 36, 20
"""Letters after which a word without a gap must break somewhere, and of a piece of one without any mark."""
SOFT = "\u200b"
LEFT_OUT = ("trials", "advice_rows", "signals_rows")
"""Parts of the content that are too long for paper: they are in the page and in the CSV files."""


Notes = dict[tuple[str, str], list[str]]
"""By kind, figure or table, and words: the names of those that share a note."""


@dataclass(frozen=True)
class Room:
    """How many there may be: rows of a table, figures of a section, blocks with samples, failures, lines, sentences.

    `height` is the most that a figure has, in centimetres, `air` the share of the usual space around parts.
    """

    rows: int
    figures: int
    samples: int
    failures: int
    lines: int
    sentences: int
    height: float = 11.5
    air: float = 1.0


ROOMS = (
    Room(rows=48, figures=4, samples=12, failures=12, lines=8, sentences=16),
    Room(rows=36, figures=3, samples=4, failures=8, lines=6, sentences=12),
    Room(rows=24, figures=2, samples=2, failures=6, lines=4, sentences=10),
    Room(rows=16, figures=1, samples=1, failures=4, lines=3, sentences=8),
    Room(rows=8, figures=1, samples=1, failures=2, lines=2, sentences=6),
)
"""From wide to narrow: a report takes the first with which it has at most `PAGES` pages."""
PAGES = 20
LOWER, TIGHT = 10.2, 0.65
"""Centimetres of a figure, and share of the air around parts, where that saves a page."""


def on_paper(content: Mapping[str, Any], room: Room) -> dict[str, Any]:
    """Return the content as the PDF shows it; `notes` hold what captions had no room for."""
    notes: Notes = {}
    kept = {k: _short(v, notes, room) for k, v in content.items() if k not in LEFT_OUT}
    failures = content["failures"]
    kept["failures"] = [_failure(f, room) for f in grouped(failures)[: room.failures]]
    told = sum(1 + failure["alike"] for failure in kept["failures"])
    kept["failures_left"] = len(failures) - told
    kept["head"] = loose(clipped(content["kicker"], HEAD))
    kept["kicker"] = loose(clipped(content["kicker"], 2 * HEAD))
    kept["samples"] = [_samples(row) for row in content["samples"]]
    kept["questions"] = [loose(clipped(text, 300)) for text in content["questions"]]
    kept["room"] = asdict(room)
    kept["notes"] = [
        {"text": _short(text, {}, room), "names": names} for (_, text), names in notes.items()
    ]
    return kept


def _short(value: Any, notes: Notes, room: Room) -> Any:
    """Return a part of the content cut to size."""
    if isinstance(value, str):
        return loose(clipped(value, TEXT))
    if isinstance(value, Mapping):
        if {"id", "caption", "columns", "rows"} <= set(value):
            return _table(value, notes, room)
        if {"name", "alt", "caption", "title"} <= set(value):
            title = clipped(value["title"], TITLE)
            caption = _caption(value, f"figure-{value['name']}", len(title), notes)
            return {**value, "title": loose(title), "caption": caption}
        fixed = {"name", "alt"} if "alt" in value else {"commands", "id"}
        return {k: v if k in fixed else _short(v, notes, room) for k, v in value.items()}
    if isinstance(value, Sequence):
        return [_short(item, notes, room) for item in value]
    return value


def _table(table: Mapping[str, Any], notes: Notes, room: Room) -> dict[str, Any]:
    rows = table["rows"][: room.rows]
    taken = CUT if len(rows) < len(table["rows"]) else 0
    return {
        **table,
        "caption": _caption(table, f"table-{table['id']}", taken, notes) if rows else "",
        "columns": [{**c, "name": loose(clipped(c["name"], CELL))} for c in table["columns"]],
        "rows": [[{**c, "text": loose(clipped(c["text"], CELL))} for c in row] for row in rows],
        "left_out": len(table["rows"]) - len(rows),
    }


def _caption(thing: Mapping[str, Any], name: str, taken: int, notes: Notes) -> str:
    """Return a caption of two lines; the rest becomes a note that things with the same words share."""
    kept, rest = shortened(thing["caption"], CAPTION - taken)
    if rest:
        notes.setdefault((name.partition("-")[0], rest), []).append(name)
    return loose(kept)


def sentences(text: str) -> list[str]:
    """Return a text's sentences, the last one with a full stop."""
    parts = [part.strip() for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part.strip()]
    return [*parts[:-1], parts[-1] if parts[-1][-1] in ".!?" else f"{parts[-1]}."] if parts else []


def shortened(caption: str, most: int) -> tuple[str, str]:
    """Return the sentences of a caption that fit into `most` letters, and the others.

    What says n stays, since a figure never stands without it. A first sentence that is too long ends at a mark, and is
    whole in the rest.
    """
    every = sentences(caption)
    if len(" ".join(every)) <= most:
        return " ".join(every), ""
    counts = [s for s in every if re.match(r"n = \d", s) and len(s) <= most / 2]
    free = most - sum(len(s) + 1 for s in counts)
    kept: list[str] = []
    rest: list[str] = []
    for text in every:
        if text in counts:
            kept.append(text)
        elif not rest and len(text) <= free:
            kept.append(text)
            free -= len(text) + 1
        else:
            rest.append(text)
    if [s for s in kept if s not in counts] or not rest:
        return " ".join(kept), " ".join(rest)
    cut = max(rest[0].rfind(mark, 0, free - 2) for mark in ("; ", ": ", ", ", " ("))
    first = f"{rest[0][:cut]} …" if cut > 0 else clipped(rest[0], free)
    return " ".join([first, *kept]), " ".join(rest)


def clipped(text: str, most: int) -> str:
    """Return at most `most` letters of a text, cut at the end of a word where one is near."""
    if len(text) <= most:
        return text
    cut = text.rfind(" ", most - 24, most - 2)
    return f"{text[: cut if cut > 0 else most - 2].rstrip()} …"


def loose(text: str, run: int = RUN, piece: int = PIECE) -> str:
    """Return the text with places to break in every word of `run` letters or more: marks, or else every `piece`."""
    return re.sub(rf"[^\s{SOFT}]{{{run},}}", lambda found: _loosened(found[0], piece), text)


def _loosened(word: str, piece: int) -> str:
    parts = re.findall(r"[^_\-·/,+=.:;&?]*[_\-·/,+=.:;&?]+|[^_\-·/,+=.:;&?]+", word)
    cut = [part[i : i + piece] for part in parts for i in range(0, len(part), piece)]
    return SOFT.join(cut)


def grouped(failures: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one failure of each kind, the most frequent first; `alike` counts the others that ended so.

    Equal messages are those that differ in numbers alone.
    """
    kinds: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for failure in failures:
        message = re.sub(r"\d+", "#", failure["message"])
        kinds.setdefault((failure["outcome"], message), []).append(failure)
    ordered = sorted(kinds.values(), key=lambda found: -len(found))
    return [{**found[0], "alike": len(found) - 1} for found in ordered]


def _failure(failure: Mapping[str, Any], room: Room) -> dict[str, Any]:
    lines = failure["log"].splitlines()[-room.lines :]
    return {
        **failure,
        **{name: loose(failure[name]) for name in ("key", "outcome", "step")},
        "message": loose(clipped(failure["message"], 320)),
        "log": "\n".join(clipped(line.expandtabs(4), LINE) for line in lines),
        "commands": [clipped(c, LINE) if _endless(c) else c for c in failure["commands"]],
    }


def _samples(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block's samples, whose names stand under pictures."""
    told = [
        {**s, **{k: loose(clipped(s[k], HEAD), 12, 12) for k in ("treatment", "note")}}
        for s in row["samples"]
    ]
    return {**row, "block": loose(clipped(row["block"], TITLE)), "samples": told}


def _endless(command: str) -> bool:
    return max(map(len, command.split())) > LINE
