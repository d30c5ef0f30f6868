"""What each verb of the command line does: it opens rooms, calls them, and prints what they answer."""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from ablation.factories import WITH, trusted_folders


def trust(given: Namespace) -> None:
    """Trust the folders that the command line names, here and in every worker."""
    folders = [Path(folder).expanduser().resolve() for folder in given.folders]
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"--with {folder} is not a folder")
    if folders:
        os.environ[WITH] = os.pathsep.join(map(str, folders))
    importlib.import_module("conf")  # ours, before a folder with a conf/ of its own joins the path
    sys.path += map(str, trusted_folders())


def study_of(given: Namespace) -> Path:
    """Return the folder of the study that the command line names; raises ValueError if there is none."""
    return named_study(given.runs, given.study)


def named_study(runs: str, name: str) -> Path:
    """Return the folder of the study of this name; raises ValueError that names those there are."""
    from ablation.record import study_folder

    study = study_folder(runs, name)
    if not (study / "study.yaml").is_file():
        from ablation.catalogue import nearest

        known = [path.parent.name for path in Path(runs).glob("*/study.yaml")]
        end = nearest(name, known) if known else ", which holds no study"
        raise ValueError(f"there is no study {name!r} in {runs}{end}")
    return study


def trial_of(study: Path, word: str) -> Path:
    """Return the folder of the trial that a key, or a part that only one key has, names."""
    from ablation.record import trial_folders

    folders = trial_folders(study)
    found = [f for f in folders if f.name == word] or [f for f in folders if word in f.name]
    if len(found) != 1:
        some = ", ".join(f.name for f in (found or folders)[:5])
        what = f"is part of {len(found)} keys" if found else "is no trial's key"
        raise ValueError(f"{word!r} {what} in {study.name}; keys are like {some}")
    return found[0]


def answer(value: Any) -> None:
    """Print an answer for programs."""
    print(json.dumps(value, indent=1))


def tell(text: str) -> None:
    """Tell the user what is going on, beside the answer."""
    print(text, file=sys.stderr, flush=True)


def check_device(name: str) -> None:
    """Raise ValueError for a name that is no device; whether it is there shows when it is used."""
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise ValueError(f"device {name!r} is none; it is cpu, cuda or cuda:K")
