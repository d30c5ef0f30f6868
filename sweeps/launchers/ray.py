"""Ray's door: a task per worker, with its resources, on a cluster that runs already or on this machine."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from sweeps.board import Summary, last_line
from sweeps.launchers import NONE, Launcher, at_least, installed
from sweeps.launchers.command import Command
from sweeps.launchers.watch import Engine, run
from sweeps.limits import Limits

if TYPE_CHECKING:
    from ray import ObjectRef

LAST = 3.0
"""Seconds between a task's last interrupt and its end by force."""


@dataclass(frozen=True)
class Ray(Launcher):
    """`workers` tasks on the cluster at `address`, each with `num_cpus` cores and `num_gpus` GPUs.

    Ray starts a task again, up to `retries` times, when it loses the node that ran it.
    """

    workers: int = 4
    address: str | None = None
    num_cpus: int = 1
    num_gpus: float = 0.0
    retries: int = 20

    def __post_init__(self) -> None:
        at_least(self.workers, 1, "workers")
        at_least(self.num_cpus, 1, "num_cpus")
        at_least(self.retries, 0, "retries")
        if self.num_gpus > 1:
            raise ValueError(f"launcher.num_gpus is {self.num_gpus}; a worker trains on at most 1")

    def count(self) -> int:
        """Return how many workers there will be."""
        return self.workers

    def ready(self) -> None:
        """Raise ValueError if Ray is missing."""
        installed("ray", "ray")

    def launch(
        self, study: Path, *, limits: Limits = NONE, progress: TextIO = sys.stderr
    ) -> Summary:
        """Run all queued trials of `study` as tasks of a Ray cluster."""
        self.ready()
        device = "cuda" if self.num_gpus else "cpu"
        return run(
            study,
            _Tasks(self),
            self.workers,
            device=device,
            prefix="ray",
            limits=limits,
            progress=progress,
        )


def _work(command: Command) -> None:
    """Run a worker as a task."""
    command.run()


@dataclass
class _Tasks(Engine):
    """The tasks of one launch, by what Ray calls them."""

    asked: Ray
    tasks: dict[ObjectRef[None], Command] = field(default_factory=dict)
    ended: set[ObjectRef[None]] = field(default_factory=set)
    told: set[ObjectRef[None]] = field(default_factory=set)

    def start(self, workers: list[Command]) -> str:
        """Join the cluster and queue one task a worker."""
        import ray

        # tasks without GPUs keep what their node shows them; Ray 2 warns of hiding it otherwise
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            ray.init(
                address=self.asked.address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                include_dashboard=False if self.asked.address is None else None,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            where = self.asked.address or os.environ.get("RAY_ADDRESS")
            raise ValueError(f"launcher.address={where}: {' '.join(str(error).split())}") from None
        task = ray.remote(_work).options(
            num_cpus=self.asked.num_cpus,
            num_gpus=self.asked.num_gpus,
            max_retries=self.asked.retries,
        )
        self.tasks = {task.remote(command): command for command in workers}
        nodes = sum(node["Alive"] for node in ray.nodes())
        return f"{len(workers)} workers go to Ray ({nodes} node{'s' * (nodes > 1)})"

    def alive(self) -> tuple[int, int]:
        """Return how many tasks have not ended; Ray does not say cheaply which of them run."""
        import ray

        waiting = [task for task in self.tasks if task not in self.ended]
        if waiting:
            ready, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0, fetch_local=False)
            self.ended |= set(ready)
        return len(self.tasks) - len(self.ended), 0

    def complaints(self) -> list[str]:
        """Return a line for each task that ended with an error since the last call."""
        import ray
        from ray.exceptions import RayError, RayTaskError, TaskCancelledError

        said = []
        for task in self.ended - self.told:
            self.told.add(task)
            log = Path(self.tasks[task].log)
            try:
                ray.get(task)
            except TaskCancelledError:
                continue
            except RayTaskError:
                said.append(f"worker {log.stem} ended: {last_line(log)} (see {log})")
            except RayError as error:
                said.append(f"worker {log.stem} was lost: {' '.join(str(error).split())[:300]}")
        return said

    def stop(self, *, now: bool) -> None:
        """Cancel the tasks: those that wait are gone, those that run are interrupted, then killed if it is `now`."""
        import ray

        for task in self._living():
            ray.cancel(task)
        if now and (living := self._living()):
            ray.wait(living, num_returns=len(living), timeout=LAST)
            for task in self._living():
                ray.cancel(task, force=True)

    def _living(self) -> list[ObjectRef[None]]:
        self.alive()
        return [task for task in self.tasks if task not in self.ended]

    def close(self) -> None:
        """End what is left and leave the cluster."""
        import ray

        if ray.is_initialized():
            if self._living():
                self.stop(now=True)
            ray.shutdown()
