"""Two levels of packing on ring8, with published rows and a hazard: the study, and what its report says."""

from __future__ import annotations

from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import study_builder as builder
from told import read, said

from ablation.record import Reading, Score
from reports.design import Design
from reports.tables import Tables

HAZARD = "wasserstein without a penalty: nothing bounds the critic"


def said_all(study: Path, *, drawn: bool = False) -> tuple[dict[str, Any], Tables, Design]:
    """Return the report's content without writing its files, its figures only where they are asked for."""
    own = read(study)
    return said(own, drawn=drawn), own.tables, own.found


def texts(table: dict[str, Any]) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in table["rows"]]


def heads(table: dict[str, Any]) -> list[str]:
    return [column["name"] for column in table["columns"]]


def _ring(random: np.random.Generator, better: float) -> tuple[Score, ...]:
    best, modes = 8.0, float(random.integers(7, 9))
    told = (
        ("frechet", exp(random.normal(-5 - better, 0.3)), "lower"),
        ("frechet-best", exp(random.normal(-6 - better, 0.3)), "lower"),
        ("modes", modes, "higher"),
        ("modes-best", best, "higher"),
        ("hq", 0.9 + 0.04 * better + 0.001 * float(random.integers(5)), "higher"),
        ("reverse-kl", 0.3 - 0.15 * better + 0.01 * random.random(), "lower"),
    )
    return tuple(Score(f"{name}_ring8_2.5k", value, 2500, side) for name, value, side in told)


ROWS = [
    {
        "level": "packing 1",
        "name": "GAN",
        "cite": "Lin et al. 2018, PacGAN, table 1",
        "n": 10,
        "dataset": "ring8",
        "scores": {"modes": [6.3, 0.5], "hq": [0.982, 0.002], "reverse-kl": [0.45, 0.09]},
    },
    {"level": 2, "cite": "the same", "scores": {"modes": [7.9, 0.1], "kid": 3}},
    {"level": "packing 9", "cite": "of a level that we have not", "scores": {"hq": 0.5}},
]


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two levels of packing, five seeds, ring8; some converged early, one diverged; with selection scores."""
    study = tmp_path_factory.mktemp("packed") / "s"
    study.mkdir()
    declared = {"factor": "packing", "reference": "1", "score": "reverse-kl", "seeds": 5}
    builder.write_plan(
        study, declared=declared, published=ROWS, note="ours are short.", warnings=[HAZARD]
    )
    for pack in (1, 2):
        for seed in range(5):
            asked = {"packing": pack, "seed": seed, "patience": 3, "evaluations": 5}
            random, lost = np.random.default_rng([pack, seed]), (pack, seed) == (1, 4)
            early = {0: 300, 1: 900}.get(seed)
            more = [
                Reading(t, "generator", "", "selection_score", exp(-pack - t / 900))
                for t in range(300, (early or 1500) + 1, 300)
            ]
            builder.write_trial(
                study,
                builder.spec(activation="relu", dataset="ring8", **asked),
                None if lost else 1.0,
                outcome="diverged" if lost else "converged" if early else "finished",
                scores=() if lost else _ring(random, pack - 1.0),
                step=early,
                probed=False,
                more=more,
                said={
                    "hazards": [HAZARD] if pack == 1 else [],
                    "parameters": {"generator": 100, "discriminator": 100 * pack},
                    "modes": {"count": 8, "ceiling": 1 - exp(-4.5)},
                },
            )
    return study


@pytest.fixture(scope="session")
def told(packed: Path) -> tuple[dict[str, Any], Tables, Design]:
    return said_all(packed, drawn=True)
