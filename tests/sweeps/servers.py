"""A PostgreSQL server of a test's own: begun in a folder, on loopback, stopped and started at will."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WAIT = "180"


@dataclass(frozen=True)
class Postgres:
    """A server's programs, folder and port; any user of this machine is let in without a password."""

    programs: Path
    folder: Path
    port: int

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        )
        self._control("start", "-o", options, "-l", str(self.folder / "log.txt"))

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` breaks its connections off, `immediate` is a crash."""
        self._control("stop", "-m", mode)

    def new(self, database: str) -> str:
        """Make a database; return its URL."""
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", database)
        return self.url(database)

    def ask(self, database: str, query: str) -> str:
        """Return what a query answers, in plain text."""
        connection = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database)
        return self.run("psql", *connection, "-Atc", query).strip()

    def run(self, program: str, *words: str) -> str:
        """Run one of its programs as the server's user, as PostgreSQL refuses to run as root."""
        done = subprocess.run(
            [str(self.programs / program), *words],
            capture_output=True,
            text=True,
            cwd=self.folder,
            user="postgres" if os.geteuid() == 0 else None,
            timeout=300,
        )
        assert done.returncode == 0, f"{program} {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def _control(self, verb: str, *words: str) -> None:
        files = ("-D", str(self.folder / "data"), "-w", "-t", WAIT)
        out = subprocess.DEVNULL  # the server would keep a pipe open
        done = subprocess.run(
            [str(self.programs / "pg_ctl"), verb, *files, *words],
            stdout=out,
            stderr=out,
            cwd=self.folder,
            user="postgres" if os.geteuid() == 0 else None,
            timeout=300,
        )
        log = self.folder / "log.txt"
        assert done.returncode == 0, log.read_text() if log.exists() else f"pg_ctl {verb}"


def missing() -> str:
    """Say what keeps a server from being started here; "" if nothing does."""
    if programs() is None:
        return "there is no PostgreSQL server here (Debian: apt-get install postgresql)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


def programs() -> Path | None:
    """Return the folder of the newest server's programs, which Debian keeps out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    path = shutil.which("initdb")
    return found[-1].parent if found else Path(path).resolve().parent if path else None


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """Begin a server in a new folder that its user may enter; stop it at the end."""
    home = programs()
    assert home is not None, "look at missing() first"
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = Postgres(home, folder, free_port())
    secure = ("--auth=trust", "--no-sync", "--username=postgres", "--encoding=UTF8", "--locale=C")
    server.run("initdb", "-D", str(folder / "data"), *secure)
    server.start()
    try:
        yield server
    finally:
        server.stop("immediate")


def free_port() -> int:
    """Return a port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
