"""Parts of claims that compare no two levels: a rate over trials, and a bound that is checked."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

import numpy as np
import pandas as pd
from scipy.stats import norm

from ablation.claim import Claim, Evidence
from ablation.levels import noun, resolve, worded
from reports.claim_source import Absent, Source, applies, inside, reaching_words
from reports.claim_tests import BROKEN, HOLDS, Effect
from reports.claim_values import measured, title
from reports.estimates import Floats, Interval, effective_trials, wilson


@dataclass(frozen=True)
class Pooled:
    """A rate over all trials to which a claim applies, named by `of`: one table N B of 0 and 1 a level and stream.

    NaN is a trial that does not count; each row has one that does.
    """

    evidence: Evidence
    tables: tuple[Floats, ...]
    blocks: int
    of: str = "all trials"

    def judge(self, level: float, parts: int) -> Effect:
        """Return the rate with Wilson's interval over as many independent trials as the tables are worth."""
        worth = sum(effective_trials(table) for table in self.tables)
        every = np.concatenate([table[~np.isnan(table)] for table in self.tables])
        rate, matter = float(every.mean()), self.evidence.effect or 0.0
        low, high = wilson(rate * worth, worth, level=1 - level)
        low = low if rate > 0 else 0.0
        wider = wilson(rate * worth, worth, level=1 - level / parts)[1]
        z = float(norm.ppf(1 - level / 2))
        needed = ceil(len(every) / worth * z * z * (1 - matter) / matter)
        return Effect(
            evidence=self.evidence,
            label=title(self.evidence.metric),
            pair=self.of,
            quantity="rate",
            shown=Interval(rate, low, high, len(every), 0, 1 - level),
            ratio=False,
            estimate=rate,
            low=low,
            high=high,
            refuting=wider,
            matter=matter,
            unit=matter,
            n=len(every),
            units="trial",
            blocks=self.blocks,
            needed=float(needed),
        )


def pooled(evidence: Evidence, claim: Claim, source: Source) -> Pooled:
    """Return the trials that a rate counts; raises Absent."""
    trials, _ = measured(evidence, claim, source)
    trials = of_level(trials, evidence) if evidence.a else trials
    trials = trials[trials["y"].notna()]
    tables = []
    for _, part in trials.groupby(["treatment", "stream"], sort=True):
        table = part.pivot_table(index="seed", columns="block", values="y")
        table = table.dropna(axis=0, how="all" if claim.reaching else "any")
        if table.size:
            tables.append(table.to_numpy(dtype=float))
    if not tables:
        raise Absent(f"no trial of which the {title(evidence.metric).lower()} is known")
    of = f" of {evidence.a}" if evidence.a else ""
    which = f"trials{of} with {reaching_words(claim)}" if claim.reaching else f"all trials{of}"
    return Pooled(evidence, tuple(tables), int(trials["block"].nunique()), which)


@dataclass(frozen=True)
class Checked:
    """A bound that holds by construction: in how many trials it was looked at, and where it is broken."""

    evidence: Evidence
    greatest: pd.Series[float]

    def judge(self, level: float, parts: int) -> Effect:
        """Return what the check found; it tests nothing, so it has no level."""
        del level, parts
        bound, n = self.evidence.bound or 0.0, len(self.greatest)
        top = float(self.greatest.max())
        broken = int((self.greatest > bound).sum())
        return Effect(
            evidence=self.evidence,
            label=title(self.evidence.metric),
            pair=f"{self.evidence.a}, at most {bound:g}",
            quantity=f"above it in {broken} of {n} trials, greatest" if broken else "greatest",
            shown=Interval(top, top, top, n, 0, 0.0),
            ratio=False,
            estimate=top,
            low=top,
            high=top,
            refuting=inf,
            matter=0.0,
            unit=1.0,
            n=n,
            units="trial",
            blocks=0,
            checked=BROKEN if broken else HOLDS,
        )


def checked(evidence: Evidence, claim: Claim, source: Source) -> Checked:
    """Return the greatest reading of every trial of a level, over all probes and sites; raises Absent."""
    trials = of_level(applies(source.trials, claim, source), evidence)
    rows = source.tables.readings
    kept = (rows["quantity"] == evidence.metric) & rows["key"].isin(trials["key"])
    found = rows[kept & rows["value"].notna()].astype({"key": str})
    if found.empty:
        what = f"{inside(title(evidence.metric))} of {evidence.a}"
        raise Absent(
            f"its trials did not read {what}: trials of this version with probes do, so run them again, in another"
            " study"
        )
    return Checked(evidence, found.groupby("key")["value"].max())


def of_level(trials: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """Return the trials of the level that a rate or a check names; raises Absent."""
    known = trials[trials["treatment"].notna()]
    levels = pd.Series([worded(evidence.factor, v) for v in known[evidence.factor]], known.index)
    level = resolve(evidence.a, evidence.factor, sorted(set(levels)))
    if level is None:
        raise Absent(f"no {noun(evidence.factor)} {evidence.a}")
    return known[levels == level]
