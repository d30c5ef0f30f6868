"""What the activations are and what they learned, as trials said it, damaged or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import study_builder as builder
from packed import heads, said_all, texts

from ablation.record import Reading
from reports.curves import Curve, Panel
from reports.drawing import looks
from reports.panels import curves
from reports.tables import load

FACTS = {
    "relu": {"gain": 1.414, "steepest": 1.0, "bounded": False, "smooth": False, "learnable": True},
    "gelu": {"gain": 1.53, "steepest": "inf", "smooth": True, "channels": 2, "random": None},
}


def _taught(place: Path, said: dict[str, Any] | None = None, sites: int = 2) -> Path:
    study = place / "s"
    study.mkdir()
    builder.write_plan(study, declared={"reference": "relu"})
    for name in ("relu", "gelu"):
        for seed in range(3):
            more = [
                Reading(t, "generator", f"generator.{i}", "learned_slope", i - t / 1500 + seed / 10)
                for t in (0, 750, 1500)
                for i in range(sites)
                if name == "relu"
            ]
            lost = (name, seed) == ("relu", 2)
            asked = builder.spec(activation=name, seed=seed)
            builder.write_trial(
                study, asked, None if lost else 9.0, probed=False, more=more, said=said,
                outcome="diverged" if lost else "finished",
            )  # fmt: skip
    return study


@pytest.mark.slow
def test_the_activations_are_shown_with_their_facts(tmp_path: Path) -> None:
    sizes = {"generator": 1234, "discriminator": 5}
    said, tables, _ = said_all(_taught(tmp_path, {"activations": FACTS, "parameters": sizes}))
    table = said["activations"]
    rows = {row[0]: dict(zip(heads(table), row, strict=True)) for row in texts(table)}
    assert heads(table)[:3] == ["activation", "gain", "steepest"]
    assert rows["relu"]["bounded"] == rows["relu"]["smooth"] == "no"
    assert (rows["relu"]["gain"], rows["relu"]["learnable"]) == ("1.41", "yes")
    assert (rows["gelu"]["steepest"], rows["gelu"]["bounded"]) == ("∞", "–")
    assert (rows["gelu"]["channels"], rows["gelu"]["random"]) == ("2", "–")
    assert rows["gelu"]["source"] == "gelu, 2010"
    assert set(tables.facts) == {"relu", "gelu"}
    shared = {row[0]: row[1:] for row in texts(said["certificate"])}
    assert shared["parameters of the generator"] == ["1,234", "one"]


@pytest.mark.slow
def test_what_was_learned_is_shown_per_site(tmp_path: Path) -> None:
    said, _, _ = said_all(_taught(tmp_path), drawn=True)
    assert texts(said["learned"]) == [
        ["relu", "generator.0", "slope", "−0.950", "[−1.00, −0.900]", "2"],
        ["relu", "generator.1", "slope", "0.0500", "[0.00, 0.100]", "2"],
    ]
    (figure,) = said["figures"]["learned"]
    assert figure["title"] == "Learned slope per site: non_saturating"
    assert said["activations"]["rows"] == []


@pytest.mark.slow
def test_many_sites_have_a_table_and_no_figure(tmp_path: Path) -> None:
    said, _, _ = said_all(_taught(tmp_path, sites=12), drawn=True)
    sites = [row[1] for row in texts(said["learned"])]
    assert sites == [f"generator.{i}" for i in range(12)]
    assert said["figures"]["learned"] == []


def test_negative_values_are_drawn_where_they_are() -> None:
    curve = Curve("relu", (0, 9), (0.5, -0.9), (0.4, -1.0), (0.6, -0.8), 3, 0)
    figure = curves(
        [Panel("generator", "generator.0", (curve,))],
        looks(("relu",)),
        "slope",
        log=False,
        share=False,
    )
    (axes,) = figure.axes
    assert [float(y) for y in axes.lines[0].get_ydata()] == [0.5, -0.9]
    assert axes.get_ylim()[0] < -1


DAMAGED: tuple[dict[str, Any], ...] = (
    {"activations": {"relu": 3}, "parameters": {"generator": "many"}},
    {"activations": {"relu": {"gain": [1], "steepest": {}}}, "parameters": {"x": 1}},
    {"activations": {"relu": {"bounded": "x" * 999, "": None}}, "parameters": {}},
    {"activations": {"<b>": {"gain": 1}, "gelu": {"<i>": True}}},
    {"activations": {}, "parameters": {"generator": None, "discriminator": True}},
    {"activations": None, "parameters": None},
    {"activations": {"relu": {"smooth": "-inf"}, "gelu": {"gain": "nan"}}},
)


@pytest.mark.slow
def test_damaged_facts_never_break_a_report(tmp_path: Path) -> None:
    builder.write_plan(tmp_path)
    for seed, damage in enumerate(DAMAGED):
        for name in ("relu", "gelu"):
            asked = builder.spec(activation=name, seed=seed)
            builder.write_trial(tmp_path, asked, 9.0, probed=False, said=damage)
    said, tables, _ = said_all(tmp_path)
    assert (tables.trials["outcome"] == "damaged").sum() == 0
    json.dumps(said, allow_nan=False)
    rows = {row[0]: dict(zip(heads(said["activations"]), row, strict=True)) for row in
            texts(said["activations"])}  # fmt: skip
    assert (rows["relu"]["gain"], rows["relu"]["steepest"]) == ("–", "–")
    assert (rows["relu"]["bounded"], rows["relu"]["smooth"]) == ("x" * 60, "−∞")
    assert (rows["gelu"]["gain"], rows["gelu"]["<i>"]) == ("–", "yes")
    assert "<b>" not in rows
    assert not any("parameters of" in row[0] for row in texts(said["certificate"]))


@pytest.mark.slow
def test_facts_of_a_wrong_kind_are_a_damaged_result(tmp_path: Path) -> None:
    study = _taught(tmp_path)
    path = next(study.glob("trials/gelu*/result.json"))
    row = json.loads(path.read_text())
    row["provenance"]["activations"] = 3
    path.write_text(json.dumps(row))
    assert (load([study]).trials["outcome"] == "damaged").sum() == 1
