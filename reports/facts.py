"""What trials say of themselves in their provenance: the facts of their activations, the size of their networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ablation.levels import Names, named
from ablation.spec import TrialSpec

Facts = Mapping[str, Mapping[str, Any]]
"""By activation what is known of it; `cite` is its source."""


def collect(said: Iterable[tuple[TrialSpec, Mapping[str, Any]]], names: Names) -> Facts:
    """Return the facts of every activation in these trials (spec, provenance); the first trial's word counts.

    What is not a table of facts is passed over: a report does not fail for a damaged remark.
    """
    found: dict[str, dict[str, Any]] = {}
    for spec, provenance in said:
        parts = [spec.generator_activation, spec.discriminator_activation]
        parts += [part for _, part in spec.activation_at]
        told = provenance.get("activations")
        for part in dict.fromkeys(parts):
            own = found.setdefault(named(names, "activation", part), {"cite": part.cite})
            facts = told.get(part.name) if isinstance(told, Mapping) else None
            if isinstance(facts, Mapping):
                for name, value in facts.items():
                    own.setdefault(str(name), value)
    return found


def parameters(provenance: Mapping[str, Any]) -> dict[str, int]:
    """Return the number of parameters by network, as columns of the trial's row."""
    told = provenance.get("parameters")
    if not isinstance(told, Mapping):
        return {}
    return {
        f"parameters_{network}": told[network]
        for network in ("generator", "discriminator")
        if isinstance(told.get(network), int) and not isinstance(told.get(network), bool)
    }
