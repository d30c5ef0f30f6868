"""Numbers and verdicts in plain words: every sentence follows from the tables beside it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf, isnan

import pandas as pd

from ablation.levels import noun
from reports import needed
from reports.design import Design
from reports.estimates import Interval
from reports.pairs import OVERALL
from reports.scales import Scale
from reports.tables import LOST
from reports.verdict import Test, Verdict

UNBOUNDED = "unbounded"


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, never in exponents below a million."""
    if isnan(value):
        return "–"
    if isinf(value):
        return "∞" if value > 0 else "−∞"
    value = value or 0.0  # a difference of -0.0 is 0.00
    if value == 0 or 1e-3 <= abs(value) < 10 ** max(digits, 6):
        decimals = max(0, digits - 1 - _magnitude(value))
        return f"{value:,.{decimals}f}".replace("-", "−")
    return f"{value:.{digits - 1}e}".replace("-", "−")


def _magnitude(value: float) -> int:
    return 0 if value == 0 else int(f"{value:e}".split("e")[1])


def p_value(p: float) -> str:
    """Return a p-value as people print it."""
    if isnan(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def ends(shown: Interval, *, ratio: bool = True) -> str:
    """Return an interval's ends in brackets; an end that failures of either side leave open says so.

    The open low end of a `ratio` is 0; a difference of 0 is a number, and common where scores tie.
    """
    if shown.level <= 0:
        return "no interval (one seed)"
    is_open = isinf(shown.low) or (ratio and shown.low == 0)
    word = f"{UNBOUNDED} (failures)" if shown.failed or shown.lost else UNBOUNDED
    low = word if is_open else number(shown.low)
    high = word if isinf(shown.high) else number(shown.high)
    if low == high == word:
        return word
    return f"[{low},\u00a0{high}]"


def estimate(shown: Interval) -> str:
    """Return an estimate, in words where failures leave no number."""
    if isnan(shown.estimate):
        return "not measurable"
    return "beyond measure (failures)" if isinf(shown.estimate) else number(shown.estimate)


def level(shown: Interval) -> str:
    """Return the exact level of an interval."""
    return f"{100 * shown.level:.3g} %" if shown.level > 0 else "–"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return words with commas and a last `and`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def seeds_word(n: int) -> str:
    """Return `1 seed` or `n seeds`."""
    return f"{n} seed" if n == 1 else f"{n} seeds"


def sentence(found: Design, verdict: Verdict, order: Sequence[str]) -> str:
    """Return the verdict as one sentence in plain words; `order` lists levels, best first."""
    one, many = noun(found.factor), noun(found.factor, 2)
    if not found.outcomes:
        return "No trial has ended with the declared score yet: nothing can be concluded."
    if all(isinf(y) for y in found.outcomes.values()):
        return f"Every trial diverged or crashed: no {one} can be recommended."
    if len(found.treatments) < 2:
        only = found.treatments[0]
        return f"Only {only} was tried: there is nothing to compare it with."
    tests = [t for t in verdict.tests if t.tier == OVERALL]
    if not tests:
        return f"No two {many} share a complete seed yet: nothing can be concluded."
    tier = verdict.tier(OVERALL)
    assert tier is not None
    n = min(test.units for test in tests)
    if found.ladder is not None and not found.ladder.reached:
        first = seeds_word(found.ladder.rungs[0])
        return f"Nothing is tested before the first rung of the ladder, {first} for each {one}."
    if tier.descriptive:
        return (
            f"Not distinguishable with {seeds_word(n)}: {_comparisons(tier.tests)} need at least"
            f" {seeds_word(tier.seeds)} for each {one} before a difference can be significant"
            f"{needed.beyond(found, verdict, tier.seeds, n)}."
        )
    if not verdict.answer.names:
        return _against_reference(found, verdict, order)
    best = [name for name in order if name in verdict.answer.names]
    beaten = [name for name in order if name in {worse for _, worse in verdict.beats}]
    if not beaten:
        names = listed(best)
        return f"{names} are not distinguishable with {seeds_word(n)}{needed.more(found, verdict)}."
    return _ranked(best, beaten, verdict, found)


def _comparisons(count: int) -> str:
    return "one comparison would" if count == 1 else f"{count} comparisons"


def _ranked(best: Sequence[str], beaten: Sequence[str], verdict: Verdict, found: Design) -> str:
    """Return who beats whom, the beaten ones grouped by their beaters."""
    scale = found.scale
    beaters = {x: tuple(b for b in (*best, *beaten) if (b, x) in verdict.beats) for x in beaten}
    by_all = [x for x in beaten if set(best) <= set(beaters[x])]
    parts = []
    if by_all:
        parts.append(
            listed(
                [f"{x} ({_ratios(best, x, verdict, scale, named=x == by_all[0])})" for x in by_all]
            )
        )
    rest = [x for x in beaten if x not in by_all]
    others = [f"{x} is beaten by {_few(beaters[x], verdict, x, scale)}" for x in rest]
    if len(best) == 1:
        text = f"no {noun(found.factor)} beats {best[0]}"
        if not rest:
            text = f"{best[0]} is the best of {len(beaten) + 1}"
        text += f"; it beats {parts[0]}" if parts else ""
        text = text[0].upper() + text[1:] if rest else text
    else:
        text = f"{listed(best)} cannot be told apart"
        text += f"; each beats {parts[0]}" if parts else ""
    return "; ".join([text, *others]) + "."


def _few(names: Sequence[str], verdict: Verdict, x: str, scale: Scale) -> str:
    return f"{listed(names)} ({_ratios(names, x, verdict, scale)})"


def _ratios(
    names: Sequence[str], x: str, verdict: Verdict, scale: Scale, *, named: bool = True
) -> str:
    """Return the shifts of `x` against these levels, as the table has them; a range where many."""
    tests = [t for t in (verdict.overall(x, name) for name in names) if t is not None]
    shown = [scale.shown(t.interval) for t in tests]
    words = [f"{estimate(s)} {ends(s, ratio=scale.ratio)}" for s in shown]
    what = f"{scale.quantity}{'' if len(shown) == 1 else 's'} " if named else ""
    if len(shown) <= 3:
        return f"{what}{listed(words)}"
    values = [s.estimate for s in shown]
    return f"{what}{number(min(values))} to {number(max(values))}"


def _against_reference(found: Design, verdict: Verdict, order: Sequence[str]) -> str:
    """Return how each level stands to the reference, where only that was declared."""
    groups: dict[str, list[str]] = {}
    for name in order:
        test = verdict.overall(name, found.reference)
        if test is not None:
            shown = found.scale.shown(test.interval)
            told = test.decided
            reach = ends(shown, ratio=found.scale.ratio)
            text = f"{name} ({found.scale.quantity} {estimate(shown)} {reach})"
            groups.setdefault(test.finding, []).append(text if told else name)
    parts = []
    for finding in ("better", "worse"):
        if names := groups.get(finding):
            parts.append(f"{listed(names)} {verb_of(names)} {finding} than {found.reference}")
    if names := groups.get("not distinguishable"):
        parts.append(
            f"{listed(names)} {verb_of(names)} not distinguishable from {found.reference}"
            f"{needed.more(found, verdict)}"
        )
    return "; ".join(parts) + "."


def verb_of(names: Sequence[str]) -> str:
    """Return the verb for one name or for several."""
    return "is" if len(names) == 1 else "are"


def reading(found: Design, shown: Sequence[Test], alpha: float) -> str:
    """Return what a table of tests says of its bold type and of intervals that seem to say otherwise, where it must."""
    told = ""
    if any(test.decided for test in shown):
        told += f". Bold: decided, with an adjusted p of at most {alpha:.3g}"
    if any(
        test.finding == "not distinguishable" and (test.interval.low > 0 or test.interval.high < 0)
        for test in shown
    ):
        null = "1" if found.scale.ratio else "0"
        told += (
            f". An interval is of its comparison alone, while the adjusted p is for all of them: one that leaves out"
            f" {null} may stand beside “not distinguishable”"
        )
    return told


def collapses(trials: pd.DataFrame, verdict: Verdict, told_of: Sequence[str] = ()) -> str:
    """Return a warning for each unbeaten level of which trials collapsed: they keep their score.

    Levels of which one of the lines `told_of` warns already are left out.
    """
    warned = [text.partition("Beware:")[2] for text in told_of]
    told = ""
    if not verdict.beats:
        return told
    for name in verdict.answer.names:
        own = trials[(trials["treatment"] == name) & ~trials["outcome"].isin(LOST)]
        count = int((own["outcome"] == "collapsed").sum())
        if any(f" {name} " in text and "collapsed" in text for text in warned):
            continue
        told += f" Beware: {name} collapsed in {count} of {len(own)} trials." if count else ""
    return told
