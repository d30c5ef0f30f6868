"""The recommendation in words: a line for each block, why others are left out, and what to beware of."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from ablation.levels import noun
from reports.advice import LEARNED, Advice
from reports.advice_table import criteria_table, notes, row, rules_table
from reports.costs import Costs
from reports.criteria import Rated
from reports.design import Design
from reports.pairs import OVERALL, PER_BLOCK
from reports.phrases import counted, percent
from reports.scales import family, printed
from reports.verdict import Test, Verdict
from reports.words import listed, number, seeds_word

FIRST = 6
"""Lines of the first page; further blocks stand in the section."""
FEW = 3
"""Recommended levels up to which the section says how each differs from the first."""
MANY = 6
"""Names on the first page."""
MOST_SPOTS = 12
"""Blocks that a line of the section names; more are counted, and stand in its table."""


def said(advised: Sequence[Advice], paid: Costs, found: Design, verdict: Verdict) -> dict[str, Any]:
    """Return what the report says of the choice: a few lines, all lines, the table of criteria and its rules."""
    told = [(where(a), line(a, found, verdict, short=True)) for a in advised]
    full = [(where(a), f"{line(a, found, verdict)} {reasons(a)}".strip()) for a in advised]
    return {
        "advice_title": f"Which {noun(found.factor)}?",
        "advice_first": _first(told),
        "advice": _together(full, MOST_SPOTS),
        "advice_notes": notes(found, verdict, paid),
        "criteria": criteria_table(advised, found, paid),
        "criteria_rules": rules_table(advised),
        "advice_rows": [row(a, r, paid, found.factor) for a in advised for r in a.rated],
    }


def _first(told: Sequence[tuple[str, str]]) -> list[str]:
    """Return the lines of the first page: blocks of which the same is said share one, the last names the rest."""
    lines, spots = _together(told, FEW), _spots(told)
    if len(lines) <= FIRST:
        return lines
    rest = sum(map(len, list(spots.values())[FIRST - 1 :]))
    return [
        *lines[: FIRST - 1],
        f"{counted(rest, 'more block')} below, in the section of this name.",
    ]


def _together(told: Sequence[tuple[str, str]], most: int) -> list[str]:
    """Return a line for all blocks of which the same is said; more than `most` of them are counted."""
    spots = _spots(told)
    if len(spots) == 1 and len(told) > 1:
        return [f"In all {len(told)} blocks: {next(iter(spots))}"]
    return [
        f"For {listed(own)}: {text}"
        if len(own) <= most
        else f"In {len(own)} of {len(told)} blocks: {text}"
        for text, own in spots.items()
    ]


def _spots(told: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    spots: dict[str, list[str]] = {}
    for spot, text in told:
        spots.setdefault(text, []).append(spot)
    return spots


def where(a: Advice) -> str:
    """Return a block in words: `wasserstein on digits`."""
    words = [word for word in a.block.label.split(" · ") if word != a.block.dataset]
    return f"{', '.join(words)} on {a.block.dataset}"


def line(a: Advice, found: Design, verdict: Verdict, *, short: bool = False) -> str:
    """Return what is recommended in a block, in a sentence or two, with what to beware of.

    A `short` one leaves out by what several recommended ones differ.
    """
    if a.why:
        return _nothing(a, noun(found.factor), verdict, short=short)
    lead, *others = _ordered(a, found.reference)
    names = [lead, *others]
    shown = names if len(names) <= MANY else [*names[: MANY - 1], f"{len(names) - MANY + 1} others"]
    text = listed(shown, "or")
    if not others:
        text += _beaten_by(lead, a) + (_spared(a) if short else "")
    else:
        text += f"; {_alike(lead, others, a, verdict, short=short)}"
    return f"{text}.{_beware(a, names)}{_undecided(a, lead)}"


def _beaten_by(lead: str, a: Advice) -> str:
    """Say whom the only recommended level beats, here or over all blocks."""
    below = {
        side: [b.b for b in a.beats if b.a == lead and b.everywhere == side]
        for side in (False, True)
    }
    told = [
        f"{listed(names)} {_scope(a, everywhere=side)}" for side, names in below.items() if names
    ]
    return f"; it beats {' and '.join(told)}" if told else ""


def _spared(a: Advice) -> str:
    """Say who is left out though no test says that it is worse: the section says by what."""
    names = [name for name, _ in a.dominated]
    if not names:
        return ""
    are = "is" if len(names) == 1 else "are"
    return f"; {listed(names)} {are} not beaten in {printed(family(a.score))}, and left out by other criteria"


def _scope(a: Advice, *, everywhere: bool) -> str:
    return "over all blocks" if everywhere and not a.single else f"in {printed(family(a.score))}"


def _undecided(a: Advice, lead: str) -> str:
    """Say which beaten level has the better median here: tests over all blocks do not speak of each."""
    own, told = a.level(lead), []
    for other in a.rated:
        beaten = a.beaters(other.level)
        if (
            beaten
            and all(b.everywhere for b in beaten)
            and not a.single
            and a.better_median(other, own)
        ):
            told.append(f"{other.level} ({number(other.score)})")
    if not told:
        return ""
    have = "has a better median" if len(told) == 1 else "have better medians"
    return f" Yet here {listed(told)} {have} than {lead} ({number(own.score)})."


def _ordered(a: Advice, reference: str) -> list[str]:
    """Return the chosen levels, the reference first."""
    return sorted(a.chosen, key=lambda name: name != reference)


def _nothing(a: Advice, one: str, verdict: Verdict, *, short: bool) -> str:
    """Say why a block has no recommendation."""
    tier = verdict.tier(OVERALL)
    units = [t.units for t in verdict.tests if t.tier == OVERALL]
    seeds = seeds_word(min(units, default=0))
    needed = f" ({tier.seeds} are needed)" if tier is not None else ""
    return {
        "nothing": "no trial has ended with the declared score yet.",
        "failed": f"every trial diverged, crashed or collapsed: no {one} can be recommended.",
        "untrained": _untrained(a, one, short=short),
        "single": f"only {a.rated[0].level if a.rated else 'one'} was tried: there is no choice.",
        "apart": "no two levels share a complete seed: there is no evidence to choose by.",
        "seeds": f"no evidence to choose by: with {seeds} no declared test can conclude{needed}.",
        "circle": f"each {one} that trained is beaten by another: none is recommended.",
    }[a.why]


def _untrained(a: Advice, one: str, *, short: bool) -> str:
    """Say that nothing has learned the data, and by what that is known."""
    best = max((r.hits for r in a.rated if isfinite(r.hits)), default=0.0)
    share = f"under {percent(LEARNED)}" if short else f"in the median at most {percent(best)}"
    share = share.replace(" %", "\u00a0%")
    return (
        f"no {one} has learned the data: {share} of a generator's samples are like real ones. Train longer or change"
        " the learning rate before choosing."
    )


def _alike(lead: str, others: Sequence[str], a: Advice, verdict: Verdict, *, short: bool) -> str:
    """Say of the other recommended levels that no test told them from the first, and how few of them differ."""
    told: dict[str, list[str]] = {}
    for x in others:
        told.setdefault(_apart(lead, _tested(lead, x, a, verdict), a), []).append(x)
    said = []
    for text, names in told.items():
        who = "the others" if names == [*others] and len(names) > 2 else listed(names)
        said.append(f"{who} {'is' if len(names) == 1 else 'are'} {text}")
    clauses = [(x, _differences(a.level(x), a.level(lead), a)) for x in others]
    long = short and (len(others) > 1 or len(clauses[0][1]) > FEW)
    if long or len(others) >= FEW:
        return "; ".join(said)
    if len(others) == 1:
        return ", ".join([*said, *clauses[0][1]])
    return "; ".join([*said, *(f"{x} {', '.join(ways)}" for x, ways in clauses if ways)])


def _apart(lead: str, test: Test | None, a: Advice) -> str:
    """Say that no test told a level from the first."""
    if test is None:
        return f"not compared with {lead}"
    other = "" if len(a.chosen) == 2 else f" from {lead}"
    return f"not distinguishable{other} {_scope(a, everywhere=test.tier == OVERALL)}"


def _tested(lead: str, name: str, a: Advice, verdict: Verdict) -> Test | None:
    """Return the test of a pair: that of the block where it can conclude, else the one over all blocks."""
    pair = {lead, name}
    tests = [t for t in verdict.tests if {t.a, t.r} == pair and t.finding != "descriptive"]
    own = [t for t in tests if t.tier == PER_BLOCK and t.block == a.block.label]
    return next(iter([*own, *(t for t in tests if t.tier == OVERALL)]), None)


def _differences(own: Rated, other: Rated, a: Advice) -> list[str]:
    """Return by what a level differs from another, as far as it counts."""
    return [c.told(own, other) for c in a.criteria if c.better(own, other) or c.better(other, own)]


def _beware(a: Advice, names: Sequence[str]) -> str:
    """Warn of failures and collapses of what is recommended."""
    told = []
    for name in names:
        own = a.level(name)
        counts = [f"failed in {own.failed}"] if own.failed else []
        counts += [f"collapsed in {own.collapsed}"] if own.collapsed else []
        if counts:
            told.append(f"{name} {listed(counts)} of {own.n} trials")
    return f" Beware: {listed(told)}." if told else ""


def reasons(a: Advice) -> str:
    """Say why each other level of a block is left out, but for those whom the only recommended one beats."""
    told = []
    for own in a.rated if a.why != "failed" else ():
        if own.level in a.chosen:
            continue
        if beaten := a.beaters(own.level):
            if len(a.chosen) == 1 and a.chosen[0] in [b.a for b in beaten]:
                continue
            sides = ([b.a for b in beaten if b.everywhere == side] for side in (False, True))
            spots = ("", "" if a.single else " (over all blocks)")
            who = [
                f"{listed(names)}{spot}" for names, spot in zip(sides, spots, strict=True) if names
            ]
            told.append(f"{own.level}, beaten by {' and by '.join(who)}")
        elif own.bad == own.n:
            ended = "failed" if own.failed == own.n else "failed or collapsed"
            told.append(f"{own.level}, which {ended} in all {own.n} trials")
        elif own.level in dict(a.dominated) and not a.why:
            above = a.level(dict(a.dominated)[own.level][0])
            told.append(
                f"{own.level}, which beside {above.level} {', '.join(_differences(own, above, a))}"
            )
    return f"Left out: {'; '.join(told)}." if told else ""
