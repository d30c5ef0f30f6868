"""Synthetic studies in which every registered claim has evidence, for it or against it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import study_builder as builder
import told

from ablation.record import Reading, Score
from reports.claims import Claims

ACTIVATIONS = ("elu", "gelu", "leaky_relu", "relu", "sigmoid", "silu", "tanh")

FOR: dict[str, Mapping[str, float]] = {
    "attenuation": {
        "sigmoid": 1.6,
        "tanh": 0.9,
        "gelu": 0.3,
        "silu": 0.25,
        "elu": 0.2,
        "relu": 0.1,
    },
    "signal": {"sigmoid": -4.0},
    "score": {"sigmoid": 1.2, "tanh": 0.9, "silu": 0.7, "elu": 0.6, "gelu": 0.5, "relu": 0.3},
    "dead": {"relu": 0.2},
    "died": {"relu": 0.3},
    "saturated": {"sigmoid": 0.4, "tanh": 0.3},
    "power": {"sigmoid": -3.2, "tanh": -1.8, "gelu": -0.6, "silu": -0.5, "elu": -0.4, "relu": -0.2},
    "cost": {"elu": 0.3, "gelu": 0.4, "sigmoid": 0.3, "silu": 0.4, "tanh": 0.3},
}
"""What is planted by activation (0 elsewhere): everything is as the claims say."""

AGAINST: dict[str, Mapping[str, float]] = {
    "attenuation": {
        "relu": 0.9,
        "tanh": 0.6,
        "silu": 0.5,
        "elu": 0.4,
        "gelu": 0.35,
        "leaky_relu": 0.3,
    },
    "signal": {"sigmoid": 4.0},
    "score": {"leaky_relu": 1.2, "relu": 0.9, "tanh": 0.7, "silu": 0.6, "elu": 0.5, "gelu": 0.3},
    "dead": {"leaky_relu": 0.1},
    "died": {"leaky_relu": 0.1},
    "saturated": {"leaky_relu": 0.3},
    "power": {
        "sigmoid": -1.8,
        "leaky_relu": -1.2,
        "gelu": -1.0,
        "elu": -0.8,
        "silu": -0.7,
        "tanh": -0.4,
    },
    "cost": {"relu": 0.3},
}


def readings(
    name: str, planted: Mapping[str, Mapping[str, float]], random: np.random.Generator
) -> list[Reading]:
    """Return what the probes see of an activation, noise included, at three probes."""

    def at(what: str, spread: float) -> float:
        return planted[what].get(name, 0.0) + spread * random.normal()

    rows = []
    for step in (0, 750, 1500):
        for network in ("generator", "discriminator"):
            rows.append(Reading(step, network, "", "attenuation", at("attenuation", 0.02)))
            for site in range(2):
                shares = {"dead_fraction": "dead", "saturated_fraction": "saturated"}
                seen = {q: max(0.0, at(k, 0.0)) for q, k in shares.items()}
                seen = {q: v * (1 + 0.1 * random.random()) for q, v in seen.items()}
                seen["died_fraction"] = planted["died"].get(name, 0.0) * (
                    0.3 + 0.1 * random.random()
                )
                seen["revived_fraction"] = 0.1 * seen["died_fraction"]
                seen["slope_power"] = 10 ** at("power", 0.01)
                layer = f"{network}.{site}"
                rows += [Reading(step, network, layer, q, v) for q, v in seen.items()]
        signal = math.exp(at("signal", 0.1))
        rows.append(Reading(step, "generator", "", "signal_to_generator", signal))
    return rows


def scores(
    y: float,
    dataset: str,
    *,
    true: bool,
    random: np.random.Generator,
    modes: int | None = None,
    hits: float = 0.9,
) -> tuple[Score, ...]:
    """Return the scores of a log distance; those of `true` quality follow it, or go the other way."""
    side = -1.0 if true else 1.0
    if dataset == "ring8":
        lost = modes if modes is not None else 5
        told = {"frechet": (math.exp(y - 5), "lower"), "modes": (float(lost), "higher")}
        told["hq"] = (hits, "higher")
    else:
        noise = 0.01 * random.normal(size=2)
        told = {
            "fid": (12 * math.exp(y), "lower"),
            "is": (5 * math.exp(-0.3 * y), "higher"),
            "precision": (0.5 + 0.1 * side * y + noise[0], "higher"),
            "recall": (0.5 + 0.1 * side * y + noise[1], "higher"),
        }
    protocol = "ring8_2.5k" if dataset == "ring8" else "digits-cnn-1a2b3c_5k"
    return tuple(Score(f"{k}_{protocol}", v, 5000, better) for k, (v, better) in told.items())


def add(
    study: Path,
    y: float,
    planted: Mapping[str, Mapping[str, float]],
    *,
    true: bool = True,
    outcome: str = "finished",
    modes: int | None = None,
    hits: float = 0.9,
    **asked: Any,
) -> None:
    """Write one trial with a log distance and the planted readings."""
    spec = builder.spec(**asked)
    random = np.random.default_rng(builder.hash_of(repr(sorted(asked.items()))))
    name, dataset = spec.activation, spec.dataset.name
    ended = outcome not in ("diverged", "crashed")
    told = scores(y, dataset, true=true, random=random, modes=modes, hits=hits) if ended else ()
    said = {"modes": {"count": 8, "ceiling": 1 - math.exp(-4.5)}} if dataset == "ring8" else {}
    builder.write_trial(
        study, spec, 1.0 if ended else None, outcome=outcome, scores=told, said=said,
        probed=False, more=readings(name, planted, random),
    )  # fmt: skip


def costs(study: Path, planted: Mapping[str, float], rounds: int = 12) -> None:
    """Write the interleaved rounds of a benchmark of every activation."""
    random, rows = np.random.default_rng(5), []
    for name in ACTIVATIONS:
        took = 20 * np.exp(planted.get(name, 0.0) + 0.01 * random.normal(size=rounds))
        cell = {"architecture": "mlp", "dataset": "digits", "loss": "minimax", "penalty": "none"}
        rows.append({"activation": name, **cell, "milliseconds": took.tolist()})
    (study / "costs.json").write_text(json.dumps({"schema": 1, "rows": rows}))


def activations_study(
    study: Path,
    planted: Mapping[str, Mapping[str, float]],
    *,
    true: bool = True,
    names: Sequence[str] = ACTIVATIONS,
    seeds: int = 7,
    spread: float = 0.05,
    **plan: Any,
) -> Path:
    """Write a study of activations on digits, minimax."""
    study.mkdir(parents=True)
    plan["declared"] = {"seeds": seeds} | plan.get("declared", {})
    builder.write_plan(study, **plan)
    for name in names:
        for seed in range(seeds):
            noise = np.random.default_rng(builder.hash_of(f"{name} {seed}")).normal()
            y = planted["score"].get(name, 0.0) + spread * noise
            add(study, y, planted, true=true, activation=name, loss="minimax", seed=seed)
    costs(study, planted["cost"])
    return study


def claimed(study: Path) -> Claims:
    """Return the claims of a study as its report judges them."""
    return told.read(study).claims


def said(study: Path, *, drawn: bool = False) -> tuple[dict[str, Any], Claims]:
    """Return the report's content, its figures only where they are asked for, and the claims in it."""
    own = told.read(study)
    return told.said(own, drawn=drawn), own.claims


QUIET = {name: dict.fromkeys((), 0.0) for name in FOR}
"""Nothing is planted."""

WGAN = {"penalty": "weight_clip", "n_critic": 5, "optimizer": "rmsprop"}


def stability_study(
    study: Path,
    *,
    helps: bool,
    losing: bool,
    seeds: int = 12,
    names: Sequence[str] = ("relu", "tanh"),
) -> Path:
    """Write ring8 trials of minimax and Wasserstein GANs, with a penalty, with clipping and without.

    Where it `helps`, minimax alone ends badly, spreads and loses modes; else the others do.
    """
    study.mkdir(parents=True)
    declared = {"score": "frechet", "seeds": seeds}
    builder.write_plan(study, declared=declared)
    kinds = {
        "plain": {"loss": "minimax"},
        "penalty": {"loss": "minimax", "penalty": "gradient_penalty"},
        "clip": {"loss": "minimax", "constraint": "gradient_clip"},
        "wgan": {"loss": "wasserstein"} | WGAN,
    }
    for name in names:
        for kind, words in kinds.items():
            bad = (kind == "plain") == helps
            for seed in range(seeds):
                noise = np.random.default_rng(builder.hash_of(f"{name} {kind} {seed}")).normal()
                ends = ("finished", "diverged")[bad and seed % 4 < 3]
                add(
                    study, noise * (0.8 if bad else 0.02), QUIET, outcome=ends,
                    modes=4 if losing and bad else 8,
                    activation=name, dataset="ring8", seed=seed, **words,
                )  # fmt: skip
    return study
