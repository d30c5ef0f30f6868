"""The house: which room may import which, which giant enters by which door, and how large a file may grow."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]
FILES = sorted(p for room in ("ablation", "sweeps", "reports") for p in (HOME / room).rglob("*.py"))
DOORS = {
    "hydra": {"ablation/compose.py"},
    "omegaconf": {"ablation/compose.py"},
    "optuna": {"sweeps/index.py", "sweeps/embedded.py", "sweeps/postgres.py", "sweeps/sampling.py"},
    "psycopg": {"sweeps/postgres.py"},
    "sqlalchemy": {"sweeps/postgres.py"},
    "torch_fidelity": {"ablation/scores/fidelity.py"},
    "rich": {"sweeps/screen.py"},
    "typst": {"reports/paper.py"},
    "submitit": {"sweeps/launchers/slurm.py"},
    "ray": {"sweeps/launchers/ray.py"},
}
LEVELS = [
    {
        *("part", "files", "fingerprint", "shape", "published", "instruments", "metrics", "space"),
        *("ladder", "texts"),
    },
    {"spec"},
    {"record", "rescored", "factories", "known", "levels", "tune"},
    {
        *(
            "catalogue",
            "claim_levels",
            "claim",
            "activations",
            "losses",
            "penalties",
            "constraints",
            "optimizers",
        ),
        *("datasets", "randomness"),
    },
    {"compose", "networks", "hazards", "pictures", "provenance", "verify", "extractors"},
    {"probes", "scores"},
    {"training"},
    {"trainer"},
    {"selection"},
    {"account", "checkpoint", "preflight", "judgement", "costs"},
    {"trial", "rescoring", "tensorboard"},
    {"experiments"},
    {"preload"},
    {"verbs"},
    {"words", "__main__"},
]
"""The rooms of one trial: a file imports only from levels above its own in this list, and from its own level."""


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    return path.relative_to(HOME).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_run_one_way(path: Path) -> None:
    room, words = name(path).split("/")[0], set(imported(path))
    front = name(path).startswith(("ablation/verbs/", "ablation/__main__"))
    others = {"ablation": {"sweeps", "reports"}, "sweeps": {"reports"}, "reports": {"sweeps"}}[room]
    assert front or not {word for word in words if word.split(".")[0] in others}
    if room != "ablation":
        assert not any(word.startswith(("ablation.verbs", "ablation.__main__")) for word in words)
    if room == "reports":
        allowed = {
            "ablation",
            "ablation.part",
            "ablation.spec",
            "ablation.files",
            "ablation.record",
            "ablation.rescored",
            "ablation.levels",
            "ablation.tune",
            "ablation.published",
            "ablation.instruments",
            "ablation.ladder",
            "ablation.claim",
            "ablation.metrics",
            "ablation.texts",
        }
        used = {".".join(word.split(".")[:2]) for word in words if word.startswith("ablation")}
        assert used <= allowed


@pytest.mark.parametrize("path", [p for p in FILES if name(p).startswith("ablation/")], ids=name)
def test_levels_of_one_trial(path: Path) -> None:
    level = {room: number for number, rooms in enumerate(LEVELS) for room in rooms}
    own = name(path).split("/")[1].removesuffix(".py")
    if own == "__init__":
        assert not [word for word in imported(path) if word.startswith("ablation")]
        return
    assert own in level, f"say at which level {own} stands"
    for word in imported(path):
        parts = word.split(".")
        if parts[0] == "ablation" and len(parts) > 1 and parts[1] in level and parts[1] != own:
            assert level[parts[1]] <= level[own], f"{own} imports {parts[1]}"


@pytest.mark.slow
@pytest.mark.parametrize("giant", DOORS)
def test_giants_enter_through_one_door(giant: str) -> None:
    found = {name(p) for p in FILES if any(w.split(".")[0] == giant for w in imported(p))}
    assert found
    assert found <= DOORS[giant]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_are_short_and_say_what_they_own(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 265
    assert ast.get_docstring(ast.parse(text)), "a module docstring says what the room owns"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("ablation", ("torch", "numpy", "hydra")),
        ("ablation.__main__", ("torch", "numpy", "hydra", "pandas", "optuna")),
        ("ablation.compose", ("torch", "numpy.random", "pandas", "optuna")),
        ("reports.page", ("torch", "hydra", "optuna", "sweeps", "sklearn")),
        ("sweeps.status", ("torch", "hydra", "optuna", "pandas")),
        ("sweeps.launchers.slurm", ("torch", "hydra", "optuna", "submitit")),
        ("sweeps.launchers.ray", ("torch", "hydra", "optuna", "ray")),
    ],
)
def test_importing_loads_no_giant(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=HOME, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_every_import_is_a_declared_dependency() -> None:
    known = {"sklearn": "scikit-learn", "PIL": "pillow", "yaml": "pyyaml", "hydra": "hydra-core"}
    declared = {
        re.match(r"[\w-]+", word)[0].lower().replace("_", "-")
        for word in requires("activation-ablation") or []
    }
    used = {word.split(".")[0] for path in FILES for word in imported(path)}
    own = {"ablation", "sweeps", "reports", "conf"}
    for package in sorted(used - own - set(sys.stdlib_module_names)):
        assert known.get(package, package).replace("_", "-").lower() in declared, package


def test_no_two_test_files_share_a_name() -> None:
    """pytest imports them by name alone."""
    names = sorted(path.name for path in (HOME / "tests").rglob("test_*.py"))
    assert [name for name in names if names.count(name) > 1] == []
