"""The audit: starts, attempts and results of every key, and what is wrong with any of them."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from steps import claimed

from ablation.__main__ import main
from ablation.record import TrialRecord
from ablation.spec import TrialSpec
from sweeps import backlog
from sweeps.audit import Line, audit, lines
from sweeps.index import Entry, opened

Answer = Callable[..., TrialRecord]


def by_key(study: Path) -> dict[str, Line]:
    return {line.key: line for line in audit(study)}


@pytest.mark.slow
def test_every_start_attempt_and_result_is_counted(
    study: Path, tiny: TrialSpec, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    specs = [tiny.with_seed(seed) for seed in range(4)]
    backlog.offer(study, specs)
    plain = claimed(study)
    backlog.tell(study, plain, answer(plain))
    backlog.lost(study, claimed(study), "killed by SIGKILL")
    os.close(claimed(study).lease)  # its worker is gone, and nobody has noticed yet
    backlog.release(study, claimed(study))
    again = claimed(study)  # the killed one, behind whom the others were queued
    backlog.tell(study, again, answer(again, "crashed", "ValueError: no"))
    assert backlog.retry(study, [again.key]) == 1
    found = by_key(study)

    first = found[plain.key]
    assert (len(first.starts), first.attempts, first.results, first.aside) == (1, 1, 1, 0)
    assert (first.state, first.wrong) == ("finished", "")
    assert (first.starts[0].host, first.starts[0].pid) == (platform.node(), os.getpid())
    assert first.starts[0].started <= first.starts[0].ended
    retried = found[again.key]
    assert (len(retried.starts), retried.attempts) == (2, 2)
    assert (retried.results, retried.aside, retried.state) == (0, 1, "waiting")
    assert retried.starts[1].reason == "killed by SIGKILL"
    assert sorted(line.state for line in found.values()) == [
        "finished",
        "waiting",
        "waiting",
        "waiting",
    ]
    assert not any(line.wrong for line in found.values())

    told = lines(audit(study))
    assert told[-1] == (
        "4 keys: 1 with exactly one result, 3 without; started more than once: 1; nothing is wrong"
    )
    (study / "study.yaml").write_text("study: s\n")
    words = ["status", study.name, "--runs", str(study.parent), "--audit"]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines() == told
    assert main([*words, "--json"]) == 0
    assert {row["key"]: row["attempts"] for row in json.loads(capsys.readouterr().out)} == {
        key: line.attempts for key, line in found.items()
    }


def test_what_is_wrong_is_said(study: Path, tiny: TrialSpec, answer: Answer) -> None:
    specs = [tiny.with_seed(seed) for seed in range(5)]
    backlog.offer(study, specs)
    claims = [claimed(study) for _ in range(3)]
    for claim in claims:
        backlog.tell(study, claim, answer(claim))
    gone, lost, twice = claims
    shutil.rmtree(gone.folder)
    (lost.folder / "result.json").unlink()
    with opened(study) as index:
        index.add(Entry(twice.key, "cell"), "complete", 1.0)
        index.add(Entry(specs[3].key, "cell"))
    stray = study / "trials" / tiny.with_seed(9).key
    shutil.copytree(study / "trials" / specs[4].key, stray)
    found = by_key(study)
    assert found[gone.key].wrong == "its folder is gone"
    assert found[lost.key].wrong.startswith("the index counts 1 answers, its folder holds 0")
    assert found[twice.key].wrong == "the index counts 2 answers, its folder holds 1"
    assert found[specs[3].key].wrong == "it is queued twice"
    assert found[stray.name].wrong.startswith("the index does not know it")
    assert found[specs[4].key].wrong == ""
    assert lines(audit(study))[-1].endswith("5 are wrong")


def test_an_index_made_anew_has_forgotten_the_starts(
    study: Path, tiny: TrialSpec, answer: Answer
) -> None:
    backlog.offer(study, [tiny, tiny.with_seed(1)])
    claim = claimed(study)
    backlog.tell(study, claim, answer(claim))
    backlog.rebuild(study)
    told = lines(audit(study))
    assert told[-2] == "1 have results and no known start: their index was made anew"
    assert told[-1].endswith("nothing is wrong")
