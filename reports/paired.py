"""Trials of two studies in pairs: the same trial in both, or the same level, block and seed under another setting."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf, isnan

import pandas as pd
from scipy.stats import binom

from ablation.levels import distinct_names, stream, value, worded
from ablation.record import TrialRecord
from ablation.spec import TrialSpec
from reports.design import outcomes
from reports.differing import Differing, rest
from reports.estimates import Interval
from reports.names import block_columns, block_word, spec_columns
from reports.sides import Side


@dataclass(frozen=True)
class Pair:
    """A trial of the first study and its counterpart in the other; `level` and `block` in the first one's words."""

    first: str
    other: str
    level: str
    block: str
    stream: str
    seed: int

    @property
    def same(self) -> bool:
        """Whether both are the same trial."""
        return self.first == self.other


@dataclass(frozen=True)
class Matched:
    """The pairs of two studies, and the keys without a counterpart: those lost since the first and those new."""

    pairs: tuple[Pair, ...]
    lost: tuple[str, ...]
    new: tuple[str, ...]


def matched(first: Side, other: Side, settings: Sequence[Differing], factor: str) -> Matched:
    """Pair the trials by key, the others by everything but these settings; never those of two data sets."""
    found = {key: key for key in first.specs if key in other.specs}
    names = [one.what for one in settings if one.what != "dataset"]
    if names:
        waiting = {rest(s, names): k for k, s in other.specs.items() if k not in found}
        for key, spec in first.specs.items():
            if key not in found and (partner := waiting.pop(rest(spec, names), "")):
                found[key] = partner
    labels = worded_cells(first.specs, factor)
    pairs = [
        Pair(a, b, *labels[a], stream(first.specs[a], factor), first.specs[a].seed)
        for a, b in found.items()
    ]
    taken = set(found.values())
    return Matched(
        tuple(sorted(pairs, key=lambda p: (p.block, p.level, p.seed))),
        tuple(sorted(key for key in first.specs if key not in found)),
        tuple(sorted(key for key in other.specs if key not in taken)),
    )


def worded_cells(specs: Mapping[str, TrialSpec], factor: str) -> dict[str, tuple[str, str]]:
    """Return each trial's level and block in words: the loss, and whatever else differs among these trials."""
    names, columns = distinct_names(list(specs.values())), block_columns(factor)
    rows = {key: spec_columns(spec, names, factor) for key, spec in specs.items()}
    always = "activation" if factor == "loss" else "loss"
    told = [c for c in columns if c == always or len({str(r[c]) for r in rows.values()}) > 1]
    return {
        key: (
            worded(factor, value(specs[key], factor, names)),
            " · ".join(filter(None, (block_word(column, row[column]) for column in told))),
        )
        for key, row in rows.items()
    }


def outcome_of(
    records: Mapping[str, TrialRecord], score_names: Mapping[str, str]
) -> dict[str, float]:
    """Return the outcome (lower is better, +inf a failure) of every trial that has one, as tests take it.

    `score_names` says which score decides of each trial.
    """
    rows = []
    for key, record in records.items():
        name = score_names.get(key, "")
        score = next((s for s in record.scores if s.name == name), None)
        row = {"treatment": key, "block": "", "seed": 0, "outcome": record.outcome.kind}
        row |= {"score": None if score is None else score.value, "score_name": name}
        rows.append(row | {"better": "" if score is None else score.better})
    return {key: y for (key, _, _), y in outcomes(pd.DataFrame(rows)).items()}


def difference(first: float, other: float) -> float:
    """Return the second outcome less the first: 0 where both failed, infinite where one did."""
    return 0.0 if first == other else other - first


def middle(values: Sequence[float]) -> float:
    """Return the median; infinities of both signs in the middle cancel."""
    ordered, n = sorted(values), len(values)
    low, high = ordered[(n - 1) // 2], ordered[n // 2]
    found = low if low == high else (low + high) / 2
    return 0.0 if isnan(found) else found


def median_interval(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """Return the median of paired differences and its interval by the sign test.

    The ends are order statistics, so the level is exact whatever the distribution, and differences may be infinite.
    It falls to 1 - 2 / 2^n where the pairs are too few: 6 are the least for 95 %. `failed` counts infinite ones.
    """
    ordered, n = sorted(values), len(values)
    levels = [1 - 2 * float(binom.cdf(k - 1, n, 0.5)) for k in range(1, n // 2 + 1)]
    k = max((k for k, known in enumerate(levels, 1) if known >= level), default=1)
    failed = sum(map(isinf, values))
    if n < 2:
        return Interval(middle(values), -inf, inf, n, failed, 0.0)
    return Interval(middle(values), ordered[k - 1], ordered[n - k], n, failed, levels[k - 1])


def units(pairs: Iterable[tuple[Pair, float]]) -> list[float]:
    """Return one difference a seed of a random stream: the median over its blocks, which move together."""
    found: dict[tuple[str, int], list[float]] = {}
    for pair, value_ in pairs:
        found.setdefault((pair.stream, pair.seed), []).append(value_)
    return [middle(own) for own in found.values()]


def equal_bits(first: float, other: float) -> bool:
    """Say whether two numbers are the same bit for bit."""
    return struct.pack("<d", first) == struct.pack("<d", other)
