"""Where the points of a search come from: a scrambled Sobol sequence, or Optuna's TPE given what was found so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

from ablation.space import Dimension
from ablation.tune import Setting

STARTUP = 4
"""So many points are told before TPE's own model decides; until then its points are random."""
MOST = 4096
"""So many points of a Sobol sequence are looked at."""


def sobol(space: Sequence[Dimension], seed: int) -> Iterator[dict[str, Any]]:
    """Yield the different settings of a scrambled Sobol sequence, the same ones for the same seed."""
    from scipy.stats import qmc

    shares = qmc.Sobol(len(space), scramble=True, seed=seed).random(MOST)
    seen: set[str] = set()
    for row in shares:
        setting = {one.name: one.at(float(u)) for one, u in zip(space, row, strict=True)}
        if repr(setting) not in seen:
            seen.add(repr(setting))
            yield setting


def tpe(
    space: Sequence[Dimension], told: Sequence[tuple[Setting, float]], seed: int
) -> dict[str, Any]:
    """Return the setting that TPE asks for, given settings with their objectives (less is better, inf the worst).

    A told setting outside the space, as a common one may be, is left out: the model has no place for it.
    """
    import optuna
    from optuna.trial import create_trial

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    where = {one.name: _distribution(one) for one in space}
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
    study = optuna.create_study(sampler=sampler)
    worst = max((v for _, v in told if v != inf), default=0.0)
    for setting, value in told:
        if all(_inside(one, setting[one.name]) for one in space):
            found = min(value, worst)
            study.add_trial(
                create_trial(params=dict(setting), distributions=dict(where), value=found)
            )
    asked = study.ask(dict(where)).params
    return {one.name: one.rounded(asked[one.name]) for one in space}


def _distribution(one: Dimension) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    low, high = one.ends
    if one.kind == "choice":
        return CategoricalDistribution(one.choices)
    if one.kind == "integer":
        return IntDistribution(int(low), int(high))
    return FloatDistribution(low, high, log=one.kind == "log")


def _inside(one: Dimension, value: Any) -> bool:
    return value in one.choices if one.kind == "choice" else one.ends[0] <= value <= one.ends[1]
