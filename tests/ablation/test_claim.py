"""Registered claims: the twelve are whole, a user's own is one file, and a wrong key is one clear line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ablation.catalogue import rows
from ablation.claim import Claim, check_levels, registered
from ablation.factories import WITH
from ablation.files import read_yaml, write_yaml
from ablation.metrics import DISTANCES
from reports.scales import LOGGED

HOME = Path(__file__).resolve().parents[2]
MINE = {
    "id": "M1",
    "statement": "GELU reaches more modes than ReLU.",
    "a": "gelu",
    "r": "relu",
    "where": {"dataset": "ring8"},
    "parts": [{"metric": "modes", "direction": "better", "effect": 1}],
    "command": "ablation sweep dataset=ring8 activation=gelu,relu seeds=8 --study m1",
}


def test_the_twelve_are_registered_in_their_order() -> None:
    found = registered()
    assert [claim.id for claim in found] == [f"A{n}" for n in range(1, 13)]
    assert all(claim.command.startswith("ablation ") for claim in found)
    kinds = {claim.id: {part.kind for part in claim.parts} for claim in found}
    assert kinds["A6"] == {"check"}
    assert kinds["A10"] == {"rate"}
    assert kinds["A11"] == kinds["A12"] == {"correlate"}
    assert {k for name in ("A1", "A4", "A8") for k in kinds[name]} == {"compare"}


def test_a_claim_is_a_few_lines() -> None:
    for path in (HOME / "conf" / "claim").glob("*.yaml"):
        assert 2 <= len(path.read_text().splitlines()) <= 12, path.name


def test_what_stands_beside_the_statement_counts_for_every_part() -> None:
    claim = Claim.read(MINE, "m1")
    assert (claim.parts[0].a, claim.parts[0].r, claim.parts[0].effect) == ("gelu", "relu", 1)
    assert claim.where == (("dataset", ("ring8",)),)
    assert claim.statement == "GELU reaches more modes than ReLU"


def test_ratios_are_those_that_reports_compare_as_ratios() -> None:
    assert DISTANCES == LOGGED


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"colour": 1}, "unknown key 'colour'", "statement"),
    ({"statement": ""}, "lacks its statement", ""),
    ({"parts": []}, "lacks its parts", ""),
    ({"id": "a b"}, "id is 'a b'", "A1"),
    ({"statement": "two\nlines"}, "one line", ""),
    ({"parts": [{"metric": "speed"}]}, "metric is 'speed'", "attenuation"),
    ({"parts": [{"metric": "event_not_finite"}]}, "metric is 'event_not_finite'", "fid"),
    ({"parts": [{"metric": "modes", "efect": 1}]}, "unknown key 'efect'", "effect"),
    ({"parts": [{"metric": "modes", "direction": "up", "effect": 1}]}, "'up'", "better"),
    ({"parts": [{"metric": "modes", "direction": "better"}]}, "lacks its effect", ""),
    ({"parts": [{"metric": "fid", "direction": "better", "effect": 0.5}]}, "effect is 0.5", "1"),
    ({"parts": [{"metric": "fid", "direction": "better", "effect": True}]}, "effect is True", ""),
    ({"factor": "dataset"}, "factor is 'dataset'", "activation"),
    ({"where": {"colour": 1}}, "unknown key 'colour'", "dataset"),
    ({"where": {"data": "sound"}}, "'sound'", "images"),
    ({"a": "gelu + x"}, "no free settings", ""),
    ({"a": None}, "a is empty", "name of a level"),
    ({"free": "colour"}, "free is 'colour'", "penalty"),
]


@pytest.mark.parametrize(("change", "wrong", "known"), WRONG, ids=[w[1] for w in WRONG])
def test_a_wrong_claim_is_named_in_one_line(change: dict[str, Any], wrong: str, known: str) -> None:
    with pytest.raises(ValueError, match=r"conf/claim/m1\.yaml") as told:
        Claim.read(MINE | change, "conf/claim/m1.yaml")
    text = str(told.value)
    assert wrong in text
    assert known in text
    assert "\n" not in text


def _list(folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "ablation", "list", "claim", "--with", str(folder)]
    return subprocess.run(words, capture_output=True, text=True, cwd=HOME, check=False)


@pytest.mark.slow
def test_a_users_claim_is_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "conf" / "claim"
    folder.mkdir(parents=True)
    text = "id: M1\nstatement: Mine\ncommand: ablation sweep\nparts:\n  - {metric: fid, a: gelu, r: relu,"
    (folder / "mine.yaml").write_text(f"{text} direction: better, effect: 1.1}}\n")
    done = _list(tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(rows("claim")) + 1
    assert [line.split() for line in lines][-1] == ["mine", "M1", "Mine"]
    assert lines[0].split()[:3] == ["a01_sigmoid_vanishes", "A1", "Sigmoid"]


def test_an_id_of_two_claims_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "conf" / "claim"
    folder.mkdir(parents=True)
    original = HOME / "conf" / "claim" / "a07_leaky_relu_beats_relu.yaml"
    (folder / "mine.yaml").write_text(original.read_text())
    monkeypatch.setenv(WITH, str(tmp_path))
    with pytest.raises(ValueError, match=r"mine.yaml.id is 'A7'.*a07_leaky_relu_beats_relu"):
        registered()


@pytest.mark.slow
def test_every_level_of_the_twelve_is_in_the_catalogue() -> None:
    for claim in registered():
        check_levels(claim, claim.id)


LEVELS: list[tuple[dict[str, Any], str]] = [
    ({"a": "tahn"}, r"m1\.parts\[0\]\.a is 'tahn', which is no activation: did you mean tanh"),
    ({"a": "G_relu+D_tahn"}, r"parts\[0\]\.a is 'G_relu\+D_tahn', and 'tahn' is no activation"),
    ({"r": "relu+generator.2_tahn"}, r"parts\[0\]\.r is .* is no activation"),
    ({"factor": "loss", "a": "minmax"}, r"'minmax', which is no loss: did you mean minimax"),
    (
        {"where": {"dataset": "ring9"}},
        r"m1\.where\.dataset is 'ring9'.*did you mean rings or ring8",
    ),
]


@pytest.mark.parametrize(("change", "told"), LEVELS, ids=[t for _, t in LEVELS])
def test_a_level_that_the_catalogue_lacks_is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_levels(Claim.read(MINE | change, "m1"), "m1")


@pytest.mark.parametrize(
    "change",
    [
        {"a": "G_relu+D_tanh", "r": "relu+generator.2_leaky_relu"},
        {"a": "elu(alpha=0.5)", "r": "others"},
        {"factor": "penalty", "a": "gradient_penalty", "r": "no penalty"},
        {"factor": "packing", "a": 4, "r": 1},
        {"factor": "loss", "a": "wasserstein + weight_clip", "r": "hinge", "free": ["penalty"]},
    ],
    ids=str,
)
def test_a_level_of_several_rows_or_of_none_passes(change: dict[str, Any]) -> None:
    check_levels(Claim.read(MINE | change, "m1"), "m1")


def test_a_command_may_be_left_out() -> None:
    assert Claim.read({k: v for k, v in MINE.items() if k != "command"}, "m1").command == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"statment": "x"}, "has an unknown key 'statment': did you mean statement"),
        ({"parts": [{"metric": "fdi", "direction": "better", "effect": 1.1}]}, "metric is 'fdi'"),
        ({"a": "tahn"}, "no activation: did you mean tanh"),
        ({"effect": "1 %"}, "effect is '1 %'; it must be a number"),
    ],
    ids=str,
)
def test_a_wrong_claim_is_one_line_of_list(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    (tmp_path / "conf" / "claim").mkdir(parents=True)
    parts = {"parts": [{"metric": "modes", "direction": "better"}]}
    effect = {} if "parts" in change else {"effect": 1, **parts}
    write_yaml(tmp_path / "conf" / "claim" / "mine.yaml", MINE | effect | change)
    done = _list(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "conf/claim/mine.yaml" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_claim_of_the_readme_is_read(tmp_path: Path) -> None:
    text = (HOME / "README.md").read_text()
    (block,) = re.findall(r"```yaml\n# my_folder/conf/claim/\S+\n(.*?)```", text, re.DOTALL)
    (tmp_path / "mine.yaml").write_text(block)
    claim = Claim.read(read_yaml(tmp_path / "mine.yaml"), "readme")
    check_levels(claim, "readme")
    assert [part.kind for part in claim.parts] == ["compare", "compare"]
    assert claim.where == (("loss", ("hinge",)),)
