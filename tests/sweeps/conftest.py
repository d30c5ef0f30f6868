"""Studies of tiny real trials, answers without training, and the processes of a launch."""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crowds import Crowd, new_study
from servers import Postgres, missing, postgres

from ablation.compose import compose
from ablation.record import Outcome, Score, TrialRecord, attempt_folder, commit
from ablation.spec import TrialSpec
from sweeps.backlog import Claim
from sweeps.storages import keep, new_place


@pytest.fixture(scope="session")
def tiny() -> TrialSpec:
    return compose(["dataset=ring8", "budget=smoke", "budget.steps=30", "protocol.samples=100"])


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return new_study(tmp_path / "runs" / "s")


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A PostgreSQL server of this session's own, in a folder that its user may enter."""
    if why := missing():
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="ablation-postgres-") as folder:
        Path(folder).chmod(0o755)
        with postgres(Path(folder) / "server") as server:
            yield server


@pytest.fixture
def shared(study: Path, server: Postgres) -> Path:
    """The study, its index in the server's database."""
    keep(study, new_place(study, server.url()))
    return study


@pytest.fixture
def answer() -> Callable[..., TrialRecord]:
    return commit_answer


def commit_answer(
    claim: Claim, kind: str = "finished", message: str = "", value: float = 1.5
) -> TrialRecord:
    """Commit an answer as a trial does, without training."""
    scratch = attempt_folder(claim.folder, claim.attempt)
    (scratch / "log.txt").write_text(f"attempt {claim.attempt}\n")
    scores = (Score("modes", 3.0, 9, "higher"), Score("frechet", value, 9, "lower"))
    record = TrialRecord(claim.key, {}, Outcome(kind, 30, message), scores)
    assert commit(claim.folder, scratch, record), f"{claim.key} was answered twice"
    return record


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    if sys.platform != "linux":
        pytest.skip("processes are found through /proc")
    crowd = Crowd(uuid.uuid4().hex)
    yield crowd
    for pid in crowd.alive():  # ours alone: nobody else carries the mark
        os.kill(pid, 9)
    for process in crowd.started:
        process.communicate(timeout=300)


@pytest.fixture(params=["journal", pytest.param("postgresql", marks=pytest.mark.slow)])
def each_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A study whose queue lies in each storage."""
    study = new_study(tmp_path / "runs" / "s")
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("server")
        keep(study, new_place(study, server.url()))
    return study


@pytest.fixture
def specs(tiny: TrialSpec) -> list[TrialSpec]:
    return [tiny.with_seed(seed) for seed in range(5)]


@pytest.fixture
def four(tiny: TrialSpec) -> list[TrialSpec]:
    return [tiny.with_seed(seed) for seed in range(4)]
