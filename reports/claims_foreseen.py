"""Which claims planned trials could decide: told by levels, blocks and seeds, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ablation.claim import Claim, Evidence
from ablation.ladder import least_seeds, p_min
from ablation.levels import noun, worded
from ablation.metrics import COST, RATES, SCORE, SPREAD, TUNED, is_score
from reports.claim_pools import of_level
from reports.claim_ranks import FEWEST, least_levels
from reports.claim_sides import sides
from reports.claim_source import Absent, inside, reaching_words, untold, within
from reports.claim_values import title
from reports.names import block_columns
from reports.scales import Scale
from reports.words import listed

NO_SITES = "no network of two activation sites, between which a gradient passes"
NOT_TIMED = "a sweep does not time its cells; ablation probe speed does"


@dataclass(frozen=True)
class Promise:
    """What of a study decides what claims find: its score family, alpha of one look, whether its cells were timed.

    `tuned` is the factor whose levels are tuned, "" for none.
    """

    score: str = "auto"
    level: float = 0.05
    tuned: str = ""
    timed: bool = False


@dataclass(frozen=True)
class Foreseen:
    """What a plan has for a claim: `lacks` is why there will be no evidence, `needs` what is too few to support it.

    `only` says which trials count, where not all do. What is not `tested` is checked. A claim that lacks and needs
    nothing may be decided; one that needs more can still be refuted by a part of it that has enough.
    """

    id: str
    lacks: str = ""
    needs: str = ""
    only: str = ""
    tested: bool = True


@dataclass(frozen=True)
class _Part:
    """What one test has: the units of both sides in each stream, or how many levels it `ranks`, and what these are."""

    sizes: tuple[tuple[int, int], ...] = ()
    levels: int = 0
    ranks: str = ""


def foreseen(
    claims: Sequence[Claim], trials: pd.DataFrame, promise: Promise
) -> tuple[Foreseen, ...]:
    """Return what these planned trials have for each claim.

    `trials` are rows of `reports.names.spec_columns` with `families` (of scores), `images`, `probes` and the number of
    `sites_generator` and `sites_discriminator`. All tested claims share a two-sided error; one of which only good
    generators count may have none of it, so it is not reckoned with where the others' seeds are too few.
    """
    found = [(claim, *_gathered(claim, trials, promise)) for claim in claims]
    sure = [c for c, ready, lacks in found if ready and not lacks and _tested(c) and not c.reaching]
    share = promise.level / max(1, len(sure))
    return tuple(
        Foreseen(
            claim.id,
            listed(lacks),
            "" if lacks else _needs(ready, share),
            reaching_words(claim) if claim.reaching and not lacks else "",
            _tested(claim),
        )
        for claim, ready, lacks in found
    )


def _tested(claim: Claim) -> bool:
    return any(part.kind != "check" for part in claim.parts)


def _gathered(
    claim: Claim, trials: pd.DataFrame, promise: Promise
) -> tuple[list[_Part], list[str]]:
    """Return the parts that there will be, and what those that must be there lack."""
    ready: list[_Part] = []
    lacks: list[str] = []
    spared: list[str] = []
    for part in claim.parts:
        try:
            ready += _ready(part, _measured(part, claim, trials, promise))
        except Absent as absent:
            (spared if part.optional else lacks).append(str(absent))
    return ready, list(dict.fromkeys(lacks if ready or lacks else spared))


def _measured(part: Evidence, claim: Claim, trials: pd.DataFrame, promise: Promise) -> pd.DataFrame:
    """Return the trials to which a claim applies and that will have a part's metrics; raises Absent for none."""
    trials = within(trials, claim, set(trials.loc[trials["images"], "dataset"]))
    if claim.reaching:
        told = {metric for metric, _ in claim.reaching}
        trials = _some(trials, [bool(told & set(own)) for own in trials["families"]], untold(claim))
    for metric in filter(None, (part.metric, part.against)):
        trials = _having(metric, part, trials, promise)
    return trials


def _having(metric: str, part: Evidence, trials: pd.DataFrame, promise: Promise) -> pd.DataFrame:
    families = trials["families"]
    if metric == COST:
        return _some(trials, [promise.timed] * len(trials), NOT_TIMED)
    if metric == TUNED and promise.tuned != part.factor:
        raise Absent("no tuning")
    if metric in (SCORE, SPREAD, TUNED):
        own = promise.score
        return _some(trials, [own == "auto" or own in told for told in families], f"no {own}")
    if metric == "mode_loss_rate":
        known = ["modes" in told for told in families]
        return _some(trials, known, "no data whose modes are known")
    if metric in RATES:
        return trials
    lacking = f"no {inside(title(metric))}"
    if is_score(metric):
        return _some(trials, [metric in told for told in families], lacking)
    trials = _some(trials, list(trials["probes"] > 0), lacking)
    if not metric.endswith("attenuation") or metric == "predicted_attenuation":
        return trials
    read = ("generator", "discriminator") if metric == "attenuation" else ("discriminator",)
    deep = [trials[f"sites_{name}"] > 1 for name in read if part.network in (name, "both")]
    return _some(trials, [any(own) for own in zip(*deep, strict=True)], NO_SITES)


def _some(trials: pd.DataFrame, kept: Sequence[bool], lacking: str) -> pd.DataFrame:
    if not any(kept):
        raise Absent(lacking)
    return trials[list(kept)]


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
    if part.kind != "correlate":
        if part.a:
            of_level(trials, part)
        return [_Part()]
    level = pd.Series([worded(part.factor, v) for v in trials[part.factor]], trials.index)
    block = trials[list(block_columns(part.factor))].astype(str).agg("\x1f".join, axis=1)
    everywhere = set.intersection(*level.groupby(block).agg(set))
    if len(everywhere) < FEWEST:
        raise Absent(f"fewer than {FEWEST} {noun(part.factor, 2)} to rank in every block")
    return [_Part(levels=len(everywhere), ranks=noun(part.factor, 2))]


def _needs(ready: Sequence[_Part], level: float) -> str:
    """Return what a claim's tests have too few of to be significant at this level."""
    seeds = [
        least_seeds(level, len(part.sizes))
        for part in ready
        if part.sizes and p_min(part.sizes) > level + 1e-12
    ]
    least = least_levels(level)
    told = [f"{max(seeds)} seeds"] if seeds else []
    told += [f"{least} {part.ranks}" for part in ready if part.ranks and part.levels < least]
    return listed(list(dict.fromkeys(told)))


def foreseen_words(found: Sequence[Foreseen], alone: bool = False) -> str:
    """Return in a line which claims may be decided, which cannot for lack of seeds, and which get no evidence.

    `alone` where a study may hold more trials than these.
    """
    able = [one for one in found if one.tested and not one.lacks and not one.needs]
    names = [f"{one.id}{f' (if generators reach {one.only})' if one.only else ''}" for one in able]
    checked = [one.id for one in found if not one.tested and not one.lacks]
    told = [
        f"claims that these trials{' alone' if alone else ''} may decide: {', '.join(names) or 'none'}"
    ]
    told += [f"only checked: {', '.join(checked)}"] if checked else []
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
