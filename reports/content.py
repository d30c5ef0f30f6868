"""What the report says, in plain JSON types: the one content that page and PDF both show."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ablation.levels import noun
from reports import (
    advice_words,
    claim_words,
    events,
    factor_words,
    mechanism_words,
    medians,
    methods,
    needed,
    phrases,
    profile,
    rows,
    tuning_words,
    words,
)
from reports.analysis import Analysis
from reports.beside import beside
from reports.block_words import block_sentences
from reports.claims_apart import Apart, claims_apart
from reports.design import FAILED, Design
from reports.failures import failures
from reports.gallery import Gallery
from reports.pairs import OVERALL
from reports.partial import absent, extent, settled
from reports.phrases import by
from reports.progress import drawn_words
from reports.robustness import robustness, robustness_words, shaken, variations
from reports.scales import printed
from reports.secondary import secondary
from reports.sections import sections
from reports.stopping import flags, ladder_words
from reports.summary import Completeness, completeness, mixtures, seed_correlation
from reports.tables import LOST, Tables
from reports.tuning import certificate
from reports.verdict import Verdict

Content = dict[str, Any]


def content(
    read: Analysis, pictures: Gallery, changed: Content | None = None, apart: Apart = ()
) -> Content:
    """Return everything the report shows, figures and samples by name.

    `changed` is what did between studies, `apart` what each of several says of the claims.
    """
    tables, trials, every = read.tables, read.trials, read.every
    found, verdict, order = read.found, read.verdict, read.order
    first = tables.studies[0]
    names, titles = ([study.name for study in tables.studies], [s.title for s in tables.studies])
    promised = first.promised if len(names) == 1 else 0
    whole, cells = (completeness(part, promised) for part in (every, trials))
    tune = first.declared.tune if len(names) == 1 else None
    inside = extent(whole, cells, tune, settled=settled(every, found, first.declared))
    correlation, pairs = seed_correlation(found)
    lost = failures(tables, every)
    varied = variations(tables, found, verdict, first.declared)
    advised = advice_words.said(*read.advice, found, verdict)
    happened = events.events(tables.readings, trials, found, order)
    said = {
        "study": " and ".join(names),
        "kicker": f"{'Study' if len(names) == 1 else 'Studies'} {words.listed(titles)}",
        "partial": inside.sentence,
        "bound": "",
        "without": [],
        "in": [inside.ended, inside.expected],
        "varied": methods.also_varied(trials, found.factor, [s.question for s in tables.studies]),
        "questions": list(dict.fromkeys(study.question for study in tables.studies)),
        "verdict": read.sentence + words.collapses(trials, verdict),
        "headline": read.sentence + words.collapses(trials, verdict, advised["advice_first"]),
        "power": needed.power(found, verdict, first.declared),
        "ladder": ladder_words(found, first.declared.alpha),
        "blocks": block_sentences(found, verdict),
        "score_notes": methods.score_notes(every),
        "alerts": [
            *_alerts(tables, every, found, verdict, whole, (correlation, pairs)),
            *shaken(verdict, varied),
        ],
        "comparison": rows.comparison(found, verdict, order),
        "tests": rows.tests(found, verdict),
        "changed": changed or {},
        "tiles": _tiles(whole),
        "certificate": rows.certificate_table(
            trials, found, certificate(read.told) if read.told else ()
        ),
        "one": noun(found.factor),
        "many": noun(found.factor, 2),
        "equal": not found.refused,
        "equal_words": _equal(found, whole),
        "scores_by": f"Scores {by(found.factor)}",
        "refused": list(found.refused),
        "rates": rows.rates(trials, order, found, first.declared.level),
        "compute": methods.compute(every),
        "cells": medians.medians(tables, trials, found, order),
        "covered": medians.covered(tables, trials, found, order),
        "meanings": medians.meanings(tables),
        "drawn_words": drawn_words(found.blocks),
        "events": happened,
        "events_bad": events.first_of_bad(tables.readings, trials, found, order),
        "events_words": events.worst(happened),
        "events_meanings": events.meanings(happened),
        "lives": events.lives(tables.readings, found, order),
        "robustness": robustness(found, verdict, varied),
        "robustness_words": robustness_words(verdict, varied),
        "secondary": secondary(tables, found, verdict, first.declared, order),
        "published": beside(tables, trials, found),
        "activations": profile.activations(tables.facts),
        "learned": profile.learned(tables, trials, found, order),
        "failures": lost,
        "trials": rows.trial_table(tables, every, found),
        "skipped": rows.skipped(tables),
        "warnings": methods.warnings(tables, every),
        "methods": methods.methods(tables, found, verdict, correlation, pairs),
        "citations": list(tables.citations),
        "provenance": rows.provenance(tables, every),
        **advised,
        **mechanism_words.said(read.early, found, first.declared.level),
        **claim_words.said(read.claims),
        "claims_apart": claims_apart(apart),
        **tuning_words.said(read.told, found, verdict, first.declared, order),
        **factor_words.said(read.weighed, found, verdict),
        "figures": {
            section: [
                {"name": d.name, "title": d.title, "alt": d.alt, "caption": d.caption}
                | {"blocks": list(d.blocks), "score": d.score, "word": printed(d.score)}
                for d in drawn
            ]
            for section, drawn in pictures.sections.items()
        },
    }
    return said | {"sections": sections(said)}


def _equal(found: Design, whole: Completeness) -> str:
    early = whole.counts["converged"]
    ended = (
        f" {phrases.counted(early, 'trial')} ended before their last step, as converged."
        if early
        else ""
    )
    return (
        f"Equal budget: within every block, all {noun(found.factor, 2)} had the same steps,"
        f" batch size, protocol and score.{ended}"
    )


def _tiles(whole: Completeness) -> list[dict[str, str]]:
    early = whole.counts["converged"]
    shown = [("expected", whole.expected), ("finished", whole.counts["finished"] + early)]
    if early:
        shown.append(("of these converged", early))
    always = ("diverged", "collapsed", "crashed", "missing")
    for name, count in whole.counts.items():
        if name not in ("finished", "converged") and (count or name in always):
            shown.append((name, count))
    return [{"label": name, "value": f"{count:,}"} for name, count in shown]


def _alerts(
    tables: Tables,
    trials: pd.DataFrame,
    found: Design,
    verdict: Verdict,
    whole: Completeness,
    correlation: tuple[float, int],
) -> list[str]:
    """Return what a reader must know before believing a number."""
    told = flags(tables.studies, found, verdict)
    told += absent(whole, trials)
    told += _bad_ends(trials)
    told += [f"Refused: {reason}." for reason in found.refused]
    told += list(found.notes) + mixtures(trials)
    compared = {name for t in verdict.tests if t.tier == OVERALL for name in (t.a, t.r)}
    told += [
        f"{name} shares no complete seed with {found.reference}: it is not compared."
        for name in found.treatments
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
            f"Equal seeds of different {noun(found.factor, 2)} correlate by {words.number(correlation[0], 2)}"
            f" (mean of {phrases.counted(correlation[1], 'pair')}): below −0.1 the unpaired test may claim too often."
        )
    return told + list(tables.problems)


def _bad_ends(trials: pd.DataFrame) -> list[str]:
    """Say how often each level diverged, crashed or collapsed."""
    told = []
    ended = trials[~trials["outcome"].isin(LOST)]
    for name, part in ended.groupby("treatment", sort=True):
        counts = [(kind, int((part["outcome"] == kind).sum())) for kind in (*FAILED, "collapsed")]
        ends = words.listed([f"{kind} in {count}" for kind, count in counts if count])
        if ends:
            told.append(f"{name} {ends} of {phrases.counted(len(part), 'trial')}.")
    return told
