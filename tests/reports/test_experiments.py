"""Figures of built-in experiments: every number is drawn, and what failed is said."""

from __future__ import annotations

from html import unescape
from math import inf, nan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ablation.files import write_yaml
from reports.drawing import svg
from reports.experiment_page import experiment_page
from reports.experiments import FIGURES, draw
from reports.story import curves

ROW = {"cell": "c", "seed": 0, "panel": "relu", "treatment": "", "stage": 0, "step": 0}
ROW |= {"network": "generator", "layer": "", "quantity": "q", "value": 0.0}
Rows = list[dict[str, Any]]


def frozen() -> Rows:
    """Two losses at three seeds: one falls by a decade an update, the other stays."""
    rows = []
    for panel in ("tanh", "relu"):
        for seed in range(3):
            for stage in (5, 50):
                base = ROW | {"cell": panel, "panel": panel, "seed": seed, "stage": stage}
                for step in range(4):
                    for name, value in (("minimax", 10.0 ** (seed - step)), ("hinge", 2.0)):
                        quantity = {"quantity": "parameter_gradient_norm", "treatment": name}
                        rows.append(base | quantity | {"step": step, "value": value})
                    rows.append(
                        base | {"step": step, "quantity": "accuracy", "value": 0.5 + step / 6}
                    )
    return rows


def layered() -> Rows:
    """Two critics of three layers: one's gradient loses two decades a layer, the other's none."""
    rows = []
    for name, decades in (("weight_clip", -2.0), ("gradient_penalty", 0.0)):
        for seed in range(3):
            base = ROW | {"cell": name, "seed": seed, "treatment": name, "network": "discriminator"}
            for step in (1, 9):
                for layer in range(3):
                    place = {"layer": f"discriminator.{layer}", "quantity": "gradient_norm"}
                    value = 10.0 ** (decades * (2 - layer)) * (step == 9)
                    rows.append(base | place | {"step": step, "value": value})
    return rows


def learned() -> Rows:
    """Three classifiers at three seeds: accuracies in hundredths tell which."""
    rows = []
    for seed in range(3):
        for i, (name, n) in enumerate((("real", "899"), ("generated", "899"), ("both", "1.798k"))):
            base = ROW | {"seed": seed, "treatment": name, "network": "classifier"}
            quantity = {"quantity": f"cas-{name}_digits_{n}", "value": 0.9 - i / 10 + seed / 100}
            rows.append(base | quantity)
            rows.append(base | {"quantity": "class_accuracy", "layer": "class 0", "value": 0.1})
    return rows


MADE = {"freeze-generator": frozen, "layer-norms": layered, "augmentation": learned}


def asked(name: str, rows: Rows, **outcomes: str) -> dict[str, Any]:
    trials = {(row["panel"], row["cell"], row["seed"]): None for row in rows}
    return {
        "experiment": name,
        "cite": "Somebody 2017",
        "question": "Why <so>?",
        "words": ["activation=relu", "seeds=3"],
        "settings": {"stages": None, "losses": ["minimax", "hinge"], "critic_steps": 9},
        "versions": {"torch": "2.0"},
        "commit": "0123abc",
        "trials": [
            {"cell": cell, "seed": seed, "panel": panel, "key": f"{cell}-{seed}",
             "outcome": outcomes.get(f"{cell}_{seed}", "finished"), "message": ""}
            for panel, cell, seed in trials
        ],
    }  # fmt: skip


def test_every_experiment_has_its_figure() -> None:
    from ablation.experiments import EXPERIMENTS

    assert list(FIGURES) == list(EXPERIMENTS) == list(MADE)


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_folder_becomes_figures_and_a_page_that_are_the_same_bytes_twice(
    name: str, tmp_path: Path
) -> None:
    rows, found = MADE[name](), []
    for place in ("one", "two"):
        out = tmp_path / place
        out.mkdir()
        pd.DataFrame(rows).to_parquet(out / "readings.parquet")
        write_yaml(out / "experiment.yaml", asked(name, rows))
        story = draw(out)
        files = sorted(p for p in out.iterdir() if p.stem == "figure")
        assert [p.suffix for p in files] == [".pdf", ".png", ".svg"]
        page = out / "index.html"
        found.append([p.read_bytes() for p in (*files, page)])
    assert found[0] == found[1]
    assert found[0][0].startswith(b"%PDF")
    text = unescape(page.read_text(encoding="utf-8"))
    assert story.told
    assert all(f"<li>{sentence}</li>" in text for sentence in story.told)
    assert "<h1>Why <so>?</h1>" in text
    assert "<h1>Why &lt;so&gt;?</h1>" in page.read_text(encoding="utf-8")
    command = f"ablation probe {name} activation=relu seeds=3 --losses minimax,hinge --critic-steps 9 --out DIR"
    assert command in text
    total = len(asked(name, rows)["trials"])
    assert f"{total} trials: {total} finished" in text
    assert text.count("<svg") == 1
    assert "n = 3 seeds" in story.drawing.caption
    assert "Somebody 2017" in story.drawing.caption
    assert all(text in story.drawing.alt for text in story.told)


@pytest.mark.slow
def test_the_page_says_how_long_a_core_took() -> None:
    rows = layered()
    plain = asked("layer-norms", rows)
    story = FIGURES["layer-norms"](pd.DataFrame(rows), plain)
    told = [{**row, "cpu_seconds": 90.0} for row in plain["trials"]]
    some = [*told[:-1], {**told[-1], "cpu_seconds": None}]
    document = svg(story.drawing)
    pages = [experiment_page({**plain, "trials": t}, story, document) for t in (told, some)]
    assert len(told) == 6
    assert "They took 9.0 minutes of one core. Every number" in pages[0]
    assert "They took 7.5 minutes of one core (5 of them). Every number" in pages[1]
    assert "They took" not in experiment_page(plain, story, document)


@pytest.mark.parametrize("name", FIGURES)
def test_the_caption_says_what_failed(name: str) -> None:
    rows = MADE[name]()
    cell = rows[0]["cell"]
    outcomes = {f"{cell}_0": "crashed", f"{cell}_1": "diverged"}
    found = FIGURES[name](pd.DataFrame(rows), asked(name, rows, **outcomes))
    total = len(asked(name, rows)["trials"])
    assert f"Of {total} trials 1 crashed and 1 diverged" in found.drawing.caption
    assert "n = 2" in found.drawing.caption


def test_curves_are_medians_with_the_range() -> None:
    values = {0: [1.0, 3.0, 9.0], 2: [4.0, nan, inf]}
    rows = [
        ROW | {"treatment": "a", "step": step, "seed": seed, "value": value}
        for step, own in values.items()
        for seed, value in enumerate(own)
    ]
    (found,) = curves(pd.DataFrame(rows), "step")
    assert (found.treatment, found.trials, found.steps) == ("a", 3, (0, 2))
    assert (found.median, found.low, found.high) == ((3.0, 4.0), (1.0, 4.0), (9.0, 4.0))


@pytest.mark.slow
def test_a_frozen_generator_has_a_panel_a_stage_and_activation() -> None:
    rows = frozen()
    story = FIGURES["freeze-generator"](pd.DataFrame(rows), asked("freeze-generator", rows))
    axes = story.drawing.figure.axes
    titles = [own.get_title(loc="left") for own in axes]
    assert titles == [f"{p}, G frozen at step {s}" for p in ("tanh", "relu") for s in (5, 50)]
    for own in axes:
        assert own.get_yscale() == "log"
        drawn = {tuple(line.get_ydata()) for line in own.lines}
        assert drawn == {(10.0, 1.0, 0.1, 0.01), (2.0,) * 4}
    assert story.told[0] == (
        "tanh, frozen at step 5: hinge 2.00 to 2.00 (+0.0 decades);"
        " minimax 10.0 to 0.0100 (−3.0 decades)"
    )
    assert "100.0 % of the samples" in story.drawing.caption


@pytest.mark.slow
def test_a_vanished_gradient_stands_at_the_lower_edge() -> None:
    rows = frozen()
    for row in rows:
        if row["treatment"] == "minimax" and row["step"] == 3:
            row["value"] = 0.0
    story = FIGURES["freeze-generator"](pd.DataFrame(rows), asked("freeze-generator", rows))
    first = story.drawing.figure.axes[0]
    (mark,) = [
        line for line in first.lines if line.get_marker() == "v" and len(line.get_xdata()) == 1
    ]
    assert mark.get_ydata()[0] == pytest.approx(0.005)
    assert "minimax 10.0 to 0.00;" in story.told[0] + ";"


def test_layers_run_from_the_output_to_the_input() -> None:
    rows = layered()
    story = FIGURES["layer-norms"](pd.DataFrame(rows), asked("layer-norms", rows))
    (axes,) = story.drawing.figure.axes
    left, right = axes.get_xlim()
    assert left > 3 > 1 > right
    drawn = {tuple(line.get_ydata()) for line in axes.lines}
    assert drawn == {(1.0,) * 3, (1e-4, 1e-2, 1.0)}
    story.drawing.figure.canvas.draw()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["−4", "−3", "−2", "−1", "0"]
    assert story.told == (
        "relu: gradient_penalty +0.00 decades a layer towards the input;"
        " weight_clip −2.00 decades a layer towards the input",
    )


def test_a_diverged_critic_is_counted_and_not_drawn() -> None:
    rows = layered()
    for row in rows:
        if (row["cell"], row["seed"]) == ("weight_clip", 2):
            row["value"] = 1e9
    outcomes = {"weight_clip_2": "diverged"}
    told = asked("layer-norms", rows, **outcomes)
    story = FIGURES["layer-norms"](pd.DataFrame(rows), told)
    (axes,) = story.drawing.figure.axes
    assert axes.get_ylim()[1] < 10
    assert "Of 6 trials 1 diverged." in story.drawing.caption


def test_bars_are_medians_and_every_seed_is_a_mark() -> None:
    rows = learned()
    story = FIGURES["augmentation"](pd.DataFrame(rows), asked("augmentation", rows))
    (axes,) = story.drawing.figure.axes
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([0.91, 0.81, 0.71])
    marks = sorted(line.get_ydata()[0] for line in axes.lines)
    assert marks == pytest.approx([0.70, 0.71, 0.72, 0.80, 0.81, 0.82, 0.90, 0.91, 0.92])
    assert story.told == ("relu: real 91.0 %, generated 81.0 %, both 71.0 %",)
    assert "899 images (real), 899 images (generated) and 1.798k images (both)" in (
        story.drawing.caption
    )
