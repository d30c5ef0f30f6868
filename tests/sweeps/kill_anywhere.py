"""Run the backlog's verbs and die by SIGKILL at the n-th line; then look whether anything was lost.

`python kill_anywhere.py FOLDER SHARD SHARDS [URL]` prints how many deaths it survived. Each death is a real
one, of a forked process, at a line of sweeps/ or of the files it writes through; every fourth time it
also leaves half a line in the journal. With the URL of a database the index lies there.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from ablation.compose import compose
from ablation.record import Outcome, TrialRecord, attempt_folder, commit, read_record
from ablation.spec import TrialSpec
from sweeps import backlog

Verb = Callable[[Path, list[TrialSpec]], None]


def take(study: Path) -> backlog.Claim | None:
    claim = backlog.claim(study)
    if claim is not None:
        with open(study / "claims.txt", "a") as file:
            file.write(f"{claim.key} {claim.attempt}\n")
    return claim


def answer(study: Path, claim: backlog.Claim, kind: str = "finished", message: str = "") -> None:
    record = TrialRecord(claim.key, {}, Outcome(kind, 1, message))
    done = commit(claim.folder, attempt_folder(claim.folder, claim.attempt), record)
    assert done, f"{claim.key} was claimed although it has a result"
    backlog.tell(study, claim, record)


def run_all(study: Path, _: list[TrialSpec]) -> None:
    """Run two trials, stop one, lose one until it counts as crashed, then run the rest."""
    for _turn in range(2):
        answer(study, take(study))
    backlog.release(study, take(study))
    for _turn in range(4):
        backlog.lost(study, take(study), "killed by SIGKILL")
    while (claim := take(study)) is not None:
        answer(study, claim)


def crash_alike(study: Path, _: list[TrialSpec]) -> None:
    """Crash three trials alike, which stops the cell, and try all again."""
    for _turn in range(3):
        answer(study, take(study), "crashed", "boom")
    assert take(study) is None
    backlog.retry(study)
    answer(study, take(study))


def forget(study: Path, _: list[TrialSpec]) -> None:
    """Take one, lose the worker, let another reclaim it, and make the index again."""
    os.close(take(study).lease)
    answer(study, take(study))
    backlog.rebuild(study)
    answer(study, take(study))


def offer_more(study: Path, specs: list[TrialSpec]) -> None:
    """Plan the study again, twice as large."""
    backlog.offer(study, specs)
    answer(study, take(study))


VERBS: tuple[Verb, ...] = (run_all, crash_alike, forget, offer_more)
TRACED = ("/sweeps/backlog.py", "/sweeps/folders.py", "/sweeps/journal.py", "/sweeps/index.py", "/sweeps/embedded.py",
          "/sweeps/postgres.py", "/sweeps/storages.py",
          "/ablation/record.py", "/ablation/files.py")  # fmt: skip


class Lines:
    """Count the lines that run, and die at number `last`."""

    def __init__(self, last: int | None, torn: Path | None) -> None:
        self.count, self.last, self.torn = 0, last, torn

    def __call__(self, frame: FrameType, event: str, _: Any) -> Lines | None:
        if not frame.f_code.co_filename.endswith(TRACED):
            return None
        if event == "line":
            self.count += 1
            if self.count == self.last:
                if self.torn is not None and self.torn.exists():
                    with open(self.torn, "ab") as file:
                        file.write(b'{"op_code":6,"worker_id":"dead","tri')
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def in_fork(work: Callable[[], int]) -> int:
    """Run `work` in a fork; return its small result, or minus the signal that killed it."""
    pid = os.fork()
    if pid == 0:
        code = 255
        try:
            code = work()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def recover(study: Path, specs: list[TrialSpec]) -> int:
    """Go on with the same queue, then launch again; check that all is answered, and once."""
    while (claim := take(study)) is not None:
        answer(study, claim)
    lost = [s.key for s in specs[:5] if read_record(study / "trials" / s.key) is None]
    assert not lost, f"the queue lost {lost}"
    backlog.offer(study, specs)
    while (claim := take(study)) is not None:
        answer(study, claim)
    keys = [path.name for path in (study / "trials").iterdir()]
    assert {spec.key for spec in specs} <= set(keys)
    for key in keys:
        assert (study / "trials" / key / "config.yaml").stat().st_size, f"{key} has no question"
        record = read_record(study / "trials" / key)
        assert record is not None, f"{key} has no result"
        assert record.key == key
        left = list((study / "trials" / key).glob(".attempt-*"))
        assert not left, f"{left} were left behind"
    counts = backlog.counts(study)
    assert counts["waiting"] == counts["running"] == 0, counts
    claims = (study / "claims.txt").read_text().split("\n")
    assert len(claims) == len(set(claims)), f"two attempts share a number: {claims}"
    return 0


def main(folder: Path, shard: int, shards: int, url: str = "journal") -> int:
    base = compose(["dataset=ring8", "budget=smoke"])
    specs = [base.with_seed(seed) for seed in range(10)]
    template, study = folder / "template", folder / f"s{shard}"
    if not template.exists():
        backlog.offer(template, specs[:5])
    deaths = 0
    for verb in VERBS:
        last = shard + 1
        while True:
            shutil.rmtree(study, ignore_errors=True)
            shutil.copytree(template, study)
            if url != "journal":
                (study / "study.yaml").write_text("study: killed\n")
                backlog.rebuild(study, url)
            torn = study / "journal.log" if last % 4 == 0 else None

            def die(verb: Verb = verb, last: int = last, torn: Path | None = torn) -> int:
                sys.settrace(Lines(last, torn))
                verb(study, specs)
                sys.settrace(None)
                return 0

            code = in_fork(die)
            assert code in (0, -signal.SIGKILL), f"{verb.__name__} failed before line {last}"
            wanted = specs if verb is offer_more else specs[:5]
            assert in_fork(lambda w=wanted: recover(study, w)) == 0, f"{verb.__name__}, line {last}"
            if code == 0:
                break
            deaths += 1
            last += shards
    print(deaths)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]))
