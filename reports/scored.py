"""What a trial's generator scores: in its result, and under other protocols in the files beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from ablation.record import Score, TrialRecord
from ablation.rescored import Rescored, files_in, read_current
from reports.scales import family

TOLD = ("key", "treatment", "dataset", "block", "seed")
COLUMNS = ("key", "score_name", "family", "value", "n", "better", "own")


def further(folder: Path, record: TrialRecord) -> tuple[tuple[Rescored, ...], tuple[str, ...]]:
    """Return a trial's scores under other protocols, and what is wrong with files that cannot be used."""
    found, wrong = [], []
    for path in files_in(folder):
        try:
            found.append(read_current(path, record))
        except (ValueError, OSError) as error:
            wrong.append(str(error).replace(f"{folder}/", f"{folder.name}/"))
    return tuple(found), tuple(wrong)


def all_scores(
    record: TrialRecord, more: Sequence[Rescored]
) -> Iterator[tuple[Score, Rescored | None]]:
    """Yield each score once, the result's own before one of its name; beside it what it is from, None the result."""
    seen: set[str] = set()
    for source, scores in ((None, record.scores), *((one, one.scores) for one in more)):
        for score in scores:
            if score.name not in seen:
                seen.add(score.name)
                yield score, source


def score_frame(
    trials: Sequence[tuple[str, TrialRecord, Sequence[Rescored]]], frame: pd.DataFrame
) -> pd.DataFrame:
    """Return one row a score with what identifies its trial; `own` says that it stands in the trial's result."""
    rows = [
        (key, s.name, family(s.name), s.value, s.n, s.better, source is None)
        for key, record, more in trials
        for s, source in all_scores(record, more)
    ]
    scores = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"value": float, "own": bool})
    return scores.merge(frame[list(TOLD)], on="key", how="left")


def floor_names(name: str) -> tuple[str, str, str]:
    """Return the columns of value, noise and count of a floor."""
    return f"floor_{name}", f"noise_{name}", f"count_{name}"


def floor_columns(record: TrialRecord, more: Sequence[Rescored]) -> Iterator[tuple[str, float]]:
    """Yield what real samples score under other protocols: the three of a score's whole name."""
    for score, source in all_scores(record, more):
        known = None if source is None else source.floors.get(family(score.name))
        if known is not None:
            yield from zip(floor_names(score.name), known, strict=True)
