"""From a row's `_target_` to the object it makes, and which targets may be made at all.

A stored config may come from a stranger, so a target is not any dotted path: it is one name inside `torch.nn`, inside
one of our own modules of parts, or inside a folder that the user's own command line named with `--with`. What is found
there must be declared to return the kind that is asked for; attributes of attributes are never followed.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import typing
from pathlib import Path
from typing import Any, TypeVar

from ablation.part import Part

T = TypeVar("T")

OURS = tuple(
    f"ablation.{room}"
    for room in (
        *("activations", "losses", "penalties", "constraints"),
        *("datasets", "networks", "optimizers"),
    )
)
WITH = "ABLATION_WITH"
"""Environment variable that carries the folders of `--with DIR` to workers, separated as in PATH."""


def _bind_conf() -> None:
    """Give the name `conf` to the folder beside this package, whatever folder of a user has one of that name."""
    folder = Path(__file__).resolve().parents[1] / "conf"
    known = sys.modules.get("conf")
    if known is not None and getattr(known, "__file__", None) == str(folder / "__init__.py"):
        return
    spec = importlib.util.spec_from_file_location(
        "conf", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None, "conf is a package of ours"
    sys.modules["conf"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_bind_conf()


def trusted_folders() -> list[Path]:
    """Return the folders that the user's own command line named."""
    return [Path(folder) for folder in os.environ.get(WITH, "").split(os.pathsep) if folder]


def source_of(part: Part) -> str:
    """Return the SHA-256 of the user's file a target comes from, "" for torch's and ours.

    Raises ValueError for a target that lies nowhere allowed.
    """
    module = part.target.rpartition(".")[0]
    if module == "torch.nn" or module in OURS:
        return ""
    if module and all(word.isidentifier() for word in part.target.split(".")):
        for folder in trusted_folders():
            path = folder.joinpath(*module.split(".")).with_suffix(".py")
            if path.is_file():
                return _digest(path)
    raise ValueError(
        f"{part.name}: the target {part.target!r} lies neither in torch.nn nor in {', '.join(OURS)};"
        " name the folder of your own code with --with DIR"
    )


def make(part: Part, kind: type[T], **context: Any) -> T:
    """Call a part's factory with its own arguments and the trial's `context`.

    Raises ValueError if the target is not allowed, is not declared to return `kind`, or does not take an argument.
    """
    if source_of(part) != part.source:
        raise ValueError(
            f"{part.name}: the file of {part.target!r} has changed since it was chosen"
        )
    module, _, name = part.target.rpartition(".")
    _same_file(part, module)
    factory = getattr(importlib.import_module(module), name, None)
    if not _returns(factory, kind, module):
        raise ValueError(
            f"{part.name}: the target {part.target!r} is not a factory of {kind.__name__}"
        )
    assert callable(factory)
    try:
        inspect.signature(factory).bind(**context, **part.keywords)
    except TypeError as error:
        known = [p for p in inspect.signature(factory).parameters if p not in context]
        raise ValueError(
            f"{part.name}: {error}; {part.target} takes {', '.join(known) or 'nothing'}"
        ) from None
    try:
        return typing.cast(T, factory(**context, **part.keywords))
    except (
        TypeError
    ) as error:  # a class whose signature takes anything, or an argument of a wrong kind
        raise ValueError(f"{part.name}: {part.target} refuses its arguments: {error}") from error


def _same_file(part: Part, module: str) -> None:
    """Raise ValueError if Python would import another file than the one whose content the part is pinned to."""
    if not part.source:
        return
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    origin = Path(found.origin) if found is not None and found.origin else None
    if origin is None or not origin.is_file() or _digest(origin) != part.source:
        raise ValueError(
            f"{part.name}: Python finds another module {module!r} before the one of your --with folder"
            f" ({origin or 'built in'}); give your file another name"
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _returns(factory: Any, kind: type, module: str) -> bool:
    """Whether `factory` was defined in `module` and makes a `kind`."""
    origin = str(getattr(factory, "__module__", ""))
    if origin != module and not origin.startswith(module + "."):
        return False
    if inspect.isclass(factory):
        return issubclass(factory, kind)
    if not inspect.isfunction(factory):
        return False
    returned = typing.get_type_hints(factory).get("return")
    return inspect.isclass(returned) and issubclass(returned, kind)
