"""A trial's stored generator judged once more, without training, by the code that judged it at the trial's end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ablation.datasets import Dataset
from ablation.extractors import told_of
from ablation.factories import make
from ablation.files import brief, sha256
from ablation.judgement import Trained, judge
from ablation.provenance import provenance
from ablation.record import TrialRecord, read_config, read_record
from ablation.rescored import STORED, Rescored
from ablation.scores import choose
from ablation.spec import Protocol, TrialSpec
from ablation.training import place, players, resting


def rescore(
    folder: Path, protocol: Protocol, *, device: str = "cpu", extractors: Path | None = None
) -> Rescored:
    """Score the stored generator of the trial in `folder` under `protocol`; nothing is written.

    The noise is that of the trial's own scores, so that on its device its own protocol gives its own scores.
    `extractors` is the study's folder of classifiers. Raises ValueError that names a missing or damaged file, and for
    data that are no longer those of the trial.
    """
    torch.set_num_threads(1)
    began = time.perf_counter()
    spec, record = read_config(folder), read_record(folder)
    if record is None or record.outcome.kind not in STORED:
        raise ValueError(f"{folder} holds no trial that ended with a generator")
    if not spec.key == record.key == folder.name:
        raise ValueError(f"{folder} holds the trial {spec.key} and the result of {record.key}")
    asked = replace(spec, protocol=protocol)
    data = make(spec.dataset, Dataset)
    learned = record.provenance.get("dataset")
    if learned not in (None, data.fingerprint):
        raise ValueError(
            f"{folder}: {spec.dataset.name} is now {data.fingerprint}, and the trial learned from {learned}"
        )
    trained = restore(folder, spec, record, data, device)
    extractor = choose(asked, data, extractors)
    judged = judge(asked, trained, data, extractor, record.outcome)
    if judged.outcome.kind == "diverged":
        raise ValueError(f"{folder}: {judged.outcome.message}")
    told = provenance(device)
    return Rescored(
        key=record.key,
        protocol=protocol,
        scores=judged.scores,
        weights=record.weights,
        extractor=told_of(extractor),
        **judged.told(),
        device=told["device"],
        seconds=round(time.perf_counter() - began, 3),
        versions=told["versions"],
    )


def restore(
    folder: Path, spec: TrialSpec, record: TrialRecord, data: Dataset, device: str
) -> Trained:
    """Return the generators that a trial left; raises ValueError that names a missing or damaged file."""
    networks = players(spec, data.shape)
    generator = networks.generator
    place(generator, device)
    best: Mapping[str, Tensor] = {}
    if "best.pt" in record.files or (folder / "best.pt").exists():
        best = _load(folder / "best.pt", record, generator)
    _load(folder / "generator.pt", record, generator)
    return Trained(resting(generator), networks.latent, best, device)


def _load(path: Path, record: TrialRecord, into: nn.Module) -> dict[str, Tensor]:
    """Put stored weights into a generator that they fit, and return them."""
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    if sha256(path) != record.files.get(path.name, sha256(path)):
        raise ValueError(f"{path} is not the file that the trial wrote")
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        into.load_state_dict(state)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"{path} is damaged: {brief(error)}") from None
    return state
