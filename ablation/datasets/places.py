"""Where the files of data sets lie: the cache, a folder of the user's, or torchvision's download."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from ablation.files import brief, cache_folder, locked


def folder_of(root: str | None) -> Path:
    """Return the folder that `dataset.root` names, else the one that torchvision downloads into."""
    return Path(root).expanduser() if root else cache_folder() / "data"


def one_of(folders: Sequence[Path], files: Sequence[str], name: str) -> Path:
    """Return the first folder that holds any of the files; raises ValueError if none does."""
    for folder in folders:
        if any((folder / file).exists() for file in files):
            return folder
    raise ValueError(f"dataset.root={folders[0]} lacks {files[0]} of {name}")


def whole(folders: Sequence[Path], files: Sequence[str]) -> bool:
    """Whether one of the folders holds every file, packed as .gz or not."""
    return any(
        all((folder / file).exists() or (folder / f"{file}.gz").exists() for file in files)
        for folder in folders
    )


def content(path: Path) -> bytes:
    """Return a file's bytes; raises ValueError that names a file that is missing or cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path} is missing") from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder; a file belongs there") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None


def fetch(name: str, theirs: str, files: str, **arguments: Any) -> None:
    """Let torchvision's data set `theirs` download itself into the cache, one process at a time.

    Raises ValueError in one line that says which files to give instead.
    """
    folder = folder_of(None)
    try:
        import torchvision.datasets

        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / f".{theirs}.lock"), redirect_stdout(sys.stderr):
            getattr(torchvision.datasets, theirs)(str(folder), download=True, **arguments)
    except Exception as error:  # the network, the disk and torchvision raise many kinds
        reason = " ".join(str(error).split())[:200] or brief(error)
        raise ValueError(
            f"{name} cannot be downloaded ({reason}); give the folder of {files} as dataset.root=FOLDER"
        ) from None
