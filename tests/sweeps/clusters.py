"""A Slurm of one node for a test's own sweeps, started and ended here; and what workers logged."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from crowds import Crowd, wait_for

WORDS = ("activation=relu,tanh", "dataset=ring8", "budget=smoke", "protocol.samples=100")
MINUTES = 300.0
"""Seconds to wait for what takes seconds: the machine may be busy."""
CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def sweep(crowd: Crowd, study: Path, *words: str) -> subprocess.Popen[str]:
    command = ["-m", "ablation", "sweep", *WORDS, *words, "--study", study.name]
    return crowd.start(*command, "--runs", str(study.parent), "--no-report")


def logged(study: Path) -> str:
    """Return all that workers logged, one after the other."""
    return "".join(path.read_text() for path in sorted(study.glob("logs/*.log")))


def stopped(study: Path) -> int:
    """Count how often a trial was stopped; Slurm's linuxproc sends SIGTERM to the fork server, too."""
    return len(re.findall(r": (stopped|lost its fork server) after", logged(study)))


def answered_once(study: Path, expected: int) -> None:
    """Assert that each trial was run to its end exactly once."""
    results = {path.parent.name for path in study.glob("trials/*/result.json")}
    assert len(results) == expected
    assert not list(study.glob("trials/*/result.*.json")), "no answer was set aside"
    ended = Counter(re.findall(r"^(\S+): ended after", logged(study), re.M))
    assert ended == dict.fromkeys(results, 1)


def slurm_missing() -> str:
    """Say why there can be no Slurm here, "" if there can."""
    needed = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")
    missing = [name for name in needed if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} missing: apt-get install slurmctld slurmd slurm-client munge"
    return "" if os.geteuid() == 0 else "only root starts a Slurm of its own"


@contextlib.contextmanager
def slurm(folder: Path) -> Iterator[Path]:
    """Run a Slurm of one node with two cores; yields its slurm.conf."""
    host = socket.gethostname().split(".")[0]
    controller, node = _ports(2)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(64))
    key.chmod(0o600)
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(host=host, controller=controller, node=node, folder=folder))
    environment = os.environ | {"SLURM_CONF": str(conf)}
    munge = [f"--{name}={folder}/munge.{name}" for name in ("socket", "pid-file", "log-file")]
    munge += [f"--key-file={key}", f"--seed-file={folder}/munge.seed"]
    daemons = [
        ["munged", "--foreground", "--force", *munge],
        ["slurmctld", "-D", "-f", str(conf)],
        ["slurmd", "-D", "-f", str(conf)],
    ]
    started: list[subprocess.Popen[bytes]] = []

    def idle() -> bool:
        found = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"], env=environment, capture_output=True, text=True
        )
        return found.stdout.strip() == "idle"

    try:
        for command in daemons:
            log = (folder / f"{command[0]}.out").open("wb")
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            log.close()
            if command[0] == "munged":
                assert wait_for((folder / "munge.socket").exists, MINUTES)
        said = {path.name: path.read_text()[-2000:] for path in folder.glob("*.out")}
        assert wait_for(idle, MINUTES), said
        yield conf
        subprocess.run(["scancel", "--full", "--user=root"], env=environment, timeout=60)
        wait_for(idle, 120)
    finally:
        for process in reversed(started):
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    found = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return found


@pytest.fixture(scope="module")
def real_slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if reason := slurm_missing():
        pytest.skip(reason)
    with slurm(tmp_path_factory.mktemp("slurm")) as conf:
        yield conf
