"""What can be known before training: whether a trial's data, parts and extractor are to be had and fit each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ablation.activations import sites
from ablation.datasets import Dataset
from ablation.extractors import Say, print_nothing
from ablation.factories import make
from ablation.hazards import hazards
from ablation.losses import Loss
from ablation.part import Part
from ablation.scores import choose, families, kind
from ablation.spec import TrialSpec
from ablation.training import begin, players

Checked = tuple[str | None, list[str]]
"""Why a trial is impossible, None if it is possible, and the hazards of one that is possible."""


def check(
    specs: Sequence[TrialSpec],
    extractors: Path | None = None,
    say: Say = print_nothing,
    *,
    ready: bool = True,
) -> list[Checked]:
    """Return for each trial whether it is possible, and its hazards.

    Raises ValueError if data or extractor cannot be had: then no trial of that data set can run. Trials that differ
    only in their seed are looked at once; the classifiers that the trials share are trained here, before any of them,
    and `say` is told so, unless `ready` is False.
    """
    torch.set_num_threads(1)
    data: dict[Part, Dataset] = {}
    found: dict[str, Checked] = {}
    for spec in specs:
        if spec.cell in found:
            continue
        if spec.dataset not in data:
            data[spec.dataset] = make(spec.dataset, Dataset)
            kind(spec, data[spec.dataset])
        try:
            make(spec.loss, Loss)
            training = begin(spec, data[spec.dataset], "cpu")
            found[spec.cell] = None, hazards(spec, training.networks, data[spec.dataset])
        except ValueError as error:
            found[spec.cell] = str(error), []
    if ready:
        for spec in {s.dataset: s for s in specs if found[s.cell][0] is None}.values():
            choose(spec, data[spec.dataset], extractors, say)
    return [found[spec.cell] for spec in specs]


def score_families(specs: Sequence[TrialSpec]) -> list[str]:
    """Return the families of the scores that some of these trials will have.

    Raises ValueError if data cannot be had or an extractor does not fit them.
    """
    data, found = _data(specs), dict[str, None]()
    for spec in {(spec.dataset, spec.protocol): spec for spec in specs}.values():
        found |= dict.fromkeys(families(spec, data[spec.dataset]))
    return list(found)


def outlook(specs: Sequence[TrialSpec]) -> list[dict[str, Any]]:
    """Return what is known of these trials' answers: `images` or points, `families` of scores, `sites_*`, `probes`.

    Raises ValueError if data cannot be had or an extractor does not fit them.
    """
    data, found = _data(specs), []
    sizes: dict[tuple[Part, Part], dict[str, int]] = {}
    for spec in specs:
        own, place = data[spec.dataset], (spec.dataset, spec.architecture)
        if place not in sizes:
            networks = players(spec, own.shape)
            both = (("generator", networks.generator), ("discriminator", networks.discriminator))
            sizes[place] = {f"sites_{name}": len(sites(network)) for name, network in both}
        told = {"images": own.is_images, "families": families(spec, own)}
        found.append(told | sizes[place] | {"probes": spec.protocol.probes})
    return found


def _data(specs: Sequence[TrialSpec]) -> dict[Part, Dataset]:
    """Return the data of these trials, each set loaded once; raises ValueError if one cannot be had."""
    return {part: make(part, Dataset) for part in dict.fromkeys(spec.dataset for spec in specs)}


def site_names(spec: TrialSpec) -> list[str]:
    """Return the names of a trial's activation sites, in the order in which a sample passes them."""
    networks = players(spec, make(spec.dataset, Dataset).shape)
    return [site.name for site in sites(networks.generator, networks.discriminator)]
