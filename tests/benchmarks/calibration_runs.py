"""What the report's own pipeline says of simulated studies: design, tests, intervals, sentence."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from calibration_frames import (
    NAMES,
    PLANTED,
    SPREAD,
    Shape,
    Template,
    Truth,
    draw,
    first_seeds,
    template,
)

from reports.analysis import Analysis
from reports.design import design
from reports.failing import failing
from reports.pairs import OVERALL, PER_BLOCK, TUNED
from reports.summary import failure_rates
from reports.verdict import Verdict

REFERENCE = NAMES[0]
NOTHING = ("ot distinguishable", "othing can be concluded", "Nothing is tested")
"""What a sentence says that claims no difference between any two."""
Counts = dict[str, int]


@dataclass(frozen=True)
class Setting:
    """One line of a table: the shape of its studies, the truth, and how many studies are drawn."""

    table: str
    shape: Shape
    truth: Truth
    studies: int

    @property
    def key(self) -> str:
        """What seeds its studies: the same on every machine."""
        told = f"{self.table}|{self.shape}|{self.truth}"
        return told.replace(", everywhere=False", "")


def random_of(setting: Setting, number: int) -> np.random.Generator:
    """Return the generator of one study."""
    return np.random.default_rng([zlib.crc32(setting.key.encode()), number])


def concluded(own: Template, y: np.ndarray[Any, Any]) -> tuple[Verdict, str]:
    """Return the verdict and its sentence on a study with these outcomes, as `reports.page` makes them."""
    read = Analysis(own.tables, own.filled(y))
    return read.verdict, read.sentence


def claims(verdict: Verdict) -> list[tuple[str, str, str, str]]:
    """Return every difference that the report claims: tier, block, better, worse."""
    told = []
    for test in verdict.tests:
        if test.finding in ("better", "worse"):
            pair = (test.a, test.r) if test.finding == "better" else (test.r, test.a)
            told.append((test.tier, test.block, *pair))
    return told


def study(setting: Setting, number: int) -> Counts:
    """Return what the report says of one study, as numbers to be added up.

    `covers` and `covered` count the overall interval of the planted activation against the reference, `block_*` that
    of the first block.
    """
    y = draw(setting.shape, setting.truth, random_of(setting, number))
    verdict, sentence = concluded(template(setting.shape), y)
    told = claims(verdict)
    overall = [claim for claim in told if claim[0] == OVERALL]
    assert bool(overall) != any(text in sentence for text in NOTHING), sentence
    counts = {
        "studies": 1,
        "claimed": int(bool(told)),
        "sentence": int(bool(overall)),
        "found": int((OVERALL, "", PLANTED, REFERENCE) in told),
        "tuned_found": int((TUNED, "", PLANTED, REFERENCE) in told),
        "wrong": int(any(better != PLANTED for *_, better, _ in told)),
    }
    moved = setting.shape.points == 1 or setting.truth.everywhere
    shift = -SPREAD * setting.truth.shift if moved else 0.0
    for name, tier in (("all", OVERALL), ("block", PER_BLOCK)):
        mine = [t for t in verdict.tests if t.tier == tier and {t.a, t.r} == {PLANTED, REFERENCE}]
        if mine:
            shown = mine[0].interval
            assert mine[0].a == PLANTED
            counts[f"{name}_intervals"] = 1
            counts[f"{name}_covers"] = int(shown.low - 1e-9 <= shift <= shown.high + 1e-9)
            counts[f"{name}_open"] = int(not np.isfinite([shown.low, shown.high]).all())
    return counts


RUNGS = (6, 9, 14)


def looks(setting: Setting, number: int) -> Counts:
    """Return whether a study without differences claims one, looked at by a ladder, once, thrice, or at every seed."""
    y = draw(setting.shape, setting.truth, random_of(setting, number))
    plain, climbed = template(setting.shape), template(setting.shape, RUNGS)

    def claimed(own: Template, seeds: int) -> bool:
        return bool(claims(concluded(first_seeds(own, seeds), y)[0]))

    each = {n: claimed(plain, n) for n in range(RUNGS[0], RUNGS[-1] + 1)}
    return {
        "studies": 1,
        "ladder": int(any(claimed(climbed, n) for n in RUNGS)),
        "between": int(claimed(climbed, RUNGS[0] + 1) and not claimed(climbed, RUNGS[0])),
        "once": int(each[RUNGS[-1]]),
        "rungs": int(any(each[n] for n in RUNGS)),
        "every": int(any(each.values())),
    }


def failures(setting: Setting, number: int) -> Counts:
    """Return whether failure rates, equal in truth, are told apart, and whether Wilson's interval covers."""
    random, shape, rate = random_of(setting, number), setting.shape, setting.truth.failing
    together = setting.truth.block > 0  # then a seed fails in all its blocks or in none
    size = (shape.activations, 1, 1 if together else shape.blocks, 1, shape.seeds)
    failed = np.broadcast_to(
        random.random(size) < rate, (shape.activations, 1, shape.blocks, 1, shape.seeds)
    )
    y = np.where(failed, np.inf, 0.0)
    own = template(shape)
    trials = own.filled(y)
    found = design(trials, own.declared)
    tests = failing(found, [PLANTED])
    p = tests[PLANTED].p if tests else 1.0
    (shown,) = failure_rates(trials, [PLANTED])
    return {"studies": 1, "claimed": int(p <= 0.05), "covers": int(shown.low <= rate <= shown.high)}


KINDS: dict[str, Callable[[Setting, int], Counts]] = {"looks": looks, "failures": failures}


def chunk(job: tuple[Setting, int, int]) -> tuple[str, Counts]:
    """Return the added counts of a setting's studies from one number to another."""
    setting, low, high = job
    one = KINDS.get(setting.table, study)
    return setting.key, added([one(setting, number) for number in range(low, high)])


def added(rows: Sequence[Counts]) -> Counts:
    """Return the sums of counts."""
    total: Counts = {}
    for row in rows:
        for name, count in row.items():
            total[name] = total.get(name, 0) + count
    return total


def jobs(settings: Sequence[Setting], size: int = 20) -> list[tuple[Setting, int, int]]:
    """Return all studies in chunks, the setting as it was declared in each."""
    return [
        (setting, low, min(low + size, setting.studies))
        for setting in settings
        for low in range(0, setting.studies, size)
    ]


def smaller(settings: Sequence[Setting], count: int) -> list[Setting]:
    """Return the same settings with at most so many studies each: the first ones of the full run."""
    return [replace(setting, studies=min(setting.studies, count)) for setting in settings]
