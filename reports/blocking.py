"""In which factors the blocks of a study differ, and which of their outcomes are measured against each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log, prod

import numpy as np
import pandas as pd

from ablation.levels import noun
from ablation.spec import PARTS
from reports.design import Block, Design
from reports.names import block_columns
from reports.scales import logged

WORDS = {
    "dataset": "data set",
    "steps": "number of steps",
    "batch_size": "batch size",
    "sites": "activations at single sites",
    "convergence": "what decides convergence",
}
"""What a factor is called that no study compares."""

ROW = re.compile(r"([^()]+)(?:\((\w+=.*)\))?")
ARGUMENT = re.compile(r"(\w+)=(.*?)(?:, (?=\w+=)|$)")
"""A row of a part by name, and the arguments that tell it from others of its name."""

UNTRAINED = "selection_score"
"""At step 0, what an untrained generator scores."""


@dataclass(frozen=True)
class Factor:
    """Columns in which blocks differ and that change together; `codes` gives every block's level, 0..levels-1."""

    columns: tuple[str, ...]
    codes: Mapping[str, int]

    @property
    def levels(self) -> int:
        """How many there are."""
        return len(set(self.codes.values()))

    @property
    def word(self) -> str:
        """What it is called in short."""
        return _called(self.columns[0])

    @property
    def label(self) -> str:
        """What it is called: `loss`, or `loss (with penalty)` where a loss has a penalty of its own."""
        others = [_called(c) for c in self.columns[1:]]
        return f"{self.word} (with {' and '.join(others)})" if others else self.word


def factors(found: Design, trials: pd.DataFrame) -> tuple[Factor, ...]:
    """Return the factors in which the blocks differ; a column that another one tells goes with it.

    Arguments in which one row differs from itself, as `mlp(width=64)` from `mlp(width=128)`, are factors of their own
    where they are crossed.
    """
    keys = [block.key for block in found.blocks]
    rows = trials.drop_duplicates("block").set_index("block").reindex(keys)
    values: dict[str, list[str]] = {}
    for c in block_columns(found.factor):
        values |= _spread(c, [str(value) for value in rows[c]])
    codes = {c: pd.factorize(np.array(own, dtype=object))[0] for c, own in values.items()}
    varying = [c for c, own in codes.items() if len(set(own)) > 1]

    def tells(d: str, c: str) -> bool:
        """Whether column d settles c, of two that settle each other the first."""
        pairs, settled = len(set(zip(codes[d], codes[c], strict=True))), len(set(codes[d]))
        both = settled == len(set(codes[c]))
        return pairs == settled and (not both or varying.index(d) < varying.index(c))

    heads = [c for c in varying if not any(tells(d, c) for d in varying if d != c)]
    told: dict[str, list[str]] = {head: [head] for head in heads}
    for c in varying:
        if c not in told:
            told[next(head for head in heads if tells(head, c))].append(c)
    return tuple(
        Factor(tuple(columns), dict(zip(keys, map(int, codes[head]), strict=True)))
        for head, columns in told.items()
    )


def _called(column: str) -> str:
    """Return what a column is called: an argument as the command line names it."""
    return column if "." in column else WORDS.get(column, noun(column))


def _spread(column: str, values: Sequence[str]) -> dict[str, list[str]]:
    """Return a column of rows as one column for each argument in which they differ, where all these are crossed.

    A row that does not name an argument has "" there. Any other column stays as it is.
    """
    read = [ROW.fullmatch(value) for value in values]
    names = {found[1] if found else "" for found in read}
    if column not in PARTS or len(set(values)) < 2 or len(names) != 1 or "" in names:
        return {column: list(values)}
    given = [dict(ARGUMENT.findall(found[2] or "")) for found in read if found]
    arguments = list(dict.fromkeys(name for own in given for name in own))
    levels = [len({own.get(name, "") for own in given}) for name in arguments]
    if prod(levels) != len(set(values)):
        return {column: list(values)}
    return {f"{column}.{name}": [own.get(name, "") for own in given] for name in arguments}


def strata(
    factor: Factor, others: Sequence[Factor], blocks: Sequence[Block]
) -> list[tuple[str, ...]]:
    """Return the sets of blocks that differ in this factor alone and have all its levels, in their order."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for block in blocks:
        rest = tuple(f.codes[block.key] for f in others if f is not factor)
        groups.setdefault(rest, []).append(block.key)
    wanted = sorted({factor.codes[block.key] for block in blocks})
    found = []
    for keys in groups.values():
        ordered = sorted(keys, key=lambda key: factor.codes[key])
        if [factor.codes[key] for key in ordered] == wanted and len(wanted) > 1:
            found.append(tuple(ordered))
    return found


@dataclass(frozen=True)
class Capped:
    """Finite outcomes by level, block and seed, and where their caps come from, block by block.

    `blocks` are those in which every level was planned and some outcome is finite; `changed` counts the outcomes that
    a cap replaced.
    """

    outcomes: Mapping[tuple[str, str, int], float]
    blocks: tuple[Block, ...]
    untrained: int
    worst: int
    changed: int

    def complete(self, level: str, keys: Sequence[str], seed: int) -> bool:
        """Say whether a level has outcomes of this seed in all of these blocks."""
        return all((level, key, seed) in self.outcomes for key in keys)


def capped(found: Design, trials: pd.DataFrame, readings: pd.DataFrame) -> Capped:
    """Return min(y, the untrained generator's) of declared seeds.

    That is the median of what the block's trials scored at step 0, where the declared score is a distance as that
    reading is; without one, the worst finite outcome of the block.
    """
    start = readings[(readings["quantity"] == UNTRAINED) & (readings["step"] == 0)]
    start = start.assign(value=start["value"].astype(float))
    start = start[np.isfinite(start["value"]) & (start["value"] > 0)]
    names = trials.dropna(subset=["score_name"]).groupby("block")["score_name"].first()
    kept: dict[tuple[str, str, int], float] = {}
    blocks, changed, counts = [], 0, {True: 0, False: 0}
    for block in found.blocks:
        own = {
            (level, seed): found.outcomes[level, block.key, seed]
            for level in found.treatments
            for seed in found.seeds
            if (level, block.key, seed) in found.outcomes
        }
        if not all((level, block.key) in found.planned for level in found.treatments):
            continue
        values = start.loc[start["block"] == block.key, "value"]
        untrained = len(values) > 0 and logged(str(names.get(block.key, "")))
        cap = log(float(values.median())) if untrained else _worst(own.values())
        if not isfinite(cap):
            continue
        counts[untrained] += 1
        changed += sum(y > cap for y in own.values())
        blocks.append(block)
        kept |= {(level, block.key, seed): min(y, cap) for (level, seed), y in own.items()}
    return Capped(kept, tuple(blocks), counts[True], counts[False], changed)


def _worst(outcomes: Iterable[float]) -> float:
    return max((y for y in outcomes if isfinite(y)), default=inf)
