"""What a trial's rows are called in tables: equal names get the arguments that tell them apart."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ablation.part import Part
from ablation.spec import PARTS, TrialSpec

BLOCK = (*PARTS, "n_critic", "init", "ema", "steps", "batch_size")
"""What makes a block: everything but the activations and the seed."""

Names = Mapping[tuple[str, str], str]


def _parts(spec: TrialSpec) -> dict[str, tuple[Part, ...]]:
    """Return a spec's rows by column, the activations of single sites with their network's."""
    sites = tuple(part for _, part in spec.activation_at)
    found: dict[str, tuple[Part, ...]] = {name: (getattr(spec, name),) for name in PARTS}
    both = (spec.generator_activation, spec.discriminator_activation, *sites)
    return found | {"activation": both}


def distinct_names(specs: Sequence[TrialSpec]) -> Names:
    """Return a name for every (column, canonical row)."""
    rows: dict[tuple[str, str], dict[str, Part]] = defaultdict(dict)
    for spec in specs:
        for column, parts in _parts(spec).items():
            for part in parts:
                rows[column, part.name][_canonical(part)] = part
    names = {}
    for (column, name), variants in rows.items():
        settings = [dict(part.arguments) for part in variants.values()]
        told = sorted(
            {k for s in settings for k in s if len({repr(t.get(k)) for t in settings}) > 1}
        )
        for text, part in variants.items():
            words = ", ".join(f"{k}={part.keywords[k]}" for k in told if k in part.keywords)
            if len(variants) > 1 and not words:
                words = hashlib.sha256(text.encode()).hexdigest()[:6]
            names[column, text] = f"{name}({words})" if len(variants) > 1 else name
    return names


def _canonical(part: Part) -> str:
    return json.dumps(part.canonical(), sort_keys=True)


def spec_columns(spec: TrialSpec, names: Names) -> dict[str, Any]:
    """Return the columns that a trial's question fills."""

    def named(column: str, part: Part) -> str:
        return names[column, _canonical(part)]

    g = named("activation", spec.generator_activation)
    d = named("activation", spec.discriminator_activation)
    sites = [f"{site}_{named('activation', part)}" for site, part in spec.activation_at]
    kept = spec.canonical()
    for name in ("generator_activation", "discriminator_activation", "activation_at", "seed"):
        kept.pop(name, None)
    block = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:10]
    return {
        "cell": spec.cell,
        "activation": "+".join([g if g == d else f"G_{g}+D_{d}", *sites]),
        "generator_activation": g,
        "discriminator_activation": d,
        **{name: named(name, getattr(spec, name)) for name in PARTS},
        **{name: getattr(spec, name) for name in ("n_critic", "init", "ema", "seed")},
        "steps": spec.budget.steps,
        "batch_size": spec.budget.batch_size,
        "protocol": spec.protocol.hash,
        "extractor": spec.protocol.extractor,
        "block": block,
    }
