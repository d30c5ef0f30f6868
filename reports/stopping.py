"""What a report says of its looks: the ladder, seeds that were added without one, a declaration that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablation.levels import noun
from reports.design import Design
from reports.needed import fresh
from reports.phrases import counted
from reports.study import Declared, Study
from reports.verdict import Verdict
from reports.words import listed, seeds_word


@dataclass(frozen=True)
class Edit:
    """A later launch that declared something else: when, the seeds that it added, and what else it changed."""

    when: str
    seeds: tuple[int, ...]
    changed: tuple[str, ...]


def edits(study: Study) -> tuple[Edit, ...]:
    """Return a study's later declarations, in the order in which they were made."""
    found, known = [], set(study.declared.seeds)
    for entry in study.history:
        if not isinstance(entry.get("declared"), Mapping):
            continue
        new, _ = Declared.read(entry["declared"])
        seeds = tuple(seed for seed in new.seeds if seed not in known)
        known |= set(seeds)
        changed = [
            f"{name} {_said(old)} became {_said(getattr(new, name))}"
            for name, old in study.declared.__dict__.items()
            if name != "seeds" and getattr(new, name) != old
        ]
        found.append(Edit(moment(str(entry.get("when", "?"))), seeds, tuple(changed)))
    return tuple(found)


def moment(when: str) -> str:
    """Return a moment of study.yaml to the minute."""
    return when[:16].replace("T", " ") if when.endswith("Z") else when


def _said(value: Any) -> str:
    return (
        ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value or "none")
    )


def flags(studies: Sequence[Study], found: Design, verdict: Verdict) -> list[str]:
    """Return alerts: seeds that were added without a ladder, with the dates, and what else was declared anew.

    What to launch instead stands with the last of those on seeds.
    """
    told, dated = [], set[int]()
    for study in studies:
        for edit in edits(study):
            added = [seed for seed in edit.seeds if seed in found.undeclared_seeds]
            dated |= set(added)
            if added:
                first = f"({moment(study.created)}) " if study.created else ""
                told.append(
                    f"Optional stopping: {_seeds(added)} of {study.name} came on {edit.when}, after the first"
                    f" launch {first}had declared {seeds_word(len(study.declared.seeds))} and no ladder. Who looks and"
                    " then adds seeds finds differences by chance too often: the added seeds are shown and not"
                    " tested."
                )
            if edit.changed:
                told.append(
                    f"The declaration of {study.name} was changed on {edit.when}, after its first launch:"
                    f" {'; '.join(edit.changed)}. The first one is used."
                )
    elsewhere = set[int]()
    for study in studies[1:]:
        own = [s for s in study.declared.seeds if s in {*found.undeclared_seeds} - dated]
        elsewhere |= set(own)
        if own:
            told.append(
                f"{_seeds(own).capitalize()} are declared by {study.name}, not by {studies[0].name}: shown here, and"
                f" tested in the report of {study.name} alone."
            )
    if rest := [seed for seed in found.undeclared_seeds if seed not in dated | elsewhere]:
        count = len(studies[0].declared.seeds)
        told.append(
            f"Not declared: {_seeds(rest)} ({count} were), and no launch tells of them: shown and not tested."
        )
    if set(found.undeclared_seeds) - elsewhere:
        told.append(replication(studies, found, verdict))
    return told


def replication(studies: Sequence[Study], found: Design, verdict: Verdict) -> str:
    """Return what to launch to test what added seeds show: fresh seeds, as many as power asks for."""
    used = {*found.seeds, *found.undeclared_seeds}
    used |= {s for study in studies for s in study.declared.seeds}
    used |= {s for study in studies for edit in edits(study) for s in edit.seeds}
    count, why = fresh(found, verdict)
    first = max(used) + 1
    return (
        f"To test what the added seeds show, launch a new study of {seeds_word(count)} that nobody has looked at"
        f" ({why}): the same command with 'seed=range({first},{first + count})' --study {studies[0].name}-2 in place"
        " of its seeds and its name."
    )


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {listed([str(s) for s in seeds])}"


def ladder_words(found: Design, alpha: float) -> str:
    """Return on which rung a study stands and what the next one is, "" without a ladder."""
    ladder = found.ladder
    if ladder is None:
        return ""
    one, count = noun(found.factor), len(ladder.rungs)
    rungs = f"{listed([str(n) for n in ladder.rungs])} seeds"
    told = f"Declared seed ladder of {rungs}, each rung tested at alpha {alpha / count:.3g}: "
    lacks = f"{counted(ladder.lacks, 'trial')} of it still to end"
    if not ladder.reached:
        return (
            f"{told}the study stands below its first rung of {seeds_word(ladder.rungs[0])} for each {one},"
            f" {lacks}; nothing is tested."
        )
    told += f"this report stands on rung {ladder.reached} of {count} ({seeds_word(len(ladder.tested))} for each {one})"
    if ladder.next is None:
        return f"{told}, the last one."
    more = ladder.next - len(ladder.tested)
    told += f"; the next rung is {ladder.next} seeds, {more} more for each {one}"
    if not ladder.waiting:
        return f"{told}."
    return f"{told} ({lacks}). Between rungs, shown and not yet tested: {_seeds(ladder.waiting)}."
