"""What a study says beyond its data sets: differences of their means flipped in sign, and ranks over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.blocking import Capped
from reports.design import Design
from reports.estimates import Floats, Interval, holm
from reports.factors import LEAST_DATASETS, sign_flip, typical
from reports.ranks import Diagram, critical_difference, datasets_needed


@dataclass(frozen=True)
class Across:
    """A level against the reference over data sets like these: the `n` of its shift are data sets."""

    a: str
    shift: Interval
    p: float
    adjusted: float
    finding: str


@dataclass(frozen=True)
class Generality:
    """The data sets of a study, the tests over them and the diagram of ranks, where they are enough.

    Variants of one data set count as one. A diagram of as many levels needs `needed` of them.
    """

    datasets: tuple[str, ...]
    tests: tuple[Across, ...]
    diagram: Diagram | None
    needed: int


def generality(found: Design, inside: Capped, alpha: float) -> Generality:
    """Compare levels over data sets, each of which is one outcome: its mean over blocks and seeds."""
    values = _values(found, inside)
    names, k = tuple(values), len(found.treatments)
    if k < 2:
        return Generality(names, (), None, 0)
    needed, table = datasets_needed(k, alpha), np.array(list(values.values()))
    tests = _tests(found, table, alpha) if len(names) >= LEAST_DATASETS else ()
    diagram = critical_difference(table, alpha) if len(names) >= needed else None
    return Generality(names, tests, diagram, needed)


def _values(found: Design, inside: Capped) -> dict[str, Floats]:
    """Return every level's mean outcome by data set, over the blocks in which all levels have one."""
    blocks: dict[str, list[list[float]]] = {}
    for block in inside.blocks:
        seeds = [
            [
                inside.outcomes[level, block.key, seed]
                for seed in found.seeds
                if (level, block.key, seed) in inside.outcomes
            ]
            for level in found.treatments
        ]
        if all(seeds):
            means = [float(np.mean(own)) for own in seeds]
            blocks.setdefault(block.dataset.partition("(")[0], []).append(means)
    return {name: np.mean(blocks[name], axis=0) for name in sorted(blocks)}


def _tests(found: Design, table: Floats, alpha: float) -> tuple[Across, ...]:
    """Test every level against the reference; p adjusted by Holm over the levels."""
    base, tests = found.treatments.index(found.reference), []
    for place, level in enumerate(found.treatments):
        if place == base:
            continue
        differences, names = table[:, place] - table[:, base], (level, found.reference)
        low, high, exact = typical(differences, names, level=1 - alpha)
        shift = Interval(float(differences.mean()), low, high, len(table), 0, exact)
        tests.append((level, shift, sign_flip(differences, names).p))
    share = [1 / len(tests)] * len(tests)
    adjusted = holm([p for _, _, p in tests], share)
    told = []
    for (level, shift, p), own in zip(tests, map(float, adjusted), strict=True):
        side = "better" if shift.estimate < 0 else "worse"
        told.append(Across(level, shift, p, own, side if own <= alpha else "not distinguishable"))
    return tuple(told)
