"""By what levels are chosen besides the declared score, and from which size on a difference counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, isfinite, isnan, log, log10, nan

import numpy as np
import pandas as pd

from reports.costs import Costs
from reports.design import FAILED, Block, Design
from reports.summary import cells
from reports.tables import LOST, Tables
from reports.words import number

BAD = 2, 0.1
"""More trials that failed or collapsed, and more of all trials by this share."""
SPREAD = 2.0
"""Times as wide, and wider than the smallest effect that matters."""
SEEDS = 5
"""Outcomes below which a spread is not told: of four seeds one is twice as wide as another by chance in a quarter."""
DEAD = 0.1
"""A greater share of dead units."""
FAINT = log10(2)
"""Decades a site: a factor of two at every activation site."""
SIGNAL = 10.0
"""Times the signal."""
COST = {True: 1.05, False: 1.5}
"""Times the cost, measured alone (True) or on trials that may have run at once."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class Rated:
    """A level in a block, from the declared seeds: `n` trials ended, `score` is their median, failures as worst.

    `reach` holds the least and the greatest score that there is; `outcome` is the median as tests see it, lower is
    better. `hits` is the median share of samples that are like real ones (precision, or toys' high-quality share).
    `spread` is the standard deviation of finite outcomes; the readings are medians over trials that did not fail, at
    their last probe: share of dead units over all sites, |attenuation| of G's loss in D, signal to G. NaN: not known.
    """

    level: str
    n: int
    failed: int
    collapsed: int
    score: float
    reach: tuple[float, float]
    outcome: float
    hits: float
    spread: float
    dead: float
    attenuation: float
    signal: float
    cost: float

    @property
    def bad(self) -> int:
        """Trials that failed or collapsed."""
        return self.failed + self.collapsed


@dataclass(frozen=True)
class Criterion:
    """`better` says whether the first level is better by more than `rule`; `told` puts the first beside the second."""

    name: str
    rule: str
    better: Callable[[Rated, Rated], bool]
    told: Callable[[Rated, Rated], str]


def criteria(least: float, *, timed: bool, ratio: bool = True) -> tuple[Criterion, ...]:
    """Return the criteria besides quality; `least` is the spread of outcomes below which all are alike.

    `ratio` says that outcomes are logarithms.
    """
    cost = COST[timed]
    return (
        Criterion(
            "failed or collapsed",
            f"at least {BAD[0]} trials and {100 * BAD[1]:.0f} % of all trials more",
            lambda a, b: b.bad - a.bad >= BAD[0] and b.bad / b.n - a.bad / a.n >= BAD[1] - ROUNDING,
            lambda a, b: (
                f"failed or collapsed in {a.bad} of {a.n} trials (against {b.bad} of {b.n})"
            ),
        ),
        Criterion(
            "spread over seeds",
            f"{SPREAD:g} times as wide, and wider than the declared smallest effect that matters",
            lambda a, b: b.spread >= max(SPREAD * a.spread, least),
            lambda a, b: (
                f"spreads by {width(a.spread, ratio=ratio)} over seeds"
                f" (against {width(b.spread, ratio=ratio)})"
            ),
        ),
        Criterion(
            "dead units",
            f"{100 * DEAD:.0f} percentage points more at the end of training",
            lambda a, b: b.dead - a.dead >= DEAD - ROUNDING,
            lambda a, b: f"has {_share(a.dead)} dead units (against {_share(b.dead)})",
        ),
        Criterion(
            "attenuation",
            f"{FAINT:.1f} decades a site further from 0: a factor of two at every site",
            lambda a, b: b.attenuation - a.attenuation >= FAINT - ROUNDING,
            lambda a, b: (
                f"attenuates or amplifies G's gradient in D by {number(a.attenuation, 2)} decades a site (against"
                f" {number(b.attenuation, 2)})"
            ),
        ),
        Criterion(
            "signal to G",
            f"{SIGNAL:g} times less at the end of training",
            lambda a, b: a.signal > 0 and b.signal * SIGNAL <= a.signal,
            lambda a, b: _signal(a.signal, b.signal),
        ),
        Criterion(
            "cost",
            f"{100 * (cost - 1):.0f} % more",
            lambda a, b: b.cost >= cost * a.cost,
            lambda a, b: _cost(a.cost, b.cost),
        ),
    )


def width(spread: float, *, ratio: bool) -> str:
    """Return a standard deviation of outcomes: as a factor where these are logarithms."""
    if not isfinite(spread):
        return "–"
    return f"×{number(exp(spread))}" if ratio else f"±{number(spread, 2)}"


def _signal(own: float, other: float) -> str:
    if own == 0 or other == 0:
        return "gives G no signal" if own == 0 else "gives G a signal, the other none"
    if own < other / 100:
        return "gives G less than a hundredth of the signal"
    return f"gives G {number(own / other, 2)} times the signal"


def _share(share: float) -> str:
    return "0" if share == 0 else f"{number(100 * share, 2)} %"


def _cost(own: float, other: float) -> str:
    if own >= 2 * other:
        return f"costs {number(own / other, 2)} times as much"
    return f"costs {100 * abs(own / other - 1):.0f} % {'more' if own > other else 'less'}"


def smallest(found: Design, block: Block, effect: float) -> float:
    """Return the smallest effect that matters as a shift of a block's outcomes."""
    if found.scale.ratio:
        return log(effect)
    finite = [
        abs(y) for (_, b, _), y in found.outcomes.items() if b == block.key and np.isfinite(y)
    ]
    return (effect - 1) * float(np.median(finite)) if finite else 0.0


def rated(
    tables: Tables,
    trials: pd.DataFrame,
    found: Design,
    block: Block,
    paid: Costs,
    order: Sequence[str],
) -> list[Rated]:
    """Return the levels that have trials in a block, in this order."""
    here = trials[(trials["block"] == block.key) & trials["seed"].isin(found.seeds)]
    here = here[~here["outcome"].isin(LOST)]
    name = next(iter(here["score_name"].dropna()), "")
    scored = {c.treatment: c for c in cells(tables.own, here, name)} if name else {}
    last = {q: _last(tables.readings, block, q) for q in QUANTITIES}
    like = tables.own[tables.own["family"].isin(LIKE)].set_index("key")["value"]
    told = []
    for level in order:
        own = here[here["treatment"] == level]
        if own.empty:
            continue
        alive = [str(k) for k in own.loc[~own["outcome"].isin(FAILED), "key"]]
        outcomes = [found.outcomes.get((level, block.key, int(s)), nan) for s in own["seed"]]
        finite = [y for y in outcomes if np.isfinite(y)]
        dead, attenuation, signal = (
            _median([last[q].get(k, nan) for k in alive]) for q in QUANTITIES
        )
        told.append(
            Rated(
                level=level,
                n=len(own),
                failed=int(own["outcome"].isin(FAILED).sum()),
                collapsed=int((own["outcome"] == "collapsed").sum()),
                score=scored[level].median if level in scored else nan,
                reach=_reach(scored[level].finite if level in scored else ()),
                outcome=_median(outcomes),
                hits=_median([float(like[k]) for k in alive if k in like.index]),
                spread=float(np.std(finite, ddof=1)) if len(finite) >= SEEDS else nan,
                dead=dead,
                attenuation=abs(attenuation),
                signal=signal,
                cost=paid.values.get((block.key, level), nan),
            )
        )
    return told


def _reach(values: Sequence[float]) -> tuple[float, float]:
    return (min(values), max(values)) if values else (nan, nan)


LIKE = ("precision", "hq")
"""Scores that say which share of the samples is like real ones; a data set has one of them."""
QUANTITIES = ("dead_fraction", "generator_loss_attenuation", "signal_to_generator")


def _last(readings: pd.DataFrame, block: Block, quantity: str) -> dict[str, float]:
    """Return by trial the mean over sites at its last probe in training."""
    own = readings[(readings["quantity"] == quantity) & (readings["block"] == block.key)]
    own = own[(own["step"] > 0) & np.isfinite(own["value"].to_numpy(dtype=float))]
    if own.empty:
        return {}
    last = own.groupby("key", observed=True)["step"].transform("max")
    ends = own[own["step"] == last].groupby("key", observed=True)["value"].mean()
    return {str(key): float(value) for key, value in ends.items()}


def _median(values: Sequence[float]) -> float:
    known = [v for v in values if not isnan(v)]
    return float(np.median(known)) if known else nan
