"""Files that survive crashes: atomic writes, one YAML reader, one lock, hashes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ablation.texts import whole

FLOAT = re.compile(
    r"^[-+]?(?:\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\.(?:inf|Inf|INF))$"
    r"|^\.(?:nan|NaN|NAN)$"
)
"""What YAML 1.2 calls a float; YAML 1.1, which PyYAML reads, takes 1e-4 for a text."""


CACHE = "ABLATION_CACHE"
"""Environment variable that names the cache folder."""

ROOM = 2**16
"""Bytes that are written to see whether there is room."""
DEEPEST = 50
"""How many lists and mappings may stand inside each other in a YAML file."""


def cache_folder() -> Path:
    """Return the folder for downloads and shared results: $ABLATION_CACHE, or the XDG cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(CACHE) or Path(home) / "activation-ablation")


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, even after a power cut."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; refuses NaN and infinity."""
    write_atomic(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON, halves of surrogate pairs as question marks; raises ValueError that names a damaged file."""
    try:
        text = path.read_text()
        return whole(json.loads(text)) if "\\ud" in text.lower() else json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def read_yaml(path: Path) -> Any:
    """Read YAML in which 1e-4 is a number, as in YAML 1.2; raises ValueError that names a damaged file."""
    import yaml

    # A safe loader, ten times as quick where libyaml is, that also reads 1e-4 as a float.
    Reader: Any = type("Reader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
    Reader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789."))
    try:
        text, depth = path.read_text(), 0
        for event in yaml.parse(text, Loader=Reader):  # a stranger's file must not exhaust us
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST or isinstance(event, yaml.AliasEvent):
                raise ValueError(
                    f"{path} is damaged: it nests deeper than {DEEPEST}, or has aliases"
                )
        return yaml.load(text, Loader=Reader)
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} is damaged: {brief(error)}") from None


def yaml_text(value: Any) -> str:
    """Return YAML, keys in the order given, that `read_yaml` reads as the same value."""
    import yaml

    # A safe dumper that quotes a text which would be read as a number.
    Writer: Any = type("Writer", (getattr(yaml, "CSafeDumper", yaml.SafeDumper),), {})

    def text(writer: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "'" if FLOAT.match(value) else None
        return writer.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Writer.add_representer(str, text)
    return str(yaml.dump(value, Dumper=Writer, sort_keys=False, allow_unicode=True, width=100))


def write_yaml(path: Path, value: Any) -> None:
    """Write YAML atomically, keys in the order given."""
    write_atomic(path, yaml_text(value))


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors of a folder in which nothing can be written: no fault of what wanted to."""


def trouble(folder: Path) -> str:
    """Return in words why nothing can be written in a folder, "" if it can: a small file is, and is removed."""
    path = folder / f".room.{os.getpid()}.tmp"
    try:
        with open(path, "wb") as file:
            file.write(bytes(ROOM))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return f"{folder} cannot be written: {error.strerror}"
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
    return ""


def without_room(error: BaseException, folder: Path) -> bool:
    """Say whether an error, or one that it hides as torch's writer does, comes of a folder that cannot be written."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in FULL:
            return True
        seen = seen.__cause__ or seen.__context__
    return bool(trouble(folder))


def brief(error: BaseException) -> str:
    """Return the first line of an error's words, its kind if it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def try_lock(path: Path) -> int | None:
    """Return a file descriptor that holds the lock at `path`, or None while another process holds it.

    The kernel frees it when the last process that holds the descriptor closes it or dies.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock at `path`, waiting for it as long as need be."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
