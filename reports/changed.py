"""What changed from one study to others: settings, trials in both, new and lost ones, cells under another setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ablation.record import TrialRecord
from reports.differing import Differing, differing, fixed
from reports.estimates import Interval
from reports.paired import (
    Matched,
    Pair,
    difference,
    equal_bits,
    matched,
    median_interval,
    outcome_of,
    units,
    worded_cells,
)
from reports.sides import Side

FEWEST = 0.95
"""The least level at which an interval says that something is better or worse."""


@dataclass(frozen=True)
class ScoreChange:
    """A score of the trials in both studies: pairs, those that agree bit for bit, and the other's less the first's."""

    score: str
    pairs: int
    equal: int
    median: float
    greatest: float


@dataclass(frozen=True)
class Unequal:
    """A trial of both studies that does not agree bit for bit, and where it differs."""

    key: str
    what: str


@dataclass(frozen=True)
class CellCount:
    """The seeds of a cell without a counterpart: lost since the first study, and new in the other."""

    level: str
    block: str
    lost: tuple[int, ...]
    new: tuple[int, ...]


@dataclass(frozen=True)
class CellChange:
    """How much better the other study's trials are than the first's, pair by pair; an empty `block` is all of them.

    `shift` is of outcomes (lower is better), `failed` counts the failures of the first and of the other.
    """

    level: str
    block: str
    pairs: int
    equal: int
    failed: tuple[int, int]
    shift: Interval
    word: str


@dataclass(frozen=True)
class Against:
    """What changed from the first study to another one; `weights` counts generators in both and those that agree."""

    first: str
    other: str
    both: int
    moved: int
    lost: int
    new: int
    settings: tuple[Differing, ...]
    weights: tuple[int, int]
    agree: int
    ended: int
    scores: tuple[ScoreChange, ...]
    unequal: tuple[Unequal, ...]
    counts: tuple[CellCount, ...]
    cells: tuple[CellChange, ...]
    levels: tuple[CellChange, ...]


@dataclass(frozen=True)
class Changed:
    """What changed between the studies: in which settings they differ, and each against the first."""

    studies: tuple[str, ...]
    differences: tuple[Differing, ...]
    against: tuple[Against, ...]


def changed(
    sides: Sequence[Side], score_names: Mapping[str, str], factor: str, cells: frozenset[str]
) -> Changed:
    """Return what changed from the first study to each other one.

    `score_names` says which score decides of each key, `cells` which keys are cells as they stand, not tuned points.
    """
    names = tuple(side.name for side in sides)
    first, *others = sides
    against = [_against(first, other, score_names, factor, cells) for other in others]
    return Changed(names, differing(sides), tuple(against))


def _against(
    first: Side, other: Side, score_names: Mapping[str, str], factor: str, cells: frozenset[str]
) -> Against:
    settings = fixed(differing((first, other)))
    found = matched(first, other, settings, factor)
    same = [p for p in found.pairs if p.same]
    both = [
        (p.first, first.records[p.first], other.records[p.other])
        for p in same
        if p.first in first.records and p.other in other.records
    ]
    unequal = [Unequal(key, what) for key, a, b in both if (what := _where(a, b))]
    weights = [(a.weights, b.weights) for _, a, b in both if a.weights and b.weights]
    shifts, bits = _shifts(first, other, [p for p in found.pairs if p.first in cells], score_names)
    own = [p for p, _ in shifts if not (p.same and bits[p])]
    shown = {(p.level, p.block) for p in own}  # cells that agree bit for bit have nothing to show
    kept = [(p, d) for p, d in shifts if (p.level, p.block) in shown]
    return Against(
        first=first.name,
        other=other.name,
        both=len(same),
        moved=len(found.pairs) - len(same),
        lost=len(found.lost),
        new=len(found.new),
        settings=settings,
        weights=(len(weights), sum(a == b for a, b in weights)),
        agree=len(both) - len(unequal),
        ended=len(both),
        scores=_scores([(a, b) for _, a, b in both]),
        unequal=tuple(unequal),
        counts=_counts(first, other, found, factor),
        cells=_changes(kept, bits, first, other, lambda p: (p.level, p.block)),
        levels=_changes(kept, bits, first, other, lambda p: (p.level, "")),
    )


def _where(a: TrialRecord, b: TrialRecord) -> str:
    """Return in what two results of one trial differ first, "" where they agree bit for bit."""
    if a.outcome.kind != b.outcome.kind or a.outcome.step != b.outcome.step:
        ends = [f"{r.outcome.kind} at step {r.outcome.step:,}" for r in (a, b)]
        return f"{ends[0]}, then {ends[1]}"
    if a.weights != b.weights:
        return f"weights {a.weights[:10] or 'none'}, then {b.weights[:10] or 'none'}"
    theirs = {s.name: s.value for s in b.scores}
    for score in a.scores:
        if score.name in theirs and not equal_bits(score.value, theirs[score.name]):
            return f"{score.name} {score.value!r}, then {theirs[score.name]!r}"
    return ""


def _scores(both: Sequence[tuple[TrialRecord, TrialRecord]]) -> tuple[ScoreChange, ...]:
    pairs: dict[str, list[tuple[float, float]]] = {}
    for a, b in both:
        theirs = {s.name: s.value for s in b.scores}
        for score in a.scores:
            if score.name in theirs:
                pairs.setdefault(score.name, []).append((score.value, theirs[score.name]))
    told = []
    for name, values in sorted(pairs.items()):
        apart = [b - a for a, b in values]
        equal = sum(equal_bits(a, b) for a, b in values)
        greatest = max(apart, key=abs)
        told.append(ScoreChange(name, len(values), equal, median(apart), greatest))
    return tuple(told)


def _counts(first: Side, other: Side, found: Matched, factor: str) -> tuple[CellCount, ...]:
    specs = {**other.specs, **first.specs}
    labels = worded_cells(specs, factor)
    cells: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
    for place, keys in enumerate((found.lost, found.new)):
        for key in keys:
            cells.setdefault(labels[key], ([], []))[place].append(specs[key].seed)
    return tuple(
        CellCount(level, block, tuple(sorted(lost)), tuple(sorted(new)))
        for (level, block), (lost, new) in sorted(cells.items(), key=lambda c: c[0][::-1])
    )


def _shifts(
    first: Side, other: Side, pairs: Sequence[Pair], score_names: Mapping[str, str]
) -> tuple[list[tuple[Pair, float]], dict[Pair, bool]]:
    """Return each pair's difference of outcomes, and whether the outcomes are equal bit for bit."""
    mine, theirs = (outcome_of(side.records, score_names) for side in (first, other))
    known = [p for p in pairs if p.first in mine and p.other in theirs]
    found = [(p, difference(mine[p.first], theirs[p.other])) for p in known]
    return found, {p: equal_bits(mine[p.first], theirs[p.other]) for p in known}


def _changes(
    shifts: Sequence[tuple[Pair, float]],
    bits: Mapping[Pair, bool],
    first: Side,
    other: Side,
    by: Callable[[Pair], tuple[str, str]],
) -> tuple[CellChange, ...]:
    groups: dict[tuple[str, str], list[tuple[Pair, float]]] = {}
    for pair, shift in shifts:
        groups.setdefault(by(pair), []).append((pair, shift))
    told = []
    for (level, block), own in sorted(groups.items(), key=lambda g: g[0][::-1]):
        whole = median_interval(units(own))
        failed = (
            sum(first.records[p.first].outcome.kind in ("diverged", "crashed") for p, _ in own),
            sum(other.records[p.other].outcome.kind in ("diverged", "crashed") for p, _ in own),
        )
        equal = sum(bits[p] for p, _ in own)
        word = "equal" if equal == len(own) else _word(whole)
        told.append(CellChange(level, block, len(own), equal, failed, whole, word))
    return tuple(told)


def _word(shift: Interval) -> str:
    """Return what an exploratory interval of outcomes says: lower is better."""
    if shift.level < FEWEST:
        return "too few seeds"
    return "better" if shift.high < 0 else "worse" if shift.low > 0 else "no difference shown"
