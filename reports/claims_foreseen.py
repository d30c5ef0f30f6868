"""Which registered claims planned trials could decide: told by levels, blocks and seeds, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ablation.claim import Claim, Evidence
from ablation.ladder import least_seeds, p_min
from ablation.levels import noun, worded
from ablation.metrics import COST, RATES, SCORE, SPREAD, TUNED, is_score
from reports.claim_ranks import FEWEST, least_levels
from reports.claim_sides import sides
from reports.claim_source import Absent, inside
from reports.claim_values import title
from reports.names import block_columns
from reports.scales import Scale

NO_SITES = "no network of two activation sites, between which a gradient passes"


@dataclass(frozen=True)
class Foreseen:
    """What a plan has for a claim: `lacks` says why there will be no evidence, `needs` what is too few of it.

    `tested` is False for what is only checked. A claim that lacks and needs nothing may be decided; one that needs more
    can still be refuted by a part of it that has enough.
    """

    id: str
    lacks: str = ""
    needs: str = ""
    tested: bool = True


def foreseen(
    claims: Sequence[Claim], trials: pd.DataFrame, level: float, tuned: str = ""
) -> tuple[Foreseen, ...]:
    """Return what these planned trials have for each claim, all tested ones sharing a two-sided error of `level`.

    `trials` are rows of `reports.names.spec_columns` with `families` (of scores), `images`, `probes` and the number of
    `sites_generator` and `sites_discriminator`. `tuned` is the factor whose levels are tuned, "" for none.
    """
    found = [(claim, *_gathered(claim, trials, tuned)) for claim in claims]
    count = sum(not lacks and any(p.sizes or p.levels for p in ready) for _, ready, lacks in found)
    share = level / max(1, count)
    return tuple(
        Foreseen(
            claim.id,
            lacks,
            "" if lacks else _needs(ready, share),
            any(p.sizes or p.levels for p in ready) or bool(lacks),
        )
        for claim, ready, lacks in found
    )


@dataclass(frozen=True)
class _Part:
    """What one test has: the units of both sides in each stream, or the number of `levels` that it ranks or pools."""

    sizes: tuple[tuple[int, int], ...] = ()
    levels: int = 0
    ranks: str = ""


def _gathered(claim: Claim, trials: pd.DataFrame, tuned: str) -> tuple[list[_Part], str]:
    """Return the parts that there will be, and what a part that must be there lacks."""
    ready: list[_Part] = []
    lacks: list[str] = []
    spared: list[str] = []
    for part in claim.parts:
        try:
            own = _measured(part, _applies(trials, claim), tuned)
            ready += _ready(part, own)
        except Absent as absent:
            (spared if part.optional else lacks).append(str(absent))
    if not ready and not lacks:
        lacks = spared
    return ready, lacks[0] if lacks else ""


def _applies(trials: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    for column, allowed in claim.where:
        said = (
            trials["images"].map({True: "images", False: "points"})
            if column == "data"
            else trials[column].astype(str)
        )
        trials = trials[said.isin(allowed)]
        if trials.empty:
            raise Absent(f"no trial with {column} {' or '.join(allowed)}")
    return trials


def _measured(part: Evidence, trials: pd.DataFrame, tuned: str) -> pd.DataFrame:
    """Return the trials that will have a part's metrics; raises Absent where none will."""
    for metric in filter(None, (part.metric, part.against)):
        if metric == COST:
            raise Absent("a sweep does not time its cells; ablation probe speed does")
        if metric == TUNED and tuned != part.factor:
            raise Absent("no tuning")
        if metric in (SCORE, SPREAD, TUNED) or (metric in RATES and metric != "mode_loss_rate"):
            continue
        lacking = f"no {inside(title(metric))}"
        if metric == "mode_loss_rate":
            trials = trials[["modes" in own for own in trials["families"]]]
            lacking = "no data whose modes are known"
        elif is_score(metric):
            trials = trials[[metric in own for own in trials["families"]]]
        else:
            trials = trials[trials["probes"] > 0]
            if metric.endswith("attenuation") and metric != "predicted_attenuation":
                trials, lacking = trials[_deep(part, trials)], NO_SITES
        if trials.empty:
            raise Absent(lacking)
    return trials


def _deep(part: Evidence, trials: pd.DataFrame) -> pd.Series[bool]:
    both = ("generator", "discriminator")
    kept = [trials[f"sites_{n}"] > 1 for n in both if part.network in (n, "both")]
    return kept[0] if len(kept) == 1 else kept[0] | kept[1]


def _ready(part: Evidence, trials: pd.DataFrame) -> list[_Part]:
    """Return one part's tests; raises Absent."""
    if part.kind == "compare":
        scale = Scale(part.metric, False, False)
        found = sides(part, trials.assign(y=0.0), scale)
        pairs = [own.design.pair(own.a, own.r) for own in found]
        return [
            _Part(tuple((a.shape[1], r.shape[1]) for a, r in zip(*pair, strict=True)))
            for pair in pairs
        ]
    level = pd.Series([worded(part.factor, v) for v in trials[part.factor]], trials.index)
    if part.kind == "correlate":
        columns = list(block_columns(part.factor))
        block = trials[columns].astype(str).agg("\x1f".join, axis=1)
        blocks = level.groupby(block).agg(set)
        everywhere = set.intersection(*blocks) if len(blocks) else set()
        if len(everywhere) < FEWEST:
            raise Absent(f"fewer than {FEWEST} {noun(part.factor, 2)} to rank")
        return [_Part(levels=len(everywhere), ranks=noun(part.factor, 2))]
    if part.a and not (level == part.a).any():
        raise Absent(f"no {noun(part.factor)} {part.a}")
    return [_Part(levels=0 if part.kind == "check" else 1)]


def _needs(ready: Sequence[_Part], level: float) -> str:
    """Return what a claim's tests have too few of to be decided at this level."""
    seeds = [
        least_seeds(level, len(part.sizes))
        for part in ready
        if part.sizes and p_min(part.sizes) > level + 1e-12
    ]
    if seeds:
        return f"{max(seeds)} seeds"
    ranked = [part for part in ready if part.ranks and part.levels < least_levels(level)]
    return f"{least_levels(level)} {ranked[0].ranks}" if ranked else ""


def foreseen_words(found: Sequence[Foreseen]) -> str:
    """Return in a line which claims may be decided, which cannot for lack of seeds, and which get no evidence."""
    able = [one.id for one in found if one.tested and not one.lacks and not one.needs]
    told = [f"claims that these trials may decide: {', '.join(able) or 'none'}"]
    told += [f"too few to support {text}" for text in _grouped(found, "needs", "that takes ")]
    absent = _grouped(found, "lacks", "")
    told += [f"no evidence on {', '.join(absent)}"] if absent else []
    return "; ".join(told)


def _grouped(found: Sequence[Foreseen], name: str, before: str) -> list[str]:
    groups: dict[str, list[str]] = {}
    for one in found:
        if why := getattr(one, name):
            groups.setdefault(why, []).append(one.id)
    return [f"{', '.join(ids)} ({before}{why})" for why, ids in groups.items()]
