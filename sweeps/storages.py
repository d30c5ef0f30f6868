"""Where a study's index lies: in its own journal, or in a PostgreSQL database that study.yaml names."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import parse_qs, urlsplit

from ablation.files import read_yaml, write_yaml

JOURNAL = "journal"
"""The word for a study's own journal.log, which is where an index lies unless its study says otherwise."""
SCHEME = "postgresql"
ALLOWED = f"storage is {JOURNAL} or {SCHEME}://USER@HOST:PORT/DATABASE"


Words = ParamSpec("Words")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Place:
    """The database that keeps an index, and the name of the Optuna study in it; both "" for the journal.

    The name ends in random digits: two studies of one name may share a database.
    """

    url: str = ""
    study: str = ""

    @property
    def word(self) -> str:
        """What `storage=` calls it."""
        return self.url or JOURNAL

    def row(self) -> dict[str, str]:
        """Return what study.yaml keeps of it: nothing of the journal."""
        return {"storage": self.url, "storage_study": self.study} if self.url else {}


def check_url(url: str) -> str:
    """Return the URL of a database, "" for the journal; raises ValueError for what keeps no index."""
    if url in ("", JOURNAL):
        return ""
    scheme = url.partition(":")[0]
    if scheme.startswith("sqlite"):
        raise ValueError(f"storage={url}: SQLite lets two workers take one trial; {ALLOWED}")
    if scheme != SCHEME or not url.startswith(f"{SCHEME}://"):
        raise ValueError(
            f"storage={scheme} is unknown; {ALLOWED}"
        )  # what follows may be a password
    try:
        parts = urlsplit(url)
        secret, database = parts.password is not None, parts.path.strip("/")
        assert parts.port != 0
    except (ValueError, AssertionError):
        raise ValueError(
            f"storage has no port that is a number from 1 to 65535; {ALLOWED}"
        ) from None
    if secret or {"password", "sslpassword"} & set(parse_qs(parts.query, keep_blank_values=True)):
        raise ValueError(
            "storage holds a password, which study.yaml would show to every reader:"
            " leave it out, and give it by PGPASSWORD or in ~/.pgpass"
        )
    if not database:
        raise ValueError(f"storage={url} names no database; {ALLOWED}")
    return url


def new_place(study: Path, url: str) -> Place:
    """Return a place for a study's index that no other study has."""
    return Place(url, f"{study.name}-{secrets.token_hex(5)}") if url else Place()


def settled(study: Path, url: str) -> Place:
    """Return where the index of a study lies, or will lie if it is new; `url` "" asks for nothing.

    Raises ValueError if the study keeps its index elsewhere.
    """
    if not (study / "study.yaml").is_file():
        return new_place(study, check_url(url))
    place = place_of(study)
    if url and check_url(url) != place.url:
        raise ValueError(
            f"{study.name} keeps its index in {place.word}, not in {url};"
            f" `ablation doctor {study.name} --rebuild --storage {url}` moves it"
        )
    return place


def place_of(study: Path) -> Place:
    """Return where a study's index lies; raises ValueError for a damaged study.yaml."""
    path = study / "study.yaml"
    try:
        found = path.stat()
    except FileNotFoundError:
        return Place()
    return _place_in(path, (found.st_ino, found.st_mtime_ns, found.st_size))


@functools.lru_cache(maxsize=8)
def _place_in(path: Path, _: tuple[int, int, int]) -> Place:
    """Read the place that a study.yaml names, once per version of the file."""
    found = read_yaml(path)
    kept: dict[str, Any] = found if isinstance(found, dict) else {}
    if "storage" not in kept:
        return Place()
    url, name = kept["storage"], kept.get("storage_study")
    if not isinstance(url, str) or not isinstance(name, str) or not name:
        raise ValueError(f"{path} is damaged: storage and storage_study are a URL and a name")
    url = check_url(url)
    if name.rpartition("-")[0] != path.parent.name:
        command = f"ablation doctor {path.parent.name} --rebuild --storage {url}"
        raise ValueError(
            f"{path.parent} was copied or renamed: its index in the database is that of {name}; `{command}` gives it"
            " one of its own"
        )
    return Place(url, name)


def keep(study: Path, place: Place) -> None:
    """Let study.yaml name another place; all workers go there at their next access."""
    path = study / "study.yaml"
    kept = {k: v for k, v in read_yaml(path).items() if k not in ("storage", "storage_study")}
    write_yaml(path, kept | place.row())


def once_more(verb: Callable[Words, Answer]) -> Callable[Words, Answer]:
    """Let a verb that a kill at any line does not harm begin anew when its database goes away in the middle."""

    @functools.wraps(verb)
    def tried(*words: Words.args, **named: Words.kwargs) -> Answer:
        try:
            return verb(*words, **named)
        except ConnectionError:
            return verb(*words, **named)

    return tried
