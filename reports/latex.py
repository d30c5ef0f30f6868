"""Tables as LaTeX for plain `booktabs`: every text escaped, in pieces that fit a page, with caption and label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

MOST_ROWS = 40
"""Rows of one piece: in small type it fits a page."""
COLUMN, PAGE = 60, 136
"""Letters in small type that one column of a journal's page holds, and both (`table*`)."""
HEAD = 16
"""Letters of a line of a column's head."""
LONG = 36
"""Characters from which a column of text is set as a paragraph."""

SPECIAL = {
    **{c: f"\\{c}" for c in "_%&#${}"},
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "\\": "\\textbackslash{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    "`": "\\textasciigrave{}",
    '"': "{''}",
    "[": "{[}",  # else it would be an option of the \\ before it
    "]": "{]}",
    "*": "{*}",
    "-": "{-}",  # else two of them would become a dash
    "'": "{'}",
    "?": "{?}",
    "!": "{!}",
    "\u00a0": "~",
    "\u2011": "{-}",
    "\u2212": "$-$",
    "–": "--",
    "—": "---",
    "±": "$\\pm$",
    "×": "$\\times$",
    "·": "$\\cdot$",
    "≤": "$\\leq$",
    "≥": "$\\geq$",
    "≈": "$\\approx$",
    "≠": "$\\neq$",
    "→": "$\\to$",
    "←": "$\\leftarrow$",
    "∞": "$\\infty$",
    "√": "$\\surd$",
    "…": "\\ldots{}",
    "‘": "`",
    "’": "{'}",
    "“": "``",
    "”": "{''}",
    "°": "$^\\circ$",
    "²": "$^2$",
    "³": "$^3$",
    "ß": "\\ss{}",
    "ø": "\\o{}",
    "Ø": "\\O{}",
    "æ": "\\ae{}",
    "Æ": "\\AE{}",
    "ł": "\\l{}",
    "Ł": "\\L{}",
    "ı": "\\i{}",
    "§": "\\S{}",
}
ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}
"""Combining accents by LaTeX's commands for them, as far as plain fonts have them."""
GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρςστυφχψω",
        (
            *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota"),
            *("kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "varsigma", "sigma"),
            *("tau", "upsilon", "phi", "chi", "psi", "omega"),
        ),
        strict=True,
    )
)


def escaped(text: str) -> str:
    """Return a text as LaTeX that prints it; what plain fonts lack is printed as its number: U+65E5."""
    kept = re.sub(r"[ \t\r\n\f\v]+", " ", text).strip(" ")
    return "".join(map(_character, kept))


def _character(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if character in GREEK:
        return f"$\\{GREEK[character]}$"
    if " " <= character <= "~":
        return character
    if unicodedata.category(character) in ("Cc", "Cf"):
        return ""
    parts = unicodedata.normalize("NFD", character)
    base, mark = parts[0], ACCENTS.get(parts[1:], "")
    if mark and base.isascii() and base.isalpha():
        dotless = "\\i" if base == "i" else base
        return f"\\{mark}{{{dotless}}}"
    return f"U+{ord(character):04X}"


def booktabs(t: Any, label: str, *, note: str = "") -> str:
    """Return a table (`rows.table`) as LaTeX; `note` ends its caption. A strong cell is bold.

    Only `booktabs` is needed. What is too long or too wide for a page continues in further tables.
    """
    told = t["caption"].rstrip(".")
    said: list[str] = []
    for columns in _pieces(t):
        for first in range(0, len(t["rows"]), MOST_ROWS):
            rows = [[row[i] for i in columns] for row in t["rows"][first : first + MOST_ROWS]]
            piece = {**t, "columns": [t["columns"][i] for i in columns], "rows": rows}
            caption = f"{told} (continued)." if said else f"{told}. {note}".strip()
            name = f"{label}-{len(said) + 1}" if said else label
            said.append(_table(piece, caption, name))
    return "\n".join(said)


def _pieces(t: Any) -> list[list[int]]:
    """Return the columns of each piece of a table: its leading texts, and as many more as a page is wide."""
    kinds, sizes = _kinds(t), _sizes(t)
    every = range(len(sizes))
    lead = next((i for i in every if kinds[i] == "r"), len(sizes))
    if sum(sizes) <= PAGE or lead == len(sizes):
        return [list(every)]
    pieces: list[list[int]] = []
    room = 0
    for i in every[lead:]:
        if not pieces or sizes[i] > room:
            pieces.append(list(every[:lead]))
            room = PAGE - sum(sizes[:lead])
        pieces[-1].append(i)
        room -= sizes[i]
    return pieces


def _heads(t: Any) -> list[list[str]]:
    """Return the lines of each column's head."""
    return [wrap(column["name"], HEAD, break_long_words=False) or [""] for column in t["columns"]]


def _sizes(t: Any) -> list[int]:
    """Return about how many letters wide each column is, with what stands between columns."""
    longest = [max(len(row[i]["text"]) for row in t["rows"]) for i in range(len(t["columns"]))]
    return [
        max(min(n, LONG), *map(len, head)) + 2 for n, head in zip(longest, _heads(t), strict=True)
    ]


def _kinds(t: Any) -> list[str]:
    """Return how each column is set: numbers to the right, texts to the left, long ones as paragraphs."""
    longest = [max(len(row[i]["text"]) for row in t["rows"]) for i in range(len(t["columns"]))]
    return [
        "r" if column["number"] else "p" if n > LONG else "l"
        for column, n in zip(t["columns"], longest, strict=True)
    ]


def _table(t: Any, caption: str, label: str) -> str:
    kinds, sizes = _kinds(t), _sizes(t)
    place = "table*" if sum(sizes) > COLUMN else "table"
    left = (PAGE if place == "table*" else COLUMN) - sum(
        size for kind, size in zip(kinds, sizes, strict=True) if kind != "p"
    )
    share = 0.94 * left / (PAGE if place == "table*" else COLUMN) / max(1, kinds.count("p"))
    each = [f"p{{{max(0.15, share):.2f}\\linewidth}}" if kind == "p" else kind for kind in kinds]
    heads = [_head(head, kind) for head, kind in zip(_heads(t), kinds, strict=True)]
    return "\n".join(
        [
            f"\\begin{{{place}}}[t]",
            "\\centering\\footnotesize",
            "\\setlength{\\tabcolsep}{3pt}",
            f"\\caption{{{escaped(caption)}}}",
            f"\\label{{{label}}}",
            f"\\begin{{tabular}}{{{''.join(each)}}}",
            "\\toprule",
            f"{' & '.join(heads)} \\\\",
            "\\midrule",
            *_body(t),
            "\\bottomrule",
            "\\end{tabular}",
            f"\\end{{{place}}}",
            "",
        ]
    )


def _head(lines: Sequence[str], kind: str) -> str:
    if len(lines) == 1:
        return escaped(lines[0])
    text = " \\\\ ".join(map(escaped, lines))
    return f"\\shortstack[{'r' if kind == 'r' else 'l'}]{{{text}}}"


def _body(t: Any) -> list[str]:
    """Return the rows; a first column that repeats itself is printed where it changes."""
    grouped = len({row[0]["text"] for row in t["rows"]}) < len(t["rows"])
    lines: list[str] = []
    last = None
    for row in t["rows"]:
        first = row[0]["text"]
        shown = [_cell(c) for c in row]
        if grouped and lines and first != last:
            lines.append("\\addlinespace")
        if grouped and first == last:
            shown[0] = ""
        lines.append(f"{' & '.join(shown)} \\\\")
        last = first
    return lines


def _cell(cell: Any) -> str:
    text = escaped(cell["text"])
    return f"\\textbf{{{text}}}" if cell["strong"] and text else text


def label(*words: str) -> str:
    """Return a label of letters, digits and hyphens: `tab:study-estimates`."""
    return "tab:" + "-".join(re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-") for word in words)
