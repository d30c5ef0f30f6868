"""The verbs of a study under way: one more worker, how far it is, try again."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from ablation.verbs import answer, check_device, study_of, tell, trust


def do_worker(given: Namespace) -> int:
    """Run trials of a study until none is left."""
    trust(given)
    from sweeps.limits import Limits
    from sweeps.worker import LAUNCHER, work

    check_device(given.device)
    limits, study = Limits.read(given.time_limit, given.memory_limit), study_of(given)
    code = work(study, device=given.device, slot=given.slot, limits=limits)
    if code == 0 and LAUNCHER not in os.environ:
        tell(f"no trial waits; `ablation report {study.name}{_where(given)}` writes the report")
    return code


def _where(given: Namespace) -> str:
    """Return the option that names the folder of studies, where it is not the usual one."""
    return "" if given.runs == "runs" else f" --runs {given.runs}"


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
    if not count:
        print("no trial crashed: nothing to try again")
        return 0
    waits = "1 trial waits" if count == 1 else f"{count} trials wait"
    print(
        f"{waits} again; run with: ablation worker {study.name}{_where(given)}, then ablation report"
    )
    return 0
