"""A study's stored generators scored under a protocol: which are to be scored, and one process for each at a time."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from ablation.factories import WITH
from ablation.files import CACHE
from ablation.record import TrialRecord, read_config, read_record
from ablation.rescored import STORED, Rescored, file_of, read_rescored, write_rescored
from ablation.spec import Protocol, TrialSpec
from sweeps.child import end_with_parent, see_device
from sweeps.worker import warm


@dataclass(frozen=True)
class Asked:
    """A trial with a stored generator, its result, and the protocol under which it is to be scored."""

    folder: Path
    spec: TrialSpec
    record: TrialRecord

    @property
    def protocol(self) -> Protocol:
        """The protocol under which the generator is to be scored."""
        return self.spec.protocol

    @property
    def file(self) -> Path:
        """The file that keeps its scores."""
        return file_of(self.folder, self.protocol)


@dataclass(frozen=True)
class Found:
    """What became of a trial: `scored`, `kept` from an earlier call, or `failed`, and then why."""

    asked: Asked
    state: str
    rescored: Rescored | None = None
    message: str = ""


def asked_of(
    folders: Sequence[Path], changes: Mapping[str, Any]
) -> tuple[list[Asked], dict[str, int], list[str]]:
    """Return the trials whose generators can be scored, the protocol's `changes` made.

    Beside them: how many others there are by outcome (`missing` without one), and what is wrong with damaged ones.
    """
    found, others, damaged = [], dict[str, int](), []
    for folder in folders:
        try:
            spec, record = read_config(folder), read_record(folder)
            if record is not None and not spec.key == record.key == folder.name:
                raise ValueError(
                    f"{folder} holds the trial {spec.key} and the result of {record.key}"
                )
        except ValueError as error:
            damaged.append(str(error))
            continue
        kind = record.outcome.kind if record else "missing"
        if record is None or kind not in STORED:
            others[kind] = others.get(kind, 0) + 1
            continue
        protocol = replace(spec.protocol, **changes)
        found.append(Asked(folder, replace(spec, protocol=protocol), record))
    return found, others, damaged


def kept(asked: Asked, extractor: str | None) -> Rescored | None:
    """Return the scores that stand there already: of these weights, seen by an extractor of this hash (None: vectors).

    The protocol's hash does not know the content of `protocol.weights`. Raises ValueError for a damaged file.
    """
    if not asked.file.is_file():
        return None
    found = read_rescored(asked.file)
    seen = None if found.extractor is None else found.extractor["weights"]
    return found if (found.weights, seen) == (asked.record.weights, extractor) else None


def score(asked: Sequence[Asked], slots: Sequence[str], extractors: Path) -> Iterator[Found]:
    """Score trials, one process each and at most one a slot (its device); yield them as they end.

    Whoever stops asking ends the processes that run; files that are written stay.
    """
    context, waiting, free = warm(), deque(asked), list(slots)
    running: dict[Any, tuple[BaseProcess, Asked, str]] = {}
    environment = {name: os.environ[name] for name in (WITH, CACHE) if name in os.environ}
    try:
        while waiting or running:
            while waiting and free:
                one, device = waiting.popleft(), free.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                arguments = (theirs, one.folder, one.protocol, device, extractors, environment)
                process: BaseProcess = context.Process(
                    target=_child, args=arguments, name=one.record.key
                )
                process.start()
                theirs.close()
                running[ours] = process, one, device
            for end in connection.wait(list(running)):
                yield _ended(end, *running[end][:2])
                free.append(running.pop(end)[2])
    finally:
        for process, *_ in running.values():
            process.kill()
            process.join()


def _ended(end: Any, process: BaseProcess, one: Asked) -> Found:
    """Return what a process answers at its end."""
    try:
        message = end.recv()
    except EOFError:
        message = f"{one.folder}: its process died before it had scored"
    end.close()
    process.join()
    if message:
        return Found(one, "failed", message=message)
    return Found(one, "scored", read_rescored(one.file))


def _child(
    answer: connection.Connection,
    folder: Path,
    protocol: Protocol,
    device: str,
    extractors: Path,
    environment: Mapping[str, str],
) -> None:
    """Score one trial in this fresh process, write its file, and answer what went wrong, or nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of us; the parent decides
    threading.Thread(target=end_with_parent, daemon=True).start()
    os.environ.update(environment)
    message = ""
    try:
        name = see_device(device)
        from ablation.rescoring import rescore

        found = rescore(folder, protocol, device=name, extractors=extractors)
        write_rescored(folder, found)
    except ValueError as error:
        message = str(error)
    except Exception as error:  # whatever went wrong here is said there, and the others go on
        message = f"{folder}: {type(error).__name__}: {error}"
    answer.send(message)
    answer.close()
