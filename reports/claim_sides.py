"""The two sides of a claim's comparison as a design: blocks that both have, whatever factor the study compares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from ablation.claim import AND, OTHERS, Evidence
from ablation.levels import noun, plain, resolve, worded
from ablation.metrics import COST, SPREAD
from reports.claim_source import Absent
from reports.claim_values import spread_of
from reports.design import Block, Design
from reports.names import block_columns, block_word, natural
from reports.scales import Scale


@dataclass(frozen=True)
class Sides:
    """A design of two levels; `settings` are the columns that tell its blocks apart, by block's key and in words.

    `typical` is the median size of the finite outcomes of `r`.
    """

    design: Design
    a: str
    r: str
    settings: Mapping[str, Mapping[str, str]]
    typical: float


def sides(evidence: Evidence, frame: pd.DataFrame, scale: Scale) -> Iterator[Sides]:
    """Yield each comparison that `evidence` asks of these trials with `y`; raises Absent for an absent level."""
    factor = evidence.factor
    levels = [worded(factor, value) for value in frame[factor]]
    present = sorted(set(levels), key=lambda name: (natural(name), name))
    a = _level(evidence.a, factor, present)
    others = [name for name in present if name != a]
    against = others if evidence.r == OTHERS else [_level(evidence.r, factor, present)]
    if not against:
        raise Absent(f"no other {noun(factor)}")
    for r in against:
        kept = frame.assign(treatment=levels)
        yield _pair(evidence, kept[kept["treatment"].isin([a, r])], a, r, scale)


def _level(said: str, factor: str, present: Sequence[str]) -> str:
    word = said.split(AND)[0]
    found = resolve(word, factor, present)
    if found is None:
        raise Absent(f"no {noun(factor)} {word}" if word != "none" else f"none without {factor}")
    return found


def _pair(evidence: Evidence, frame: pd.DataFrame, a: str, r: str, scale: Scale) -> Sides:
    columns = [c for c in block_columns(evidence.factor) if c not in evidence.free]
    frame = _variants(evidence, frame.assign(block=_joined(frame, columns)), a, r)
    both = frame[frame["y"].notna()].groupby("block")["treatment"].nunique()
    frame = frame[frame["block"].isin(both[both == 2].index)]
    if frame.empty:
        raise Absent(f"no block in which both {a} and {r} have it")
    own = frame.loc[(frame["treatment"] == r) & np.isfinite(frame["y"]), "y"]
    if evidence.metric == SPREAD:
        frame = spread_of(frame)
    streams = ["dataset"] if evidence.factor == "architecture" else ["dataset", "architecture"]
    keyed = frame[streams].map(plain)  # arguments of one row change no random stream
    frame = frame.assign(stream="" if evidence.metric == COST else _joined(keyed, streams, "/"))
    settings = _settings(frame, [*columns, "variant"])
    first = frame.drop_duplicates("block").sort_values(columns).set_index("block")
    known = frame[frame["y"].notna()]
    design = Design(
        factor=evidence.factor,
        treatments=(a, r),
        reference=r,
        blocks=tuple(
            Block(
                str(key),
                " · ".join(settings[str(key)].values()),
                str(row["dataset"]),
                str(row["stream"]),
            )
            for key, row in first.to_dict("index").items()
        ),
        seeds=tuple(sorted({int(s) for s in known["seed"]})),
        undeclared_seeds=(),
        planned=frozenset(zip(known["treatment"], known["block"], strict=True)),
        outcomes={
            (t, b, int(s)): float(y)
            for t, b, s, y in known[["treatment", "block", "seed", "y"]].itertuples(index=False)
        },
        scale=scale,
        refused=(),
        notes=(),
    )
    if not design.pair(a, r)[0]:
        raise Absent(f"no seed that {a} and {r} have in every block")
    return Sides(design, a, r, settings, float(own.abs().median()) if len(own) else 0.0)


def _variants(evidence: Evidence, frame: pd.DataFrame, a: str, r: str) -> pd.DataFrame:
    """Return the frame with `variant`: where the free settings make several kinds of a level, each pair is a block."""
    if not evidence.free:
        return frame.assign(variant="")
    own = _joined(frame, evidence.free, ", ", told=evidence.free)
    wanted = [set(said.split(AND)[1:]) for said in (evidence.a, evidence.r)]
    parts = []
    for key, part in frame.assign(kind=own).groupby("block", sort=True):
        every = [sorted(set(part.loc[part["treatment"] == level, "kind"])) for level in (a, r)]
        kinds = [
            [kind for kind in own if words <= set(kind.split(", "))]
            for own, words in zip(every, wanted, strict=True)
        ]
        for one, other in product(*kinds):
            mine = (part["treatment"] == a) & (part["kind"] == one)
            theirs = (part["treatment"] == r) & (part["kind"] == other)
            name = f"{one} against {other}"
            parts.append(part[mine | theirs].assign(block=f"{key}\x1f{name}", variant=name))
    if not parts:
        raise Absent(f"no block with {evidence.a} and {evidence.r}")
    found: pd.DataFrame = pd.concat(parts)
    return found


def _joined(
    frame: pd.DataFrame, columns: Sequence[str], mark: str = "\x1f", told: Sequence[str] = ()
) -> list[str]:
    """Return the columns of each row as one text; those `told` in words."""
    rows = frame[list(columns)].itertuples(index=False)
    if told:
        named = [[block_word(c, v) for c, v in zip(columns, row, strict=True)] for row in rows]
        return [mark.join(filter(None, words)) for words in named]
    return [mark.join(map(str, row)) for row in rows]


def _settings(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return by block what tells it from the others, in words."""
    rows = frame.drop_duplicates("block").set_index("block")
    told = [c for c in columns if rows[c].nunique(dropna=False) > 1]
    return {
        str(key): {c: _word(c, row[c]) for c in told} for key, row in rows.to_dict("index").items()
    }


def _word(column: str, value: Any) -> str:
    return str(value) if column == "variant" else block_word(column, value) or "none"
