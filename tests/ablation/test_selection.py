"""The generator on the way: evaluations, the best one, and when a training has converged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ablation.compose import compose
from ablation.datasets import scaled
from ablation.files import read_json
from ablation.record import read_readings, read_record, write_config
from ablation.scores import frechet, glance
from ablation.spec import TrialSpec
from ablation.training import generate
from ablation.trial import run

Ask = Callable[..., TrialSpec]
Fit = Callable[..., Any]


@pytest.mark.slow
def test_evaluations_are_evenly_spaced_and_end_with_training(ask: Ask, fit: Fit) -> None:
    fitted = fit(ask(dataset="ring8", steps=12, evaluations=4))
    assert [step for step, _ in fitted.selection.history] == [3, 6, 9, 12]
    assert fit(ask(dataset="ring8", steps=12)).selection.history == []


def test_an_evaluation_is_the_distance_of_the_average_to_the_selection_split(
    ask: Ask, fit: Fit
) -> None:
    fitted = fit(ask(dataset="ring8", steps=4, evaluations=1, samples=64))
    training = fitted.training
    from ablation.randomness import stream

    random = stream(training.spec, "selection")
    samples = generate(training.average, training.networks.latent, 64, random)
    ((step, value),) = fitted.selection.history
    assert (step, value) == (4, frechet(samples, fitted.data.selection))
    assert value != frechet(samples, fitted.data.test)


@pytest.mark.slow
def test_the_distance_of_images_is_fid_and_real_images_are_nearer_than_noise(
    ask: Ask, begun: Fit
) -> None:
    fitted = begun(ask(evaluations=1))
    data, extractor = fitted.data, fitted.selection.extractor
    near = glance(scaled(data.train[:300]), data, "digits", extractor)
    far = glance(torch.rand(300, 1, 8, 8) * 2 - 1, data, "digits", extractor)
    assert 0 <= near.distance < far.distance / 20
    same = glance(scaled(data.train[:1]).expand(300, -1, -1, -1), data, "digits", extractor)
    assert same.reached["classes_reached"] == 1
    assert near.reached["classes_reached"] == 10


@pytest.mark.parametrize("patience", [1, 2])
def test_training_ends_when_patience_is_at_its_end(
    patience: int, ask: Ask, begun: Fit, goes: Fit
) -> None:
    """A generator that is spoilt after its sixth step can only get worse: the best one is from before."""
    fitted = begun(ask(dataset="ring8", steps=40, evaluations=20, patience=patience, ema=0.0))

    def spoil(training: Any) -> None:
        if training.step >= 6:
            with torch.no_grad():
                for parameter in training.networks.generator.parameters():
                    parameter.mul_(3)

    goes(fitted, after=spoil)
    history = dict(fitted.selection.history)
    best = fitted.selection.best_step
    assert best <= 8
    assert fitted.outcome.kind == "converged"
    assert fitted.outcome.step == best + 2 * patience == max(history)
    assert history[best] == min(history.values())
    assert "without a better score" in fitted.outcome.message


def test_patience_that_does_not_run_out_finishes(ask: Ask, fit: Fit) -> None:
    fitted = fit(ask(dataset="ring8", steps=8, evaluations=4, patience=4))
    assert fitted.outcome.kind == "finished"


@pytest.mark.slow
def test_the_best_weights_are_those_of_the_best_step(ask: Ask, begun: Fit, goes: Fit) -> None:
    fitted, states = begun(ask(dataset="ring8", steps=12, evaluations=6)), {}

    def keep(training: Any) -> None:
        state = training.average.state_dict()
        states[training.step] = {name: value.clone() for name, value in state.items()}

    goes(fitted, after=keep)
    chosen = states[fitted.selection.best_step]
    assert all(torch.equal(v, chosen[k]) for k, v in fitted.selection.best.items())


@pytest.mark.slow
def test_a_trial_keeps_final_and_best_and_scores_both(tmp_path: Path) -> None:
    words = ["dataset=ring8", "dataset.points=512", "budget=smoke", "architecture.width=16"]
    spec = compose([*words, "protocol.evaluations=5", "optimizer.lr=0.02", "ema=0.0"])
    write_config(tmp_path, spec)
    record = run(tmp_path)
    scores = {score.name.split("_")[0]: score for score in record.scores}
    assert record.provenance["modes"] == {"count": 8, "ceiling": pytest.approx(0.98889, abs=1e-5)}
    assert scores["frechet-best"].better == scores["frechet"].better == "lower"
    assert scores["frechet-best"].name == scores["frechet"].name.replace("_", "-best_", 1)
    read = [r for r in read_readings(tmp_path) if r.quantity == "selection_score"]
    assert [r.step for r in read] == [10, 20, 30, 40, 50]
    final, best = (
        torch.load(tmp_path / name, weights_only=True) for name in ("generator.pt", "best.pt")
    )
    last = min(read, key=lambda r: r.value).step == 50
    assert all(torch.equal(final[k], best[k]) for k in final) is last
    assert (scores["frechet-best"].value == scores["frechet"].value) is last
    assert set(read_json(tmp_path / "result.json")["files"]) >= {"best.pt", "generator.pt"}


@pytest.mark.slow
def test_a_converged_trial_is_whole(tmp_path: Path) -> None:
    words = ["dataset=ring8", "dataset.points=512", "budget=smoke", "architecture.width=16"]
    stops = ["protocol.evaluations=25", "patience=1", "optimizer.lr=0.5", "ema=0.0"]
    spec = compose([*words, *stops, "seed=3"])
    write_config(tmp_path, spec)
    run(tmp_path)
    record = read_record(tmp_path)
    assert record is not None
    assert record.outcome.kind in ("converged", "collapsed")
    assert 2 < record.outcome.step < 50
    assert (tmp_path / "samples.png").is_file()
    again = tmp_path / "again"
    write_config(again, replace(spec, protocol=replace(spec.protocol, probes=0)))
    assert run(again).weights == record.weights  # probes do not move when it stops


DRAWING = """
import torch
from torch import nn


class Drawing(nn.Module):
    def forward(self, x):
        return torch.relu(x) + 0.01 * torch.rand_like(x)
"""


@pytest.mark.slow
def test_looking_on_the_way_moves_no_training_even_of_activations_that_always_draw(
    tmp_path: Path,
) -> None:
    """Torch's own generator feeds them in every mode, evaluation too: it has to be put back."""
    (tmp_path / "drawing_module.py").write_text(DRAWING)
    (tmp_path / "conf" / "activation").mkdir(parents=True)
    (tmp_path / "conf" / "activation" / "drawing.yaml").write_text(
        "name: drawing\nmodule:\n  _target_: drawing_module.Drawing\ncite: here\n"
    )
    weights = {}
    for evaluations in (0, 3):
        out = tmp_path / str(evaluations)
        words = [*("dataset=ring8", "dataset.points=2000", "architecture.width=16", "budget=smoke")]
        words += ["activation=drawing", f"protocol.evaluations={evaluations}"]
        command = [sys.executable, "-m", "ablation", "train", *words, "--out", str(out)]
        subprocess.run([*command, "--with", str(tmp_path)], check=True, timeout=600)
        record = read_record(out)
        assert record is not None
        weights[evaluations] = record.weights
    assert weights[0] == weights[3]
