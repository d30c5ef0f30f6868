"""What may be chosen: the rows of every group, read from `conf` and from the user's own folders."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from ablation.factories import trusted_folders
from ablation.files import read_yaml


def folders() -> list[Traversable]:
    """Return the folders that hold groups, the user's own first."""
    return [*(folder / "conf" for folder in trusted_folders()), files("conf")]


def groups() -> list[str]:
    """Return the names of all groups."""
    found = {
        item.name
        for folder in folders()
        if folder.is_dir()
        for item in folder.iterdir()
        if item.is_dir() and not item.name.startswith("_")
    }
    return sorted(found)


def rows(group: str) -> dict[str, dict[str, Any]]:
    """Return each row of a group by name; raises ValueError for an unknown group or a damaged row."""
    return {name: _row(item) for name, item in sorted(_files(group).items())}


def row(group: str, name: str) -> dict[str, Any]:
    """Return one row; raises ValueError that names the nearest ones."""
    found = _files(group)
    if name not in found:
        raise ValueError(f"{name!r} is not a known {group}{nearest(name, list(found))}")
    return _row(found[name])


def own_rows(group: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a group that come from the user's own folders."""
    ours = str(files("conf"))
    found = sorted(_files(group).items())
    return {name: _row(item) for name, item in found if not str(item).startswith(ours)}


def _files(group: str) -> dict[str, Traversable]:
    """Return the file of each row of a group by name, the user's own first."""
    if group not in groups():
        raise ValueError(f"no group {group!r}{nearest(group, groups())}")
    found: dict[str, Traversable] = {}
    for folder in folders():
        if not (folder / group).is_dir():
            continue
        for item in (folder / group).iterdir():
            name, dot, kind = item.name.rpartition(".")
            if dot and kind == "yaml":
                found.setdefault(name, item)
    return found


def _row(item: Traversable) -> dict[str, Any]:
    row = read_yaml(Path(str(item)))
    if not isinstance(row, dict):
        raise ValueError(f"{item} is damaged: a row is a mapping")
    return row


def nearest(word: str, options: Sequence[str]) -> str:
    """Return the end of a sentence that says which names exist and which are near."""
    near = get_close_matches(word, options, 3, 0.5)
    hint = f": did you mean {' or '.join(near)}?" if near else "."
    return f"{hint} Known: {', '.join(sorted(options))}"
