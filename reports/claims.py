"""Registered statements in, verdicts out: a second family of tests, at an alpha of its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf

from ablation.claim import Claim, Evidence, registered
from ablation.metrics import TUNED
from reports.claim_pools import Checked, Pooled, checked, pooled
from reports.claim_ranks import Ranked, ranked
from reports.claim_sides import sides
from reports.claim_source import Absent, Source
from reports.claim_tests import BROKEN, HOLDS, MIXED, OPEN, REFUTED, SUPPORTED, Effect, Pairwise
from reports.claim_values import measured, narrowed
from reports.study import Late
from reports.tables import Tables

ABSENT = "no evidence in this study"

Ready = Pairwise | Pooled | Ranked | Checked


@dataclass(frozen=True)
class Judged:
    """A claim, its verdict, and what each of its parts came to; `lacks` says what a study would need to test it.

    `late` tells when it was registered of one that came after trials had ended: what they suggested, they cannot test.
    """

    claim: Claim
    verdict: str
    effects: tuple[Effect, ...] = ()
    lacks: tuple[str, ...] = ()
    late: Late | None = None

    @property
    def tested(self) -> bool:
        """Whether it counts in the family: a check does not, nor what has no evidence."""
        return self.verdict not in (ABSENT, HOLDS, BROKEN)

    @property
    def deciding(self) -> Effect | None:
        """The part to which the verdict is owed: of those that say the same the one furthest from support."""
        own = [e for e in self.effects if e.verdict == self.verdict] or list(self.effects)
        return min(own, key=_distance, default=None)


@dataclass(frozen=True)
class Claims:
    """All registered claims as a study judges them, each at a two-sided error of alpha x weight.

    `alpha` is that of one look: the rungs of a seed ladder share it.
    """

    judged: tuple[Judged, ...]
    alpha: float
    weight: float

    @property
    def tested(self) -> tuple[Judged, ...]:
        """Those that count in the family."""
        return tuple(one for one in self.judged if one.tested)


NO_CLAIMS = Claims((), 0.05, 1.0)


def judge_claims(source: Source) -> Claims:
    """Judge the registered claims and those that a study declares; raises ValueError for a wrong one."""
    tables = source.tables
    asked = [(claim, _gathered(claim, source)) for claim in every_claim(tables)]
    count = sum(
        not lacks and any(not isinstance(r, Checked) for r in ready) for _, (ready, lacks) in asked
    )
    weight = 1 / max(1, count)
    alpha = source.declared.level
    judged = [_judged(claim, ready, lacks, alpha * weight) for claim, (ready, lacks) in asked]
    late = {name: late for study in tables.studies for name, late in study.registered.items()}
    beside = [replace(one, late=late.get(one.claim.id)) for one in judged]
    return Claims(tuple(beside), alpha, weight)


def every_claim(tables: Tables) -> tuple[Claim, ...]:
    """Return the registered claims, and those that the studies' plans hold in the place of one with the same id."""
    every = known(claim for study in tables.studies for claim in study.claims)
    return tuple(replace(one, command=_command(one, tables)) for one in every)


def known(own: Iterable[Claim] = ()) -> tuple[Claim, ...]:
    """Return the registered claims, those that studies keep of their `own` in the place of one with the same id."""
    found = {claim.id: claim for claim in registered()}
    return tuple((found | {claim.id: claim for claim in own}).values())


def _command(claim: Claim, tables: Tables) -> str:
    """Return the command that gets a claim's evidence, in the study at hand where it names none."""
    study = tables.studies[0]
    if claim.command:
        return re.sub(r"\bSTUDY\b", lambda _: study.name, claim.command)
    words = [*filter(None, (study.sweep,)), *study.overrides, "--study", study.name]
    return f"ablation sweep {shlex.join(words)}"


def _gathered(claim: Claim, source: Source) -> tuple[list[Ready], tuple[str, ...]]:
    """Return what of a claim can be judged, and what is absent that it needs."""
    ready: list[Ready] = []
    lacks: list[str] = []
    spared: list[str] = []
    for part in claim.parts:
        try:
            ready += _ready(part, claim, source)
        except Absent as absent:
            (spared if part.optional else lacks).append(str(absent))
    if not ready and not lacks:
        lacks = spared
    return ready, tuple(dict.fromkeys(lacks))


def _ready(part: Evidence, claim: Claim, source: Source) -> Sequence[Ready]:
    """Return one part's comparisons, before any of them is looked at; raises Absent."""
    ladder = source.found.ladder
    if part.kind != "check" and ladder is not None and not ladder.reached:
        raise Absent(
            f"no whole rung of the seed ladder, of which the first has {ladder.rungs[0]} seeds"
        )
    if part.kind != "compare":
        how: dict[str, Callable[[Evidence, Claim, Source], Ready]]
        how = {"rate": pooled, "correlate": ranked, "check": checked}
        return [how[part.kind](part, claim, source)]
    effect, told = source.declared.effect, None
    plain = replace(part, metric="score") if part.metric == TUNED else part
    frame, scale = measured(plain, claim, source)
    found = list(sides(plain, frame, scale))
    if part.metric == TUNED:
        told = source.told
        if told is None or part.factor != source.found.factor:
            raise Absent("no tuning")
        own = narrowed(source.found, frame)
        labels = {block.key: {"block": block.label} for block in own.blocks}
        found = [replace(one, design=own, settings=labels) for one in found]
        if not all(told.pair(own, one.a, one.r)[0] for one in found):
            raise Absent("no seed with every point of both sides")
    return [Pairwise(part, one, effect, told) for one in found]


def _judged(claim: Claim, ready: Sequence[Ready], lacks: tuple[str, ...], level: float) -> Judged:
    if lacks or not ready:
        return Judged(claim, ABSENT, lacks=lacks)
    effects = tuple(one.judge(level, len(ready)) for one in ready)
    return Judged(claim, conjunction([e.verdict for e in effects]), effects)


def conjunction(verdicts: Sequence[str]) -> str:
    """Return the verdict of a statement all parts of which must hold."""
    for verdict in (BROKEN, REFUTED, MIXED, OPEN):
        if verdict in verdicts:
            return verdict
    return SUPPORTED if SUPPORTED in verdicts else HOLDS


def _distance(effect: Effect) -> float:
    """Return how far an effect lies from what the claim needs, least first: [L, U] in units of what matters."""
    end = effect.refuting if effect.verdict == REFUTED else effect.low
    return end if end in (inf, -inf) else end / effect.unit
