"""SVG for the page in fewer bytes: coordinates to a tenth of a point, no idle white space, each glyph only once."""

from __future__ import annotations

import re

NUMBER = re.compile(r"-?\d+\.\d+")
PLACES = re.compile(r'\b(d|x|y|points)="([^"]*)"')
TRANSLATED = re.compile(r"translate\([^)]*\)")
FONT = "DejaVuSans-"
GLYPHS = re.compile(
    rf'<path id="([\w-]*?){FONT}([\w-]+)"(?: d="([^"]*)")? transform="scale\(0\.015625\)"/>'
)
NAMELESS = re.compile(r'<g id="(figure-\d+-[A-Za-z]+\d*_\d+)"')
EMPTY = re.compile(r"<defs>\s*</defs>")


def compact(element: str) -> str:
    """Return an SVG element whose coordinates have one decimal, and no white space that means nothing."""
    short = re.sub(r"<!--.*?-->", "", element, flags=re.DOTALL)
    short = PLACES.sub(lambda m: f'{m[1]}="{_data(m[2])}"', short)
    short = TRANSLATED.sub(lambda m: NUMBER.sub(_rounded, m[0]), short)
    named = set(re.findall(r"#([\w.-]+)", short))
    short = NAMELESS.sub(lambda m: m[0] if m[1] in named else "<g", short)
    return re.sub(r">\s+<", "><", short)


def _data(words: str) -> str:
    """Return path data with short numbers, lines by their differences, no white space beside letters."""
    parts = re.findall(r"[A-Za-z]|-?[\d.]+", words)
    if not set(parts) >= {"M", "L"} or not {p for p in parts if p.isalpha()} <= {"M", "L", "z"}:
        return re.sub(r"\s*([A-Za-z])\s*", r"\1", NUMBER.sub(_rounded, " ".join(words.split())))
    told, at, here, start = "", 0, (0, 0), (0, 0)
    while at < len(parts):
        letter, at = parts[at], at + 1
        if letter == "z":
            told, here = told + "z", start
            continue
        x, y = (round(10 * float(p)) for p in parts[at : at + 2])
        at += 2
        if letter == "M":
            told, start = told + f"M{_tenths(x)} {_tenths(y)}", (x, y)
        else:
            told += f"l{_tenths(x - here[0])} {_tenths(y - here[1])}"
        here = x, y
    return told


def _tenths(number: int) -> str:
    """Return so many tenths as a decimal number, as short as can be."""
    text = f"{number / 10:.1f}".removesuffix(".0")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _rounded(found: re.Match[str]) -> str:
    text = f"{float(found[0]):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def shared_glyphs(elements: dict[str, str]) -> tuple[dict[str, str], str]:
    """Return the elements without the outlines of their letters, and one element that holds each outline once."""
    outlines: dict[str, str] = {}

    def take(found: re.Match[str]) -> str:
        outlines.setdefault(found[2], found[3] or "")
        return ""

    without = {}
    for name, element in elements.items():
        prefixes = {found[1] for found in GLYPHS.finditer(element)}
        text = EMPTY.sub("", GLYPHS.sub(take, element))
        for prefix in sorted(prefixes):
            text = text.replace(f'href="#{prefix}{FONT}', 'href="#g')
        without[name] = text
    paths = "".join(
        f'<path id="g{name}" d="{data}" transform="scale(0.015625)"/>'
        for name, data in sorted(outlines.items())
    )
    return (
        without,
        f'<svg width="0" height="0" aria-hidden="true" class="glyphs"><defs>{paths}</defs></svg>',
    )
