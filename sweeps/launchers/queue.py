"""Slurm's own commands: what its queue says of an array, and how an array is cancelled."""

from __future__ import annotations

import os
import subprocess

COMMANDS = ("sbatch", "srun", "squeue", "scancel")
"""What a launch needs on PATH."""


def queue(array: str) -> dict[str, str] | None:
    """Return the state of each task of an array that has not ended; None if Slurm does not answer."""
    done = _ask("squeue", "--noheader", "--array", "--jobs", array, "--format=%i %T")
    if done.returncode:
        return {} if "Invalid job id" in done.stderr else None
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()]
    return {row[0]: row[1] for row in rows}


def state(task: str) -> str:
    """Return Slurm's word for the state of the task that this process is, "" outside of Slurm."""
    if "SLURM_JOB_ID" not in os.environ:
        return ""
    return _ask("squeue", "--noheader", "--jobs", task, "--format=%T").stdout.strip()


def requeue(task: str) -> None:
    """Put a running task back into the queue; raises RuntimeError with what Slurm says against it."""
    done = _ask("scontrol", "requeue", task)
    if done.returncode:
        raise RuntimeError(f"scontrol requeue {task}: {' '.join(done.stderr.split())}")


def cancel(array: str, *, now: bool) -> None:
    """End all tasks of an array; Slurm sends SIGTERM, and SIGKILL after its KillWait or `now`."""
    if now:
        _ask("scancel", "--signal=KILL", "--full", array)
    _ask("scancel", array)


def _ask(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
