"""From words to a `TrialSpec`: the only importer of Hydra."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, make_dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, IntervalSweep, Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablation.catalogue import nearest
from ablation.factories import source_of, trusted_folders
from ablation.files import brief
from ablation.fingerprint import folder_fingerprint
from ablation.part import Part
from ablation.spec import PARTS, Budget, Protocol, TrialSpec

Config = dict[str, Any]
GROUPS = ("activation", *PARTS, "budget")
KINDS: dict[str, type] = {"int": int, "float": float, "str": str}
SCALARS = {f.name: KINDS[str(f.type)] for f in fields(TrialSpec) if str(f.type) in KINDS}
ALIASES = {
    f"{net}.activation": f"activation@{net}.activation" for net in ("generator", "discriminator")
}
REFUSED = (HydraException, OmegaConfBaseException)


@dataclass(frozen=True)
class Axis:
    """One dimension of a grid; each level is a tuple of overrides that hold together."""

    name: str
    levels: tuple[tuple[str, ...], ...]


@contextmanager
def _opened() -> Iterator[Any]:
    """Open `conf`, and before it the user's own folders, for the time of one call."""
    kinds = [(kind.__name__.lower(), _unfrozen(kind)) for kind in (Budget, Protocol)]
    free = ("activation", "generator", "discriminator", "activation_at", *PARTS)
    rows: list[Any] = [*SCALARS.items(), *kinds, *((name, Any) for name in free)]
    ConfigStore.instance().store("schema", make_dataclass("Trial", rows))
    with initialize_config_module("conf", version_base="1.3"):
        try:
            yield GlobalHydra.instance().config_loader()
        except REFUSED as error:
            raise ValueError(brief(error)) from None


def _unfrozen(kind: type) -> type:
    """Return a twin of a frozen dataclass without defaults: Hydra refuses overrides of frozen ones."""
    types = {"int": int, "str": str, "str | None": str | None}
    return make_dataclass(kind.__name__, [(f.name, types[str(f.type)]) for f in fields(kind)])


def _search(words: Sequence[str] = ()) -> list[str]:
    """Return the search path that the words give, else the user's trusted folders."""
    given = [word for word in words if word.startswith("hydra.searchpath=")]
    if given:
        return given
    folders = [f'"file://{folder.resolve() / "conf"}"' for folder in trusted_folders()]
    return [f"hydra.searchpath=[{','.join(folders)}]"] if folders else []


def _names(loader: Any, group: str, words: Sequence[str] = ()) -> list[str]:
    path = _search(words)
    return sorted(
        loader.get_group_options(group, ObjectType.CONFIG, config_name="trial", overrides=path)
    )


def compose(words: Sequence[str]) -> TrialSpec:
    """Compose one trial; raises ValueError for a wrong word or for words that ask for several trials."""
    constants, axes = expand(words)
    for axis in axes:
        if len(axis.levels) != 1:
            raise ValueError(
                f"{axis.name} asks for {len(axis.levels)} trials; one trial takes one value"
            )
    chosen = [word for axis in axes for word in axis.levels[0]]
    return specification(compose_config([*constants, *chosen]))


def expand(words: Sequence[str]) -> tuple[list[str], list[Axis]]:
    """Split words into constants and axes, every name checked against the groups; raises ValueError."""
    with _opened() as loader:
        constants: list[str] = []
        axes: list[Axis] = []
        parser = OverridesParser.create(config_loader=loader)
        for word in words:
            override = _parse(parser, re.sub(r"^seeds=(\d+)$", r"seed=range(\1)", word))
            if not override.is_sweep_override():
                _check_names(loader, override, [override.value()], words)
                constants += _both(_word(override))
                continue
            levels = list(_levels(loader, override, words))
            if not levels:
                raise ValueError(f"{word} is empty: no value is left to try")
            _check_names(loader, override, levels, words)
            key = _key(override)
            chosen = dict.fromkeys(levels)
            axes.append(Axis(key, tuple(_both(f"{key}={level}") for level in chosen)))
        given = [axis.name for axis in axes]
        single = [word.partition("=")[0] for word in constants]
        for number, key in enumerate(given):
            if key in given[:number] or key in single:
                raise ValueError(f"{key} is given twice")
        return constants, axes


def _parse(parser: OverridesParser, word: str) -> Override:
    try:
        override = parser.parse_override(word)
    except HydraException as error:
        raise ValueError(f"cannot read {word!r}: {brief(error)}") from None
    if not override.key_or_group:
        raise ValueError(f"cannot read {word!r}: it has no key")
    return override


def _key(override: Override) -> str:
    key = str(override.get_key_element())
    return ALIASES.get(key, key)


def _word(override: Override) -> str:
    assert override.input_line is not None
    _, equals, value = override.input_line.partition("=")
    return f"{_key(override)}{equals}{value}"


def _both(word: str) -> tuple[str, ...]:
    """Return the words with which a setting of the activation reaches both networks."""
    if word.startswith("activation."):
        return f"generator.{word}", f"discriminator.{word}"
    return (word,)


def _levels(loader: Any, override: Override, words: Sequence[str]) -> Iterator[str]:
    value = override.value()
    if isinstance(value, IntervalSweep):
        raise ValueError(f"{override.input_line} is an interval; a grid wants a list or a range")
    if isinstance(value, Glob):
        options = _names(loader, _group(override) or str(override.key_or_group), words)
        found = value.filter(options)
        if not found:
            raise ValueError(
                f"{override.input_line} matches nothing; there are {', '.join(options)}"
            )
        yield from found
        return
    yield from override.sweep_string_iterator()


def _group(override: Override) -> str | None:
    """Return the group that an override chooses from, None if it sets a value."""
    group = ALIASES.get(override.key_or_group, override.key_or_group).split("@")[0]
    return group if group in GROUPS else None


def _check_names(
    loader: Any, override: Override, chosen: Sequence[Any], words: Sequence[str]
) -> None:
    group = _group(override)
    if group is None or override.is_delete():
        return
    options = _names(loader, group, words)
    for name in chosen:
        if str(name) not in options:
            raise ValueError(f"{group}={name} is not a known {group}{nearest(str(name), options)}")


def compose_config(words: Sequence[str]) -> Config:
    """Compose the configuration that words without sweeps ask for; raises ValueError."""
    with _opened():
        return _composed(words)


def _composed(words: Sequence[str]) -> Config:
    own = _search(words)
    others = [word for word in words if word not in own]
    try:
        plain = OmegaConf.to_container(
            hydra_compose("trial", [*own, *others]), resolve=True, throw_on_missing=True
        )
    except yaml.YAMLError as error:
        raise ValueError(f"a row of conf is damaged: {' '.join(str(error).split())}") from None
    except REFUSED as error:
        raise ValueError(_reason(error, words)) from None
    assert isinstance(plain, dict)
    config = {str(key): value for key, value in plain.items() if key != "activation"}
    sites = config.get("activation_at") or {}
    if not isinstance(sites, Mapping):
        raise ValueError(f"activation_at is {sites!r}; it is like {{generator.2: tanh}}")
    config["activation_at"] = {
        str(site): _row_named(row, own) if isinstance(row, str) else row
        for site, row in sites.items()
    }
    dataset = config.get("dataset")
    if isinstance(dataset, dict) and dataset.get("fingerprint") == "auto":
        dataset["fingerprint"] = folder_fingerprint(Path(str(dataset["root"])).expanduser())
    return config


def _row_named(name: str, own: Sequence[str]) -> Any:
    options = _names(GlobalHydra.instance().config_loader(), "activation", own)
    if name not in options:
        raise ValueError(f"activation_at: {name} is not a known activation{nearest(name, options)}")
    return OmegaConf.to_container(hydra_compose("trial", [*own, f"activation={name}"]).activation)


def _reason(error: Exception, words: Sequence[str]) -> str:
    """Return in one line what Hydra refused: its own types hide the reason in `__cause__`."""
    lowest: BaseException = error
    while lowest.__cause__ is not None:
        lowest = lowest.__cause__
    text = f"{error}\n{lowest}"
    place = re.search(r"full_key: (\S+)", text)
    where = place.group(1) if place else ""
    if "Missing mandatory value" in text:
        return f"{where} is missing: give it as {where}=VALUE"
    if where and ("is not in struct" in text or re.search(r"Key '.*' not in", text)):
        keys = _keys(words)
        beside = [key for key in keys if key.rpartition(".")[0] == where.rpartition(".")[0]]
        return f"unknown key {where!r}{nearest(where, beside or keys)}"
    return (f"{where}: " if where else "") + brief(lowest)


def _keys(words: Sequence[str]) -> list[str]:
    """Return every dotted key that a trial of the groups chosen by `words` has."""
    chosen = [word for word in words if re.match(rf"({'|'.join(GROUPS)})(@[\w.]+)?=", word)]

    def walk(node: Any, place: str) -> Iterator[str]:
        for key in node:
            name = f"{place}{key}"
            yield name
            if not OmegaConf.is_missing(node, key) and OmegaConf.is_dict(node[key]):
                yield from walk(node[key], f"{name}.")

    return list(walk(hydra_compose("trial", [*_search(words), *chosen]), ""))


def specification(config: Mapping[str, Any]) -> TrialSpec:
    """Read a composed configuration; own code is pinned by its SHA-256."""
    spec = TrialSpec.read(config)
    own: Any = {
        item.name: replace(part, source=source_of(part))
        for item in fields(TrialSpec)
        if isinstance(part := getattr(spec, item.name), Part)
    }
    at = tuple((site, replace(part, source=source_of(part))) for site, part in spec.activation_at)
    return replace(spec, activation_at=at, **own)
