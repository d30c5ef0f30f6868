"""Figures over training whose panels show several quantities: the balance of the players, flow, ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from reports.captions import SPREAD, last_medians, meaning, present, trials_word
from reports.curves import panels
from reports.design import Block
from reports.drawing import Drawing, Look, slug
from reports.panels import curves


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
    Mixed(
        "slopes",
        "Slope power per layer",
        "mean squared slope",
        (("slope_power", "{layer}"),),
        share=False,
        explained=("slope_power",),
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
            told = " ".join(map(meaning, mixed.explained))
            figure = curves(own, present(own, shown), mixed.label, log=False, share=mixed.share)
            alt = f"{title}. At the last step: {last_medians(own)}."
            name = f"{mixed.name}-{slug(block.label)}-{block.key}"
            caption = f"{told} {SPREAD}. {trials_word(own)}"
            drawn.append(Drawing(name, title, alt, caption, figure))
    return drawn
