"""The verb of health: is everything here that trials need, and is a study's folder whole?"""

from __future__ import annotations

import importlib.util
import os
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ablation.files import read_json, sha256
from ablation.verbs import answer

GOOD, BAD = "ok", "WRONG"


def do_doctor(given: Namespace) -> int:
    """Print one line a finding; exit code 1 if something is wrong."""
    if given.rebuild and given.study is None:
        raise ValueError("--rebuild needs the study whose index it makes again")
    if given.storage is not None and not given.rebuild:
        raise ValueError("--storage says where --rebuild puts the index; give both")
    found = list(_environment())
    if given.study is not None:
        from ablation.verbs import study_of

        study = study_of(given)
        if given.rebuild:
            from sweeps import backlog

            count = backlog.rebuild(study, given.storage)
            found.append((GOOD, "index", f"made again from the folders of {count} trials"))
        found += [*_index(study), *_files(study)]
    if given.json:
        answer([{"state": s, "what": w, "finding": f} for s, w, f in found])
    else:
        for state, what, finding in found:
            print(f"{state:<6} {what:<12} {finding}")
    return 1 if any(state == BAD for state, *_ in found) else 0


def _environment() -> Iterator[tuple[str, str, str]]:
    """Yield what this machine offers."""
    import torch

    from ablation.datasets import cache_folder
    from ablation.provenance import provenance
    from ablation.scores import downloaded

    seen = provenance("cpu")
    yield GOOD, "python", sys.version.split()[0]
    yield (
        GOOD,
        "packages",
        ", ".join(f"{k} {v}" for k, v in seen["versions"].items() if k != "python"),
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    yield (
        GOOD,
        "devices",
        f"{cores} CPU cores ({seen['instruction_set']}), GPUs: {', '.join(gpus) or 'none'}",
    )
    home = Path(__file__).resolve().parents[2]
    for name in ("ablation", "sweeps", "reports", "conf"):
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or home not in origin.parents:
            yield (
                BAD,
                "names",
                f"{name} is another package ({origin}): uninstall it or use another environment",
            )
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        writable = os.access(cache, os.W_OK)
    except OSError:
        writable = False
    where = "for downloads and classifiers" if writable else "cannot be written; set ABLATION_CACHE"
    yield (GOOD if writable else BAD), "cache", f"{cache} {where}"
    there = (
        "there"
        if downloaded() is not None
        else "not there: downloaded at first use, or protocol.weights=FILE"
    )
    yield GOOD, "inception", f"weights {there}"


def _index(study: Path) -> Iterator[tuple[str, str, str]]:
    """Yield whether a study's index can be read, and agrees with the folders key by key."""
    from sweeps.audit import audit
    from sweeps.storages import place_of

    try:
        place, found = place_of(study), audit(study)
    except ConnectionError as error:
        yield BAD, "index", f"{error.filename}: {error.strerror}"
    except ValueError as error:
        yield BAD, "index", str(error)
    else:
        wrong = [line for line in found if line.wrong]
        yield from ((BAD, "index", f"{line.key}: {line.wrong}") for line in wrong)
        counts = Counter(line.state for line in found)
        told = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        where = f"{place.study} in {place.url}" if place.url else "journal.log"
        yield GOOD, "index", f"{where}: {told or 'no trials'}"


def _files(study: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with a study's files: every result names the SHA-256 of its own."""
    from ablation.record import read_config, read_record, trial_folders
    from ablation.rescored import files_in, read_current
    from sweeps.study import read_study

    read_study(study)
    folders, whole, waiting = trial_folders(study), 0, 0
    for folder in folders:
        try:
            spec, record = read_config(folder), read_record(folder)
            if record is None:
                waiting += 1
                continue
            if not (spec.key == record.key == folder.name):
                raise ValueError(
                    f"{folder} holds the trial {spec.key} and the result of {record.key}"
                )
            for name, digest in read_json(folder / "result.json")["files"].items():
                path = folder / name
                if not path.is_file():
                    raise ValueError(f"{path} is missing")
                if sha256(path) != digest:
                    raise ValueError(f"{path} is not the file that the trial wrote")
            for path in files_in(folder):
                read_current(path, record)
        except ValueError as error:
            yield BAD, "trial", str(error)
        else:
            whole += 1
    yield GOOD, "trials", f"{len(folders)} in {study}: {whole} whole, {waiting} without a result"
