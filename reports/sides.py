"""What each of several compared studies holds of itself: its trials by key, read without their readings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ablation.part import LOCAL, Part
from ablation.record import TrialRecord, read_config, read_record, trial_folders
from ablation.spec import PARTS, SETTINGS, Protocol, TrialSpec
from reports.study import Study

MACHINE = ("device", "instruction_set", "commit", "threads", "host")
"""Words of a trial's provenance, beside the versions, that say with what it ran."""


@dataclass(frozen=True)
class Side:
    """One study as a side of a comparison: the questions of its trials, and the results that can be read."""

    study: Study
    specs: Mapping[str, TrialSpec]
    records: Mapping[str, TrialRecord]

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.name


def sides(studies: Sequence[Study]) -> tuple[Side, ...]:
    """Read every study's own trials; a damaged one has no result here, and the report names it elsewhere."""
    return tuple(_side(study) for study in studies)


def _side(study: Study) -> Side:
    specs, records = {}, {}
    for folder in trial_folders(study.folder):
        try:
            specs[folder.name] = read_config(folder)
            record = read_record(folder)
        except (ValueError, OSError):
            continue
        if record is not None and record.key == folder.name:
            records[folder.name] = record
    return Side(study, specs, records)


def settings(spec: TrialSpec) -> dict[str, Any]:
    """Return every setting of a trial but its seed, by the word that the command line has for it.

    What says where a file lies on this machine is no setting.
    """
    found: dict[str, Any] = {}
    both = {
        f"{name}.": getattr(spec, f"{name}_activation") for name in ("generator", "discriminator")
    }
    if both["generator."] == both["discriminator."]:
        both = {"": spec.generator_activation}
    for place, part in both.items():
        found |= _part(f"{place}activation", part)
    for site, part in spec.activation_at:
        found |= _part(f"activation_at.{site}", part)
    for name in PARTS:
        found |= _part(name, getattr(spec, name))
    found |= {name: getattr(spec, name) for name in (*SETTINGS, "patience")}
    found |= {f"budget.{name}": getattr(spec.budget, name) for name in ("steps", "batch_size")}
    kept = [item.name for item in fields(Protocol) if not item.metadata.get("local")]
    return found | {f"protocol.{name}": getattr(spec.protocol, name) for name in kept}


def _part(place: str, part: Part) -> dict[str, Any]:
    """Return a row's name and arguments; the arguments of rows of other names are other settings."""
    own = {f"{place}.{k}": v for k, v in part.arguments if k not in LOCAL}
    source = {f"{place}.source": part.source[:10]} if part.source else {}
    return {place: part.name} | own | source


def machines(record: TrialRecord) -> Iterator[tuple[str, str]]:
    """Yield what a trial says of the versions and the machine that it ran with."""
    said = record.provenance
    versions = said.get("versions")
    if isinstance(versions, Mapping):
        yield from ((str(name), str(value)) for name, value in sorted(versions.items()))
    for name in MACHINE:
        if said.get(name) is not None:
            yield name.replace("_", " "), str(said[name])
