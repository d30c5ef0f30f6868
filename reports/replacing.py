"""A finished folder put in the place of an older one, while others read it or write it too."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
"""What the system says of a folder that another process has put there in the meantime."""


def replace(new: Path, place: Path) -> None:
    """Put the folder `new` in the place of an old one, which is removed afterwards.

    Of two processes that do this at once the later one's folder stays; interrupted halfway, the old one comes back.
    """
    old = place.with_name(f".{place.name}.{os.getpid()}.old")
    shutil.rmtree(old, ignore_errors=True)
    try:
        while True:
            with suppress(FileNotFoundError):
                place.replace(old)
            try:
                new.replace(place)
                break
            except OSError as error:
                if error.errno not in TAKEN:
                    raise
                shutil.rmtree(old, ignore_errors=True)
    finally:
        if old.exists() and not place.exists():
            with suppress(OSError):
                old.replace(place)
        shutil.rmtree(old, ignore_errors=True)
