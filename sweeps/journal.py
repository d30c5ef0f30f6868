"""The journal's bytes: appended under the study's lock, read back, and cut clean after a kill."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO


def cut_torn_tail(path: Path) -> int:
    """Cut off what a killed writer left half written at the journal's end; return how many bytes.

    A line counts if it ends in a newline and holds one operation. Call it under the study's lock.
    """
    if not path.exists():
        return 0
    with open(path, "r+b") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end and not _whole(line := _last_line(file, end)):
            end -= len(line)
        if end < size:
            file.truncate(end)
            os.fsync(file.fileno())
    return size - end


def _last_line(file: BinaryIO, end: int) -> bytes:
    """Return the bytes after the last newline that stands before the final byte at `end`."""
    block, start = b"", end
    while start:
        step = min(4096, start)
        start -= step
        file.seek(start)
        block = file.read(step) + block
        newline = block.rfind(b"\n", 0, len(block) - 1)
        if newline >= 0:
            return block[newline + 1 :]
    return block


def _whole(line: bytes) -> bool:
    if not line.endswith(b"\n"):
        return False
    try:
        operation = json.loads(line)
    except (UnicodeDecodeError, json.JSONDecodeError):
        return False
    return isinstance(operation, dict) and "op_code" in operation


def append_lines(path: Path, operations: Sequence[dict[str, Any]]) -> None:
    """Append operations, one line each, in one write."""
    lines = [json.dumps(operation, separators=(",", ":")) + "\n" for operation in operations]
    with open(path, "ab") as file:
        file.write("".join(lines).encode())


def read_lines(path: Path, offset: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Read the operations after byte `offset`, each with the offset of the next one.

    Raises ValueError that says how to mend a damaged journal.
    """
    with open(path, "rb") as file:
        file.seek(offset)
        for line in file:
            try:
                operation = json.loads(line)
            except (UnicodeDecodeError, json.JSONDecodeError):
                raise ValueError(damage(path, f"is damaged at byte {offset:,}")) from None
            offset += len(line)
            yield operation, offset


def damage(path: Path, where: str) -> str:
    """Say what is wrong with a journal, and what helps."""
    command = f"ablation doctor {path.parent.name} --rebuild"
    return f"{path} {where}; `{command}` makes it again from the trials' folders"


def birth(path: Path) -> bytes:
    """Return the journal's first line, which no other has: its writer's random name is in it."""
    try:
        with open(path, "rb") as file:
            return file.readline()
    except FileNotFoundError:
        return b""


def flush(path: Path) -> None:
    """Bring the journal to the disk, so that a power cut loses no more than the last access."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
