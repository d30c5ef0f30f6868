from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from crowds import Crowd, new_study, wait_for

from ablation import trial
from ablation.files import sha256
from ablation.record import read_record, write_config
from ablation.spec import TrialSpec
from sweeps import backlog

WORKERS = 4
LAUNCH = """
import sys
from pathlib import Path
from sweeps.launch import launch
print(launch(Path(sys.argv[1]), workers=int(sys.argv[2]), devices="cpu", progress=sys.stdout))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trials", "deaths", "steps"),
    [(30, 10, 25), pytest.param(240, 200, 60, marks=pytest.mark.long)],
    ids=["ten", "two_hundred"],
)
def test_kills_among_four_workers_and_every_trial_is_answered_once(
    trials: int, deaths: int, steps: int, tmp_path: Path, tiny: TrialSpec, crowd: Crowd
) -> None:
    spec = replace(tiny, budget=replace(tiny.budget, steps=steps))
    specs = [spec.with_seed(seed) for seed in range(trials)]
    study = new_study(tmp_path / "runs" / "s")
    assert backlog.offer(study, specs) == trials

    process = crowd.start("-c", LAUNCH, str(study), str(WORKERS))
    kills = storm(crowd, study, trials, deaths)
    output, _ = process.communicate(timeout=60 + 20 * trials)
    assert f"Summary(done={trials}, failed=0, missing=0" in output, output
    assert len(kills) == deaths
    assert {"worker", "trial"} == set(kills)
    assert crowd.gone(), "orphans"

    found = {one: read_record(study / "trials" / one.key) for one in specs}
    for one, record in found.items():
        assert record is not None, f"{one.key} was lost"
        assert record.key == one.key
        assert record.outcome.kind == "finished"
        folder = study / "trials" / one.key
        assert [p.name for p in folder.glob("result*.json")] == ["result.json"]
        assert not list(folder.glob(".attempt-*"))
    counts = backlog.counts(study)
    assert (counts["complete"], counts["waiting"], counts["running"]) == (trials, 0, 0)

    hit = [one for one, record in found.items() if record and record.provenance["attempt"]]
    assert hit, "at least one trial was hit and run again"
    for one in {*hit, *specs[::5]}:
        write_config(tmp_path / one.key, one)
        calm, record = trial.run(tmp_path / one.key), found[one]
        assert record is not None
        assert (record.weights, record.scores) == (calm.weights, calm.scores)
        for name in ("readings.parquet", "samples.png"):
            assert record.files[name] == sha256(tmp_path / one.key / name)


def storm(crowd: Crowd, study: Path, trials: int, deaths: int) -> list[str]:
    """Kill workers and trials at random times while there are trials left to run."""
    dice, kills, hit = random.Random(7), [], Counter[str]()
    assert wait_for(lambda: len(crowd.trials()) >= 2, 300)
    until = time.monotonic() + 100 + 15 * deaths
    while len(kills) < deaths and time.monotonic() < until:
        if len(list(study.glob("trials/*/result.json"))) >= trials:
            break
        # Every third time a worker. A trial's third death of its own would rightly be a crash.
        mortal = [pid for pid, key in crowd.trials().items() if hit[key] < 2]
        victims = crowd.workers() if len(kills) % 3 == 2 else mortal
        if not victims:
            time.sleep(0.05)
            continue
        victim = dice.choice(victims)
        hit[crowd.trials().get(victim, "")] += 1
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue
        kills.append("worker" if len(kills) % 3 == 2 else "trial")
        time.sleep(dice.uniform(0.05, 0.6))
    return kills
