"""The question of a study that asks none in words, from what varies among its trials."""

from __future__ import annotations

from collections.abc import Sequence

from ablation.levels import levels, noun
from ablation.spec import TrialSpec


def question_of(specs: Sequence[TrialSpec], factor: str) -> str:
    """Return the question that these trials answer, from what varies among them."""

    def listed(words: Sequence[str], joint: str) -> str:
        names = list(dict.fromkeys(words))
        if len(names) > 6:
            return f"{len(names)} of them"
        return f"{', '.join(names[:-1])} {joint} {names[-1]}" if len(names) > 1 else names[0]

    losses = [f"{s.loss.name} + {s.penalty.name}".removesuffix(" + none") for s in specs]
    data = listed([spec.dataset.name for spec in specs], "and")
    networks = listed([spec.architecture.name for spec in specs], "and")
    names = listed([spec.activation for spec in specs], "or")
    if factor != "activation":
        beside = [names, *([] if factor == "loss" else [listed(losses, "or")])]
        here = data if factor == "architecture" else f"{data} ({networks})"
        compared = listed([x.removeprefix(f"{factor} ") for x in levels(specs, factor)], "or")
        return f"Which {noun(factor)}, {compared}, with {' and '.join(beside)}, on {here}?"
    rest = f"with {listed(losses, 'or')}, on {data} ({networks})"
    if len({spec.activation for spec in specs}) == 1:
        return f"How does {names} do {rest}?"
    return f"Which activation, {names}, {rest}?"
