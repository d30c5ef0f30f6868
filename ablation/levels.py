"""What a study may compare and what it then holds fixed: a factor's levels, their names, blocks and random streams."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ablation.part import Part
from ablation.spec import PARTS, SETTINGS, TrialSpec

PLACED = ("generator_activation", "discriminator_activation")
FACTORS = ("activation", *PLACED, *(name for name in PARTS if name != "dataset"), *SETTINGS)
"""What may be compared: everything but the data, of which scores are not comparable, and the budget."""

ABSENT = {"penalty": "no penalty", "constraint": "no constraint", "compile": "not compiled"}
"""How the level `none` is called."""

NOUNS = {
    "loss": ("loss", "losses"),
    "penalty": ("penalty", "penalties"),
    "optimizer": ("optimiser", "optimisers"),
    "n_critic": ("number of critic steps", "numbers of critic steps"),
    "init": ("initialisation", "initialisations"),
    "ema": ("EMA decay", "EMA decays"),
    "ttur": ("learning-rate ratio", "learning-rate ratios"),
    "compile": ("compile mode", "compile modes"),
}
"""What a level of a factor is called, one and several, where it is not the factor's own name."""

Names = Mapping[tuple[str, str], str]


def check_factor(name: Any) -> None:
    """Raise ValueError unless `name` is something that a study may compare."""
    if name not in FACTORS:
        raise ValueError(f"declared.factor is {name!r}; it is one of {', '.join(FACTORS)}")


def noun(factor: str, count: int = 1) -> str:
    """Return what one level, or several, of a factor are called."""
    plain = factor.replace("_", " ")
    return NOUNS.get(factor, (plain, f"{plain}s"))[count != 1]


def worded(column: str, value: Any) -> str:
    """Return a level in words: the name of a row, `packing 4`, `init fixed`, `no penalty`."""
    if value == "none" and column in ABSENT:
        return ABSENT[column]
    if column in PARTS or "activation" in column:
        return str(value)
    return f"{column} {value:.12g}" if isinstance(value, float) else f"{column} {value}"


def resolve(word: Any, factor: str, levels: Sequence[str]) -> str | None:
    """Return the level that `word` means, `1` as well as `packing 1`; None if there is none."""
    spoken = str(word)
    meant = [spoken, worded(factor, spoken), worded(factor, spoken.removeprefix(f"{factor} "))]
    with suppress(ValueError):
        meant.append(worded(factor, float(spoken)))
    return next((level for level in meant if level in levels), None)


def distinct_names(specs: Sequence[TrialSpec]) -> Names:
    """Return a name for every (column, canonical row): equal names get the arguments that tell them apart."""
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


def named(names: Names, column: str, part: Part) -> str:
    """Return what a row is called in a column; the activations of all places share one."""
    return names[column, _canonical(part)]


def plain(level: str) -> str:
    """Return a row's name without the arguments that tell it from its like: `elu` of `elu(alpha=0.5)`."""
    return re.sub(r"\(.*\)$", "", level)


def sites(spec: TrialSpec, names: Names) -> str:
    """Return which activations stand at single sites, "" where none do."""
    return "+".join(f"{site}_{named(names, 'activation', p)}" for site, p in spec.activation_at)


def value(spec: TrialSpec, factor: str, names: Names) -> Any:
    """Return a trial's value of a factor: a row's name, which activation stands where, a number or a word."""
    if factor == "activation":
        g, d = (value(spec, place, names) for place in PLACED)
        return "+".join(filter(None, [g if g == d else f"G_{g}+D_{d}", sites(spec, names)]))
    found = getattr(spec, factor)
    if isinstance(found, Part):
        return named(names, "activation" if factor in PLACED else factor, found)
    return found


def levels(specs: Sequence[TrialSpec], factor: str) -> list[str]:
    """Return the level of a factor that each of these trials has."""
    names = distinct_names(specs)
    return [worded(factor, value(spec, factor, names)) for spec in specs]


def block(spec: TrialSpec, factor: str) -> str:
    """Return ten hexadecimal digits over every training field but the factor's and the seed."""
    kept = spec.canonical()
    fields = (*PLACED, "activation_at") if factor == "activation" else (factor,)
    for name in (*fields, "seed"):
        kept.pop(name, None)
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:10]


def stream(spec: TrialSpec, factor: str) -> str:
    """Return the name of what keys the random streams of a block's trials, besides the seed.

    Where architectures are compared, their streams differ: the levels' seeds are then independent, as the unpaired
    tests take them to be, and what is left in common is the data.
    """
    words = [spec.dataset.name, *([] if factor == "architecture" else [spec.architecture.name])]
    return "/".join(words)


def _parts(spec: TrialSpec) -> dict[str, tuple[Part, ...]]:
    """Return a spec's rows by column, the activations of single sites with their network's."""
    at = tuple(part for _, part in spec.activation_at)
    found: dict[str, tuple[Part, ...]] = {name: (getattr(spec, name),) for name in PARTS}
    return found | {"activation": (spec.generator_activation, spec.discriminator_activation, *at)}


def _canonical(part: Part) -> str:
    return json.dumps(part.canonical(), sort_keys=True)
