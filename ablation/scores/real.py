"""The real side of every score: computed once for a data set and an extractor, kept, and shared by all processes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablation.datasets import Dataset
from ablation.extractors import Extractor
from ablation.files import cache_folder, locked
from ablation.scores.fidelity import Moments, moments
from ablation.scores.neighbours import nearest, radii

TRAIN = {"inception": 10_000}
"""The most training samples that copies are looked for in, where looking at all of them takes too long."""
QUERIES = 1000
"""Samples whose nearest training sample is looked for."""
VERSION = 2

Kept = dict[str, Tensor]


@dataclass(frozen=True)
class Reference:
    """What real samples look like: features of the test split (M F) and of the training split (L F).

    `radii` (M) and `near` (at most `QUERIES`) are distances from test samples: to their third neighbour among
    themselves (of images), and to the nearest training sample. `classes` (K) are the shares in which the extractor sees
    the test split's classes, None without one.
    """

    features: Tensor
    train: Tensor
    moments: Moments
    radii: Tensor
    near: Tensor
    classes: Tensor | None


def reference(data: Dataset, name: str, extractor: Extractor | None) -> Reference:
    """Return the real side of the data set `name`; of vectors the features are the vectors themselves."""
    found = kept(data, name, extractor, "test", lambda: _test(data, extractor))
    return Reference(
        features=found["features"],
        train=found["train"],
        moments=(found["mean"].numpy(), found["covariance"].numpy()),
        radii=found["radii"],
        near=found["near"],
        classes=found.get("classes"),
    )


def selected(
    data: Dataset, name: str, extractor: Extractor | None
) -> tuple[Moments, Tensor | None]:
    """Return moments and class shares of the selection split."""
    found = kept(data, name, extractor, "selection", lambda: _moments(data.selection, extractor))
    return (found["mean"].numpy(), found["covariance"].numpy()), found.get("classes")


def look(samples: Tensor, extractor: Extractor | None) -> tuple[Tensor, Tensor | None]:
    """Return features (N F) and logits of uint8 images; vectors are their own features."""
    return (samples.float(), None) if extractor is None else extractor.features(samples)


def even(samples: Tensor, most: int) -> Tensor:
    """Return at most `most` samples, evenly spread."""
    if len(samples) <= most:
        return samples
    return samples[torch.linspace(0, len(samples) - 1, most).round().long()]


def shares(logits: Tensor) -> Tensor:
    """Return the share of each class (K) among samples with these logits (N K)."""
    return torch.bincount(logits.argmax(1), minlength=logits.shape[1]).double() / len(logits)


def _moments(samples: Tensor, extractor: Extractor | None) -> Kept:
    features, logits = look(samples, extractor)
    mean, covariance = moments(features)
    found = {"features": features, "mean": torch.from_numpy(np.atleast_1d(mean))}
    found["covariance"] = torch.from_numpy(np.atleast_2d(covariance))
    return found | ({"classes": shares(logits)} if logits is not None else {})


def _test(data: Dataset, extractor: Extractor | None) -> Kept:
    found = _moments(data.test, extractor)
    most = TRAIN.get(extractor.kind, len(data.train)) if extractor else len(data.train)
    train, _ = look(even(data.train, most), extractor)
    return found | {
        "train": train,
        "radii": radii(found["features"]) if extractor else torch.empty(0),
        "near": nearest(even(found["features"], QUERIES), train),
    }


def kept(
    data: Dataset,
    name: str,
    extractor: Extractor | None,
    what: str,
    produce: Callable[[], Kept],
) -> Kept:
    """Return what was kept of a data set under an extractor, else produce it: once among all processes.

    Where the cache cannot be written, or the extractor has no hash, it is produced each time.
    """
    looked = "none" if extractor is None else extractor.weights
    if not looked:
        return produce()
    asked = [VERSION, data.fingerprint, looked, extractor.kind if extractor else "", what]
    digits = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]
    file = f"{name}-{what}-{digits}.pt"
    folder = cache_folder() / "features"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = locked(folder / f".{file}.lock")
        lock.__enter__()
    except OSError:
        return produce()
    try:
        found = _read(folder / file, asked)
        if found is None:
            found = produce()
            _write(folder / file, asked, found)
        return found
    finally:
        lock.__exit__(None, None, None)


def _read(path: Path, asked: list[Any]) -> Kept | None:
    """Return what a file keeps under the question `asked`; None if there is none, another one, or a damaged one."""
    if not path.is_file():
        return None
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        answer: Kept = stored["answer"]
        return answer if stored["asked"] == asked else None
    except Exception:  # torch raises many kinds for a damaged file; it is made again
        return None


def _write(path: Path, asked: list[Any], found: Kept) -> None:
    """Keep an answer; where there is no room for it, it is produced again next time."""
    draft = path.with_name(f".{path.name}.tmp")
    try:
        with open(draft, "wb") as file:
            torch.save({"asked": asked, "answer": found}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except (
        OSError,
        RuntimeError,
    ):  # torch's writer hides the error of a full disk in one of its own
        with suppress(OSError):
            draft.unlink()
