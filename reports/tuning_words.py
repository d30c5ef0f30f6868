"""The tuned tier in tables and sentences, beside the untuned one; each number follows from `reports.tuning`."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, log
from statistics import median
from typing import Any

from ablation.levels import noun
from reports.design import Design
from reports.pairs import TUNED
from reports.rows import Table, cell, table
from reports.study import Declared
from reports.tuning import Choice, Search
from reports.verdict import Test, Verdict
from reports.words import ends, estimate, level, listed, number, p_value, seeds_word


def said(
    told: Search | None, found: Design, verdict: Verdict, declared: Declared, order: Sequence[str]
) -> dict[str, Any]:
    """Return what the report says of tuning; empty where nothing was tuned."""
    empty = table("tuned", "", [], [])
    if told is None:
        return {"tuned_words": "", "tuned": empty, "settings": empty, "tuned_notes": []}
    choices = told.choices(found, order)
    return {
        "tuned_words": sentence(told, found, verdict),
        "tuned": _against(found, verdict, order),
        "settings": _settings(told, choices, found, declared),
        "tuned_notes": _notes(told, choices, found),
    }


def sentence(told: Search, found: Design, verdict: Verdict) -> str:
    """Return the tuned tier's verdict."""
    tests, tier = [t for t in verdict.tests if t.tier == TUNED], verdict.tier(TUNED)
    what = f"Tuned (each {noun(found.factor)} at the best of {told.tune.points} settings)"
    if not tests or tier is None:
        return f"{what}: no level shares a seed with {found.reference} that has every point yet."
    if tier.descriptive:
        n = min(test.units for test in tests)
        return (
            f"{what}: too few seeds to conclude; {seeds_word(tier.seeds)} would be needed,"
            f" there are {n}."
        )
    parts = []
    for finding in ("better", "worse", "not distinguishable"):
        names = [t.a for t in tests if t.finding == finding]
        if names:
            verb = "is" if len(names) == 1 else "are"
            joint = "from" if finding == "not distinguishable" else "than"
            parts.append(f"{listed(names)} {verb} {finding} {joint} {found.reference}")
    return f"{what}: {'; '.join(parts)}."


def _against(found: Design, verdict: Verdict, order: Sequence[str]) -> Table:
    """Return each level against the reference, untuned and tuned."""
    body = []
    for name in order:
        test = verdict.tuned(name)
        if test is None:
            continue
        plain, strong = verdict.overall(name, found.reference), test.decided
        body.append(
            [
                cell(name, strong=strong),
                *_interval(plain, found),
                *_interval(test, found),
                cell(level(test.interval), test.interval.level),
                cell(p_value(test.p), test.p),
                cell(p_value(test.adjusted), test.adjusted, strong=strong),
                cell(test.finding, strong=strong),
                cell(test.interval.n, test.interval.n),
                cell(test.interval.failed, test.interval.failed),
            ]
        )
    columns = [noun(found.factor), "untuned#", "interval#", "tuned#"]
    columns += ["interval#", "level#", "p#", "adjusted p#", "finding", "n#", "failed#"]
    caption = (
        f"{found.scale.quantity} to {found.reference}, untuned and tuned, over all blocks (p and finding are"
        " those of the tuned tier; failed: over all points)"
    )
    return table("tuned", caption, columns, body)


def _interval(test: Test | None, found: Design) -> list[dict[str, Any]]:
    if test is None:
        return [cell("–"), cell("–")]
    shown = found.scale.shown(test.interval)
    reach = ends(shown, ratio=found.scale.ratio)
    return [cell(estimate(shown), shown.estimate), cell(reach, shown.low)]


def _settings(told: Search, choices: Sequence[Choice], found: Design, declared: Declared) -> Table:
    """Return what each cell chose and what that is worth."""
    numbers = [one.name for one in told.tune.space if one.kind != "choice"]
    labels, body = {b.key: b.label for b in found.blocks}, []
    for one in choices:
        n, k = one.outcomes.shape[1], one.outcomes.shape[0]

        def shown(outcome: float, block: str = one.block) -> dict[str, Any]:
            value = told.score(block, outcome)
            return cell(number(value) if isfinite(value) else "failed", value)

        fresh = cell("–")
        if one.fresh:
            fresh = shown(_middle(one.fresh))
            fresh["text"] += f" (n = {len(one.fresh)})"
        body.append(
            [
                labels[one.block],
                one.level,
                one.settings[one.best] + (" (common)" if one.best == 0 else ""),
                f"{one.votes} of {n} seeds",
                shown(one.median[0]),
                shown(_middle(one.held_out)),
                shown(one.median[one.best]),
                fresh,
                *(cell(_band(one, name, found, declared)) for name in numbers),
                cell(f"{one.failed} of {n * k}", one.failed),
            ]
        )
    columns = ["block", noun(found.factor), "best setting", "chosen without"]
    columns += ["untuned#", "tuned#", "best, same seeds#", "best, fresh seeds#"]
    columns += [f"{name} as good#" for name in numbers]
    caption = (
        "What each cell chose of its equal number of settings. Medians over seeds, failures as worst. Tuned: each seed"
        " at the setting that the other seeds choose (chosen without: how often that is the best one). The best on the"
        " seeds that chose it is flattered; fresh seeds describe it, and nothing is tested on them. As good: the"
        " settings within"
        f" {_close(found, declared)} of the best one"
    )
    return table("settings", caption, [*columns, "failed#"], body)


def _close(found: Design, declared: Declared) -> str:
    if found.scale.ratio:
        return f"a ratio of {declared.effect:g}"
    return f"{declared.effect - 1:.0%}"


def band(one: Choice, name: str, found: Design, declared: Declared) -> tuple[float, float] | None:
    """Return the lowest and the highest value of those settings that are as good as the best one."""
    least = min(one.median)
    if not isfinite(least):
        return None
    reach = log(declared.effect) if found.scale.ratio else (declared.effect - 1) * abs(least)
    good = [
        value_of(setting, name)
        for setting, y in zip(one.settings, one.median, strict=True)
        if y <= least + reach + 1e-12
    ]
    return min(good), max(good)


def value_of(setting: str, name: str) -> float:
    """Return the number that a setting in words has under a name."""
    pairs = dict(word.partition("=")[::2] for word in setting.split(" "))
    return float(pairs.get(name, "nan"))


def _band(one: Choice, name: str, found: Design, declared: Declared) -> str:
    found_band = band(one, name, found, declared)
    if found_band is None:
        return "–"
    low, high = found_band
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _middle(values: Sequence[float]) -> float:
    """Return the median of outcomes, a failure where the middle is none."""
    return float(median(values)) if values else float("nan")


def _notes(told: Search, choices: Sequence[Choice], found: Design) -> list[str]:
    """Say how the points were made, and what would make a comparison of them unfair."""
    tune = told.tune
    space = listed([f"{one.name} {one.text}" for one in tune.space])
    made = (
        f"the same {tune.points - 1} points of a scrambled Sobol sequence (seed {tune.seed}) in every cell"
        if tune.sampler == "sobol"
        else f"{tune.points - 1} points that TPE asks for in each cell on its own (seed {tune.seed})"
    )
    notes = [f"Tuned: {space}; every cell as it stands and {made}, each with every seed."]
    kept = [one for one in choices if one.outcomes.shape[1] == 1]
    if kept:
        notes.append("With one seed the setting is chosen on the score that is shown: it flatters.")
    cells = {(name, b.key) for name in found.treatments for b in found.blocks} & found.planned
    lacking = len(cells) - len(choices)
    if lacking > 0:
        notes.append(f"{lacking} cells have no seed with every setting yet: they are left out.")
    return notes
