"""Steps of a queue that several tests take: claim a trial, lose its processes."""

from __future__ import annotations

import os
from pathlib import Path

from sweeps import backlog


def claimed(study: Path) -> backlog.Claim:
    claim = backlog.claim(study)
    assert claim is not None, "something waits"
    return claim


def vanish(claim: backlog.Claim) -> None:
    """Do what the kernel does when the last process that holds a lease dies."""
    os.close(claim.lease)
