"""A sweep with two workers against a shell loop that runs the tutorial's script as often, with the same scoring."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from speed_lanes import FASHION
from speed_scoring import material

REACH, TRIALS, STEPS, SAMPLES = 4.0, 24, 1_500, 5_000
HERE = Path(__file__).resolve().parent


def measured(*, quick: bool) -> dict[str, Any]:
    """Run both, one after the other, each with everything that a user waits for: starting, training, scoring.

    The classifier is trained before. The loop's processes use both cores as torch chooses; a sweep has a worker of one
    thread on each. In turn: a quarter of the loop, the sweep, and so on would start the sweep four times; so the loop's
    halves stand around the sweep, and a machine that grows busier or quieter meets both.
    """
    trials, steps = 4 if quick else TRIALS, STEPS
    *_, classifier = material()
    with tempfile.TemporaryDirectory() as place:
        first = loop(range(trials // 2), steps, classifier)
        began = time.perf_counter()
        sweep(Path(place), trials, steps, 2)
        ours = time.perf_counter() - began
        second = loop(range(trials // 2, trials), steps, classifier)
        done = len(list(Path(place).glob("s/trials/*/result.json")))
        assert done == trials, f"{done} of {trials} trials have a result"
    return {
        "what": f"a sweep of {trials} trials (mlp, {steps:,} steps, {SAMPLES:,} samples), two workers",
        "reach": REACH,
        "threads": 2,
        "clock": "wall",
        "theirs": 1000 * (first + second),
        "ours": 1000 * ours,
        "ratio": (first + second) / ours,
        "range": [2 * first / ours, 2 * second / ours],
        "slices": 1,
    }


def loop(seeds: range, steps: int, classifier: Path) -> float:
    """Return the seconds of a shell loop over the script."""
    words = f"--root {FASHION} --classifier {classifier} --steps {steps} --samples {SAMPLES}"
    script = f"{sys.executable} {HERE / 'baseline.py'} {words} --seed $seed"
    command = f"for seed in {' '.join(map(str, seeds))}; do {script} || exit 1; done"
    free = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    began = time.perf_counter()
    subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.DEVNULL, env=free)
    return time.perf_counter() - began


def sweep(runs: Path, trials: int, steps: int, workers: int, *words: str) -> None:
    """Run a sweep of the same training, from planning to its last result; the loop writes no report, nor does it."""
    asked = words or (
        *("dataset=fashion_mnist", f"dataset.root={FASHION}", "architecture=mlp"),
        *(f"budget.steps={steps}", f"protocol.samples={SAMPLES}"),
    )
    command = [sys.executable, "-m", "ablation", "sweep", *asked, f"seeds={trials}", "--study", "s"]
    command += ["--runs", str(runs), "--workers", str(workers), "--no-report"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the sweep ended with {done.returncode}: {done.stderr[-2000:]}")
