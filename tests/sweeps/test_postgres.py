"""A study whose index lies in PostgreSQL: a real server, real connections, real kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from crowds import Crowd, wait_for
from servers import Postgres

from ablation.files import locked, read_yaml
from ablation.record import read_record
from ablation.spec import TrialSpec
from sweeps import backlog
from sweeps.storages import JOURNAL, place_of

pytestmark = pytest.mark.slow


TINY = ["dataset=ring8", "dataset.points=2000", "architecture.width=16", "budget=smoke"]


@pytest.fixture
def ablation(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line, in a folder of the test's own."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ablation", *words],
            capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=600,
        )  # fmt: skip

    return run


@pytest.mark.long
def test_a_sweep_from_first_to_last(
    tmp_path: Path, server: Postgres, ablation: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    url, study = server.url(), tmp_path / "runs" / "s"
    words = ["sweep", *TINY, "activation=relu,tanh", "seeds=2", "--study", "s", "--workers", "2"]
    done = ablation(*words, f"storage={url}", "--no-report")
    assert done.returncode == 0, done.stderr
    assert not (study / "journal.log").exists()
    kept = read_yaml(study / "study.yaml")
    assert kept["storage"] == url
    assert not [word for word in kept["overrides"] if "storage" in word], "it asks for no trial"
    assert states(server, study) == {"COMPLETE": 4}
    storage = optuna.storages.RDBStorage(url)
    found = optuna.load_study(study_name=place_of(study).study, storage=storage).trials
    storage.engine.dispose()
    assert all(trial.user_attrs["worker"]["host"] for trial in found)

    again = ablation(*words, "--no-report")
    assert again.returncode == 0, again.stderr
    assert "4 trials done, 0 to run" in again.stderr
    assert read_yaml(study / "study.yaml") == kept
    other = ablation(*words, "storage=postgresql://me@elsewhere/x")
    assert other.returncode == 2
    assert f"s keeps its index in {url}, not in postgresql://me@elsewhere/x" in other.stderr
    assert json.loads(ablation("status", "s", "--json").stdout)["done"] == 4
    assert f"{place_of(study).study} in {url}: 4 finished" in ablation("doctor", "s").stdout

    key = sorted(path.name for path in (study / "trials").iterdir())[0]
    assert ablation("retry", "s", key).returncode == 0
    assert states(server, study) == {"COMPLETE": 4, "WAITING": 1}
    assert ablation("worker", "s").returncode == 0
    assert states(server, study) == {"COMPLETE": 5}
    assert (study / "trials" / key / "result.1.json").exists()

    before = place_of(study).study
    assert ablation("doctor", "s", "--rebuild").returncode == 0
    assert place_of(study).study != before
    assert states(server, study) == {"COMPLETE": 4}
    assert ablation("doctor", "s", "--rebuild", "--storage", JOURNAL).returncode == 0
    assert "storage" not in read_yaml(study / "study.yaml")
    assert backlog.counts(study)["complete"] == 4
    assert (study / "journal.log").exists()
    assert ablation("doctor", "s", "--rebuild", "--storage", url).returncode == 0
    assert not (study / "journal.log").exists()
    assert (study / "journal.log.old").exists()
    assert states(server, study) == {"COMPLETE": 4}
    more = ablation(*[w if w != "seeds=2" else "seeds=3" for w in words], "--no-report")
    assert more.returncode == 0, more.stderr
    assert states(server, study) == {"COMPLETE": 6}


def states(server: Postgres, study: Path) -> dict[str, int]:
    """Count the trials of a study by their state, as the database has them."""
    rows = server.ask(
        "postgres",
        "select state, count(*) from trials join studies using (study_id)"
        f" where study_name = '{place_of(study).study}' group by state",
    )
    return {row.split("|")[0]: int(row.split("|")[1]) for row in rows.splitlines()}


def test_two_workers_answer_all_and_a_killed_ones_trial_is_run_again(
    shared: Path, server: Postgres, four: list[TrialSpec], crowd: Crowd
) -> None:
    backlog.offer(shared, four)
    words = ("-m", "ablation", "worker", shared.name, "--runs", str(shared.parent))
    first, second = crowd.start(*words), crowd.start(*words)
    assert wait_for(crowd.trials, 300)
    os.kill(first.pid, signal.SIGKILL)
    output, _ = second.communicate(timeout=600)
    assert second.returncode == 0, output
    assert crowd.gone(300), "orphans"
    rest = crowd.start(*words)  # the second may have ended before the first's trial was free
    output, _ = rest.communicate(timeout=600)
    assert rest.returncode == 0, output
    for spec in four:
        record = read_record(shared / "trials" / spec.key)
        assert record is not None, f"{spec.key} was lost"
        assert record.outcome.kind == "finished"
        assert not list((shared / "trials" / spec.key).glob("result.*.json"))
    found = states(server, shared)
    assert found.pop("FAIL", 0) <= 1
    assert found == {"COMPLETE": len(four)}


@pytest.mark.long
def test_a_sweep_waits_for_a_server_that_is_started_again(
    tmp_path: Path, server: Postgres, crowd: Crowd
) -> None:
    study = tmp_path / "runs" / "s"
    words = ["sweep", *TINY, "seeds=6", "--study", "s", "--workers", "2", "--no-report"]
    words += ["--runs", str(study.parent), f"storage={server.url()}"]
    process = crowd.start("-m", "ablation", *words)
    assert wait_for(lambda: list(study.glob("trials/*/result.json")), 300)
    with locked(study / ".lock"):  # nobody is in the middle of an access
        server.stop()
    time.sleep(5)
    server.start()
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    assert states(server, study) == {"COMPLETE": 6}
