"""What a plan promises of its seeds: may a difference be significant at all, on which rungs, how large must it be."""

from __future__ import annotations

from math import exp, isinf, log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablation.verbs.standing import launched

if TYPE_CHECKING:
    from sweeps.study import Declared, Plan

SPREAD = 0.15
"""How much seeds of one cell are assumed to differ: small GANs on scanned digits differ by 4 to 27 %."""


def promise(found: Plan, study: Path | None = None) -> str:
    """Say whether the declared seeds can prove a difference at all, and on which rungs they are tested."""
    from ablation.ladder import least_seeds
    from ablation.levels import FACTORS, levels, noun
    from sweeps.ladder import comparisons

    own, specs = found.declared, found.untuned
    if len(set(levels(specs, own.factor))) < 2:
        other = [f for f in FACTORS if len(set(levels(specs, f))) > 1]
        hint = f"; what differs can be compared with --factor {' or '.join(other)}" if other else ""
        return f"one {noun(own.factor)}: nothing to compare{hint}"
    count, level, streams = comparisons(specs, own)
    least = least_seeds(level / own.looks, streams)
    many = "1 comparison needs" if count == 1 else f"{count} comparisons need"
    shared = f" at each of {own.looks} rungs" if own.ladder else ""
    told = f"{many} {least} seeds before a difference can be significant (alpha {own.alpha / own.looks:.3g}{shared})"
    if own.ladder:
        return f"{told}; {_rungs(own, least)}"
    enough = "enough" if len(own.seeds) >= least else f"NOT ENOUGH, give seeds={least} or more"
    first = _declared_seeds(study)
    if first is not None and not set(own.seeds) <= set(first):
        return (
            f"{told}; this study declared {len(first)} when it was first launched: other seeds are shown and not"
            " tested; to test them give another --study"
        )
    return f"{told}; this plan has {len(own.seeds)}: {enough}"


def _rungs(own: Declared, least: int) -> str:
    """Say where on its ladder a plan stands, and which rungs can prove nothing."""
    n, rungs = len(own.seeds), own.ladder
    listed = ", ".join(map(str, rungs))
    reached = [rung for rung in rungs if rung <= n]
    above = [rung for rung in rungs if rung > n]
    if not reached:
        told = f"this plan has {n}: NOT ENOUGH for the first rung, give seeds={rungs[0]}"
    else:
        told = f"this plan has {n}: rung {len(reached)} of {len(rungs)}"
        if n > reached[-1]:
            told += f", which tests {reached[-1]} of them; the others are shown and wait"
        told += f"; the next rung is seeds={above[0]}" if above else "; the last rung"
    hopeless = [str(rung) for rung in rungs if rung < least]
    told += f"; TOO FEW to prove anything: rung {', '.join(hopeless)}" if hopeless else ""
    return f"ladder of {listed} seeds; {told}"


def check_spread(spread: float) -> None:
    """Raise ValueError for a spread of seeds that is none."""
    if not 0 < spread < 10:
        raise ValueError(f"--spread is {spread:g}; it lies between 0 and 10, and 0.1 means 10 %")


def power(found: Plan, spread: float = SPREAD, study: Path | None = None) -> dict[str, Any] | None:
    """Return how large a ratio the plan's seeds find with 80 % power, and what the declared one needs.

    `spread` is how much seeds of a cell are assumed to differ. None where nothing is compared; raises ValueError for a
    spread that is none. A rung's seeds count where there is a ladder, and in a study that is there those that it
    declared. Where simulated studies say that these seeds are enough, no more are needed, whatever the formula says.
    """
    from ablation.levels import block, levels
    from reports.foresight import foreseen_power, foreseen_seeds, foreseen_shift
    from reports.planning import POWER
    from sweeps.ladder import comparisons

    check_spread(spread)
    own, specs = found.declared, found.untuned
    if len(set(levels(specs, own.factor))) < 2:
        return None
    _, level, streams = comparisons(specs, own)
    blocks, level = len({block(spec, own.factor) for spec in specs}), level / own.looks
    n = len(seeds_tested(found, study))
    if not n:
        return None
    shift, wanted = foreseen_shift(n, blocks, streams, level), log(own.effect) / spread
    own_power, needed = (
        foreseen_power(wanted, n, blocks, streams, level),
        foreseen_seeds(wanted, blocks, streams, level),
    )
    return {
        "spread": spread,
        "seeds": n,
        "ratio": None if isinf(shift) else exp(shift * spread),
        "effect": own.effect,
        "power": own_power,
        "seeds_needed": min(n, needed) if own_power >= POWER else needed,
    }


def power_words(said: dict[str, Any] | None) -> str:
    """Return the same in a sentence, "" for nothing."""
    if said is None:
        return ""
    from reports.phrases import counted

    n = counted(said["seeds"], "seed")
    ratio, effect = (None if r is None else f"{r:.3g}" for r in (said["ratio"], said["effect"]))
    assumed = f"if seeds of a cell differ by {100 * said['spread']:.3g} % (assumed: --spread {said['spread']:g}), {n}"
    if ratio == effect:
        return f"{assumed} find a ratio of {ratio}, the smallest that matters, with 80 % power"
    finds = "find no difference" if ratio is None else f"find a ratio of {ratio}"
    told = f"{assumed} {finds} with 80 % power, and {effect}, the smallest that matters, with {_share(said['power'])}"
    if said["seeds_needed"] <= said["seeds"]:
        return told
    return f"{told}; that needs about {said['seeds_needed']} seeds"


def _share(power: float) -> str:
    """Return a power as a percentage that reaches 80 only where the power does."""
    text = f"{100 * power:.0f}"
    return f"{100 * power:.1f} %" if power < 0.8 and text == "80" else f"{text} %"


def seeds_tested(found: Plan, study: Path | None = None) -> list[int]:
    """Return the seeds that the report of a plan's trials tests: the declared ones, on a ladder those of whole rungs.

    A study that is there keeps the seeds of its first launch, and those of its lower rungs are taken as done.
    """
    from ablation.ladder import ladder_seeds

    own, first = found.declared, _declared_seeds(study)
    if not own.ladder:
        return [seed for seed in own.seeds if first is None or seed in first]
    order = ladder_seeds(own.seeds if first is None else first, own.ladder[-1])
    there = {*own.seeds, *(first or ())}
    lead = next((n for n, seed in enumerate(order) if seed not in there), len(order))
    return list(order[: max((rung for rung in own.ladder if rung <= lead), default=0)])


def _declared_seeds(study: Path | None) -> list[int] | None:
    """Return the seeds that a study declared when it was first launched; None if it has not been."""
    from sweeps.study import read_study

    if not launched(study):
        return None
    seeds = read_study(study)["declared"].get("seeds")
    return list(seeds) if isinstance(seeds, list) else None
