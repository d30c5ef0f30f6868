"""How much of a study's outcomes each factor tells: the rows of the section What matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablation.levels import PLACED, noun
from reports.blocking import Capped, Factor, capped, factors, strata
from reports.design import Block, Design
from reports.estimates import Floats
from reports.factors import (
    LEAST_SEEDS,
    Ints,
    Permuted,
    Share,
    interaction,
    main_effect,
    shares,
    within_effect,
)
from reports.generality import Generality, generality
from reports.placing import BOTH, IN, Placed, placed, units
from reports.study import Declared
from reports.tables import Tables
from reports.verdict import Verdict
from reports.winners import Change, changes

FACTOR, PLACE, INTERACTION, REST, SEEDS = "factor", "place", "interaction", "rest", "seeds"
"""Of an activation's share, that of a `place` is a part."""


@dataclass(frozen=True)
class Row:
    """What one term tells: its share of variance, and its test or a `note` of why there is none.

    `basis` says in words what was permuted or flipped.
    """

    kind: str
    label: str
    levels: int
    share: Share
    test: Permuted | None = None
    basis: str = ""


@dataclass(frozen=True)
class Weighed:
    """The rows, factors first and seeds last; where the winner changes; and what holds beyond these data sets.

    `n` are the outcomes and `total` the blocks of the study, of which `capped.blocks` enter.
    """

    rows: tuple[Row, ...]
    changes: tuple[Change, ...]
    across: Generality
    capped: Capped
    n: int
    total: int


def weigh(
    tables: Tables, trials: pd.DataFrame, found: Design, verdict: Verdict, declared: Declared
) -> Weighed:
    """Weigh the factors of a design; `trials` comes from `with_primary_score`."""
    inside = capped(found, trials, tables.readings)
    every = factors(found, trials)
    return Weighed(
        rows=_rows(found, inside, every, placed(found, trials)),
        changes=changes(found, verdict, every),
        across=generality(found, inside, declared.level),
        capped=inside,
        n=len(inside.outcomes),
        total=len(found.blocks),
    )


def _rows(
    found: Design, inside: Capped, every: Sequence[Factor], where: Placed | None
) -> tuple[Row, ...]:
    keys = sorted(inside.outcomes)
    kept = [b.key for b in inside.blocks]
    varying = [f for f in every if len({f.codes[key] for key in kept}) > 1]
    several = len(found.treatments) > 1
    if not keys or not (varying or several):
        return ()
    level = np.array([found.treatments.index(a) for a, _, _ in keys])
    block = np.array([kept.index(b) for _, b, _ in keys])
    columns = {f.columns[0]: np.array([f.codes[b] for _, b, _ in keys]) for f in varying}
    terms: list[tuple[str, ...]] = [(name,) for name in columns]
    if several:
        columns[found.factor] = level
        pairs = [(found.factor, f.columns[0]) for f in varying]
        terms = [(found.factor,), *terms, *pairs]
    y = np.array([inside.outcomes[key] for key in keys])
    told = shares(y, columns, level * len(kept) + block, terms)
    rows = []
    if several:
        streams = _units(found, inside)
        rows.append(_compared(found, streams, told.terms[found.factor,]))
    if where is not None:
        codes = columns | {name: own[level] for name, own in where.items()}
        split = [(*PLACED, *term[1:]) if term[0] == found.factor else term for term in terms]
        split += [(name,) for name in PLACED]
        rows += _apart(where, streams, shares(y, codes, level * len(kept) + block, split).terms)
    rows += [_main(found, inside, f, varying, told.terms[f.columns[0],]) for f in varying]
    for f in varying if several else ():
        rows.append(_crossed(found, inside, f, varying, told.terms[found.factor, f.columns[0]]))
    if told.rest.df:
        rows.append(Row(REST, "other combinations of these", 0, told.rest))
    rows.append(Row(SEEDS, "seeds", 0, told.seeds))
    return tuple(rows)


def _units(found: Design, inside: Capped) -> list[tuple[Floats, Ints]]:
    """Return for every stream its whole units, sums over blocks, and the place of each one's level."""
    streams = []
    for stream in found.streams(inside.blocks):
        whole = [
            (sum(inside.outcomes[a, key, seed] for key in _keys(stream)), place)
            for place, a in enumerate(found.treatments)
            for seed in found.seeds
            if inside.complete(a, _keys(stream), seed)
        ]
        labels = np.array([place for _, place in whole])
        if len(set(labels.tolist())) == len(found.treatments):
            streams.append((np.array([c for c, _ in whole]), labels))
    return streams


def _compared(found: Design, streams: Sequence[tuple[Floats, Ints]], share: Share) -> Row:
    """Return the compared factor's row: its labels are permuted over all units of every stream."""
    label, levels = noun(found.factor), len(found.treatments)
    if not streams:
        return Row(FACTOR, label, levels, share, None, f"no seed is complete for every {label}")
    count = sum(len(labels) for _, labels in streams)
    where = f"{len(streams)} streams" if len(streams) > 1 else "1 stream"
    basis = f"{label} labels over {count} units of {where}"
    return Row(FACTOR, label, levels, share, main_effect(streams, (found.factor,)), basis)


def _apart(
    where: Placed,
    streams: Sequence[tuple[Floats, Ints]],
    parts: Mapping[tuple[str, ...], Share],
) -> list[Row]:
    """Return what of the activation's share goes with each place: labels move where the other network's are equal."""
    rows = []
    for name, other in zip(PLACED, reversed(PLACED), strict=True):
        inside = units(streams, where[name], where[other])
        count, levels = sum(len(labels) for _, labels in inside), len(np.unique(where[name]))
        test = main_effect(inside, (name,)) if inside else None
        basis = f"labels over {count} units, within each level of the other network"
        rows.append(Row(PLACE, IN[name], levels, parts[name,], test, basis if inside else ""))
    return [*rows, Row(PLACE, BOTH, 0, parts[PLACED])]


def _main(
    found: Design, inside: Capped, factor: Factor, every: Sequence[Factor], share: Share
) -> Row:
    """Return the row of a factor of the blocks: its levels are permuted within every unit."""
    sets = strata(factor, every, inside.blocks)
    keys = [key for one in sets for key in one]
    tables = np.array(
        [
            _means(inside, level, sets, seed)
            for level in found.treatments
            for seed in found.seeds
            if sets and inside.complete(level, keys, seed)
        ]
    )
    levels = len({factor.codes[b.key] for b in inside.blocks})
    if not len(tables):
        return Row(FACTOR, factor.label, levels, share, None, _none(sets, found))
    test = within_effect(tables, (found.factor, *factor.columns))
    basis = f"levels within {len(tables)} units"
    return Row(FACTOR, factor.label, levels, share, test, basis)


def _crossed(
    found: Design, inside: Capped, factor: Factor, every: Sequence[Factor], share: Share
) -> Row:
    """Return the row of a factor's interaction with the compared one: whole tables of seeds are flipped."""
    sets = strata(factor, every, inside.blocks)
    keys = [key for one in sets for key in one]
    tables = [
        [_means(inside, level, sets, seed) for level in found.treatments]
        for seed in found.seeds
        if sets and all(inside.complete(level, keys, seed) for level in found.treatments)
    ]
    label = f"{noun(found.factor)} × {factor.word}"
    levels = len(found.treatments) * len({factor.codes[b.key] for b in inside.blocks})
    if len(tables) < LEAST_SEEDS:
        why = f"needs {LEAST_SEEDS} seeds, complete are {len(tables)}" if sets else ""
        return Row(INTERACTION, label, levels, share, None, why or _none(sets, found))
    test = interaction(np.array(tables), (found.factor, *factor.columns))
    return Row(INTERACTION, label, levels, share, test, f"tables of {len(tables)} seeds flipped")


def _means(inside: Capped, level: str, sets: Sequence[tuple[str, ...]], seed: int) -> list[float]:
    """Return the outcome at each level of a factor, a mean over the sets of blocks."""
    values = [[inside.outcomes[level, key, seed] for key in one] for one in sets]
    return [float(v) for v in np.mean(values, axis=0)]


def _none(sets: Sequence[tuple[str, ...]], found: Design) -> str:
    if sets:
        return f"no seed is complete for any {noun(found.factor)}"
    return "its levels never meet with all else equal"


def _keys(blocks: Sequence[Block]) -> list[str]:
    return [block.key for block in blocks]
