"""Figures over training, drawn from the readings: scores, gradients, units, learned parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from ablation.instruments import about
from reports.curves import Panel, panels
from reports.design import Block, Design
from reports.drawing import Drawing, Look, slug
from reports.panels import curves
from reports.phrases import failures_word
from reports.words import number

LEARNED = "learned_"
"""Begins the quantity of a reading of a learned parameter of an activation."""

SPREAD = "Median and quartiles over seeds"

MOST_SITES = 8
"""With more sites, learned parameters stand in their table alone."""


@dataclass(frozen=True)
class Progress:
    """The figures over training, by the section in which they stand."""

    selection: tuple[Drawing, ...]
    gradients: tuple[Drawing, ...]
    units: tuple[Drawing, ...]
    learned: tuple[Drawing, ...]


def progress(
    readings: pd.DataFrame, found: Design, shown: dict[str, Look], failed: set[str]
) -> Progress:
    """Draw what the readings of every block hold; `failed` are the keys of failed trials."""
    selection, gradients, units, learned = [], [], [], []
    ratio = found.scale.ratio
    for block in found.blocks:
        selection += _selection(readings, block, shown, failed, ratio=ratio)
        gradients += _gradients(readings, block, shown, failed)
        units += _units(readings, block, shown, failed)
        learned += _learned(readings, block, shown, failed)
    return Progress(tuple(selection), tuple(gradients), tuple(units), tuple(learned))


def _selection(
    readings: pd.DataFrame, block: Block, shown: dict[str, Look], failed: set[str], *, ratio: bool
) -> list[Drawing]:
    own = panels(readings, "selection_score", block, list(shown), failed)
    if not own:
        return []
    title = f"Score on the selection split over training: {block.label}"
    caption = f"{_meaning('selection_score')} {SPREAD}, each drawn while it trains. {_trials(own)}"
    positive = min(v for p in own for c in p.curves for v in (*c.low, *c.median)) > 0
    log = ratio and positive
    label = f"selection score{' (log)' if log else ''}"
    figure = curves(own, _present(own, shown), label, log=log, share=False)
    name = f"selection-{slug(block.label)}-{block.key}"
    return [Drawing(name, title, f"{title}. At the last step: {_last(own)}.", caption, figure)]


def _learned(
    readings: pd.DataFrame, block: Block, shown: dict[str, Look], failed: set[str]
) -> list[Drawing]:
    """Draw each learned parameter over training, one panel a site, where the sites are few."""
    drawn = []
    inside = readings[readings["block"] == block.key]
    for quantity in sorted(
        {q for q in map(str, inside["quantity"].unique()) if q.startswith(LEARNED)}
    ):
        own = panels(readings, quantity, block, list(shown), failed)
        if not 0 < len(own) <= MOST_SITES:
            continue
        word = quantity.removeprefix(LEARNED)
        title = f"Learned {word} per site: {block.label}"
        caption = f"{_meaning(quantity)} {SPREAD}. {_trials(own)}"
        figure = curves(own, _present(own, shown), word, log=False, share=False)
        name = f"learned-{slug(word)}-{slug(block.label)}-{block.key}"
        alt = f"{title}. At the last step: {_last(own)}."
        drawn.append(Drawing(name, title, alt, caption, figure))
    return drawn


def _present(own: Sequence[Panel], shown: dict[str, Look]) -> dict[str, Look]:
    drawn = {curve.treatment for panel in own for curve in panel.curves}
    return {name: look for name, look in shown.items() if name in drawn}


def _gradients(
    readings: pd.DataFrame, block: Block, shown: dict[str, Look], failed: set[str]
) -> list[Drawing]:
    order = list(shown)
    own = list(panels(readings, "gradient_norm", block, order, failed))
    for quantity, label in (
        ("generator_loss_gradient_norm", "{}, G's loss"),
        ("signal_to_generator", "signal to G"),
    ):
        for panel in panels(readings, quantity, block, order, failed):
            named = label.format(panel.layer)
            own.append(replace(panel, network="generator's loss", layer=named))
    if not own:
        return []
    title = f"Gradient norm per layer: {block.label}"
    caption = (
        f"{_meaning('gradient_norm')} {_meaning('signal_to_generator')} {SPREAD}. {_trials(own)}"
    )
    alt = f"{title}. At the last step: {_last(own)}."
    figure = curves(own, shown, "gradient norm (log)", log=True)
    drawn = [Drawing(f"gradients-{slug(block.label)}-{block.key}", title, alt, caption, figure)]
    return drawn + several(readings, block, shown, failed, FLOW)


def _units(
    readings: pd.DataFrame, block: Block, shown: dict[str, Look], failed: set[str]
) -> list[Drawing]:
    drawn = []
    for quantity, word in (("dead_fraction", "Dead"), ("saturated_fraction", "Saturated")):
        own = panels(readings, quantity, block, list(shown), failed)
        if own:
            title = f"{word} units per layer: {block.label}"
            caption = f"{_meaning(quantity)} {SPREAD}. {_trials(own)}"
            alt = f"{title}. At the last step: {_last(own)}."
            figure = curves(own, shown, f"{word.lower()} share", log=False)
            name = f"{word.lower()}-{slug(block.label)}-{block.key}"
            drawn.append(Drawing(name, title, alt, caption, figure))
    return drawn + several(readings, block, shown, failed, MORE)


@dataclass(frozen=True)
class Mixed:
    """A figure whose panels may show several quantities: (quantity, name of its panel, in which
    {layer} and {network} stand for themselves)."""

    name: str
    title: str
    label: str
    quantities: tuple[tuple[str, str], ...]
    share: bool
    explained: tuple[str, ...]


FLOW = (
    Mixed(
        "balance",
        "Balance of the players",
        "share",
        (
            ("accuracy", "accuracy of D"),
            ("separation", "separation by D"),
            ("sample_variance", "variance of samples"),
        ),
        share=False,
        explained=("accuracy", "separation", "sample_variance"),
    ),
    Mixed(
        "attenuation",
        "Attenuation of gradients",
        "decades per site",
        (
            ("attenuation", "{network}'s loss"),
            ("generator_loss_attenuation", "generator's loss in D"),
        ),
        share=False,
        explained=("attenuation",),
    ),
)
MORE = (
    Mixed(
        "dormant",
        "Dormant units per layer",
        "dormant share",
        (("dormant_fraction", "{layer}"), ("dormant_fraction_fake", "{layer}, generated")),
        share=True,
        explained=("dormant_fraction",),
    ),
    Mixed(
        "rank",
        "Effective rank per layer",
        "effective rank",
        (("effective_rank", "{layer}"), ("effective_rank_fake", "{layer}, generated")),
        share=False,
        explained=("effective_rank",),
    ),
)


def several(
    readings: pd.DataFrame,
    block: Block,
    shown: dict[str, Look],
    failed: set[str],
    figures: Sequence[Mixed],
) -> list[Drawing]:
    """Draw figures of several quantities; D's units are those on generated samples."""
    drawn = []
    for mixed in figures:
        own = [
            replace(
                panel,
                network=panel.network if "{layer}" in word else "",
                layer=word.format(layer=panel.layer, network=panel.network),
            )
            for quantity, word in mixed.quantities
            for panel in panels(readings, quantity, block, list(shown), failed)
        ]
        if own:
            title = f"{mixed.title}: {block.label}"
            told = " ".join(map(_meaning, mixed.explained))
            figure = curves(own, _present(own, shown), mixed.label, log=False, share=mixed.share)
            alt = f"{title}. At the last step: {_last(own)}."
            name = f"{mixed.name}-{slug(block.label)}-{block.key}"
            caption = f"{told} {SPREAD}. {_trials(own)}"
            drawn.append(Drawing(name, title, alt, caption, figure))
    return drawn


def _meaning(quantity: str) -> str:
    """Return what a quantity is, in the words of its instrument."""
    found = about(quantity)
    assert found is not None, quantity
    return found.text


def _trials(own: Sequence[Panel]) -> str:
    """Return n and the failures of the fullest panel."""
    fullest = max(own, key=lambda p: sum(c.trials for c in p.curves))
    n, failed = (sum(getattr(c, name) for c in fullest.curves) for name in ("trials", "failed"))
    return f"n = {n} trials; {failures_word(failed)}{', drawn while they last' if failed else ''}."


def _last(own: Sequence[Panel]) -> str:
    """Return the last medians at the first site of every row, in words."""
    firsts = {panel.network: panel for panel in reversed(own)}
    return "; ".join(
        f"{panel.layer or panel.network}: "
        + ", ".join(f"{c.treatment} {number(c.median[-1], 2)}" for c in panel.curves)
        for panel in own
        if firsts[panel.network] is panel
    )
