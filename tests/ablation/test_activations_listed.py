"""Facts that are kept, damaged and refused; and the table that a user sees."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablation import known as room
from ablation.__main__ import main
from ablation.activations import Activation
from ablation.activations.facts import facts
from ablation.catalogue import rows
from ablation.known import Facts, keep, known
from ablation.spec import Part

ROWS = rows("activation")
NAMES = list(ROWS)
TANH = Part("tanh", "torch.nn.Tanh")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give an empty cache folder, and forget what this process knows."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ABLATION_CACHE", str(folder))
    facts.cache_clear()
    yield folder
    facts.cache_clear()


def kept(cache: Path) -> Path:
    (found,) = (cache / "facts").iterdir()
    return found


def test_facts_are_kept_and_read_again(cache: Path) -> None:
    found = facts(TANH)
    assert kept(cache).name.startswith("tanh-")
    assert known(TANH) == found
    other = replace(found, steepest=0.75)  # whatever lies there is what is read
    keep(TANH, other)
    assert known(TANH) == other
    facts.cache_clear()
    assert facts(TANH) == other


def test_a_cache_moves_no_training(cache: Path) -> None:
    """Else a trial would hang on what somebody left in a folder."""
    activation = Activation(TANH)
    numbers = activation.gain, activation.steepest, activation.scale
    keep(TANH, replace(facts(TANH), gain=77.0, steepest=0.01, scale=0.01))
    facts.cache_clear()
    assert activation.facts["gain"] == 77.0
    assert (activation.gain, activation.steepest, activation.scale) == numbers
    assert kept(cache).is_file()


DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "cut": b'{"gain": 1.59',
    "no text": b"\xff\xfe\x00\x80",
    "a list": b"[]",
    "a number": b"3",
    "nothing known": b"{}",
    "null": b"null",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_entry_is_computed_again(content: bytes, cache: Path) -> None:
    found = facts(TANH)
    kept(cache).write_bytes(content)
    assert known(TANH) is None
    facts.cache_clear()
    assert facts(TANH) == found
    assert known(TANH) == found


WRONG: dict[str, Any] = {
    "gain": ["1.6", True, [], math.nan, -math.inf],
    "steepest": [None, "large", 1, math.nan],
    "bounds": [[0.0], [0.0, 1.0, 2.0], 0.0, None, [0, 1]],
    "smooth": [1, "yes", None],
    "bounded": [False],
    "learnable": ["0", 1.5, None],
    "channels": [[1], None, [1, "1"], [1.5, 1]],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_entry_is_none(name: str, cache: Path) -> None:
    row = facts(TANH).plain()
    for value in WRONG[name]:
        kept(cache).write_text(json.dumps(row | {name: value}))
        assert known(TANH) is None, value
    kept(cache).write_text(json.dumps({k: v for k, v in row.items() if k != name}))
    assert known(TANH) is None
    kept(cache).write_text(json.dumps(row | {"more": 1}))
    assert known(TANH) is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["a file", "a folder in its place", "no home"])
def test_a_cache_that_cannot_be_written_breaks_nothing(
    kind: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Facts.read(facts(TANH).plain())
    path = kept(cache)
    path.unlink()
    facts.cache_clear()
    if kind == "a folder in its place":
        path.mkdir()
    elif kind == "a file":
        (cache / "facts").rmdir()
        (cache / "facts").write_text("I am not a folder")
    else:
        for variable in ("ABLATION_CACHE", "XDG_CACHE_HOME", "HOME"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("HOME", "/proc/nobody")  # nothing can be made there
    assert facts(TANH) == expected
    assert known(TANH) is None


def test_an_entry_belongs_to_row_code_and_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    part = Part("mine", "torch.nn.LeakyReLU", (("negative_slope", 0.2),))
    places = {
        room._path(part),
        room._path(replace(part, name="other")),
        room._path(replace(part, target="torch.nn.ReLU")),
        room._path(replace(part, arguments=(("negative_slope", 0.1),))),
        room._path(replace(part, source="a" * 64)),
        room._path(replace(part, source="b" * 64)),
    }
    assert len(places) == 6
    assert room._path(replace(part, cite="another")) == room._path(part)
    monkeypatch.setattr(room, "VERSION", room.VERSION + 1)
    room._versions.cache_clear()
    assert room._path(part) not in places
    monkeypatch.undo()
    room._versions.cache_clear()
    assert room._path(part) in places


@pytest.fixture
def listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[str, str]]:
    """Return what `ablation list activation` prints on stdout and stderr, 100 columns wide."""
    monkeypatch.setenv("COLUMNS", "100")

    def said(*words: str) -> tuple[str, str]:
        for name in NAMES:  # computed once for this file, as for a user
            facts(Part.read(ROWS[name], name))
        capsys.readouterr()
        assert main(["list", "activation", *words]) == 0
        return capsys.readouterr()

    return said


@pytest.mark.slow
def test_the_table_fits_and_has_every_row_under_its_header(listed: Callable[..., Any]) -> None:
    out, err = listed()
    header, *lines = out.split("\n\n")[0].split("\n")
    assert err == ""
    assert [line.split()[0] for line in lines] == NAMES
    assert max(map(len, out.split("\n"))) <= 100
    words = ["gain", "sup|φ'|", "bounded", "smooth", "twice", "monotone", "learns", "source"]
    assert header.split()[1:] == words
    for line, name in zip(lines, NAMES, strict=True):
        found = Activation(Part.read(ROWS[name], name)).facts
        marks = {w: line[header.index(w) : header.index(w) + len(w)].strip() for w in words[2:-1]}
        expected = ("bounded", "smooth", "twice_differentiable", "monotone")
        assert [marks[w] == "●" for w in words[2:6]] == [found[fact] for fact in expected]
        assert marks["learns"] == str(found["learnable"] or "·")
        assert f"{found['gain']:.4f}" in line
        assert ROWS[name]["cite"][:3] in line[header.index("source") :]


def test_what_changes_channels_or_draws_is_marked(listed: Callable[..., Any]) -> None:
    out, _ = listed()
    marked = {line.split()[0]: line.split()[1] for line in out.split("\n") if " (" in line[:22]}
    assert {name: mark for name, mark in marked.items() if name in NAMES} == {
        "maxout": "(5→1)", "crelu": "(1→2)", "glu": "(2→1)", "geglu": "(2→1)", "swiglu": "(2→1)",
        "rrelu": "(draws)",
    }  # fmt: skip


def test_programs_get_every_fact_beside_the_row(listed: Callable[..., Any]) -> None:
    found = json.loads(listed("--json")[0])
    assert list(found) == NAMES
    for name, row in found.items():
        assert {key: row[key] for key in row if key != "facts"} == ROWS[name]
        assert row["facts"] == Activation(Part.read(ROWS[name], name)).facts


def own_row(folder: Path, name: str, target: str, code: str = "") -> None:
    (folder / "conf" / "activation").mkdir(parents=True, exist_ok=True)
    text = f"name: {name}\nmodule:\n  _target_: {target}\ncite: mine\n"
    (folder / "conf" / "activation" / f"{name}.yaml").write_text(text)
    if code:
        (folder / f"{target.split('.')[0]}.py").write_text(code)


CODE = "import torch\nclass {0}(torch.nn.Module):\n    def forward(self, u):\n        return {1}\n"


@pytest.mark.slow
def test_a_users_own_row_is_listed_with_its_facts(
    trusted: Path, listed: Callable[..., Any]
) -> None:
    own_row(trusted, "ripple", "ripples.Ripple", CODE.format("Ripple", "u + torch.sin(u)"))
    out, _ = listed("--with", str(trusted))
    line = next(line for line in out.split("\n") if line.startswith("ripple "))
    assert "2.0000" in line
    assert line.endswith("mine")
    found = json.loads(listed("--with", str(trusted), "--json")[0])["ripple"]["facts"]
    assert found["steepest"] == pytest.approx(2.0)
    assert found["monotone"] is True


BROKEN = {
    "raises": ("broken_a.A", CODE.format("A", "1 / 0"), "division by zero"),
    "reshapes": ("broken_b.B", CODE.format("B", "u.sum()"), "is no activation"),
    "missing": ("nowhere.C", "", "lies neither in torch.nn"),
    "no_module": ("broken_d.D", "D = 3\n", "is not a factory of Module"),
    "torn": ("broken_e.E", "class E(:\n", "invalid syntax"),
}


@pytest.mark.slow
def test_rows_that_do_not_work_say_why_beside_the_others(
    trusted: Path, listed: Callable[..., Any]
) -> None:
    for name, (target, code, _) in BROKEN.items():
        own_row(trusted, name, target, code)
    out, _ = listed("--with", str(trusted))
    lines = {line.split()[0]: line for line in out.split("\n") if line}
    for name, (*_, told) in BROKEN.items():
        assert told in lines[name]
    assert "1.4142" in lines["relu"]
    found = json.loads(listed("--with", str(trusted), "--json")[0])
    assert found["raises"]["facts"] is None
    assert "division" in found["raises"]["error"]


@pytest.mark.slow
def test_once_kept_the_list_is_quick_and_loads_no_torch(
    listed: Callable[..., Any],
) -> None:
    """The bound is generous: 0.2 s on an idle machine."""
    listed()
    code = (
        "import sys\nfrom ablation.__main__ import main\nmain(['list', 'activation'])\n"
        "print([m for m in ('torch', 'numpy') if m in sys.modules])"
    )
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        seconds.append(time.perf_counter() - began)
        assert done.stdout.endswith("[]\n")
        assert done.stderr == ""
    assert min(seconds) < 1.0


@pytest.mark.slow
def test_the_first_list_says_that_it_computes(
    trusted: Path, own_cache: Path, listed: Callable[..., Any]
) -> None:
    listed()
    before = {*(own_cache / "facts").iterdir()}
    own_row(trusted, "new", "news.New", CODE.format("New", "torch.tanh(3 * u)"))
    _, err = listed("--with", str(trusted))
    assert err == "computing what is known of one activation, once\n"
    assert listed("--with", str(trusted))[1] == ""
    (added,) = {*(own_cache / "facts").iterdir()} - before
    assert added.name.startswith("new-")
