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
from crowds import Crowd, new_study, wait_for
from servers import Postgres
from steps import claimed

from ablation.files import locked, read_yaml
from ablation.record import TrialRecord, read_record
from ablation.spec import TrialSpec
from sweeps import backlog, index
from sweeps.storages import JOURNAL, keep, new_place, place_of

pytestmark = pytest.mark.slow
TINY = ["dataset=ring8", "dataset.points=2000", "architecture.width=16", "budget=smoke"]
Answer = Callable[..., TrialRecord]

CLAIM = """
import sys
from pathlib import Path
from sweeps import backlog
print("asks", flush=True)
print(backlog.claim(Path(sys.argv[1])).key, flush=True)
"""
HOLD = """
import sys, time
from pathlib import Path
from sweeps.index import opened
with opened(Path(sys.argv[1])) as index:
    index.start(next(index.rows("waiting")), 0)
    print("holds", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def specs(tiny: TrialSpec) -> list[TrialSpec]:
    return [tiny.with_seed(seed) for seed in range(4)]


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


def in_fork(work: Callable[[], object]) -> str:
    """Return what `work` returns in a fork of this process, as text."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(theirs, str(work()).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


def test_two_workers_answer_all_and_a_killed_ones_trial_is_run_again(
    shared: Path, server: Postgres, specs: list[TrialSpec], crowd: Crowd
) -> None:
    backlog.offer(shared, specs)
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
    for spec in specs:
        record = read_record(shared / "trials" / spec.key)
        assert record is not None, f"{spec.key} was lost"
        assert record.outcome.kind == "finished"
        assert not list((shared / "trials" / spec.key).glob("result.*.json"))
    found = states(server, shared)
    assert found.pop("FAIL", 0) <= 1
    assert found == {"COMPLETE": len(specs)}


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


def begin_as_it_dies(study: Path, server: Postgres) -> None:
    with index.opened(study) as opened:
        row = next(opened.rows("waiting"))
        server.stop("immediate")
        opened.start(row, 0)


def test_a_server_lost_in_the_middle_loses_nothing(
    shared: Path, server: Postgres, specs: list[TrialSpec], answer: Answer
) -> None:
    backlog.offer(shared, specs)
    first = claimed(shared)
    record = answer(first)
    try:
        with pytest.raises(ConnectionError, match=r"went away in the middle.*nothing is lost"):
            begin_as_it_dies(shared, server)
    finally:
        server.start()
    backlog.tell(shared, first, record)
    backlog.offer(shared, specs)  # what a crash takes from the index, a launch offers again
    rest = [claimed(shared) for _ in specs[1:]]
    assert [claim.key for claim in rest] == [spec.key for spec in specs[1:]]
    for claim in rest:
        os.close(claim.lease)
    backlog.rebuild(shared)  # a crash may take the last half second; the folders have it
    assert backlog.counts(shared)["complete"] == 1


def test_a_connection_that_breaks_in_the_middle_is_made_again(
    shared: Path, server: Postgres, specs: list[TrialSpec], answer: Answer
) -> None:
    """A trigger ends our connection at one write after another, each time before it counts."""
    backlog.offer(shared, specs)
    server.ask(
        "postgres",
        "create sequence turn; create function hang_up() returns trigger language plpgsql as $$ begin"
        " if nextval('turn') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if;"
        " return new; end $$; create trigger hang_up before update on trials for each row"
        " execute function hang_up()",
    )
    try:
        claim = claimed(shared)
        again = "select last_value from turn; alter sequence turn restart"
        assert int(server.ask("postgres", again).splitlines()[0]) > 1, "it was hung up on"
        assert claim.key == specs[0].key
        backlog.tell(shared, claim, answer(claim))
        assert int(server.ask("postgres", again).splitlines()[0]) > 1
        claim = claimed(shared)
        server.ask("postgres", again)
        backlog.release(shared, claim)
    finally:
        server.ask("postgres", "drop function hang_up cascade; drop sequence turn")
    assert backlog.counts(shared) == {
        "running": 0, "complete": 1, "pruned": 0, "fail": 1, "waiting": 3,
    }  # fmt: skip


@pytest.mark.long
def test_a_server_away_for_longer_ends_the_access(
    shared: Path, server: Postgres, specs: list[TrialSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    backlog.offer(shared, specs)
    monkeypatch.setattr(index, "PATIENCE", 3.0)
    server.stop()
    try:
        began = time.monotonic()
        with pytest.raises(ConnectionError, match=r"does not let us in.*nothing is lost"):
            backlog.claim(shared)
        assert time.monotonic() - began >= 3
    finally:
        server.start()
    assert backlog.counts(shared)["waiting"] == len(specs)


def test_the_lock_holds_between_machines_that_share_no_file_locks(
    shared: Path, server: Postgres, specs: list[TrialSpec], tmp_path: Path, crowd: Crowd
) -> None:
    """The other machine is played by another folder, whose lock file is another one."""
    backlog.offer(shared, specs)
    other = tmp_path / "elsewhere" / shared.name
    new_study(other)
    keep(other, place_of(shared))
    backlog.folders.write_configs(other, {spec.key: spec for spec in specs})
    waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    with index.opened(shared) as opened:
        process = crowd.start("-c", CLAIM, str(other))
        assert wait_for(lambda: server.ask("postgres", waits) == "1", 300)
        opened.start(next(opened.rows("waiting")), 0)
        assert process.poll() is None
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    assert output.split() == ["asks", specs[1].key], "it sees what we began"


@pytest.mark.long
def test_a_killed_holder_frees_the_lock_and_its_trial_runs(
    shared: Path, specs: list[TrialSpec], crowd: Crowd
) -> None:
    backlog.offer(shared, specs)
    process = crowd.start("-c", HOLD, str(shared))
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    os.kill(process.pid, signal.SIGKILL)
    keys = [claimed(shared).key for _ in specs]
    assert sorted(keys) == sorted(spec.key for spec in specs)
    assert backlog.counts(shared)["fail"] == 1, "the one that it had begun"


def test_two_studies_of_one_name_share_a_database_and_nothing_else(
    shared: Path, server: Postgres, specs: list[TrialSpec], tmp_path: Path
) -> None:
    other = new_study(tmp_path / "other" / shared.name)
    keep(other, new_place(other, server.url()))
    assert backlog.offer(shared, specs) == 4
    assert backlog.offer(other, specs[:2]) == 2
    with index.opened(shared):  # the lock is the study's own
        assert claimed(other).key == specs[0].key
    assert backlog.counts(other)["waiting"] == 1
    assert backlog.counts(shared)["waiting"] == 4


def test_first_launches_at_once_make_the_tables_of_an_empty_database(
    server: Postgres, specs: list[TrialSpec], tmp_path: Path, crowd: Crowd
) -> None:
    url, started = server.new("empty"), []
    for number in range(3):
        study = new_study(tmp_path / str(number) / "s")
        keep(study, new_place(study, url))
        backlog.folders.write_configs(study, {specs[0].key: specs[0]})
        started.append(crowd.start("-c", CLAIM.replace(".key", ""), str(study)))
    for process in started:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output
    assert server.ask("empty", "select count(*) from studies") == "3"


def test_a_fork_has_a_connection_of_its_own_and_none_stays_open(
    shared: Path, server: Postgres, specs: list[TrialSpec]
) -> None:
    backlog.offer(shared, specs)
    first = claimed(shared)
    ours = "select count(*) from pg_stat_activity where application_name = 'ablation'"
    assert server.ask("postgres", ours) == "0"
    assert in_fork(lambda: claimed(shared).key) == specs[1].key
    assert claimed(shared).key == specs[2].key
    assert backlog.counts(shared)["fail"] == 1, "the fork's lease ended with it"
    assert first.key == specs[0].key
    assert server.ask("postgres", ours) == "0"


def test_a_kill_at_any_line_loses_nothing_and_doubles_nothing(
    server: Postgres, tmp_path: Path, crowd: Crowd
) -> None:
    """As with the journal, at a few of the lines; each death leaves the server to notice."""
    program = str(Path(__file__).with_name("kill_anywhere.py"))
    shard = (str(tmp_path), "0", "1499", server.url())
    process = crowd.start("-W", "ignore::DeprecationWarning", program, *shard)
    output, _ = process.communicate(timeout=1200)
    assert process.returncode == 0, output[-3000:]
    assert int(output) >= 6


def test_another_reader_sees_what_a_queue_gained_and_lost(
    shared: Path, specs: list[TrialSpec], tiny: TrialSpec, crowd: Crowd
) -> None:
    """A process remembers what waits: others take from it, and add a few or many."""
    backlog.offer(shared, specs[:2])
    assert claimed(shared).key == specs[0].key
    more = [tiny.with_seed(100 + number) for number in range(60)]
    thief = crowd.start("-c", CLAIM, str(shared))
    output, _ = thief.communicate(timeout=600)
    assert output.split() == ["asks", specs[1].key]
    assert in_fork(lambda: backlog.offer(shared, specs[2:])) == "2"
    assert claimed(shared).key == specs[2].key
    assert in_fork(lambda: backlog.offer(shared, more)) == "60"
    rest = [claimed(shared).key for _ in range(4)]
    assert rest == [specs[3].key, specs[1].key, more[0].key, more[1].key]
