"""Workers as tasks of a Ray cluster of two nodes on this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import MINUTES, answered_once, sweep
from crowds import Crowd, wait_for

from sweeps.status import status

pytest.importorskip("ray", reason="ray is not installed: pip install ray")
pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head without places for tasks, and two nodes with one each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        yield found
    finally:
        found.shutdown()


def results(study: Path) -> int:
    return len(list(study.glob("trials/*/result.json")))


@pytest.mark.long
def test_a_lost_node_costs_no_trial_and_none_is_run_twice(
    tmp_path: Path, crowd: Crowd, cluster: Any
) -> None:
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    study = tmp_path / "runs" / "s"
    words = ("launcher=ray", f"launcher.address={cluster.address}", "launcher.workers=2")
    process = sweep(crowd, study, "seeds=4", "budget.steps=500", *words)
    assert wait_for(lambda: len(crowd.trials()) == 2 or process.poll() is not None, MINUTES)
    assert results(study) < 8
    early = set(crowd.workers())
    cluster.remove_node(nodes[0], allow_graceful=False)
    assert wait_for(lambda: len(early & set(crowd.workers())) == 1, MINUTES), (
        "it ends with its node"
    )
    cluster.add_node(num_cpus=1)
    output, _ = process.communicate(timeout=2 * MINUTES)
    assert process.returncode == 0, output
    assert "2 workers go to Ray (3 nodes)" in output
    answered_once(study, 8)
    assert status(study).outcomes["finished"] == 8
    assert not crowd.workers()


@pytest.mark.long
def test_ctrl_c_takes_the_tasks_back(tmp_path: Path, crowd: Crowd, cluster: Any) -> None:
    cluster.add_node(num_cpus=1)
    study = tmp_path / "runs" / "s"
    words = ("launcher=ray", f"launcher.address={cluster.address}", "launcher.workers=2")
    process = sweep(crowd, study, "seeds=2", "budget.steps=500", *words)
    assert wait_for(lambda: len(crowd.trials()) == 1 or process.poll() is not None, MINUTES)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=MINUTES)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert wait_for(lambda: not crowd.workers(), MINUTES)
    now = status(study)
    assert (now.done, now.running, now.waiting) == (0, 0, 4)
    log = next(path for path in study.glob("logs/ray-*.log") if path.stat().st_size)
    assert ": stopped after" in log.read_text()
