"""Divergence: an outcome with its exact step, whoever looks and however long the training is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from test_trainer import Ask, Fit

from ablation.spec import Part

DIVERGING: list[dict[str, Any]] = [
    {"loss": "wasserstein", "lr": 1e30},
    {"loss": "non_saturating", "lr": 1e30},
    {"loss": "minimax", "lr": 1e20},
    {"loss": "least_squares", "lr": 2e4, "optimizer": "rmsprop"},
    {"loss": "wasserstein", "lr": 1e6, "penalty": "gradient_penalty"},
    {"loss": "wasserstein", "lr": 1e8, "n_critic": 2},
    {"loss": "wasserstein", "lr": 2.3e7, "n_critic": 2},
]


@pytest.fixture(scope="module")
def diverged(
    ask: Ask, part: Callable[..., Part], fit: Fit
) -> list[tuple[dict[str, Any], Any, list[int]]]:
    """Train every way, probing every step; keep the steps after which the caller was told."""
    found = []
    for way in DIVERGING:
        rest = {k: v for k, v in way.items() if k not in ("lr", "optimizer")}
        chosen = part("optimizer", way.get("optimizer", "adam"), lr=way["lr"])
        spec = ask(**rest, optimizer=chosen, activation="identity", steps=120, probes=120)
        seen: list[int] = []
        fitted = fit(spec, after=lambda training, seen=seen: seen.append(training.step))
        found.append((way, fitted, seen))
    return found


@pytest.mark.slow
def test_a_divergence_is_noticed_at_the_end_of_a_short_training_too(
    ask: Ask, part: Callable[..., Part], fit: Fit
) -> None:
    adam = part("optimizer", "adam", lr=1e30)
    fitted = fit(ask(loss="wasserstein", activation="identity", optimizer=adam, steps=7, probes=7))
    assert (fitted.outcome.kind, fitted.outcome.step) == ("diverged", 1)
    assert {r.step for r in fitted.probe.readings} == set(
        range(8)
    )  # it looked at the last step only


@pytest.mark.slow
def test_a_divergence_is_an_outcome_with_its_exact_step(
    diverged: list[tuple[dict[str, Any], Any, list[int]]],
) -> None:
    """The guard looks every 50 steps; the step it names is that of the first loss that is not finite."""
    for way, fitted, seen in diverged:
        readings = fitted.probe.readings
        broken = [r.step for r in readings if r.quantity == "loss" and not math.isfinite(r.value)]
        assert broken, f"{way} should diverge"
        assert (fitted.outcome.kind, fitted.outcome.step) == ("diverged", broken[0]), way
        assert "finite" in fitted.outcome.message
        assert max(seen, default=0) <= 50 * math.ceil(broken[0] / 50)


@pytest.mark.slow
def test_the_ways_of_diverging_reach_steps_before_and_after_the_first_look(
    diverged: list[tuple[dict[str, Any], Any, list[int]]],
) -> None:
    steps = [fitted.outcome.step for _, fitted, _ in diverged]
    assert min(steps) == 1
    assert any(1 < step < 50 for step in steps)
    assert any(50 < step < 120 and step % 50 for step in steps)
