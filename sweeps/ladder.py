"""A seed ladder as it is asked for: rungs of seeds on which a study is tested, declared before its first launch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ablation.ladder import check_rungs, default_rungs, ladder_seeds
from ablation.levels import block, levels, stream
from ablation.spec import TrialSpec
from sweeps.study import Declared, read_study

WORD = "declared.ladder"


def asked(words: Sequence[str]) -> tuple[Any, list[str], list[str]]:
    """Split words into what they say of a ladder (None: nothing), the others, and its own.

    Raises ValueError for a wrong value.
    """
    own = [word for word in words if word.partition("=")[0] == WORD]
    rest = [word for word in words if word not in own]
    if not own:
        return None, rest, own
    value = own[-1].partition("=")[2].strip()
    if value in ("true", "false"):
        return value == "true", rest, own
    numbers = [n.strip() for n in value.strip("[]").split(",")]
    return check_rungs([int(n) if n.isdecimal() else n for n in numbers], WORD), rest, own


def comparisons(specs: Sequence[TrialSpec], own: Declared) -> tuple[int, float, int]:
    """Return how many comparisons a study makes over all blocks, each one's share of alpha, and its random streams.

    The share is that of a test whose tiers all can conclude. Raises ValueError for fewer than two levels.
    """
    count = len(set(levels(specs, own.factor)))
    if count < 2:
        raise ValueError(f"there is one level of {own.factor}: nothing to compare")
    blocks = len({block(spec, own.factor) for spec in specs})
    streams = len({stream(spec, own.factor) for spec in specs})
    made = count - 1 if own.pairs == "reference" else count * (count - 1) // 2
    return made, own.alpha / made / (1 + (blocks > 1) + (own.tune is not None)), streams


def settled(
    said: Any, own: Declared, specs: Sequence[TrialSpec], study: Path | None
) -> tuple[int, ...]:
    """Return a study's rungs, () where it has none; a `study` that is there keeps those it was declared with.

    Raises ValueError for rungs that are declared late or changed, beside tuning, or left by a seed.
    """
    first, rungs = own.seeds, _rungs(said, own, specs)
    if study is not None and (study / "study.yaml").exists():
        kept = read_study(study)["declared"]
        standing = tuple(kept.get("ladder", ()))
        if said is not None and rungs != standing and not (said is True and standing):
            was, now = _told(standing), _told(rungs)
            raise ValueError(
                f"{study.name} was declared {was}, not {now}; a ladder stands before the first launch:"
                " give another --study"
            )
        first, rungs = tuple(kept.get("seeds", first)), standing
    if rungs and own.tune is not None:
        raise ValueError("a ladder and tuning cannot be declared together: leave one of them out")
    allowed = ladder_seeds(first, rungs[-1]) if rungs else own.seeds
    if wrong := [seed for seed in own.seeds if seed not in allowed]:
        raise ValueError(
            f"seed {wrong[0]} is not on the ladder of {_listed(rungs)} seeds; its seeds are"
            f" {_listed(allowed)}"
        )
    return rungs


def _rungs(said: Any, own: Declared, specs: Sequence[TrialSpec]) -> tuple[int, ...]:
    if said is None or said is False:
        return ()
    if said is not True:
        return check_rungs(said)
    _, level, streams = comparisons(specs, own)
    return default_rungs(level, streams)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _told(rungs: Sequence[int]) -> str:
    return f"with the ladder {_listed(rungs)}" if rungs else "without a ladder"
