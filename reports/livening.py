"""Figures as the page holds them: small, letters and styles shared, every seed's mark known to the script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape

from reports.drawing import Drawing, inline

PAD = {"score": 0.05, "heat": 0.0}
"""What lies beside the first and the last group of a figure, in widths of a group."""

GLYPH = re.compile(r'<path id="([^"]+)" (d="[^"]*" transform="scale\(0\.015625\)")/>')
NUMBER = re.compile(r"-?\d+\.\d+")
LONG = 800
"""A path of more characters is a curve: its points are rounded to 0.1 of a width of 518, those of others to 0.01."""


@dataclass(frozen=True)
class Inlined:
    """The SVG elements of a page by figure, and the letters and the style sheet that they all use."""

    figures: Mapping[str, str]
    letters: str
    styles: str


NONE = Inlined({}, "", "")


def inlined(
    sections: Mapping[str, Sequence[Drawing]],
    images: Mapping[str, str],
    numbers: Mapping[str, int],
    most: int,
) -> Inlined:
    """Return the figures for a page from their SVG documents; `numbers` are the trials' places in its list, by key.

    With more than `most` characters, the last figures of every section are left out.
    """
    order = {d.name: place for part in sections.values() for place, d in enumerate(part)}
    drawings = sorted((d for part in sections.values() for d in part), key=lambda d: order[d.name])
    letters: dict[str, str] = {}
    styles: dict[str, str] = {}
    figures = {}
    for count, drawing in enumerate(drawings, 1):
        name = f"f{count}"
        body = inline(images[drawing.name], name, drawing.title, drawing.alt)
        body = _without_letters(_small(body), name, letters)
        body = _styled(_renamed(_known(body, name, drawing, numbers), name), styles)
        if most < len(body):
            break
        most -= len(body)
        figures[drawing.name] = body
    paths = "".join(f'<path id="{name}" {path}/>' for name, path in sorted(letters.items()))
    sheet = "".join(f".{name}{{{style}}}" for style, name in styles.items())
    return Inlined(figures, paths, sheet)


def _small(body: str) -> str:
    """Leave out comments and blanks, and round what no eye can tell."""
    body = re.sub(r"<!--.*?-->|<style.*?</style>|<defs>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r"\bd=\"([^\"]*)\"", lambda found: f'd="{_path(found[1])}"', body)
    body = re.sub(r"\b([xy])=\"(-?[\d.]+)\"", lambda m: f'{m[1]}="{_rounded(m[2], 2)}"', body)
    body = re.sub(r"translate\(([^)]*)\)", lambda m: f"translate({_each(m[1], 2)})", body)
    return re.sub(r">\s+<", "><", body)


def _path(d: str) -> str:
    words = " ".join(_each(d, 1 if len(d) > LONG else 2).split())
    return re.sub(r" ?([A-Za-z]) ?", r"\1", words)


def _each(text: str, digits: int) -> str:
    return NUMBER.sub(lambda found: _rounded(found[0], digits), text)


def _rounded(number: str, digits: int) -> str:
    text = f"{float(number):.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _without_letters(body: str, name: str, letters: dict[str, str]) -> str:
    """Move the outlines of letters to `letters`, under the names that all figures share."""
    own = {}
    for found in GLYPH.finditer(body):
        own[found[1]] = found[1].removeprefix(f"{name}-").replace("DejaVuSans", "L")
        letters[own[found[1]]] = found[2]
    body = re.sub(r"<defs></defs>", "", GLYPH.sub("", body))
    body = re.sub(r'(<use href="[^"]*") transform="translate\((\S+) 0\)"/>', r'\1 x="\2"/>', body)
    return re.sub(r'href="#([^"]+)"', lambda m: f'href="#{own.get(m[1], m[1])}"', body)


def _renamed(body: str, name: str) -> str:
    """Leave out the ids that nothing in the figure refers to, and shorten all others."""
    refers = r'(?<=href="#)[^"]+|(?<=url\(#)[^)]+'
    used = re.findall(refers, body)
    used += [own for found in re.findall(r'labelledby="([^"]*)"', body) for own in found.split()]
    short = {
        own: f"{name}-{n}"
        for n, own in enumerate(dict.fromkeys(used))
        if own.startswith(f"{name}-")
    }
    body = re.sub(r' id="([^"]*)"', lambda m: f' id="{short[m[1]]}"' if m[1] in short else "", body)
    body = re.sub(refers, lambda m: short.get(m[0], m[0]), body)
    return re.sub(
        r'labelledby="([^"]*)"',
        lambda m: f'labelledby="{" ".join(short[own] for own in m[1].split())}"',
        body,
    )


def _styled(body: str, styles: dict[str, str]) -> str:
    """Move what elements look like to `styles`, class names by style, which all figures share."""

    def name(style: str) -> str:
        return styles.setdefault(style.replace(": ", ":").replace("; ", ";"), f"s{len(styles)}")

    body = re.sub(
        r'class="([^"]*)"([^<>]*?) style="([^"]*)"',
        lambda m: f'class="{m[1]} {name(m[3])}"{m[2]}',
        body,
    )
    return re.sub(r' style="([^"]*)"', lambda m: f' class="{name(m[1])}"', body)


def _known(body: str, name: str, drawing: Drawing, numbers: Mapping[str, int]) -> str:
    """Say which mark is which trial's and where the groups stand; a figure with marks is a group of things to visit."""
    kind = drawing.name.partition("-")[0]
    if kind not in PAD:
        return body
    body = re.sub(
        rf'id="{name}-(wide|word|label)-(\d+)(?:-[^"]*)?"', r'data-role="\1" data-group="\2"', body
    )
    frame = re.findall(rf'<g id="{name}-frame"><path d="M([\d.]+) [\d.]+L([\d.]+) ', body)
    if frame:
        left, right = map(float, frame[-1])
        told = f'data-left="{left:g}" data-width="{right - left:.2f}" data-pad="{PAD[kind]}"'
        body = body.replace("<svg ", f"<svg {told} ", 1)
    if drawing.marks:
        body = body.replace('role="img"', 'role="group"', 1)
    return re.sub(
        rf'<g id="{name}-points-([^"]+)">(<defs>.*?</defs>)?<g clip-path="[^"]*">((?:<use [^>]*/>)+)</g></g>',
        lambda m: (m[2] or "") + _marks(unescape(m[1]).split(","), m[3], drawing, numbers),
        body,
    )


def _marks(keys: Sequence[str], uses: str, drawing: Drawing, numbers: Mapping[str, int]) -> str:
    """Return the marks of a line, each with its trial: a line draws its points in the order of its keys."""
    drawn = re.findall(r"<use ([^>]*)/>", uses)
    pairs = zip(keys, drawn, strict=True)
    return "".join(f"<use {_mark(key, drawing, numbers)} {own}/>" for key, own in pairs)


def _mark(key: str, drawing: Drawing, numbers: Mapping[str, int]) -> str:
    text = escape(drawing.marks.get(key, "–"))
    return f'class="mark" data-trial="{numbers[key]}" data-value="{text}"'
