"""Synthetic studies in the real file format, written through `ablation.record` itself."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ablation import record
from ablation.files import write_yaml
from ablation.record import Outcome, Reading, Score, TrialRecord
from ablation.spec import TrialSpec

MODULES = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "gelu": "GELU", "sigmoid": "Sigmoid"}
EXTRACTOR = {
    "name": "digits-cnn-1a2b3c",
    "kind": "classifier",
    "accuracy": 0.984,
    "weights": "ab12",
}
LEVEL = {"relu": 0.10, "leaky_relu": 0.0, "gelu": 0.05, "sigmoid": 1.2}
"""Shift of the log score of each activation."""


HOSTILE = '<script>alert("x")</script> #panic("x") $x_1$ _a_ *b* \\u{41} & {{ 7*7 }} 日本'
WARNING = "<img src=http://example.invalid/x.png onerror=alert(1)> [link](http://example.invalid)"
"""Words that try to break out of HTML, of a template and of typst."""


def config(**asked: Any) -> dict[str, Any]:
    """Return a resolved configuration as `conf/` gives it."""

    def activation(name: str) -> dict[str, Any]:
        module = {"_target_": f"torch.nn.{MODULES.get(name, 'Tanh')}"}
        return {"activation": {"name": name, "module": module, "cite": f"{name}, 2010"}}

    def part(name: str) -> dict[str, Any]:
        return {"name": name, "_target_": f"ablation.made.{name}", "cite": ""}

    words = {"activation": "relu", "loss": "non_saturating", "penalty": "none"}
    words |= {"dataset": "digits", "architecture": "mlp", "optimizer": "adam"}
    words |= {"seed": 0, "steps": 1500, "samples": 5000, "n_critic": 1} | asked
    later = ("constraint", "packing", "ttur", "schedule", "precision", "compile", "patience")
    more = {k: part(words[k]) if k == "constraint" else words[k] for k in later if k in words}
    measured = {"evaluations": words["evaluations"]} if "evaluations" in words else {}
    g = words.get("generator", words["activation"])
    d = words.get("discriminator", words["activation"])
    groups = ("loss", "penalty", "dataset", "architecture", "optimizer")
    protocol = {"probes": 20, "samples": words["samples"], "extractor": "classifier"}
    return {
        "generator": activation(g),
        "discriminator": activation(d),
        "activation_at": None,
        **{name: part(words[name]) for name in groups},
        "n_critic": words["n_critic"],
        "init": words.get("init", "matched"),
        "ema": words.get("ema", 0.999),
        **more,
        "budget": {"steps": words["steps"], "batch_size": 64},
        "protocol": {**protocol, "weights": None, **measured},
        "seed": words["seed"],
    }


def spec(**asked: Any) -> TrialSpec:
    """Return the specification of one synthetic trial."""
    return TrialSpec.read(config(**asked))


def samples_png(random: np.random.Generator) -> bytes:
    """Return a small grid of grey blobs."""
    y, x = np.mgrid[0:8, 0:8]
    tiles = []
    for _ in range(16):
        centre, width = random.uniform(2, 6, 2), random.uniform(1, 3)
        blob = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / width)
        tiles.append((255 * np.clip(blob + random.normal(0, 0.1, (8, 8)), 0, 1)).astype(np.uint8))
    grid = np.block([[tiles[4 * i + j] for j in range(4)] for i in range(4)])
    stream = io.BytesIO()
    Image.fromarray(np.kron(grid, np.ones((4, 4), np.uint8))).save(stream, "PNG")
    return stream.getvalue()


def readings(asked: TrialSpec, random: np.random.Generator) -> list[Reading]:
    """Return readings as the probes write them: three sites a network."""
    rows = []
    decay = {"sigmoid": 1.6}.get(asked.activation, 0.25)
    dead = {"relu": 0.18}.get(asked.activation, 0.0)
    for step in np.linspace(0, asked.budget.steps, 11).astype(int).tolist():
        for network in ("generator", "discriminator"):
            for site in range(2):
                layer = f"{network}.{site}"
                norm = math.exp(-decay * (1 - site) - step / 4000 + random.normal(0, 0.15))
                rows.append(Reading(step, network, layer, "gradient_norm", norm))
                share = min(1.0, dead * (1 - math.exp(-step / 400)) * (1 + 0.2 * site))
                rows.append(Reading(step, network, layer, "dead_fraction", share))
                rows.append(Reading(step, network, layer, "saturated_fraction", share / 2))
                if network == "discriminator":
                    rows.append(
                        Reading(step, network, layer, "generator_loss_gradient_norm", norm / 2)
                    )
            rows.append(Reading(step, network, "", "loss", 0.7 + random.normal(0, 0.05)))
        rows.append(Reading(step, "discriminator", "", "accuracy", 0.7))
        rows.append(Reading(step, "generator", "", "signal_to_generator", 0.1 * math.exp(-decay)))
    return rows


def provenance(**more: Any) -> dict[str, Any]:
    """Return what a trainer says about a run."""
    return {
        "versions": {"python": "3.11.7", "torch": "2.6.0", "numpy": "2.1.0"},
        "device": "cpu",
        "instruction_set": "AVX2",
        "commit": "0f1e2d3",
        "threads": 1,
        "started": "2026-01-02T03:04:05Z",
        "seconds": {"train": 4.0, "probe": 0.4, "score": 1.1, "total": 6.0, "start": 0.5},
        "peak_memory_mb": 512.0,
        "attempt": 1,
        "resumed": False,
        "host": "node-1",
        "extractor": EXTRACTOR,
        "hazards": [],
    } | more


def image_scores(fid: float) -> tuple[Score, ...]:
    """Return the scores of a trial on images."""
    return (
        Score("fid_digits-cnn-1a2b3c_5k", fid, 5000, "lower"),
        Score("is_digits-cnn-1a2b3c_5k", 10 / (1 + fid / 20), 5000, "higher"),
    )


def ring_scores(distance: float) -> tuple[Score, ...]:
    """Return the scores of a trial on the ring of eight modes."""
    return (
        Score("frechet_ring8_2.5k", distance / 100, 2500, "lower"),
        Score("modes_ring8_2.5k", max(1.0, round(8 - distance / 10)), 2500, "higher"),
        Score("hq_ring8_2.5k", 1 / (1 + distance / 10), 2500, "higher"),
        Score("reverse-kl_ring8_2.5k", distance / 30, 2500, "lower"),
    )


def write_trial(
    study: Path,
    asked: TrialSpec,
    value: float | None,
    *,
    outcome: str = "finished",
    message: str = "",
    log: str = "",
    probed: bool = True,
    said: Mapping[str, Any] | None = None,
    more: Sequence[Reading] = (),
    scores: Sequence[Score] | None = None,
    step: int | None = None,
) -> Path:
    """Write one trial's folder; `value` None leaves it without scores.

    `more` readings are added; `scores` and `step` stand in the place of those of the value and the budget.
    """
    folder = study / "trials" / asked.key
    record.write_config(folder, asked)
    attempt = record.attempt_folder(folder, 1)
    random = np.random.default_rng(abs(hash_of(asked.key)))
    if probed or more:
        rows = [*(readings(asked, random) if probed else ()), *more]
        record.write_readings(attempt / "readings.parquet", rows)
    if probed:
        (attempt / "samples.png").write_bytes(samples_png(random))
    (attempt / "generator.pt").write_bytes(b"weights")
    (attempt / "log.txt").write_text(log or f"step {asked.budget.steps}: done\n")
    make = ring_scores if asked.dataset.name == "ring8" else image_scores
    done = TrialRecord(
        key=asked.key,
        spec=asked.config(),
        outcome=Outcome(outcome, step or (asked.budget.steps if value else 400), message),
        scores=scores if scores is not None else make(value) if value is not None else (),
        citations=(f"Author of {asked.activation}. A paper on {asked.activation}. 2010.",),
        weights="00ff",
        protocol=asked.protocol.hash,
        provenance=provenance(**(said or {})),
    )
    assert record.commit(folder, attempt, done)
    return folder


def hash_of(text: str) -> int:
    """Return a number that depends on the text alone."""
    import zlib

    return zlib.crc32(text.encode())


def write_plan(study: Path, **changed: Any) -> None:
    """Write `study.yaml` as the sweep does; a key given as None is left out."""
    declared = {"score": "fid", "reference": "leaky_relu", "alpha": 0.05, "effect": 1.1}
    plan = {
        "schema": 1,
        "study": study.name,
        "sweep": None,
        "question": "Which activation suits a small GAN on scanned digits?",
        "overrides": ["activation=relu,leaky_relu", "seed=range(6)"],
        "created": "2026-01-02T03:04:05Z",
        "declared": declared | {"seeds": 6, "pairs": "all"},
        "declared_hash": "1a2b3c4d5e",
        "history": [],
        "skipped": [],
        "warnings": [],
    }
    plan["declared"].update(changed.pop("declared", {}))
    plan |= changed
    write_yaml(study / "study.yaml", {k: v for k, v in plan.items() if v is not None})


def build(
    study: Path,
    *,
    activations: Sequence[str] = ("sigmoid", "relu", "leaky_relu", "gelu"),
    losses: Sequence[str] = ("non_saturating",),
    datasets: Sequence[str] = ("digits",),
    seeds: int = 6,
    spread: float = 0.05,
    probed: bool = True,
    failing: Mapping[tuple[str, str, int], str] | None = None,
    asked: Callable[[str, str, str, int], Mapping[str, Any]] | None = None,
    **plan: Any,
) -> Path:
    """Write a whole study; `failing` (activation, loss, seed) -> outcome."""
    study.mkdir(parents=True)
    write_plan(study, **plan)
    for dataset in datasets:
        for loss in losses:
            for name in activations:
                for seed in range(seeds):
                    words = {"activation": name, "loss": loss, "dataset": dataset, "seed": seed}
                    words |= asked(name, loss, dataset, seed) if asked else {}
                    random = np.random.default_rng(hash_of(f"{name} {loss} {dataset} {seed}"))
                    shift = LEVEL.get(name, 0.0) + spread * random.normal()
                    fail = (failing or {}).get((name, loss, seed), "")
                    if fail == "missing":
                        record.write_config(study / "trials" / spec(**words).key, spec(**words))
                    else:
                        value = None if fail in ("diverged", "crashed") else 12 * math.exp(shift)
                        write_trial(
                            study,
                            spec(**words),
                            value,
                            outcome=fail or "finished",
                            message=_message(fail),
                            log=_log(fail),
                            probed=probed,
                        )
    return study


def _message(fail: str) -> str:
    return {
        "diverged": "the discriminator's loss is not finite",
        "crashed": "RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x100 and 128x256)",
    }.get(fail, "")


def _log(fail: str) -> str:
    if fail != "crashed":
        return ""
    lines = [f"step {100 * i}: loss 0.69 0.71" for i in range(5)]
    return "\n".join([*lines, "Traceback (most recent call last):", "  ...", _message(fail), ""])
