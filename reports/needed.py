"""How many seeds a study would need, in words: what its own can show, and what to launch where they cannot."""

from __future__ import annotations

from math import ceil, exp, isfinite, isinf, log

from ablation.levels import noun
from reports.design import Design
from reports.pairs import OVERALL
from reports.phrases import counted, percent
from reports.planning import Seeds
from reports.study import Declared
from reports.verdict import Verdict

MOST = 100
"""Seeds above which a number is not told: it would be a guess."""
MANY, BEYOND = "many more", f"more than {MOST}"
INTEREST = 10.0
"""The largest ratio of scores that a reader may want to find."""


def power(found: Design, verdict: Verdict, declared: Declared) -> str:
    """Return what the study could have shown, and how many seeds the undecided would need; "" where all are decided.

    Seeds that are added to those declared are not tested without a ladder, so the needed ones are those of a new study.
    """
    seeds, scale, one = verdict.seeds, found.scale, noun(found.factor)
    effect = declared.effect
    if seeds is None:
        return ""
    if seeds.n < 2:
        return "One seed tells nothing of the spread between seeds, so how many are needed cannot be said."
    what = f"a ratio of {effect:g}" if scale.ratio else f"a difference of {percent(effect - 1)}"
    own = counted(seeds.n, "seed")
    if seeds.needed <= seeds.n:
        return f"{own} would show {what} with 80 % power."
    if isinf(seeds.detectable):
        told = f"Between the undecided, {own} cannot be counted on to show any difference"
    elif _too_wide(found, seeds):
        told = (
            f"Between the undecided, the spread between seeds is too large for {own} to show"
            " anything of interest"
        )
    else:
        least = exp(seeds.detectable) if scale.ratio else seeds.detectable
        kind = "ratio" if scale.ratio else "difference"
        told = f"Between the undecided, {own} show a {kind} of {least:.3g} with 80 % power"
    size = _size(found, seeds)
    if size == MANY:
        return f"{told}."
    told += f"; to show {what}, the declared smallest effect that matters,"
    if size == BEYOND:
        return f"{told} {size} seeds for each {one} are needed."
    more = seeds.needed - seeds.n
    if found.ladder is not None or not declared.seeds:
        reach = _reach(seeds, seeds.n)
        return f"{told} about {more:.0f} more seeds for each {one} are needed ({reach})."
    return (
        f"{told} a new study of {size} seeds for each {one} is needed, {more:.0f} more than here"
        f" ({_reach(seeds, 0)}): seeds that are added to this one are not tested."
    )


def more(found: Design, verdict: Verdict) -> str:
    """Return what more seeds would bring, as the end of the sentence that some are not distinguishable."""
    seeds, one = verdict.seeds, noun(found.factor)
    if seeds is None:
        return ""
    if seeds.needed <= seeds.n:
        return ", though these would most likely show the smallest effect that matters"
    size = _size(found, seeds)
    if found.undeclared_seeds:
        return _anew(size, one)
    if size in (MANY, BEYOND):
        return f", and {size} would be needed"
    return f"; about {seeds.needed - seeds.n:.0f} more for each {one} needed"


def beyond(found: Design, verdict: Verdict, least: int, n: int) -> str:
    """Return how many seeds a study of `n` lacks, as the end of the sentence that a test needs at least so many.

    It is one number: the larger of those that a test and its power need.
    """
    seeds, one = verdict.seeds, noun(found.factor)
    size, total, told = f"about {least}", float(least), ""
    if seeds is not None and seeds.n > 1 and seeds.needed > least:
        size, total = _size(found, seeds), seeds.needed
        told = f", and {size} to show the smallest effect that matters"
    if found.undeclared_seeds:
        return told + _anew(size, one)
    if size in (MANY, BEYOND):
        return told
    return f"{told}; about {max(1, total - n):.0f} more for each {one} needed"


def _anew(size: str, one: str) -> str:
    """Say that added seeds are not tested, and how large a new study must be."""
    return f"; the added seeds are not tested: a new study of {size} seeds for each {one} is needed"


def _size(found: Design, seeds: Seeds) -> str:
    """Return the seeds that are needed in all, without a number where that would be a guess."""
    if seeds.needed > 10 * seeds.n and not _too_wide(found, seeds):
        return MANY
    return BEYOND if seeds.needed > MOST else f"about {seeds.needed:.0f}"


def _reach(seeds: Seeds, fewer: int) -> str:
    """Return the range of the needed seeds, so many fewer."""
    low, high = (max(0.0, end - fewer) for end in (seeds.low, seeds.high))
    return (
        f"10–90 % range {low:.0f} to {high:.0f}"
        if isfinite(high)
        else f"10–90 % range {low:.0f} or more"
    )


def _too_wide(found: Design, seeds: Seeds) -> bool:
    """Say whether what these seeds detect is beyond all interest: a ratio above 10, or more than the scores' range."""
    if isinf(seeds.detectable):
        return True
    if found.scale.ratio:
        return seeds.detectable > log(INTEREST)
    known = [y for y in found.outcomes.values() if isfinite(y)]
    return bool(known) and seeds.detectable > max(known) - min(known)


def fresh(found: Design, verdict: Verdict) -> tuple[int, str]:
    """Return how many seeds a new study of the same cells takes, and why so many."""
    seeds, tier = verdict.seeds, verdict.tier(OVERALL)
    least = max(1, len(found.seeds), tier.seeds if tier else 1)
    if seeds is None or seeds.n < 2:
        return least, "as many as were declared" if least == len(
            found.seeds
        ) else "the fewest that can be tested"
    if seeds.needed <= least:
        return least, "enough to show the smallest effect that matters with 80 % power"
    size = _size(found, seeds)
    if size in (MANY, BEYOND):
        return least, f"showing the smallest effect that matters would need {size}"
    return ceil(seeds.needed), "to show the smallest effect that matters with 80 % power"
