"""Several machines, launches, forks and studies on one PostgreSQL server."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from crowds import Crowd, new_study, wait_for
from servers import Postgres
from steps import claimed

from ablation.spec import TrialSpec
from sweeps import backlog, index
from sweeps.storages import keep, new_place, place_of

pytestmark = pytest.mark.slow


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


def test_the_lock_holds_between_machines_that_share_no_file_locks(
    shared: Path, server: Postgres, four: list[TrialSpec], tmp_path: Path, crowd: Crowd
) -> None:
    """The other machine is played by another folder, whose lock file is another one."""
    backlog.offer(shared, four)
    other = tmp_path / "elsewhere" / shared.name
    new_study(other)
    keep(other, place_of(shared))
    backlog.folders.write_configs(other, {spec.key: spec for spec in four})
    waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    with index.opened(shared) as opened:
        process = crowd.start("-c", CLAIM, str(other))
        assert wait_for(lambda: server.ask("postgres", waits) == "1", 300)
        opened.start(next(opened.rows("waiting")), 0)
        assert process.poll() is None
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    assert output.split() == ["asks", four[1].key], "it sees what we began"


@pytest.mark.long
def test_a_killed_holder_frees_the_lock_and_its_trial_runs(
    shared: Path, four: list[TrialSpec], crowd: Crowd
) -> None:
    backlog.offer(shared, four)
    process = crowd.start("-c", HOLD, str(shared))
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    os.kill(process.pid, signal.SIGKILL)
    keys = [claimed(shared).key for _ in four]
    assert sorted(keys) == sorted(spec.key for spec in four)
    assert backlog.counts(shared)["fail"] == 1, "the one that it had begun"


def test_two_studies_of_one_name_share_a_database_and_nothing_else(
    shared: Path, server: Postgres, four: list[TrialSpec], tmp_path: Path
) -> None:
    other = new_study(tmp_path / "other" / shared.name)
    keep(other, new_place(other, server.url()))
    assert backlog.offer(shared, four) == 4
    assert backlog.offer(other, four[:2]) == 2
    with index.opened(shared):  # the lock is the study's own
        assert claimed(other).key == four[0].key
    assert backlog.counts(other)["waiting"] == 1
    assert backlog.counts(shared)["waiting"] == 4


def test_first_launches_at_once_make_the_tables_of_an_empty_database(
    server: Postgres, four: list[TrialSpec], tmp_path: Path, crowd: Crowd
) -> None:
    url, started = server.new("empty"), []
    for number in range(3):
        study = new_study(tmp_path / str(number) / "s")
        keep(study, new_place(study, url))
        backlog.folders.write_configs(study, {four[0].key: four[0]})
        started.append(crowd.start("-c", CLAIM.replace(".key", ""), str(study)))
    for process in started:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output
    assert server.ask("empty", "select count(*) from studies") == "3"


def test_a_fork_has_a_connection_of_its_own_and_none_stays_open(
    shared: Path, server: Postgres, four: list[TrialSpec]
) -> None:
    backlog.offer(shared, four)
    first = claimed(shared)
    ours = "select count(*) from pg_stat_activity where application_name = 'ablation'"
    assert server.ask("postgres", ours) == "0"
    assert in_fork(lambda: claimed(shared).key) == four[1].key
    assert claimed(shared).key == four[2].key
    assert backlog.counts(shared)["fail"] == 1, "the fork's lease ended with it"
    assert first.key == four[0].key
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
    shared: Path, four: list[TrialSpec], tiny: TrialSpec, crowd: Crowd
) -> None:
    """A process remembers what waits: others take from it, and add a few or many."""
    backlog.offer(shared, four[:2])
    assert claimed(shared).key == four[0].key
    more = [tiny.with_seed(100 + number) for number in range(60)]
    thief = crowd.start("-c", CLAIM, str(shared))
    output, _ = thief.communicate(timeout=600)
    assert output.split() == ["asks", four[1].key]
    assert in_fork(lambda: backlog.offer(shared, four[2:])) == "2"
    assert claimed(shared).key == four[2].key
    assert in_fork(lambda: backlog.offer(shared, more)) == "60"
    rest = [claimed(shared).key for _ in range(4)]
    assert rest == [four[3].key, four[1].key, more[0].key, more[1].key]
