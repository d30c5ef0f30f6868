"""The verbs of a study under way: one more worker, how far it is, try again."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from ablation.verbs import answer, check_device, study_of, trust


def do_worker(given: Namespace) -> int:
    """Run trials of a study until none is left."""
    trust(given)
    from sweeps.limits import Limits
    from sweeps.worker import work

    check_device(given.device)
    limits = Limits.read(given.time_limit, given.memory_limit)
    return work(study_of(given), device=given.device, slot=given.slot, limits=limits)


def do_status(given: Namespace) -> int:
    """Say how far a study is; watching ends when all trials are done."""
    from sweeps.status import status

    study = study_of(given)
    if given.audit:
        return _audit(study, as_json=given.json)
    if given.watch and sys.stdout.isatty() and not given.json:
        from sweeps.screen import watch

        return watch(study)
    while True:
        now = status(study)
        if given.json:
            answer(now.as_dict())
        else:
            print("\n".join(now.lines()), flush=True)
        if not given.watch or now.done >= now.expected:
            return 0
        time.sleep(1)


def _audit(study: Path, *, as_json: bool) -> int:
    """Print what became of every key; exit code 1 if something is wrong."""
    from sweeps.audit import audit, lines

    found = audit(study)
    if as_json:
        answer([asdict(line) | {"attempts": line.attempts} for line in found])
    else:
        print("\n".join(lines(found)))
    return 1 if any(line.wrong for line in found) else 0


def do_retry(given: Namespace) -> int:
    """Set results aside and queue their trials again."""
    from ablation.verbs import trial_of
    from sweeps import backlog

    study = study_of(given)
    keys = [trial_of(study, word).name for word in given.keys] or None
    count = backlog.retry(study, keys)
    print(
        f"{count} trials wait again; run them with: ablation worker {study.name} --runs {study.parent}"
    )
    return 0
