"""The verb of scoring: a study's stored generators under another protocol, without training."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablation.verbs import answer, check_device, study_of, tell, trial_of, trust

if TYPE_CHECKING:
    from ablation.rescored import Rescored
    from sweeps.rescoring import Asked, Found

MEASURED = ("samples", "extractor", "weights")
"""What of a protocol a stored generator can be asked again."""
PLACES = ", ".join(f"protocol.{name}" for name in MEASURED)


def do_score(given: Namespace) -> int:
    """Score stored generators; what was scored so before is kept."""
    trust(given)
    check_device(given.device)
    study = study_of(given)
    from ablation.record import trial_folders
    from sweeps.devices import slots
    from sweeps.rescoring import Found, asked_of, score
    from sweeps.worker import warm

    keys = [word for word in given.words if "=" not in word]
    changes = protocol_changes([word for word in given.words if "=" in word])
    chosen = [trial_of(study, word) for word in keys] or trial_folders(study)
    asked, others, damaged = asked_of(list(dict.fromkeys(chosen)), changes)
    places = slots(given.device, given.workers)
    warm()  # it loads torch while we do
    seen = _seen_by(asked, study / "extractors")
    for text in damaged:
        tell(text)
    there = [None if given.again else _there(*both) for both in zip(asked, seen, strict=True)]
    pairs = list(zip(asked, there, strict=True))
    waiting = [one for one, old in pairs if old is None]
    done = [Found(one, "kept", old) for one, old in pairs if old is not None]
    for found in score(waiting, places, study / "extractors"):
        done.append(found)
        tell(found.message) if found.rescored is None else _show(found, as_json=given.json)
    if given.json:
        answer([_row(found) for found in sorted(done, key=lambda found: found.asked.folder)])
    else:
        print("\n".join(_summary(study, done, others)))
    return 1 if damaged or any(found.rescored is None for found in done) else 0


def protocol_changes(words: Sequence[str]) -> dict[str, Any]:
    """Return what words change of a protocol; raises ValueError for what a stored generator cannot be asked."""
    names = []
    for word in words:
        place = word.partition("=")[0]
        room, _, name = place.partition(".")
        if (room, name) in (("protocol", "probes"), ("protocol", "evaluations")):
            raise ValueError(
                f"{place} is measured while a trial trains, so it needs training; a stored generator is scored"
                f" by {PLACES}"
            )
        if room != "protocol" or name not in MEASURED:
            raise ValueError(f"{word!r} does not say how to score; that is said by {PLACES}")
        names.append(name)
    if not names:
        return {}
    from ablation.compose import compose

    protocol = compose(words).protocol
    return {name: getattr(protocol, name) for name in names}


def _seen_by(asked: Sequence[Asked], extractors: Path) -> list[str | None]:
    """Return the hash of each trial's extractor, None for vectors; what trials share is made ready here, once.

    Raises ValueError if data or an extractor are not to be had, or do not fit each other.
    """
    import torch

    from ablation.datasets import Dataset
    from ablation.factories import make
    from ablation.scores import choose

    torch.set_num_threads(1)
    data: dict[Any, Dataset] = {}
    hashes: dict[Any, str | None] = {}
    found = []
    for one in asked:
        row, wanted = one.spec.dataset, (one.protocol.extractor, one.protocol.weights)
        if row not in data:
            data[row] = make(row, Dataset)
        if (row, wanted) not in hashes:
            extractor = choose(one.spec, data[row], extractors, tell)
            hashes[row, wanted] = None if extractor is None else extractor.weights
        found.append(hashes[row, wanted])
    return found


def _there(asked: Asked, extractor: str | None) -> Rescored | None:
    """Return the scores that stand there from an earlier call; a damaged file is named and made again."""
    from sweeps.rescoring import kept

    try:
        return kept(asked, extractor)
    except ValueError as error:
        tell(f"{error}; it is made again")
        return None


def _show(found: Found, *, as_json: bool) -> None:
    """Print a trial's first score, as its result has it and as it is now."""
    assert found.rescored is not None
    if as_json:
        return
    old, new = (side.scores[0] for side in (found.asked.record, found.rescored))
    print(
        f"{found.asked.record.key}  {old.name} {old.value:.6g} -> {new.name} {new.value:.6g}",
        flush=True,
    )


def _row(found: Found) -> dict[str, Any]:
    """Return what became of a trial, for programs."""
    from ablation.record import score_rows

    new = found.rescored
    return {
        "key": found.asked.record.key,
        "state": found.state,
        "message": found.message,
        "protocol": found.asked.protocol.hash,
        "file": str(found.asked.file),
        "stored": score_rows(found.asked.record.scores),
        "scores": None if new is None else score_rows(new.scores),
    }


def _summary(study: Path, done: Sequence[Found], others: Mapping[str, int]) -> Iterator[str]:
    """Yield how many trials were scored, kept, failed, or have nothing to score, and where the scores lie."""
    counts = {state: sum(f.state == state for f in done) for state in ("scored", "kept", "failed")}
    told = [f"{counts['scored']} scored", f"{counts['kept']} kept from before"]
    told += [f"{counts['failed']} failed"] * (counts["failed"] > 0)
    told += [f"{count} {kind}: no generator" for kind, count in sorted(others.items())]
    yield f"{study.name}: {', '.join(told)}"
    for protocol in dict.fromkeys(f.asked.protocol for f in done if f.rescored is not None):
        what = f"{protocol.samples:,} samples, extractor {protocol.extractor}"
        yield f"  {what}: {study}/trials/KEY/scores-{protocol.hash}.json"
    if any(found.rescored for found in done):
        yield f"  ablation report {study.name} --runs {study.parent} shows them"
