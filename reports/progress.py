"""Figures over training, drawn from the readings: scores, gradients, units, learned parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from reports.captions import SPREAD, last_medians, meaning, present, trials_word
from reports.curves import panels
from reports.design import Block, Design
from reports.drawing import Drawing, Look, slug
from reports.mixed import FLOW, MORE, several
from reports.panels import curves

LEARNED = "learned_"
"""Begins the quantity of a reading of a learned parameter of an activation."""

MOST_SITES = 8
"""With more sites, learned parameters stand in their table alone."""

MOST_DRAWN = 4
"""With more blocks, so many are drawn over training; the curves of all are a table."""


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
    """Draw what the readings of the blocks hold; `failed` are the keys of failed trials."""
    selection, gradients, units, learned = [], [], [], []
    ratio = found.scale.ratio
    for block in drawn_blocks(found.blocks):
        inside = readings[readings["block"] == block.key]
        selection += _of(block, _selection(inside, block, shown, failed, ratio=ratio))
        gradients += _of(block, _gradients(inside, block, shown, failed))
        units += _of(block, _units(inside, block, shown, failed))
        learned += _of(block, _learned(inside, block, shown, failed))
    return Progress(*map(tuple, (selection, gradients, units, learned)))


def _of(block: Block, drawn: Sequence[Drawing]) -> list[Drawing]:
    return [replace(drawing, blocks=(block.key,)) for drawing in drawn]


def drawn_blocks(blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks that are drawn over training: all, or some that lie evenly among them."""
    if len(blocks) <= MOST_DRAWN:
        return list(blocks)
    step = (len(blocks) - 1) / (MOST_DRAWN - 1)
    return [blocks[round(i * step)] for i in range(MOST_DRAWN)]


def drawn_words(blocks: Sequence[Block]) -> str:
    """Say which blocks are drawn over training where some are not, and where the others' curves are."""
    drawn = drawn_blocks(blocks)
    if len(drawn) == len(blocks):
        return ""
    return (
        f"Drawn over training: {len(drawn)} of {len(blocks)} blocks, evenly chosen"
        f" ({'; '.join(block.label for block in drawn)})."
    )


def _selection(
    readings: pd.DataFrame, block: Block, shown: dict[str, Look], failed: set[str], *, ratio: bool
) -> list[Drawing]:
    own = panels(readings, "selection_score", block, list(shown), failed)
    if not own:
        return []
    title = f"Score on the selection split over training: {block.label}"
    caption = (
        f"{meaning('selection_score')} {SPREAD}, each drawn while it trains. {trials_word(own)}"
    )
    positive = min(v for p in own for c in p.curves for v in (*c.low, *c.median)) > 0
    log = ratio and positive
    label = f"selection score{' (log)' if log else ''}"
    figure = curves(own, present(own, shown), label, log=log, share=False)
    name = f"selection-{slug(block.label)}-{block.key}"
    return [
        Drawing(name, title, f"{title}. At the last step: {last_medians(own)}.", caption, figure)
    ]


def _learned(
    readings: pd.DataFrame, block: Block, shown: dict[str, Look], failed: set[str]
) -> list[Drawing]:
    """Draw each learned parameter over training, one panel a site, where the sites are few."""
    drawn = []
    for quantity in sorted(
        {q for q in map(str, readings["quantity"].unique()) if q.startswith(LEARNED)}
    ):
        own = panels(readings, quantity, block, list(shown), failed)
        if not 0 < len(own) <= MOST_SITES:
            continue
        word = quantity.removeprefix(LEARNED)
        title = f"Learned {word} per site: {block.label}"
        caption = f"{meaning(quantity)} {SPREAD}. {trials_word(own)}"
        figure = curves(own, present(own, shown), word, log=False, share=False)
        name = f"learned-{slug(word)}-{slug(block.label)}-{block.key}"
        alt = f"{title}. At the last step: {last_medians(own)}."
        drawn.append(Drawing(name, title, alt, caption, figure))
    return drawn


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
        f"{meaning('gradient_norm')} {meaning('signal_to_generator')} {SPREAD}. {trials_word(own)}"
    )
    alt = f"{title}. At the last step: {last_medians(own)}."
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
            caption = f"{meaning(quantity)} {SPREAD}. {trials_word(own)}"
            alt = f"{title}. At the last step: {last_medians(own)}."
            figure = curves(own, shown, f"{word.lower()} share", log=False)
            name = f"{word.lower()}-{slug(block.label)}-{block.key}"
            drawn.append(Drawing(name, title, alt, caption, figure))
    return drawn + several(readings, block, shown, failed, MORE)
