"""What changed between studies, in words: sentences, tables of the report, and plain values for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from ablation.levels import noun
from reports.changed import Against, CellChange, Changed
from reports.differing import RAN, numbers
from reports.phrases import counted
from reports.rows import Table, cell, table
from reports.scales import Scale, score_label
from reports.words import ends, estimate, level, listed, number

MOST = 20
"""Trials that do not agree bit for bit are listed up to so many; the JSON answer has them all."""
EXPLORATORY = (
    "Exploratory: the median of paired differences with its interval by the sign test; not corrected for"
    " the number of cells. Six pairs are the least for 95 %."
)


def section(found: Changed, scale: Scale, factor: str) -> dict[str, Any]:
    """Return the report's section: sentences and tables."""
    return {
        "sentences": sentences(found, scale),
        "settings": _settings(found),
        "against": [_against(one, scale, factor, len(found.against) > 1) for one in found.against],
        "note": EXPLORATORY,
    }


def plain(value: Any) -> Any:
    """Return what changed in JSON's types; what is not finite is null."""
    if isinstance(value, Changed):
        return plain(asdict(value))
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def sentences(found: Changed, scale: Scale) -> list[str]:
    """Return the short form: what differs, which trials are in both and agree, and a word for each level."""
    told = []
    settings = [d for d in found.differences if d.kind != RAN]
    ran = [d.what for d in found.differences if d.kind == RAN]
    names = listed([d.what for d in settings])
    told.append(f"The studies differ in {names}." if names else "All settings are the same.")
    if ran:
        told.append(f"They ran with another {listed(ran)}.")
    for one in found.against:
        told += _short(one, scale)
    return told


def _short(one: Against, scale: Scale) -> list[str]:
    head = f"{one.other} against {one.first}"
    parts = [f"{counted(one.both, 'trial')} in both"]
    if one.moved:
        which = listed([f"{d.what} {d.values[0]} → {d.values[1]}" for d in one.settings])
        parts.append(f"{one.moved} paired under another setting ({which})")
    parts += [f"{one.new} new", f"{one.lost} lost"]
    told = [f"{head}: {', '.join(parts)}."]
    if one.ended:
        count, same = one.weights
        told.append(
            f"{one.agree} of {one.ended} trials in both agree bit for bit"
            f" (weights: {same} of {count})."
        )
    told += [_level(change, scale) for change in one.levels]
    return told


def _level(change: CellChange, scale: Scale) -> str:
    shown = scale.shown(change.shift)
    reach = ends(shown, ratio=scale.ratio)
    return (
        f"{change.level}: {scale.quantity} {estimate(shown)} {reach} over"
        f" {counted(change.shift.n, 'paired seed')}: {change.word}."
    )


def _settings(found: Changed) -> Table:
    body = [[d.kind, d.what, *d.values] for d in found.differences]
    return table(
        "changed-settings", "In what the studies differ", ["kind", "what", *found.studies], body
    )


def _against(one: Against, scale: Scale, factor: str, several: bool) -> dict[str, Any]:
    mark = f"-{one.other}" if several else ""
    where = f"{one.other} against {one.first}"
    levels = _changes(
        f"changed-levels{mark}",
        f"{where}, {noun(factor)} by {noun(factor)} over all blocks",
        one.levels, scale, factor,
    )  # fmt: skip
    cells = _changes(
        f"changed-cells{mark}", f"{where}, cell by cell under the same seeds",
        one.cells, scale, factor,
    )  # fmt: skip
    several_blocks = len({change.block for change in one.cells}) > 1
    return {
        "title": where,
        "tables": [
            t
            for t in (
                levels,
                cells if several_blocks else cells | {"rows": []},
                _scores(f"changed-scores{mark}", one),
                _unequal(f"changed-trials{mark}", one),
                _counts(f"changed-counts{mark}", one, factor),
            )
            if t["rows"]
        ],
    }


def _changes(
    name: str, caption: str, changes: Sequence[CellChange], scale: Scale, factor: str
) -> Table:
    blocks = any(change.block for change in changes)
    body = []
    for change in changes:
        shown = scale.shown(change.shift)
        clear = change.word in ("better", "worse")
        failed = " → ".join(map(str, change.failed))
        body.append(
            [
                *([change.block] if blocks else []),
                cell(change.level, strong=clear),
                cell(estimate(shown), shown.estimate),
                cell(ends(shown, ratio=scale.ratio), shown.low),
                cell(level(shown), shown.level),
                cell(change.pairs, change.pairs),
                cell(change.equal, change.equal),
                failed,
                cell(change.word, strong=clear),
            ]
        )
    heads = [*(["block"] if blocks else []), noun(factor), f"{scale.quantity}#", "interval#"]
    heads += ["level#", "pairs#", "equal bits#", "failed", "exploratory"]
    return table(name, caption, heads, body)


def _scores(name: str, one: Against) -> Table:
    body = [
        [
            score_label(s.score),
            cell(s.pairs, s.pairs),
            cell(s.equal, s.equal),
            cell(number(s.median), s.median),
            cell(number(s.greatest), s.greatest),
        ]
        for s in one.scores
    ]
    caption = f"Scores of the trials in both: {one.other} less {one.first}, trial by trial"
    heads = ["score", "trials#", "equal bits#", "median difference#", "greatest difference#"]
    return table(name, caption, heads, body)


def _unequal(name: str, one: Against) -> Table:
    body = [[row.key, row.what] for row in one.unequal[:MOST]]
    caption = f"Trials in both that do not agree bit for bit: {one.first}, then {one.other}"
    if len(one.unequal) > MOST:
        caption += f" (the first {MOST} of {len(one.unequal)})"
    return table(name, caption, ["trial", "where they differ first"], body)


def _counts(name: str, one: Against, factor: str) -> Table:
    body = [
        [
            count.block,
            count.level,
            cell(numbers(count.new) or "–", len(count.new)),
            cell(numbers(count.lost) or "–", len(count.lost)),
        ]
        for count in one.counts
    ]
    caption = f"Seeds without a counterpart, cell by cell: new in {one.other}, lost of {one.first}"
    return table(name, caption, ["block", noun(factor), "new", "lost"], body)
