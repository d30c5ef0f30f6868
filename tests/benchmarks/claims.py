"""How long a queue takes: offering trials, taking the first and the next ones, telling an answer.

`python tests/benchmarks/claims.py [COUNT...]` prints a table for the journal, and for PostgreSQL where a server can be
started. Nothing is trained. The first claim of a process reads what waits, the others need not.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "sweeps"))

from crowds import new_study
from servers import missing, postgres

from ablation.compose import compose
from ablation.record import Outcome, TrialRecord, attempt_folder, commit
from sweeps import backlog
from sweeps import postgres as database
from sweeps.embedded import _load
from sweeps.storages import keep, new_place

CLAIMS = 20


def row(study: Path, count: int) -> dict[str, float]:
    """Return seconds: the whole offer; then, of one fresh reader, the first claim and the medians of later ones."""
    base, clock = compose(["dataset=ring8", "budget=smoke"]), time.perf_counter
    specs = [base.with_seed(seed) for seed in range(count)]
    began = clock()
    backlog.offer(study, specs)
    offer = clock() - began
    _load.cache_clear()
    database._server.cache_clear()
    claims, tells = [], []
    for _ in range(CLAIMS):
        began = clock()
        claim = backlog.claim(study)
        claims.append(clock() - began)
        assert claim is not None
        record = TrialRecord(claim.key, {}, Outcome("finished", 1))
        commit(claim.folder, attempt_folder(claim.folder, claim.attempt), record)
        began = clock()
        backlog.tell(study, claim, record)
        tells.append(clock() - began)
    claim = backlog.claim(study)
    assert claim is not None
    began = clock()
    backlog.release(study, claim)
    release = clock() - began
    return {
        "offer": offer,
        "first claim": claims[0],
        "claim": statistics.median(claims[1:]),
        "tell": statistics.median(tells),
        "release": release,
    }


def main() -> None:
    """Print a row for each storage and number of waiting trials."""
    counts = [int(word) for word in sys.argv[1:]] or [1_000, 10_000]
    why = missing()
    home = Path(tempfile.mkdtemp(prefix="claims-"))
    home.chmod(0o755)  # the server's user goes through it
    try:
        print("| storage | waiting | offer | first claim | claim | tell | release |")
        print("|---|---|---|---|---|---|---|")
        for count in counts:
            told("journal", count, row(new_study(home / f"journal-{count}"), count))
        if why:
            print(f"no row for PostgreSQL: {why}")
            return
        with postgres(home / "server") as server:
            for count in counts:
                study = new_study(home / f"postgres-{count}")
                keep(study, new_place(study, server.url()))
                told("PostgreSQL", count, row(study, count))
    finally:
        shutil.rmtree(home)


def told(storage: str, count: int, seconds: dict[str, float]) -> None:
    """Print one row, in milliseconds but for the offer."""
    rest = " | ".join(f"{1000 * v:.1f} ms" for k, v in seconds.items() if k != "offer")
    print(f"| {storage} | {count:,} | {seconds['offer']:.1f} s | {rest} |", flush=True)


if __name__ == "__main__":
    os.nice(5)
    main()
