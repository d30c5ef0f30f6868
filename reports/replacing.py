"""A finished folder put in the place of an older one, while others read it or write it too."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
"""What the system says of a folder that another process has put there in the meantime."""


LEFT = 3_600
"""Seconds after which a folder half written is one that a killed process has left."""


def sweep_out(place: Path) -> None:
    """Remove what killed processes have left half written beside `place`."""
    for left in place.parent.glob(f".{glob.escape(place.name)}.*.tmp"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT:
                shutil.rmtree(left, ignore_errors=True)


def replace(new: Path, place: Path) -> None:
    """Put the folder `new` in the place of an old one, which is removed afterwards.

    Of two processes that do this at once the later one's folder stays. A Ctrl-C waits until it is done; where it fails
    halfway, the old folder comes back.
    """
    old = place.with_name(f".{place.name}.{os.getpid()}.old")
    with _undisturbed():
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
        except OSError:
            with suppress(OSError):  # unless another process has put one there
                old.replace(place)
            raise
        finally:
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let SIGINT and SIGTERM be heard only afterwards.

    Masking signals would not do: another thread, of a library, would hear them for us.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    before = {
        number: signal.signal(number, lambda told, _: heard.append(told))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for told in heard:
            signal.raise_signal(told)
