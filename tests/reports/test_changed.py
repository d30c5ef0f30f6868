"""What changed between studies: settings, bits, new and lost trials, and cells under another setting."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from math import exp, inf
from pathlib import Path
from typing import Any

import pytest
import study_builder as builder

from ablation.files import read_yaml, write_yaml
from reports.changed import Changed, changed
from reports.changed_words import plain, section, sentences
from reports.differing import numbers
from reports.paired import difference, median_interval, middle
from reports.scales import Scale
from reports.sides import sides
from reports.study import read_study

FID = "fid_digits-cnn-1a2b3c_5k"
SCALE = Scale("FID", ratio=True, higher_is_better=False)
Words = Callable[[str, str, str, int], Mapping[str, Any]]


def compared(*studies: Path) -> Changed:
    own = sides([read_study(study) for study in studies])
    names = {key: FID for side in own for key in side.specs}
    return changed(own, names, "activation", frozenset(names))


def copied(study: Path, name: str) -> Path:
    """Return a copy of a study under another name."""
    shutil.copytree(study, study.with_name(name))
    plan = read_yaml(study.with_name(name) / "study.yaml")
    write_yaml(study.with_name(name) / "study.yaml", plan | {"study": name})
    return study.with_name(name)


def edit(result: Path, change: Callable[[dict[str, Any]], None]) -> None:
    row = json.loads(result.read_text())
    change(row)
    result.write_text(json.dumps(row))


def steps(number: int) -> Words:
    return lambda *_: {"steps": number}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return builder.build(
        tmp_path_factory.mktemp("changed") / "first",
        activations=("relu", "gelu"), losses=("hinge", "minimax"), seeds=6, probed=False,
    )  # fmt: skip


@pytest.mark.slow
def test_a_copy_agrees_bit_for_bit(first: Path) -> None:
    found = compared(first, copied(first, "copy"))
    (one,) = found.against
    assert found.differences == ()
    assert (one.both, one.moved, one.lost, one.new) == (24, 0, 0, 0)
    assert (one.agree, one.ended, one.weights) == (24, 24, (24, 24))
    assert one.unequal == one.cells == one.levels == one.counts == ()
    assert [(s.pairs, s.equal, s.greatest) for s in one.scores] == [(24, 24, 0.0)] * 2
    assert sentences(found, SCALE) == [
        "All settings are the same.",
        "copy against first: 24 trials in both, 0 new, 0 lost.",
        "24 of 24 trials in both agree bit for bit (weights: 24 of 24).",
    ]


@pytest.mark.slow
def test_trials_of_two_data_sets_never_pair(first: Path) -> None:
    """A FID and a Frechet distance have no ratio."""
    words = {"activations": ("relu", "gelu"), "losses": ("hinge", "minimax"), "probed": False}
    ring = builder.build(first.with_name("ring"), datasets=("ring8",), seeds=6, **words)
    (one,) = compared(first, ring).against
    assert [s.what for s in one.settings if s.what == "dataset"] == ["dataset"]
    assert (one.both, one.moved, one.lost, one.new) == (0, 0, 24, 24)
    assert one.cells == one.levels == ()


@pytest.mark.slow
def test_other_bits_of_the_same_trials_are_found_and_told(first: Path) -> None:
    other = copied(first, "rerun")

    def worse(row: dict[str, Any]) -> None:
        row["provenance"]["versions"]["torch"] = "2.7.0"
        if row["spec"]["generator"]["activation"]["name"] == "gelu":
            row["scores"][FID]["value"] *= 1.5
            row["weights"] = "beef"

    for result in other.glob("trials/*/result.json"):
        edit(result, worse)
    ended = sorted(other.glob("trials/relu-hinge*/result.json"))
    edit(ended[0], lambda row: row.update(outcome="diverged", scores={}, weights=""))
    ended[1].unlink()
    found = compared(first, other)
    (one,) = found.against
    assert [(d.kind, d.what, d.values) for d in found.differences] == [
        ("ran with", "torch", ("2.6.0", "2.7.0"))
    ]
    assert (one.both, one.ended, one.agree, one.weights) == (24, 23, 10, (22, 10))
    fid = next(s for s in one.scores if s.score == FID)
    assert (fid.pairs, fid.equal) == (22, 10)
    told = {row.key: row.what for row in one.unequal}
    assert told[ended[0].parent.name] == "finished at step 1,500, then diverged at step 1,500"
    assert sum("weights 00ff, then beef" in what for what in told.values()) == 12
    gelu, relu = one.levels
    assert (gelu.level, gelu.pairs, gelu.equal, gelu.word) == ("gelu", 12, 0, "worse")
    assert [exp(v) for v in (gelu.shift.estimate, gelu.shift.low, gelu.shift.high)] == (
        pytest.approx([1.5, 1.5, 1.5])
    )
    assert (gelu.shift.n, gelu.shift.level) == (6, 1 - 2 / 2**6)
    assert (relu.level, relu.pairs, relu.failed, relu.word) == ("relu", 5, (0, 1), "too few seeds")
    assert {(cell.level, cell.block) for cell in one.cells} == {
        ("gelu", "hinge"), ("gelu", "minimax"), ("relu", "hinge"),
    }  # fmt: skip


@pytest.mark.slow
def test_cells_under_another_setting_pair_up_seed_by_seed(first: Path) -> None:
    other = builder.build(
        first.parent / "longer", activations=("relu", "tanh"), losses=("hinge", "minimax"),
        seeds=7, probed=False, asked=steps(3000), declared={"seeds": 7, "alpha": 0.1},
        overrides=["budget.steps=3000"], failing={("relu", "hinge", 0): "diverged"},
    )  # fmt: skip
    for result in other.glob("trials/relu-minimax*/result.json"):
        edit(result, lambda row: row["scores"][FID].update(value=6.0))
    found = compared(first, other)
    (one,) = found.against
    assert [(d.what, d.values) for d in one.settings] == [("budget.steps", ("1500", "3000"))]
    assert [(d.kind, d.what) for d in found.differences] == [
        ("declared", "alpha"), ("declared", "seeds"), ("asked", "overrides"),
        ("levels", "activation"), ("setting", "budget.steps"), ("levels", "seed"),
    ]  # fmt: skip
    assert found.differences[3].values == ("gelu, relu", "relu, tanh")
    assert found.differences[5].values == ("0–5", "0–6")
    assert (one.both, one.moved, one.lost, one.new) == (0, 12, 12, 16)
    counts = {(c.level, c.block): (c.lost, c.new) for c in one.counts}
    assert counts["gelu", "hinge · steps 1500"] == ((0, 1, 2, 3, 4, 5), ())
    assert counts["relu", "hinge · steps 3000"] == ((), (6,))
    assert counts["tanh", "minimax · steps 3000"] == ((), (0, 1, 2, 3, 4, 5, 6))
    assert len(counts) == 6
    cells = {cell.block: cell for cell in one.cells}
    assert (cells["minimax"].word, cells["minimax"].pairs) == ("better", 6)
    assert cells["minimax"].shift.high < 0
    assert cells["hinge"].failed == (0, 1)
    assert cells["hinge"].shift.high == inf
    (level,) = one.levels
    assert (level.level, level.pairs, level.shift.n) == ("relu", 12, 6)
    said = section(found, SCALE, "activation")
    assert said["sentences"][1] == (
        "longer against first: 0 trials in both, 12 paired under another setting"
        " (budget.steps 1500 → 3000), 16 new, 12 lost."
    )
    tables = [t["id"] for t in said["against"][0]["tables"]]
    assert tables == ["changed-levels", "changed-cells", "changed-counts"]
    assert "Infinity" not in json.dumps(plain(found), allow_nan=False)


@pytest.mark.slow
def test_every_other_study_is_compared_with_the_first(first: Path) -> None:
    found = compared(first, copied(first, "second"), copied(first, "third"))
    assert [(one.first, one.other) for one in found.against] == [
        ("first", "second"), ("first", "third"),
    ]  # fmt: skip


@pytest.mark.slow
def test_an_argument_is_a_setting_and_a_path_of_a_machine_is_none(tmp_path: Path) -> None:
    for name, rate, root in (("a", 1e-4, "here"), ("b", 2e-4, "there")):
        study = builder.build(tmp_path / name, activations=("relu",), seeds=2, probed=False)
        for config in study.glob("trials/*/config.yaml"):
            row = read_yaml(config)
            row["optimizer"]["lr"], row["dataset"]["root"] = rate, root
            spec = builder.TrialSpec.read(row)
            shutil.rmtree(config.parent)
            builder.write_trial(study, spec, 12.0, probed=False)
    found = compared(tmp_path / "a", tmp_path / "b")
    assert [(d.kind, d.what, d.values) for d in found.differences] == [
        ("setting", "optimizer.lr", ("0.0001", "0.0002"))
    ]
    assert (found.against[0].moved, found.against[0].new) == (2, 0)
    assert [(c.level, c.equal, c.word) for c in found.against[0].levels] == [("relu", 2, "equal")]


def test_intervals_of_paired_differences_are_order_statistics() -> None:
    values = [5.0, 1.0, 3.0, 2.0, 4.0, inf]
    found = median_interval(values)
    assert (found.estimate, found.low, found.high, found.failed) == (3.5, 1.0, inf, 1)
    assert found.level == 1 - 2 / 2**6
    nine = median_interval([float(v) for v in range(9)])
    assert (nine.low, nine.high) == (1.0, 7.0)  # 1 - 2 * (1 + 9) / 2^9 is above 95 %
    assert nine.level == pytest.approx(1 - 20 / 512)
    three = median_interval([1.0, 2.0, 3.0])
    assert (three.low, three.high, three.level) == (1.0, 3.0, 0.75)
    assert median_interval([1.0]).level == 0
    assert (middle([-inf, inf]), middle([inf, inf, 0.0])) == (0.0, inf)
    assert (difference(inf, inf), difference(inf, 1.0), difference(1.0, 3.0)) == (0, -inf, 2)


def test_numbers_are_ranges_where_they_run() -> None:
    assert numbers((0, 1, 2, 3, 7, 9, 10)) == "0–3, 7, 9, 10"
    assert numbers(()) == ""
