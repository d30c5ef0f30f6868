"""Files survive crashes, and locks die with their holders."""

from __future__ import annotations

import hashlib
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ablation.files import (
    locked,
    read_json,
    read_yaml,
    sha256,
    try_lock,
    write_atomic,
    write_json,
    write_yaml,
)


def python(code: str, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, "a" * 200_000)
    writer = python(
        "import sys; from pathlib import Path; from ablation.files import write_atomic\n"
        "print('go', flush=True)\n"
        "while True:\n  for c in 'bc': write_atomic(Path(sys.argv[1]), c * 200_000)",
        path,
    )
    try:
        assert writer.stdout is not None
        writer.stdout.readline()
        seen, until = [], time.monotonic() + 300
        while len(seen) < 150 or (len({t[0] for t in seen}) == 1 and time.monotonic() < until):
            seen.append(path.read_text())
    finally:
        writer.kill()
        writer.communicate()
    assert {len(text) for text in seen} == {200_000}
    assert all(len(set(text)) == 1 for text in seen)
    assert len({text[0] for text in seen}) > 1  # it was written while we read


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": math.nan})
    assert read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', "\x00"])
def test_damaged_json_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"result\.json is damaged"):
        read_json(path)


@pytest.mark.parametrize(
    "content", [b"a: [1", b"a: b: c", b"\xff\xfe\x00", b"!!python/name:os.system ''"]
)
def test_damaged_yaml_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "row.yaml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"row\.yaml is damaged"):
        read_yaml(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4), ("2E5", 2e5), ("-1.5e+3", -1500.0), ("1.", 1.0), (".5", 0.5), ("5e-5", 5e-5),
        (".inf", math.inf), ("7", 7), ("true", True), ("null", None), ("1e", "1e"), ("e4", "e4"), ("1-2", "1-2"),
    ],
)  # fmt: skip
def test_a_number_in_yaml_is_a_number(text: str, value: Any, tmp_path: Path) -> None:
    (tmp_path / "row.yaml").write_text(f"a: {text}\n")
    found = read_yaml(tmp_path / "row.yaml")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "value",
    [1e-4, 1e300, 0.1, -0.0, 3, True, None, "1e-4", "12e4", "3E+2", "1.", ".5", "12345678901e4567", "null", ""],
    ids=repr,
)  # fmt: skip
def test_yaml_comes_back_as_it_was_written(value: Any, tmp_path: Path) -> None:
    """A text that looks like a number (a hash of digits and one e, say) stays a text."""
    write_yaml(tmp_path / "row.yaml", {"a": value, "b": [value]})
    found = read_yaml(tmp_path / "row.yaml")
    assert found == {"a": value, "b": [value]}
    assert type(found["a"]) is type(value)


def test_yaml_keeps_the_order_of_its_keys(tmp_path: Path) -> None:
    write_yaml(tmp_path / "row.yaml", {"z": 1, "a": 2, "m": 3})
    assert list(read_yaml(tmp_path / "row.yaml")) == ["z", "a", "m"]


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"bytes")
    assert sha256(tmp_path / "file") == hashlib.sha256(b"bytes").hexdigest()


@pytest.mark.slow
def test_locked_lets_one_process_in_at_a_time(tmp_path: Path) -> None:
    counter = tmp_path / "count"
    counter.write_text("0")
    code = (
        "import sys; from pathlib import Path; from ablation.files import locked\n"
        "counter = Path(sys.argv[1])\n"
        "for _ in range(60):\n"
        "  with locked(counter.with_name('lock')):\n"
        "    counter.write_text(str(int(counter.read_text()) + 1))"
    )
    processes = [python(code, counter) for _ in range(4)]
    for process in processes:
        process.communicate(timeout=300)
    assert counter.read_text() == "240"


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    holder = python(
        "import sys, time; from pathlib import Path; from ablation.files import try_lock\n"
        "print(try_lock(Path(sys.argv[1])) is not None, flush=True); time.sleep(60)",
        lock,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    assert try_lock(lock) is None

    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    descriptor = try_lock(lock)
    assert descriptor is not None
    assert try_lock(lock) is None
    os.close(descriptor)


def test_locked_frees_its_lock_after_an_error(tmp_path: Path) -> None:
    def fail_inside() -> None:
        with locked(tmp_path / "lock"):
            assert try_lock(tmp_path / "lock") is None
            raise KeyError

    with pytest.raises(KeyError):
        fail_inside()
    descriptor = try_lock(tmp_path / "lock")
    assert descriptor is not None
    os.close(descriptor)


def test_json_nested_beyond_all_depth_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000)
    with pytest.raises(ValueError, match=r"deep\.json is damaged"):
        read_json(path)
