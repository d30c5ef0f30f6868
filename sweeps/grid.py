"""From words to trials: the cells of a grid, in the order in which they run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from ablation.catalogue import row
from ablation.claim import own_claims
from ablation.compose import Axis, Config, compose_config, expand, specification
from ablation.factories import source_of
from ablation.part import Part
from ablation.spec import TrialSpec
from sweeps.ladder import asked as rungs_asked
from sweeps.ladder import settled as rungs_settled
from sweeps.preset import SWAP, Preset, preset
from sweeps.question import question_of
from sweeps.settings import asking
from sweeps.study import AUTO, Plan, check_score, declare, published
from sweeps.tuning import Checked, settled, spread, standing, tried
from sweeps.tuning import asked as tuned

GONE = object()


def plan(
    sweep: str | Preset | None,
    words: Sequence[str],
    *,
    question: str | None = None,
    declared: Mapping[str, Any] | None = None,
    check: Callable[[Sequence[TrialSpec]], Sequence[Checked]] | None = None,
    site_names: Callable[[TrialSpec], Sequence[str]] | None = None,
    families: Callable[[Sequence[TrialSpec]], Sequence[str]] | None = None,
    study: Path | None = None,
) -> Plan:
    """Return the trials that a preset, or the one of that name, and words ask for.

    Raises ValueError if no trial is left. `check` says per trial why it is impossible and its hazards
    (`ablation.preflight.check`), `site_names` where activations stand (`ablation.preflight.site_names`), `families`
    which scores the trials will have (`ablation.preflight.score_families`): it is asked where one is declared. A
    `study` that is there keeps the points that it tunes.
    """
    asked = sweep if isinstance(sweep, Preset) else preset(sweep)
    if asked.experiment and not isinstance(sweep, Preset):
        raise ValueError(f"{sweep} is an experiment, not a sweep: ablation probe {sweep} --out DIR")
    swapped, given = _swapped(asked.swap_one_site, merged([*asked.overrides, *asked.tune], words))
    tune, fresh, given, tuning = tuned(given)
    rungs, given, climbing = rungs_asked(given)
    tune = standing(study, tune)
    constants, axes = expand(given)
    seeds = [_seed(level[0]) for axis in axes if axis.name == "seed" for level in axis.levels]
    axes = [axis for axis in axes if axis.name != "seed"]
    if asked.joint:
        axes.append(_joint(asked.joint, constants, axes))
    found, skipped = [], []
    for label, config, reason in _cells(constants, axes):
        try:
            if config is None:
                raise ValueError(reason)
            found.append((label, specification(config)))
        except ValueError as error:
            skipped.append((label, str(error)))
    if not found:
        raise ValueError(skipped[0][1])
    if swapped and site_names is not None:
        found = [cell for pair in found for cell in _one_site(*pair, swapped, site_names)]
    said = dict(asked.declared) | {k: v for k, v in (declared or {}).items() if v is not None}
    known = families([s for _, s in found]) if families and said.get("score", AUTO) != AUTO else ()
    if known:
        check_score(said["score"], known)
    warnings: list[str] = []
    cells = [spec for _, spec in found]
    tune = tune and settled(tune, cells)
    if check is not None:
        checked = tried(check, tune, cells)
        pairs = list(zip(found, checked, strict=True))
        skipped += [(label, why) for (label, _), (why, _) in pairs if why]
        found = [pair for pair, (why, _) in pairs if not why]
        warnings = [text for _, (why, told) in pairs if not why for text in told]
        if not found:
            raise ValueError(skipped[-1][1])
    order = seeds or [found[0][1].seed]
    cells = [spec for _, spec in found]
    points = spread(tune, cells, study) if tune else cells
    specs = list(dict.fromkeys(spec.with_seed(seed) for seed in order for spec in points))
    measured: dict[str, str] = {}
    for spec in specs:
        if measured.setdefault(spec.key, spec.protocol.hash) != spec.protocol.hash:
            raise ValueError(
                f"{spec.key} would be measured by two protocols; a trial has one: give each a study"
            )
    own = list(dict.fromkeys(spec.with_seed(seed) for seed in order for spec in cells))
    if tune and tune.sampler == "sobol" and len(specs) != len(own) * tune.points:
        raise ValueError(
            f"{len(own)} cells and seeds with {tune.points} points are {len(own) * tune.points} trials, but only"
            f" {len(specs)} of them differ: two points of the space are one setting"
        )
    by_preset = said.pop("ladder", None)
    promised = declare(said, own, order, tune)
    rungs = rungs_settled(by_preset if rungs is None else rungs, promised, own, study)
    promised = replace(promised, ladder=rungs)
    factor, own_words = promised.factor, asking(words)
    return Plan(
        sweep=None if isinstance(sweep, Preset) else sweep,
        question=question or str((not own_words and asked.question) or question_of(own, factor)),
        words=(*given, *tuning, *climbing, *([f"{SWAP}={','.join(swapped)}"] if swapped else [])),
        specs=tuple(specs),
        skipped=tuple(skipped),
        warnings=tuple(dict.fromkeys(warnings)),
        declared=promised,
        published=published(asked.published, own, factor, own_words),
        note=asked.note,
        fresh=fresh,
        claims=own_claims(),
    )


def _seed(word: str) -> int:
    value = word.partition("=")[2]
    if not value.isdigit():
        raise ValueError(f"seed is {value!r}; it is a whole number from 0")
    return int(value)


def merged(given: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return a preset's words with the user's own in their place."""
    own = {_seedless(word.partition("=")[0]) for word in words}
    return [word for word in given if word.partition("=")[0] not in own] + list(words)


def _seedless(key: str) -> str:
    return "seed" if key == "seeds" else key


def _swapped(given: Sequence[str], words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the activations to put at single sites, and the other words."""
    own = [word.partition("=")[2].split(",") for word in words if word.startswith(f"{SWAP}=")]
    rest = [word for word in words if not word.startswith(f"{SWAP}=")]
    return list(dict.fromkeys(own[-1] if own else given)), rest


def _one_site(
    label: str,
    spec: TrialSpec,
    names: Sequence[str],
    site_names: Callable[[TrialSpec], Sequence[str]],
) -> Iterator[tuple[str, TrialSpec]]:
    """Yield a cell as it is, then with each activation at each single site where another one stands."""
    yield label, spec
    rows = [Part.read(row("activation", name), "activation") for name in names]
    parts = [replace(part, source=source_of(part)) for part in rows]
    for site in site_names(spec):
        whole = getattr(spec, f"{site.split('.')[0]}_activation")
        at = dict(spec.activation_at)
        for part in parts:
            if part != at.get(site, whole):
                changed = tuple(sorted((at | {site: part}).items(), key=lambda item: item[0]))
                yield f"{label} {site}={part.name}", replace(spec, activation_at=changed)


def _joint(levels: Sequence[Sequence[str]], constants: Sequence[str], axes: Sequence[Axis]) -> Axis:
    """Return the axis whose levels set several things at once; raises ValueError if a word sets one of them too."""
    expanded = []
    for level in levels:
        words, several = expand(level)
        if several:
            raise ValueError(f"a level of joint sets {several[0].name} to several values: {level}")
        expanded.append(tuple(words))
    inside = {word.partition("=")[0] for level in expanded for word in level}
    outside = {word.partition("=")[0] for word in constants} | {axis.name for axis in axes}
    if inside & outside:
        both = sorted(inside & outside)[0]
        raise ValueError(
            f"{both} is set by the sweep's joint axis already; it cannot be given again: leave the sweep's name out and"
            " give its other words"
        )
    return Axis("joint", tuple(expanded))


def _cells(
    constants: Sequence[str], axes: Sequence[Axis]
) -> Iterator[tuple[str, Config | None, str]]:
    """Compose every cell: label, configuration, or the reason why there is none.

    Composing costs about 100 ms, so each level is composed once, beside the first levels of all other axes, and a
    cell is put together from what its levels change. Where two levels change the same place, the cell is composed.
    """
    first = [axis.levels[0] for axis in axes]
    base = _tried(constants, first)[0]
    changes: list[list[Config | None]] = []
    for number, axis in enumerate(axes):
        others = [[*first[:number], level, *first[number + 1 :]] for level in axis.levels]
        configs = [_tried(constants, levels)[0] for levels in others]
        changes.append([None if c is None or base is None else _changes(base, c) for c in configs])
    for chosen in product(*(range(len(axis.levels)) for axis in axes)):
        levels = [axis.levels[number] for axis, number in zip(axes, chosen, strict=True)]
        label = " ".join(word for level in levels for word in level) or "the one cell"
        parts = [changes[axis][number] for axis, number in enumerate(chosen)]
        whole = None if base is None else _merge(base, parts)
        config, reason = (whole, "") if whole is not None else _tried(constants, levels)
        yield label, config, reason


def _tried(constants: Sequence[str], levels: Sequence[Sequence[str]]) -> tuple[Config | None, str]:
    try:
        return compose_config([*constants, *(word for level in levels for word in level)]), ""
    except ValueError as error:
        return None, str(error)


def _changes(old: Any, new: Any, place: tuple[str, ...] = ()) -> Config:
    """Return what `new` says differently, by path; a path that is gone has the value GONE."""
    found: dict[Any, Any] = {}
    for key in dict.fromkeys([*old, *new]):
        here = (*place, str(key))
        before, after = old.get(key, GONE), new.get(key, GONE)
        if isinstance(before, dict) and isinstance(after, dict):
            found |= _changes(before, after, here)
        elif before != after or type(before) is not type(after):
            found[here] = after
    return found


def _merge(base: Config, parts: Sequence[Config | None]) -> Config | None:
    """Return `base` with all changes, None if two of them touch the same place or one is unknown."""
    merged: Config = json.loads(json.dumps(base))
    touched: set[Any] = set()
    for part in parts:
        if part is None:
            return None
        for path, value in part.items():
            prefixes = {path[:n] for n in range(1, len(path) + 1)}
            if any(p in touched for p in prefixes) or any(t[: len(path)] == path for t in touched):
                return None
            node = merged
            for key in path[:-1]:
                node = node.setdefault(key, {})
            node.pop(path[-1], None) if value is GONE else node.__setitem__(path[-1], value)
        touched |= set(part)
    return merged
