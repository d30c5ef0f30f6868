"""What a sweep costs beside its trials: planning, looking, starting a trial, many workers, a second worker.

`python tests/benchmarks/sweeping.py` prints a table (about five minutes on two quiet cores); `claims.py` times the
queue.
"""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "sweeps"))

from crowds import new_study

from ablation.compose import compose
from ablation.record import Outcome, Score, TrialRecord, attempt_folder, commit
from sweeps import backlog
from sweeps.status import status

MANY = 10_000
ANSWER = """
import sys
from pathlib import Path
from ablation.record import Outcome, TrialRecord, attempt_folder, commit
from sweeps import backlog
study = Path(sys.argv[1])
while (claim := backlog.claim(study)) is not None:
    record = TrialRecord(claim.key, {}, Outcome("finished", 1))
    assert commit(claim.folder, attempt_folder(claim.folder, claim.attempt), record)
    backlog.tell(study, claim, record)
"""


def ablation(*words: str) -> str:
    """Run a verb and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "ablation", *words], capture_output=True, text=True, check=True
    )
    return done.stdout


@contextmanager
def timed(what: str, bar: str, told: Callable[[float], str] = "{:.1f} s".format) -> Iterator[None]:
    """Print a row with the time that a block took."""
    began = time.perf_counter()
    yield
    row(what, told(time.perf_counter() - began), bar)


def row(what: str, found: str, bar: str) -> None:
    """Print a row."""
    print(f"| {what} | {found} | {bar} |", flush=True)


def planning(runs: Path) -> None:
    """Plan a study of many trials, then look at it, empty and answered."""
    words = ["activation=relu,gelu", "dataset=ring8", f"seeds={MANY // 2}", "--runs", str(runs)]
    with timed(f"`plan` of {MANY:,} trials", "60 s"):
        ablation("plan", *words, "--json")
    study = new_study(runs / "many")
    base = compose(["dataset=ring8"])
    specs = [base.with_seed(seed) for seed in range(MANY)]
    with timed(f"queueing {MANY:,} trials", "60 s"):
        backlog.offer(study, specs)
    for spec in specs:
        folder = study / "trials" / spec.key
        scores = (Score("frechet_2k", 1.0, 2000, "lower"),)
        config = spec.config()
        record = TrialRecord(
            spec.key, config, Outcome("finished", 1), scores, provenance={"seconds": {"total": 1.0}}
        )
        commit(folder, attempt_folder(folder, 0), record)
    with timed(f"`status` of {MANY:,} trials, all done", "1 s", "{:.2f} s".format):
        assert status(study).done == MANY


def crowd(runs: Path) -> None:
    """Let 16 workers answer a study without training, and count what is lost or doubled."""
    study = new_study(runs / "crowd")
    base = compose(["dataset=ring8"])
    backlog.offer(study, [base.with_seed(seed) for seed in range(1_000)])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    began = time.perf_counter()
    running = [
        subprocess.Popen([sys.executable, "-c", ANSWER, str(study)], env=environment)
        for _ in range(16)
    ]
    codes = [process.wait() for process in running]
    seconds = time.perf_counter() - began
    done = len(list(study.glob("trials/*/result.json")))
    counts = backlog.counts(study)
    lost = 1_000 - min(done, counts["complete"])
    found = f"{lost} lost, {sum(map(bool, codes))} workers failed ({seconds:.0f} s)"
    row("1,000 trials among 16 workers that train nothing", found, "0 lost")


def starting(runs: Path) -> None:
    """Run short trials in one worker, and time from one result to the next."""
    words = [
        "dataset=ring8",
        "budget.steps=1",
        "protocol.samples=100",
        "seeds=12",
        "--study",
        "short",
    ]
    ablation("sweep", *words, "--runs", str(runs), "--workers", "1", "--no-report")
    ends = sorted(p.stat().st_mtime for p in (runs / "short").glob("trials/*/result.json"))
    each = [after - before for before, after in itertools.pairwise(ends)]
    found = f"{statistics.median(each):.2f} s (from {min(each):.2f} to {max(each):.2f})"
    row("a whole trial of one step after the first, in a worker", found, "0.7 s")


def workers(runs: Path) -> None:
    """Run the quickstart with one worker and with two."""
    seconds = {}
    for count in (1, 2):
        began = time.perf_counter()
        ablation("sweep", "quickstart", "--study", f"q{count}", "--runs", str(runs),
                 "--workers", str(count), "--no-report")  # fmt: skip
        seconds[count] = time.perf_counter() - began
    share = f"{seconds[2] / seconds[1]:.2f} ({seconds[2]:.0f} s of {seconds[1]:.0f} s)"
    row("quickstart with two workers, as a share of one worker's time", share, "0.55")


def main() -> None:
    """Print a row for each measurement."""
    runs = Path(tempfile.mkdtemp(prefix="sweeps-"))
    print("| what | measured | at most |")
    print("|---|---|---|")
    try:
        for measure in (planning, crowd, starting, workers):
            measure(runs)
    finally:
        shutil.rmtree(runs)


if __name__ == "__main__":
    main()
