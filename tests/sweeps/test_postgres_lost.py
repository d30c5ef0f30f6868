"""A PostgreSQL server that goes away: for a moment, in the middle, for good."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from servers import Postgres
from steps import claimed

from ablation.record import TrialRecord
from ablation.spec import TrialSpec
from sweeps import backlog, index

pytestmark = pytest.mark.slow


Answer = Callable[..., TrialRecord]


def begin_as_it_dies(study: Path, server: Postgres) -> None:
    with index.opened(study) as opened:
        row = next(opened.rows("waiting"))
        server.stop("immediate")
        opened.start(row, 0)


def test_a_server_lost_in_the_middle_loses_nothing(
    shared: Path, server: Postgres, four: list[TrialSpec], answer: Answer
) -> None:
    backlog.offer(shared, four)
    first = claimed(shared)
    record = answer(first)
    try:
        with pytest.raises(ConnectionError, match=r"went away in the middle.*nothing is lost"):
            begin_as_it_dies(shared, server)
    finally:
        server.start()
    backlog.tell(shared, first, record)
    backlog.offer(shared, four)  # what a crash takes from the index, a launch offers again
    rest = [claimed(shared) for _ in four[1:]]
    assert [claim.key for claim in rest] == [spec.key for spec in four[1:]]
    for claim in rest:
        os.close(claim.lease)
    backlog.rebuild(shared)  # a crash may take the last half second; the folders have it
    assert backlog.counts(shared)["complete"] == 1


def test_a_connection_that_breaks_in_the_middle_is_made_again(
    shared: Path, server: Postgres, four: list[TrialSpec], answer: Answer
) -> None:
    """A trigger ends our connection at one write after another, each time before it counts."""
    backlog.offer(shared, four)
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
        assert claim.key == four[0].key
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
    shared: Path, server: Postgres, four: list[TrialSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    backlog.offer(shared, four)
    monkeypatch.setattr(index, "PATIENCE", 3.0)
    server.stop()
    try:
        began = time.monotonic()
        with pytest.raises(ConnectionError, match=r"does not let us in.*nothing is lost"):
            backlog.claim(shared)
        assert time.monotonic() - began >= 3
    finally:
        server.start()
    assert backlog.counts(shared)["waiting"] == len(four)
