"""What can be chosen on the page: settings that tell blocks apart, each once, and scores that are drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import study_builder as builder
from matplotlib.figure import Figure

from reports.choices import choices
from reports.design import design
from reports.drawing import Drawing
from reports.marked import marked
from reports.tables import load, with_primary_score


def _drawing(score: str, *keys: str) -> Drawing:
    return Drawing(f"score-{score}", "t", "a", "c", Figure(), (), score, dict.fromkeys(keys, "1.0"))


def _chosen(study: Path, *scores: str) -> dict[str, Any]:
    tables = load([study])
    trials = with_primary_score(tables, "fid")
    found = design(trials, tables.studies[0].declared)
    return choices(trials, found, [_drawing(score) for score in scores])


def _options(told: dict[str, Any]) -> dict[str, list[str]]:
    return {f["label"]: [option["word"] for option in f["options"]] for f in told["fields"]}


@pytest.mark.slow
def test_each_setting_that_varies_is_a_field_with_its_blocks(tmp_path: Path) -> None:
    two = ("relu", "gelu")
    study = builder.build(
        tmp_path / "s",
        activations=two,
        losses=("hinge", "minimax"),
        datasets=("digits", "letters"),
        seeds=1,
        probed=False,
    )
    told = _chosen(study, "fid", "is", "fid")
    assert _options(told) == {"data set": ["digits", "letters"], "loss": ["hinge", "minimax"]}
    labels = {block["key"]: block["label"] for block in told["blocks"]}
    assert len(labels) == 4
    for field in told["fields"]:
        assert sorted(key for o in field["options"] for key in o["blocks"]) == sorted(labels)
        for option in field["options"]:
            assert all(option["word"] in labels[key] for key in option["blocks"])
    assert told["scores"] == [{"family": "fid", "word": "FID"}, {"family": "is", "word": "IS"}]


@pytest.mark.slow
def test_what_follows_from_a_field_before_it_is_none(tmp_path: Path) -> None:
    def asked(*words: object) -> dict[str, Any]:
        return {"n_critic": 5 if "wasserstein" in words else 1}

    losses = ("hinge", "wasserstein")
    study = builder.build(
        tmp_path / "s", activations=("relu",), losses=losses, seeds=1, probed=False, asked=asked
    )
    told = _chosen(study, "fid")
    assert _options(told) == {"loss": ["hinge", "wasserstein"]}
    assert told["scores"] == []


def test_an_empty_study_has_nothing_to_choose(tmp_path: Path) -> None:
    told = _chosen(builder.build(tmp_path / "s", seeds=0))
    assert told == {"fields": [], "scores": [], "blocks": []}


@pytest.mark.slow
def test_marked_trials_are_numbered_lines(tmp_path: Path) -> None:
    one = builder.build(tmp_path / "one two", activations=("relu",), seeds=2, probed=False)
    other = builder.build(tmp_path / "b", activations=("gelu",), seeds=2, probed=False)
    tables = load([one, other])
    trials = with_primary_score(tables, "fid")
    found = design(trials, tables.studies[0].declared)
    keys = sorted(trials["key"])
    numbers, lines = marked(tables, trials, found, [_drawing("fid", *keys[:3])])
    assert numbers == {key: i for i, key in enumerate(keys[:3])}
    words = [line.split("\t") for line in lines.split("\n")]
    assert [w[0] for w in words] == keys[:3]
    assert words[0][1:] == ["gelu", "non_saturating", "0", "finished", "b"]
    assert [w[5] for w in words] == ["b", "", "'one two'"]
