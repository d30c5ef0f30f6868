"""Only factories of the right kind, from torch.nn, our rooms or a named folder, are ever called."""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ablation.catalogue import rows
from ablation.datasets import Dataset
from ablation.factories import make, source_of
from ablation.losses import Loss
from ablation.networks import Networks
from ablation.part import BEFORE
from ablation.penalties import Penalty
from ablation.spec import Part

KINDS = (nn.Module, Loss, Penalty, Dataset, Networks, torch.optim.Optimizer)

HOSTILE: list[tuple[str, Callable[[Path], dict[str, Any]]]] = [
    ("os.system", lambda mark: {"command": f"touch {mark}"}),
    ("posix.system", lambda mark: {"command": f"touch {mark}"}),
    ("torch.nn.functional.torch.os.system", lambda mark: {"command": f"touch {mark}"}),
    ("torch.nn.modules.module.torch.os.system", lambda mark: {"command": f"touch {mark}"}),
    ("ablation.datasets.os.system", lambda mark: {"command": f"touch {mark}"}),
    ("subprocess.run", lambda mark: {"args": ["touch", str(mark)]}),
    ("subprocess.Popen", lambda mark: {"args": ["touch", str(mark)]}),
    ("builtins.open", lambda mark: {"file": str(mark), "mode": "w"}),
    ("io.open", lambda mark: {"file": str(mark), "mode": "w"}),
    ("builtins.eval", lambda mark: {"source": f"open({str(mark)!r}, 'w')"}),
    ("torch.load", lambda mark: {"f": str(mark.with_name("payload.pt")), "weights_only": False}),
    ("torch.serialization.load", lambda mark: {"f": str(mark.with_name("payload.pt"))}),
    ("torch.hub.load", lambda mark: {"repo_or_dir": str(mark.parent), "model": "m", "source": "local"}),
    ("torch.nn.utils.clip_grad.torch.save", lambda mark: {"obj": 1, "f": str(mark)}),
    ("torch.nn.init.torch.save", lambda mark: {"obj": 1, "f": str(mark)}),
    ("ablation.files.write_json", lambda mark: {"path": str(mark), "value": 1}),
    ("ablation.record.commit", lambda mark: {"folder": str(mark.parent), "attempt": str(mark)}),
    ("ablation.datasets.cache_folder", lambda _: {}),
    ("ablation.activations.make", lambda _: {}),
    ("ablation.activations.site_maker", lambda _: {}),
    ("ablation.datasets.Path", lambda _: {}),
    ("ablation.penalties.torch", lambda _: {}),
    ("ablation.penalties.none.__globals__", lambda _: {}),
    ("torch.nn.functional.relu", lambda _: {}),
    ("torch.nn.Module.zero_grad", lambda _: {}),
    ("torch.nn.init", lambda _: {}),
    ("trap.Trap", lambda _: {}),
    ("trap", lambda _: {}),
    ("", lambda _: {}),
    (".", lambda _: {}),
]  # fmt: skip


class Payload:
    """What a hostile file of weights unpickles."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name the file that any of the hostile targets writes if it runs."""
    found = tmp_path / "it-ran"
    with open(tmp_path / "payload.pt", "wb") as file:
        pickle.dump(Payload(found), file)
    (tmp_path / "hubconf.py").write_text(f"open({str(found)!r}, 'w').close()\ndef m(): pass\n")
    (tmp_path / "trap.py").write_text(f"open({str(found)!r}, 'w').close()\nclass Trap: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return found


@pytest.mark.parametrize(("target", "arguments"), HOSTILE, ids=[target for target, _ in HOSTILE])
def test_a_hostile_target_is_refused_unrun(
    target: str, arguments: Callable[[Path], dict[str, Any]], mark: Path
) -> None:
    part = Part("evil", target, tuple(sorted(arguments(mark).items())))
    before = set(sys.modules)
    for kind in KINDS:
        with pytest.raises(
            ValueError, match=r"evil: the target .* (lies neither|is not a factory)"
        ):
            make(part, kind)
    assert not mark.exists()
    assert "trap" not in sys.modules
    assert {m for m in set(sys.modules) - before if not m.startswith("torch.")} == set()


def test_the_planted_side_effects_work(mark: Path) -> None:
    """Without this the test above could pass because its traps are dead."""
    with open(mark.with_name("payload.pt"), "rb") as file:
        pickle.load(file)
    assert mark.exists()
    mark.unlink()
    __import__("trap")
    del sys.modules["trap"]
    assert mark.exists()


@pytest.mark.parametrize(
    "target",
    [
        "mine.os.system",
        "mine.system",
        "mine.run",
        "mine.Path",
        "mine.nothing",
        "mine.untyped",
        "mine.wrong",
    ],
)
def test_a_trusted_folder_still_gives_only_factories_of_its_own(
    target: str, trusted: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "it-ran"
    (trusted / "mine.py").write_text(
        "import os\nfrom os import system\nfrom pathlib import Path\nfrom subprocess import run\n"
        "from ablation.losses import Loss\n"
        f"def untyped(**_): Path({str(mark)!r}).touch()\n"
        f"def wrong(**_) -> int: Path({str(mark)!r}).touch()\n"
    )
    part = Part("evil", target, (("args", ("touch", str(mark))), ("command", f"touch {mark}")))
    for kind in KINDS:
        with pytest.raises(ValueError, match="evil: the target"):
            make(replace(part, source=_source(part)), kind)
    assert not mark.exists()
    sys.modules.pop("mine", None)


def test_what_a_file_only_borrows_is_not_its_own(trusted: Path) -> None:
    """The hash of a file pins what is written in it, not what it imports under another name."""
    (trusted / "lender.py").write_text(
        "from ablation.losses import Loss\n"
        "def lent() -> Loss: return Loss(lambda **k: k['fake'].mean(), lambda **k: -k['fake'].mean())\n"
    )
    (trusted / "borrower.py").write_text("from lender import lent\n")
    for module, allowed in (("lender", True), ("borrower", False)):
        part = Part("lent", f"{module}.lent")
        part = replace(part, source=source_of(part))
        if allowed:
            assert isinstance(make(part, Loss), Loss)
        else:
            with pytest.raises(ValueError, match=r"'borrower\.lent' is not a factory of Loss"):
                make(part, Loss)
    with pytest.raises(ValueError, match="is not a factory of Module"):
        make(Part("x", "ablation.networks.ActivationSite"), nn.Module)
    del sys.modules["lender"], sys.modules["borrower"]


def _source(part: Part) -> str:
    try:
        return source_of(part)
    except ValueError:
        return ""


@pytest.mark.parametrize("target", ["{outside}/loose.Loose", "..loose.Loose", "../loose.Loose"])
def test_a_target_cannot_leave_the_trusted_folder(target: str, trusted: Path) -> None:
    mark = trusted.parent / "it-ran"
    (trusted.parent / "loose.py").write_text(
        f"open({str(mark)!r}, 'w').close()\nclass Loose: pass\n"
    )
    part = Part("evil", target.format(outside=trusted.parent))
    with pytest.raises(ValueError, match="evil: the target"):
        source_of(part)
    with pytest.raises(ValueError, match="evil: "):
        make(part, nn.Module)
    assert not mark.exists()


def test_own_code_is_pinned_by_its_content(trusted: Path) -> None:
    code = "import torch\nclass Wave(torch.nn.Module):\n  def forward(self, u): return u.sin()\n"
    (trusted / "waves.py").write_text(code)
    part = Part("wave", "waves.Wave")
    assert source_of(part) == hashlib.sha256(code.encode()).hexdigest()

    pinned = replace(part, source=source_of(part))
    assert torch.equal(make(pinned, nn.Module)(torch.ones(2)), torch.ones(2).sin())
    with pytest.raises(ValueError, match=r"wave: the file of 'waves\.Wave' has changed"):
        make(part, nn.Module)
    (trusted / "waves.py").write_text(code.replace("sin", "cos"))
    with pytest.raises(ValueError, match=r"wave: the file of 'waves\.Wave' has changed"):
        make(pinned, nn.Module)
    del sys.modules["waves"]


def test_own_code_is_refused_where_nobody_names_its_folder(
    trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = trusted / "it-ran"
    (trusted / "stranger.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    monkeypatch.delenv("ABLATION_WITH")
    with pytest.raises(ValueError, match="name the folder of your own code with --with DIR"):
        make(Part("x", "stranger.Thing"), nn.Module)
    assert not mark.exists()
    assert "stranger" not in sys.modules


ROWS = [
    (group, name, kind)
    for group, kind in (
        ("activation", nn.Module), ("loss", Loss), ("penalty", Penalty), ("optimizer", torch.optim.Optimizer),
    )
    for name in rows(group)
]  # fmt: skip


def context(group: str) -> dict[str, Any]:
    return {"parameters": [nn.Parameter(torch.ones(3))]} if group == "optimizer" else {}


@pytest.mark.parametrize(("group", "name", "kind"), ROWS)
def test_every_row_makes_its_kind_and_no_other(
    group: str, name: str, kind: type, part: Callable[..., Part]
) -> None:
    row = part(group, name)
    assert row.name == name
    assert isinstance(make(row, kind, **context(group)), kind)
    for other in {nn.Module, Loss, Penalty} - {kind}:
        with pytest.raises(ValueError, match=f"is not a factory of {other.__name__}"):
            make(row, other, **context(group))


@pytest.mark.parametrize(
    ("group", "name", "kind"),
    [
        row for row in ROWS if row[1] != "identity"
    ],  # torch.nn.Identity takes everything, and says so
)
def test_an_argument_that_a_factory_does_not_take_is_named(
    group: str, name: str, kind: type, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match=rf"{name}: .*'slopee'"):
        make(part(group, name, slopee=1.0), kind, **context(group))


NUMBERS = [
    (group, name, key)
    for group in ("optimizer", "penalty", "architecture", "dataset")
    for name, row in rows(group).items()
    for key, value in row.items()
    if isinstance(value, (int, float)) and not isinstance(value, bool)
]


@pytest.mark.parametrize(("group", "name", "key"), NUMBERS)
def test_what_is_no_number_is_refused_by_its_place(
    group: str, name: str, key: str, part: Callable[..., Part], tmp_path: Path
) -> None:
    kinds = {"optimizer": torch.optim.Optimizer, "penalty": Penalty, "architecture": Networks}
    around = context(group)
    if group == "architecture":
        around = {"shape": (1, 8, 8), "site": lambda _: nn.Identity()}
    place = {"root": str(tmp_path), "fingerprint": ""} if name == "image_folder" else {}
    null = BEFORE.get(part(group, name).target, {}).get(key, 0) is None  # it means "as the others"
    for wrong in ("many", (1, 2), *([] if null else [None])):
        row = part(group, name, **place, **{key: wrong})
        with pytest.raises(ValueError, match=rf"\b{key}\b"):
            make(row, kinds.get(group, Dataset), **around)


def test_the_trial_s_own_context_cannot_be_set_from_a_row(part: Callable[..., Part]) -> None:
    with pytest.raises(ValueError, match="parameters"):
        make(part("optimizer", "adam", parameters=3), torch.optim.Optimizer, **context("optimizer"))


def test_another_module_of_the_same_name_is_not_run(
    trusted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in the folder one stands in comes first on Python's path, and was not what the command line named."""
    ours = (
        "from ablation.losses import Loss, minimax\n\n\ndef mine() -> Loss:\n    return minimax()\n"
    )
    (trusted / "shadowed_losses.py").write_text(ours)
    part = Part("mine", "shadowed_losses.mine")
    part = replace(part, source=source_of(part))
    other = tmp_path / "here"
    other.mkdir()
    (other / "shadowed_losses.py").write_text("raise SystemExit('this must not run')\n")
    monkeypatch.syspath_prepend(str(other))
    with pytest.raises(ValueError, match="Python finds another module 'shadowed_losses'"):
        make(part, Loss)


def test_a_name_of_the_standard_library_is_refused_by_name(trusted: Path) -> None:
    (trusted / "random.py").write_text("x = 1\n")
    part = Part("mine", "random.mine")
    with pytest.raises(ValueError, match="Python finds another module 'random'"):
        make(replace(part, source=source_of(part)), Loss)
