"""Optuna's dashboard opens an index wherever it lies: asked over HTTP, as a browser asks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from crowds import wait_for
from servers import free_port

from ablation.record import TrialRecord
from ablation.spec import TrialSpec
from sweeps import backlog
from sweeps.storages import place_of

pytestmark = pytest.mark.slow
PROGRAM = Path(sys.executable).with_name("optuna-dashboard")


@pytest.fixture(params=["journal", "postgresql"])
def study(request: pytest.FixtureRequest, study: Path) -> Path:
    if request.param == "postgresql":
        request.getfixturevalue("shared")
    return study


@contextmanager
def dashboard(storage: str, log: Path) -> Iterator[Callable[[str], Any]]:
    """Serve a storage on loopback; yield a function that asks the interface behind the pages."""
    if not PROGRAM.exists():
        pytest.skip("optuna-dashboard is not installed (it comes with [dev])")
    home = f"http://127.0.0.1:{(port := free_port())}"

    # urllib keeps the proxies that it met first, which an earlier test may have set
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(path: str) -> Any:
        with direct.open(f"{home}{path}", timeout=60) as answer:
            return json.load(answer)

    def up() -> bool:
        try:
            return bool(ask("/api/meta"))
        except (urllib.error.URLError, ConnectionError):
            return process.poll() is not None

    with open(log, "wb") as out:
        process = subprocess.Popen(
            [str(PROGRAM), storage, "--host", "127.0.0.1", "--port", str(port)],
            stdout=out,
            stderr=out,
            env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")},
        )
    try:
        assert wait_for(up, 300), log.read_text()
        assert process.poll() is None, log.read_text()
        yield ask
    finally:
        process.terminate()
        process.wait(timeout=300)


def test_the_dashboard_shows_a_study_and_the_state_of_its_trials(
    study: Path, tiny: TrialSpec, answer: Callable[..., TrialRecord], tmp_path: Path
) -> None:
    specs = [tiny.with_seed(seed) for seed in range(4)]
    backlog.offer(study, specs)
    claims = [backlog.claim(study) for _ in range(3)]
    assert all(claims)
    done, crashed, running = claims
    backlog.tell(study, done, answer(done, value=1.5))
    backlog.tell(study, crashed, answer(crashed, "crashed", "boom"))
    place = place_of(study)
    name, storage = place.study or study.name, place.url or str(study / "journal.log")
    with dashboard(storage, tmp_path / "dashboard.log") as ask:
        (found,) = [
            row for row in ask("/api/studies")["study_summaries"] if row["study_name"] == name
        ]
        trials = ask(f"/api/studies/{found['study_id']}")["trials"]
    assert Counter(trial["state"] for trial in trials) == {
        "Complete": 1, "Fail": 1, "Running": 1, "Waiting": 1,
    }  # fmt: skip
    keys = [{row["key"]: row["value"] for row in trial["user_attrs"]}["key"] for trial in trials]
    assert keys == [spec.key for spec in specs]
    assert trials[0]["values"] == [1.5]
    os.close(running.lease)
