"""How a study is run, apart from what it asks: words that reach no trial and no key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ablation.part import LOCAL
from sweeps.storages import check_url

GROUPS = ("storage", "launcher")
"""The first parts of words that are settings of a sweep."""
SEEDS = ("seed", "seeds")
"""Words that ask for more or fewer trainings, not for others."""


@dataclass(frozen=True)
class Settings:
    """Where a study's index lies, and what starts its workers, with which options.

    `storage` is a URL, `journal`, or "" where nothing is said.
    """

    storage: str = ""
    launcher: str = "local"
    options: dict[str, str] = field(default_factory=dict)


def apart(words: Sequence[str]) -> tuple[Settings, list[str]]:
    """Split words into the settings of a sweep and those that ask for trials.

    `storage=URL`, `launcher=NAME` and `launcher.OPTION=VALUE` are settings. Raises ValueError for one
    without a value, and for a storage that keeps no index.
    """
    said, rest = {}, []
    for word in words:
        key, _, value = word.partition("=")
        if key.split(".")[0] not in GROUPS:
            rest.append(word)
        elif not value:
            raise ValueError(f"{word!r} says nothing; it is like {key}=VALUE")
        else:
            said[key] = value
    options = {
        key.removeprefix("launcher."): said.pop(key)
        for key in list(said)
        if key.startswith("launcher.")
    }
    wrong = [key for key in said if key not in GROUPS]
    if wrong:
        raise ValueError(
            f"{wrong[0]} is no setting; there are storage, launcher and launcher.OPTION"
        )
    check_url(said.get("storage", ""))
    return Settings(said.get("storage", ""), said.get("launcher", "local"), options), rest


def asking(words: Sequence[str]) -> list[str]:
    """Return the words that ask for something else: not how many seeds there are, nor where files lie.

    The latter are like `dataset.root=FOLDER`.
    """
    keys = [word.partition("=")[0] for word in words]
    return [
        word
        for word, key in zip(words, keys, strict=True)
        if key not in SEEDS and key.rpartition(".")[2] not in LOCAL
    ]
