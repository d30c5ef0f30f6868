"""The family of claims errs as rarely as it promises: studies in which nothing is planted claim next to nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import exp
from pathlib import Path

import claim_studies as studies
import numpy as np
import pytest
from scipy.stats import binom

from reports.claim_source import Source
from reports.claim_tests import MIXED, REFUTED, SUPPORTED
from reports.claims import Claims, judge_claims
from reports.design import design
from reports.tables import Tables, load, with_primary_score

pytestmark = pytest.mark.long

STUDIES = 100
"""Of each kind."""
NAMES = ("gelu", "leaky_relu", "relu", "sigmoid", "silu", "tanh")


def judged(tables: Tables) -> Claims:
    declared = tables.studies[0].declared
    trials = with_primary_score(tables, declared.score)
    return judge_claims(Source(tables, trials, design(trials, declared), declared))


def wrong(claims: Claims) -> list[str]:
    """Return the claims that see an effect where there is none: supported, mixed, or refuted as the opposite."""
    found = []
    for one in claims.tested:
        opposite = any(e.verdict == REFUTED and e.opposite for e in one.effects)
        if one.verdict in (SUPPORTED, MIXED) or opposite:
            found.append(one.claim.id)
    return found


def check(studies_wrong: int, which: Counter[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Print the share of studies that err, and hold it to what an error of 5 % makes likely."""
    told = f"{studies_wrong} of {STUDIES} studies in which nothing is planted claim something: "
    with capsys.disabled():
        print(f"\n{told}{100 * studies_wrong / STUDIES:.1f} % (at most 5 % promised) {dict(which)}")
    assert studies_wrong <= binom.ppf(0.999, STUDIES, 0.05)


def test_activations_that_do_not_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = studies.activations_study(tmp_path / "s", studies.QUIET, names=NAMES, seeds=6)
    (study / "costs.json").unlink()
    template, count, which = load([study]), 0, Counter[str]()
    for number in range(STUDIES):
        random = np.random.default_rng([7, number])
        scores = template.scores.assign(value=random.uniform(0.2, 0.8, len(template.scores)))
        seen = template.readings
        values = 0.3 * np.exp(0.3 * random.normal(size=len(seen)))
        tables = replace(template, scores=scores, readings=seen.assign(value=values))
        claims = judged(tables)
        if number == 0:
            ids = {one.claim.id for one in claims.tested}
            assert ids == {"A1", "A2", "A4", "A5", "A7", "A11", "A12"}
        found = wrong(claims)
        count, which = count + bool(found), which + Counter(found)
    check(count, which, capsys)


def test_losses_and_penalties_that_do_not_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = studies.stability_study(tmp_path / "s", helps=True, losing=False, seeds=6)
    template, count, which = load([study]), 0, Counter[str]()
    for number in range(STUDIES):
        random = np.random.default_rng([8, number])
        bad = random.random(len(template.trials)) < 0.3
        trials = template.trials.assign(outcome=np.where(bad, "diverged", "finished"))
        alive = trials.loc[~bad, ["key", "treatment", "dataset", "block", "seed"]]
        noise = [exp(x) for x in 0.4 * random.normal(size=len(alive))]
        known = template.scores[template.scores["family"] == "frechet"].iloc[0]
        told = {c: known[c] for c in ("score_name", "family", "n", "better", "own")}
        scores = alive.assign(**told, value=noise)[list(template.scores)]
        claims = judged(replace(template, trials=trials, scores=scores))
        if number == 0:
            assert {one.claim.id for one in claims.tested} == {"A8", "A9"}
        found = wrong(claims)
        count, which = count + bool(found), which + Counter(found)
    check(count, which, capsys)
