"""How long a report takes, how much memory, and how large its page is, as a study grows.

`python tests/benchmarks/reporting.py [TRIALS...]` prints a table (about five minutes on two quiet cores). The studies
are synthetic, in the real files: eight activations, five losses, five data sets, a thousand readings a trial.
"""

from __future__ import annotations

import math
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "reports"))

import study_builder as builder

from ablation.record import Reading
from reports.page import write_report

ACTIVATIONS = ("leaky_relu", "relu", "gelu", "sigmoid", "tanh", "elu", "silu", "mish")
LOSSES = ("non_saturating", "minimax", "least_squares", "hinge", "wasserstein")
DATA = ("digits", "mnist_5k", "fashion_mnist", "cifar10", "svhn")
CELLS = len(ACTIVATIONS) * len(LOSSES) * len(DATA)
STEPS = 25
QUANTITIES = ("gradient_norm", "dead_fraction", "saturated_fraction", "dormant_fraction")


def readings(level: int, seed: int) -> list[Reading]:
    """Return a thousand readings: four quantities at five sites of two networks."""
    random = np.random.default_rng([level, seed])
    values = np.abs(random.normal(0.1 * (1 + level), 0.05, (STEPS, 2, 5, len(QUANTITIES))))
    return [
        Reading(60 * step, network, f"{network}.{site}", quantity, min(1.0, float(values[step, i, site, j])))
        for step in range(STEPS)
        for i, network in enumerate(("generator", "discriminator"))
        for site in range(5)
        for j, quantity in enumerate(QUANTITIES)
    ]  # fmt: skip


def build(study: Path, trials: int) -> None:
    """Write a study of so many trials, seed by seed over all cells."""
    study.mkdir(parents=True)
    builder.write_plan(study, declared={"seeds": math.ceil(trials / CELLS)})
    for number in range(trials):
        seed, cell = divmod(number, CELLS)
        level, rest = divmod(cell, len(LOSSES) * len(DATA))
        loss, data = divmod(rest, len(DATA))
        words = {"activation": ACTIVATIONS[level], "loss": LOSSES[loss], "dataset": DATA[data]}
        random = np.random.default_rng(number)
        failed = random.random() < 0.02
        value = None if failed else 12 * math.exp(0.1 * level + 0.2 * random.normal())
        builder.write_trial(
            study, builder.spec(**words, seed=seed), value,
            outcome="diverged" if failed else "finished", message="not finite" if failed else "",
            probed=False, more=readings(level, number),
        )  # fmt: skip


def measure(study: Path, queue: multiprocessing.Queue[tuple[float, ...]]) -> None:
    """Write the report and tell seconds, CPU seconds, GiB at most, and the page's MB."""
    began, busy = time.perf_counter(), time.process_time()
    report = write_report(study)
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    queue.put((seconds, busy, memory, report.html.stat().st_size / 1e6))


def main(sizes: list[int]) -> None:
    """Print a row for each size."""
    print("| trials | readings | HTML, PDF and tables | CPU time | memory at most | page |")
    print("|---|---|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    folder = Path(tempfile.mkdtemp(prefix="reporting-"))
    try:
        for trials in sizes:
            build(folder / str(trials), trials)
            answer = context.Queue()
            process = context.Process(target=measure, args=(folder / str(trials), answer))
            process.start()
            seconds, busy, memory, size = answer.get()
            process.join()
            told = f"{seconds:.1f} s | {busy:.1f} s | {memory:.2f} GiB | {size:.1f} MB"
            print(f"| {trials:,} | {1000 * trials:,} | {told} |", flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [500, 2_000, 5_000])
