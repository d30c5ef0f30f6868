"""How the numbers of a report were made, said in a reader's words."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import pandas as pd

from ablation.levels import noun
from reports import phrases, words
from reports.design import FAILED, Design
from reports.names import block_word
from reports.pairs import OVERALL, PER_BLOCK, TUNED
from reports.scales import base, score_label
from reports.summary import varying
from reports.tables import Tables
from reports.verdict import Verdict

NAMES = {
    OVERALL: "over all blocks",
    PER_BLOCK: "in each block, against the reference",
    TUNED: "of tuned levels, against the reference",
}
"""What the comparisons of a tier are, as the end of their name."""
MOST_VALUES = 6
"""Values of a setting that the line under the title names; more are counted."""


def methods(
    tables: Tables, found: Design, verdict: Verdict, correlation: float, pairs: int
) -> list[str]:
    """Say how the numbers were made, in a reader's words."""
    declared, told = tables.studies[0].declared, []
    one, many = noun(found.factor), noun(found.factor, 2)
    compared = "" if found.factor == "activation" else f"factor {found.factor}, "
    told.append(
        f"Declared: {compared}score {declared.score}, reference {declared.reference},"
        f" alpha {declared.alpha:g}, smallest effect that matters {declared.effect:g},"
        f" {len(declared.seeds) or 'no'} seeds, pairs {declared.pairs}{_rungs(declared.ladder)}"
        f" (hash {tables.studies[0].declared_hash or 'none'})."
    )
    what = "loss, penalty, data and networks"
    what = what if found.factor == "activation" else f"everything but {one} and seed"
    told.append(
        f"Test: outcomes are ranked within each block of {what}, failures"
        f" (diverged or crashed) last and equal; {one} labels are reassigned among whole seeds"
        " of a random stream, all ways where there are at most 20,000, else that many random ones."
        " Intervals invert this test, so they are exact and may be open where trials failed."
    )
    for tier in verdict.tiers:
        name = NAMES[tier.name]
        if tier.descriptive:
            told.append(
                f"{tier.tests} comparisons {name} are descriptive: their least possible p is"
                f" {words.p_value(tier.p_min)}; {words.seeds_word(tier.seeds)} for each {one}"
                " would let them conclude."
            )
        else:
            told.append(
                f"{tier.tests} comparisons {name} share {phrases.percent(tier.weight * tier.tests)}"
                f" of alpha (weighted Holm); least possible p {words.p_value(tier.p_min)}."
            )
    if any(tier.name == TUNED for tier in verdict.tiers):
        told.append(
            "Tuned: every setting runs with every seed. Outcomes of all settings of a pair are ranked"
            " together; each seed is read at the setting that the other seeds of its level rank best;"
            " whole seeds, with all their settings, are reassigned, and the choice is made again in"
            " every reassignment, so that choosing claims nothing."
        )
    if PER_BLOCK not in {tier.name for tier in verdict.tiers} and len(found.blocks) == 1:
        told.append("There is one block, so nothing is tested block by block.")
    if pairs:
        told.append(
            f"Rank correlation of equal seeds between {many}: {words.number(correlation, 2)}"
            f" (mean of {phrases.counted(pairs, 'pair')}); seeds are not treated as paired."
        )
    return [*told, _entered(found)]


def _entered(found: Design) -> str:
    """Say how many outcomes enter the tests, and how many are shown alone."""
    tested = [y for (_, _, seed), y in found.outcomes.items() if seed in found.seeds]
    failed, shown = sum(y == inf for y in tested), len(found.outcomes) - len(tested)
    told = f"{phrases.counted(len(tested), 'outcome')} enter the tests, {failed} of them failures"
    told += f" ({' or '.join(FAILED)}); a collapsed trial keeps its score."
    return told + f" {shown} more, of seeds that are not tested, are shown alone." * (shown > 0)


def also_varied(trials: pd.DataFrame, factor: str, questions: Sequence[str]) -> str:
    """Return what differs between the blocks and no question names, as a line under the title; "" for nothing."""
    told = []
    for column in varying(trials, factor):
        values = dict.fromkeys(trials.dropna(subset=["block"])[column].sort_values())
        named = list(filter(None, (block_word(column, value) for value in values))) or ["none"]
        if len(values) < 2 or all(any(word in text for text in questions) for word in named):
            continue
        short = [word.removeprefix(f"{column} ") for word in named]
        shown = short if len(short) <= MOST_VALUES else [f"{len(short)} of them"]
        told.append(f"{column.replace('_', ' ')} ({', '.join(shown)})")
    return f"Varied as well: {words.listed(told)}." if told else ""


def _rungs(ladder: tuple[int, ...]) -> str:
    """Return the rungs of a ladder, as the end of what is declared."""
    rungs = words.listed([str(n) for n in ladder])
    return f", ladder of {rungs} seeds, each at alpha / {len(ladder)}" if ladder else ""


def score_notes(trials: pd.DataFrame) -> list[str]:
    """Say what each declared score is, a classifier's distance above all."""
    notes = []
    for name in sorted(trials["score_name"].dropna().unique()):
        part = trials[trials["score_name"] == name]
        kinds = set(part.get("extractor_kind", pd.Series(dtype=object)).dropna())
        if base(name) == "fid" and kinds - {"inception"}:
            accuracy = part.get("extractor_accuracy", pd.Series(dtype=float)).dropna()
            sure = f", {100 * float(accuracy.iloc[0]):.3g} % accurate" if len(accuracy) else ""
            extractor = name.partition("_")[2].rpartition("_")[0]
            what = (
                f"a Fréchet classifier distance: its features come from {extractor}{sure}"
                if "random" not in kinds
                else f"a Fréchet distance of features of an untrained random network, {extractor}"
            )
            notes.append(
                f"{score_label(name)} is {what}, not from Inception. It compares generators here"
                " and is not comparable with published FIDs."
            )
    return notes


def compute(trials: pd.DataFrame) -> list[str]:
    """Say what the study cost."""
    total = float(trials["seconds"].fillna(0).sum())
    told = [
        f"{phrases.duration(total)} of computing in {phrases.counted(int(trials['seconds'].count()), 'trial')}."
    ]
    parts = sorted(str(name) for name in trials if str(name).startswith("seconds_"))
    if total > 0 and parts:
        shares = [float(trials[name].fillna(0).sum()) / total for name in parts]
        named = [name.removeprefix("seconds_") for name in parts]
        listed = [f"{n} {phrases.percent(s)}" for n, s in zip(named, shares, strict=True)]
        told.append(f"Of it: {words.listed(listed)}.")
        scoring = [f"seconds_{name}" for name in ("score", "select") if f"seconds_{name}" in trials]
        share = float(trials[scoring].fillna(0).to_numpy().sum()) / total
        told.append(f"Scoring, at the end and on the way, took {phrases.percent(share)}.")
    if "cpu_seconds" in trials:
        used = trials["cpu_seconds"].dropna()
        worked = phrases.duration(float(used.sum()))
        told.append(f"Processor time: {worked}, known of {phrases.counted(len(used), 'trial')}.")
    memory = trials["peak_memory_mb"].dropna()
    if len(memory):
        told.append(f"Largest peak memory of a trial: {float(memory.max()):,.0f} MB.")
    return told


def warnings(tables: Tables, trials: pd.DataFrame) -> list[str]:
    """Return each known hazard once: the planner's and the trials', with the trials that recorded it."""
    counts: dict[str, int] = {}
    for text in trials["hazards"].dropna() if "hazards" in trials else ():
        for hazard in dict.fromkeys(filter(None, str(text).split(" | "))):
            counts[hazard] = counts.get(hazard, 0) + 1
    planned = [warning for study in tables.studies for warning in study.warnings]
    return [
        f"{text} ({phrases.counted(counts[text], 'trial')})" if text in counts else text
        for text in dict.fromkeys([*planned, *sorted(counts)])
    ]
