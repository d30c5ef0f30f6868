"""What the report says, in plain JSON types: the one content that page and PDF both show."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite
from typing import Any

import pandas as pd

from reports import rows, words
from reports.design import FAILED, Design, score_label
from reports.failures import failures
from reports.gallery import Gallery
from reports.summary import Completeness, completeness, mixtures, seed_correlation
from reports.tables import LOST, Tables
from reports.verdict import OVERALL, PER_BLOCK, Verdict

Content = dict[str, Any]


def ranking(found: Design, verdict: Verdict) -> list[str]:
    """Return the activations, best estimate first, those without an estimate last."""

    def place(name: str) -> tuple[bool, float, str]:
        test = verdict.overall(name, found.reference)
        known = test is not None or name == found.reference
        shift = test.interval.estimate if test is not None else 0.0
        return (not known or not isfinite(shift), shift if shift == shift else inf, name)

    return sorted(found.activations, key=place)


def content(
    tables: Tables,
    trials: pd.DataFrame,
    found: Design,
    verdict: Verdict,
    order: Sequence[str],
    pictures: Gallery,
) -> Content:
    """Return everything the report shows, figures and samples by name."""
    first = tables.studies[0]
    names = [study.name for study in tables.studies]
    whole = completeness(trials, len(first.declared.seeds) if len(names) == 1 else 0)
    correlation, pairs = seed_correlation(found)
    lost = failures(tables, trials)
    return {
        "study": " and ".join(names),
        "kicker": f"{'Study' if len(names) == 1 else 'Studies'} {words.listed(names)}",
        "questions": list(dict.fromkeys(study.question for study in tables.studies)),
        "verdict": words.sentence(found, verdict, order) + words.collapses(trials, verdict),
        "power": words.power(verdict.seeds, found.scale, first.declared.effect),
        "blocks": words.block_sentences(found, verdict),
        "score_notes": _score_notes(trials),
        "alerts": _alerts(tables, trials, found, verdict, whole, (correlation, pairs)),
        "comparison": rows.comparison(found, verdict, order),
        "tests": rows.tests(found, verdict),
        "tiles": _tiles(whole),
        "certificate": rows.certificate_table(trials, found),
        "equal": not found.refused,
        "refused": list(found.refused),
        "rates": rows.rates(trials, order),
        "compute": _compute(trials),
        "cells": rows.cell_table(tables, trials, found, order),
        "failures": lost,
        "trials": rows.trial_table(tables, trials, found),
        "skipped": rows.skipped(tables),
        "warnings": _warnings(tables, trials),
        "methods": _methods(tables, found, verdict, correlation, pairs),
        "citations": list(tables.citations),
        "provenance": rows.provenance(tables, trials),
        "figures": {
            section: [
                {"name": d.name, "title": d.title, "alt": d.alt, "caption": d.caption}
                for d in getattr(pictures, section)
            ]
            for section in ("forest", "scores", "gradients", "units")
        },
    }


def _tiles(whole: Completeness) -> list[dict[str, str]]:
    shown = [("expected", whole.expected), ("finished", whole.counts["finished"])]
    always = ("diverged", "collapsed", "crashed", "missing")
    for name, count in whole.counts.items():
        if name != "finished" and (count or name in always):
            shown.append((name, count))
    return [{"label": name, "value": f"{count:,}"} for name, count in shown]


def _score_notes(trials: pd.DataFrame) -> list[str]:
    """Say what each declared score is, a classifier's distance above all."""
    notes = []
    for name in sorted(trials["score_name"].dropna().unique()):
        part = trials[trials["score_name"] == name]
        kinds = set(part.get("extractor_kind", pd.Series(dtype=object)).dropna())
        if name.startswith("fid_") and kinds - {"inception"}:
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


def _alerts(
    tables: Tables,
    trials: pd.DataFrame,
    found: Design,
    verdict: Verdict,
    whole: Completeness,
    correlation: tuple[float, int],
) -> list[str]:
    """Return what a reader must know before believing a number."""
    told = []
    missing = whole.counts["missing"] + whole.counts["damaged"]
    if missing:
        told.append(
            f"{missing} of {whole.expected} trials have no readable result: a seed counts only"
            " where all blocks of its random stream are there."
        )
    told += _bad_ends(trials)
    told += [f"Refused: {reason}." for reason in found.refused]
    told += list(found.notes) + mixtures(trials)
    for study in tables.studies:
        if study.edits:
            told.append(
                f"The declaration of {study.name} was edited after its first launch"
                f" ({', '.join(study.edits)})."
            )
    compared = {name for t in verdict.tests if t.tier == OVERALL for name in (t.a, t.r)}
    told += [
        f"{name} shares no complete seed with {found.reference}: it is not compared."
        for name in found.activations
        if compared and name not in compared
    ]
    first, *others = tables.studies
    told += [
        f"{other.name} declared other tests than {first.name}; those of {first.name} are used."
        for other in others
        if other.declared != first.declared
    ]
    if correlation[0] < -0.1:
        told.append(
            f"Equal seeds of different activations correlate by {words.number(correlation[0], 2)}"
            f" (mean of {correlation[1]} pairs): below −0.1 the unpaired test may claim too often."
        )
    return told + list(tables.problems)


def _bad_ends(trials: pd.DataFrame) -> list[str]:
    """Say how often each activation diverged, crashed or collapsed."""
    told = []
    ended = trials[~trials["outcome"].isin(LOST)]
    for name, part in ended.groupby("activation", sort=True):
        counts = [(kind, int((part["outcome"] == kind).sum())) for kind in (*FAILED, "collapsed")]
        ends = words.listed([f"{kind} in {count}" for kind, count in counts if count])
        if ends:
            told.append(f"{name} {ends} of {len(part)} trials.")
    return told


def _warnings(tables: Tables, trials: pd.DataFrame) -> list[str]:
    """Return the planner's warnings and the hazards that trials recorded, counted."""
    told = [warning for study in tables.studies for warning in study.warnings]
    counts: dict[str, int] = {}
    for text in trials["hazards"].dropna() if "hazards" in trials else ():
        for hazard in filter(None, str(text).split(" | ")):
            counts[hazard] = counts.get(hazard, 0) + 1
    told += [f"{text} ({n} trials)" for text, n in sorted(counts.items())]
    return list(dict.fromkeys(told))


def _compute(trials: pd.DataFrame) -> list[str]:
    """Say what the study cost."""
    total = float(trials["seconds"].fillna(0).sum())
    told = [f"{words.duration(total)} of computing in {int(trials['seconds'].count())} trials."]
    parts = sorted(str(name) for name in trials if str(name).startswith("seconds_"))
    if total > 0 and parts:
        shares = [float(trials[name].fillna(0).sum()) / total for name in parts]
        named = [name.removeprefix("seconds_") for name in parts]
        listed = [f"{n} {words.percent(s)}" for n, s in zip(named, shares, strict=True)]
        told.append(f"Of it: {words.listed(listed)}.")
    memory = trials["peak_memory_mb"].dropna()
    if len(memory):
        told.append(f"Largest peak memory of a trial: {float(memory.max()):,.0f} MB.")
    return told


def _methods(
    tables: Tables, found: Design, verdict: Verdict, correlation: float, pairs: int
) -> list[str]:
    """Say how the numbers were made, in a reader's words."""
    declared, told = tables.studies[0].declared, []
    told.append(
        f"Declared: score {declared.score}, reference {declared.reference},"
        f" alpha {declared.alpha:g}, smallest effect that matters {declared.effect:g},"
        f" {len(declared.seeds) or 'no'} seeds, pairs {declared.pairs}"
        f" (hash {tables.studies[0].declared_hash or 'none'})."
    )
    told.append(
        "Test: outcomes are ranked within each block of loss, penalty, data and networks, failures"
        " (diverged or crashed) last and equal; activation labels are reassigned among whole seeds"
        " of a random stream, all ways where there are at most 20,000, else that many random ones."
        " Intervals invert this test, so they are exact and may be open where trials failed."
    )
    for tier in verdict.tiers:
        name = "over all blocks" if tier.name == OVERALL else "in each block, against the reference"
        if tier.descriptive:
            told.append(
                f"{tier.tests} comparisons {name} are descriptive: their least possible p is"
                f" {words.p_value(tier.p_min)}; {words.seeds_word(tier.seeds)} for each activation"
                " would let them conclude."
            )
        else:
            told.append(
                f"{tier.tests} comparisons {name} share {words.percent(tier.weight * tier.tests)}"
                f" of alpha (weighted Holm); least possible p {words.p_value(tier.p_min)}."
            )
    if PER_BLOCK not in {tier.name for tier in verdict.tiers} and len(found.blocks) == 1:
        told.append("There is one block, so nothing is tested block by block.")
    if pairs:
        told.append(
            f"Rank correlation of equal seeds between activations: {words.number(correlation, 2)}"
            f" (mean of {pairs} pairs); seeds are not treated as paired."
        )
    failed = int(sum(y == inf for y in found.outcomes.values()))
    told.append(
        f"{len(found.outcomes)} outcomes enter the tests, {failed} of them failures"
        f" ({' or '.join(FAILED)}); a collapsed trial keeps its score."
    )
    return told
