"""Slurm's door, through submitit: an array of workers; also submitit's stand-in for Slurm on this machine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sweeps.board import Summary, last_line
from sweeps.launch import RESTARTS
from sweeps.launchers import NONE, Launcher, at_least, installed, queue
from sweeps.launchers.command import Command, stop
from sweeps.launchers.watch import Engine, run
from sweeps.limits import Limits
from sweeps.worker import search_path

if TYPE_CHECKING:
    from submitit import Job
    from submitit.core.utils import DelayedSubmission

EXECUTORS = ("slurm", "local")
WARNING = 90
"""Seconds before a task's time is up at which it is told."""
LOOK = 5.0
"""Seconds between two looks at Slurm's queue."""


@dataclass(frozen=True)
class Slurm(Launcher):
    """`workers` tasks of one array, each with `cpus` cores, `gpus` GPUs, `memory` and `time` minutes.

    `executor=local` runs them as processes of this machine, to try it out. With `requeue`, a task that
    is preempted or out of time goes on later; without `wait`, the launcher leaves after submitting.
    """

    workers: int = 4
    executor: str = "slurm"
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    gres: str | None = None
    gpus: int = 0
    cpus: int = 1
    memory: str | None = None
    time: int = 240
    requeue: bool = True
    setup: str | None = None
    wait: bool = True

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            raise ValueError(
                f"launcher.executor is {self.executor!r}; it is {' or '.join(EXECUTORS)}"
            )
        if self.gpus not in (0, 1):
            raise ValueError(f"launcher.gpus is {self.gpus}; a worker trains on 0 or 1")
        if self.memory is not None and not re.fullmatch(r"\d+[KMGT]?B?", self.memory):
            raise ValueError(f"launcher.memory is {self.memory!r}; it is like 8GB or 500MB")
        at_least(self.workers, 1, "workers")
        at_least(self.cpus, 1, "cpus")
        at_least(self.time, 5, "time", " minutes")

    @property
    def device(self) -> str:
        """The device of each worker: Slurm shows it no GPU but its own."""
        return "cuda" if self.gpus or "gpu" in (self.gres or "") else "cpu"

    def count(self) -> int:
        """Return how many workers there will be."""
        return self.workers

    def ready(self) -> None:
        """Raise ValueError if submitit or Slurm's commands are missing."""
        installed("slurm", "submitit")
        if self.executor == "slurm":
            for name in queue.COMMANDS:
                if shutil.which(name) is None:
                    raise ValueError(
                        f"launcher=slurm needs {name}, which is not on this machine's PATH"
                        " (launcher.executor=local tries it without Slurm)"
                    )

    def launch(
        self, study: Path, *, limits: Limits = NONE, progress: TextIO = sys.stderr
    ) -> Summary:
        """Run all queued trials of `study` as tasks of one Slurm array."""
        self.ready()
        engine = _Array(self, study.absolute())
        return run(
            study,
            engine,
            self.workers,
            device=self.device,
            prefix="slurm",
            limits=limits,
            progress=progress,
            wait=self.wait,
        )

    def parameters(self, study: Path, count: int) -> dict[str, Any]:
        """Return what submitit is told of each task."""
        again = {"requeue": True} if self.requeue else {"no-requeue": True}
        path = f"export PYTHONPATH={shlex.quote(search_path())}"  # sites may not pass it on
        return {
            "job_name": f"ablation-{study.name}",
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            "gres": self.gres,
            "gpus_per_node": self.gpus or None,
            "cpus_per_task": self.cpus,
            "mem": self.memory,
            "time": self.time,
            "setup": [path, *([self.setup] if self.setup else [])],
            "signal_delay_s": WARNING,
            "stderr_to_stdout": True,
            "array_parallelism": count,
            "wckey": None,
            # since 22.05 srun does not take the cores of its job unasked
            "srun_args": [f"--cpus-per-task={self.cpus}", "--open-mode=append"],
            "additional_parameters": {"ntasks": 1} | again,
        }


@dataclass(frozen=True)
class Task:
    """What a task of the array runs: one worker, its log named as Slurm names the task (%A_%a)."""

    command: Command
    requeue: bool

    def __call__(self) -> None:
        """Run the worker; put the task back if it was asked to stop by what did not end the job."""
        from submitit import JobEnvironment

        name = JobEnvironment().job_id
        log = Path(self.command.log).with_name(f"{name}.log")
        stopped = replace(self.command, log=str(log)).run()
        if stopped and self.requeue and queue.state(name) == "RUNNING":
            queue.requeue(name)  # preempted with time to leave: Slurm requeues nobody who left

    def checkpoint(self) -> DelayedSubmission | None:
        """Stop the worker: time is almost up; return what goes on later."""
        from submitit.core.utils import DelayedSubmission

        stop()
        return DelayedSubmission(self) if self.requeue else None


@dataclass
class _Array(Engine):
    """The array's tasks, and when Slurm was last asked about them."""

    asked: Slurm
    study: Path
    jobs: list[Job[None]] = field(default_factory=list)
    seen: tuple[int, int] = (0, 0)
    looked: float = float("-inf")
    living: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    def start(self, workers: list[Command]) -> str:
        """Submit one task a worker."""
        from submitit import LocalExecutor, SlurmExecutor
        from submitit.core.utils import FailedJobError
        from submitit.helpers import environment_variables

        folder, local = self.study / "logs" / "submitit", self.asked.executor == "local"
        kind = LocalExecutor if local else SlurmExecutor
        executor = kind(folder, max_num_timeout=RESTARTS)
        carried = dict(workers[0].environment)
        with environment_variables(**carried):
            if local:
                gpus = int(self.asked.device == "cuda")
                executor.update_parameters(
                    timeout_min=self.asked.time,
                    signal_delay_s=WARNING,
                    gpus_per_node=gpus,
                    stderr_to_stdout=True,
                )
            else:
                executor.update_parameters(**self.asked.parameters(self.study, len(workers)))
            tasks = [Task(command, self.asked.requeue) for command in workers]
            # Ctrl-C on a terminal reaches every process of it: we pass it on, once
            earlier = signal.signal(signal.SIGINT, signal.SIG_IGN) if local else None
            try:
                self.jobs = list(executor.submit_array(tasks))
            except FailedJobError as error:
                raise ValueError(f"sbatch refuses: {_reason(str(error))}") from None
            finally:
                if earlier is not None:
                    signal.signal(signal.SIGINT, earlier)
        self.living = {job.job_id for job in self.jobs}
        name = "this machine, through submitit" if local else f"Slurm as job {self._array()}"
        return f"{len(self.jobs)} workers go to {name}; their logs lie in {self.study / 'logs'}"

    def _array(self) -> str:
        return self.jobs[0].job_id.split("_")[0]

    def alive(self) -> tuple[int, int]:
        """Return how many tasks run and how many wait; while Slurm does not answer, what it said last."""
        if not self.jobs:
            return 0, 0
        if self.asked.executor == "local":
            self.living = {job.job_id for job in self.jobs if not job.done()}
            return len(self.living), 0
        if time.monotonic() - self.looked < LOOK:
            return self.seen
        found = queue.queue(self._array())
        if found is not None:
            self.living = set(found)
            waiting = sum(state in ("PENDING", "REQUEUED") for state in found.values())
            self.seen = len(found) - waiting, waiting
        self.looked = time.monotonic()
        return self.seen

    def complaints(self) -> list[str]:
        """Return a line for each task that ended with an error since the last call."""
        said = []
        for job in self.jobs:
            if job.job_id in self.living | self.told:
                continue
            self.told.add(job.job_id)
            if job.paths.result_pickle.exists() and job.exception() is None:
                continue
            log = self.study / "logs" / f"{job.job_id}.log"
            log = log if log.is_file() else job.paths.stdout
            said.append(f"worker {job.job_id} ended: {last_line(log)} (see {log})")
        return said

    def stop(self, *, now: bool) -> None:
        """Cancel the array; Slurm sends SIGTERM, and SIGKILL after its KillWait or `now`."""
        if self.asked.executor == "local":
            for job in self.jobs:
                if not job.done():
                    os.kill(
                        int(job.job_id), signal.SIGTERM
                    )  # the controller of a task passes it on
            return
        queue.cancel(self._array(), now=now)

    def close(self) -> None:
        """Cancel what is left."""
        if self.alive() != (0, 0):
            self.stop(now=True)


def _reason(text: str) -> str:
    """Return in one line what sbatch complained of."""
    found = re.findall(r"sbatch: error: (.*)", text)
    return " ".join(found) or " ".join(text.split())
