from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from ablation.spec import TrialSpec
from sweeps import backlog, journal

LINE = b'{"op_code":4,"study_id":0}\n'


@pytest.mark.parametrize(
    "torn",
    [
        b'{"op_code":4,"stu',
        b'{"op_code":4}',
        b'{"op_code":4,"s\n',
        b"\0" * 5000,
        b"\0\n",
        b"7\n",
        b'{"op": 1}\n',
        b'{"a\n{"op_code":1',
        b"\xff\xfe\n",
    ],
)
def test_a_torn_tail_is_cut_and_nothing_else(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "journal.log"
    path.write_bytes(LINE * 300 + torn)
    assert journal.cut_torn_tail(path) == len(torn)
    assert path.read_bytes() == LINE * 300
    assert journal.cut_torn_tail(path) == 0


def test_a_journal_of_nothing_but_a_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    path.write_bytes(b"x" * 9000)
    assert journal.cut_torn_tail(path) == 9000
    assert path.read_bytes() == b""


def test_a_long_last_line_stays(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    long = b'{"op_code":4,"text":"' + b"y" * 20_000 + b'"}\n'
    path.write_bytes(LINE + long)
    assert journal.cut_torn_tail(path) == 0


def test_a_queue_goes_on_after_a_torn_write(study: Path, tiny: TrialSpec) -> None:
    specs = [tiny.with_seed(seed) for seed in range(3)]
    backlog.offer(study, specs)
    with open(study / "journal.log", "ab") as file:
        file.write(b'{"op_code":6,"worker_id":"somebody","trial_i')
    claim = backlog.claim(study)
    assert claim is not None
    assert claim.key == specs[0].key
    assert backlog.counts(study)["waiting"] == 2


def test_optuna_itself_reads_the_journal(study: Path, tiny: TrialSpec) -> None:
    backlog.offer(study, [tiny, tiny.with_seed(1)])
    backlog.claim(study)
    backend = optuna.storages.journal.JournalFileBackend(str(study / "journal.log"))
    found = optuna.load_study(study_name="s", storage=optuna.storages.JournalStorage(backend))
    states = [trial.state.name for trial in found.trials]
    assert states == ["RUNNING", "WAITING"]
    assert found.trials[1].user_attrs["key"] == tiny.with_seed(1).key


def test_a_journal_damaged_in_the_middle_is_named_and_can_be_made_again(
    study: Path, tiny: TrialSpec
) -> None:
    backlog.offer(study, [tiny, tiny.with_seed(1), tiny.with_seed(2)])
    path = study / "journal.log"
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = b"".join([lines[0], lines[1][:20] + b"\n", *lines[2:]])
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"journal\.log is damaged.*doctor s --rebuild"):
        backlog.claim(study)
    assert path.read_bytes() == damaged
    assert backlog.rebuild(study) == 3
    assert (study / "journal.log.old").read_bytes() == damaged
    assert backlog.counts(study)["waiting"] == 3
