"""What became of every key: how often it was started, under which attempts, and what was committed for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablation.record import trial_folders
from sweeps.folders import has_result, outcome
from sweeps.index import Past, opened


@dataclass(frozen=True)
class Line:
    """One key: its starts in their order, results that were committed and set aside, and what is wrong ("" if nothing).

    `results` is 1 or 0, as a file is there or not; `aside` counts those that `retry` put aside; `state` is waiting,
    running, the outcome of the result, or lost.
    """

    key: str
    starts: tuple[Past, ...]
    results: int
    aside: int
    state: str
    wrong: str = ""

    @property
    def attempts(self) -> int:
        """How many attempts were made: a number is given once, however often a start was repeated."""
        return len({start.attempt for start in self.starts})


def audit(study: Path) -> list[Line]:
    """Compare a study's index with its folders, key by key; raises ValueError for no study or a damaged index."""
    with opened(study) as index:
        past: dict[str, list[Past]] = {}
        for one in index.past():
            past.setdefault(one.key, []).append(one)
        folders = {folder.name: folder for folder in trial_folders(study)}
        return [
            _line(key, folders.get(key), past.get(key, [])) for key in sorted({*folders, *past})
        ]


def _line(key: str, folder: Path | None, past: Sequence[Past]) -> Line:
    starts = tuple(one for one in past if one.started)
    live = [one.state for one in past if one.state in ("waiting", "running")]
    results = int(folder is not None and has_result(folder))
    aside = 0 if folder is None else sum(1 for _ in folder.glob("result.*.json"))
    told = sum(one.state in ("complete", "pruned") for one in past)
    wrong = ""
    if folder is None:
        wrong = "its folder is gone"
    elif not past:
        wrong = "the index does not know it: `ablation doctor STUDY --rebuild`"
    elif len(live) > 1:
        wrong = "it is queued twice"
    elif told > results + aside:
        wrong = f"the index counts {told} answers, its folder holds {results + aside}"
    elif not results and not live:
        wrong = "it has no result and nobody will run it: launch the study again"
    ended = outcome(folder) if folder is not None else ""
    return Line(key, starts, results, aside, ended or (live[0] if live else "lost"), wrong)


def lines(found: Sequence[Line]) -> list[str]:
    """Return an audit for people: a row for every key, then what it adds up to."""
    width = max((len(line.key) for line in found), default=3)
    told = [f"{'key':<{width}}  starts  attempts  results  set aside  state"]
    for one in found:
        row = f"{one.key:<{width}}  {len(one.starts):>6}  {one.attempts:>8}  {one.results:>7}"
        told.append(f"{row}  {one.aside:>9}  {one.state}{f': {one.wrong}' if one.wrong else ''}")
    done = sum(one.results for one in found)
    again = sum(len(one.starts) > 1 for one in found)
    wrong = sum(bool(one.wrong) for one in found)
    unknown = sum(bool(one.results) and not one.starts for one in found)
    if unknown:
        told.append(f"{unknown} have results and no known start: their index was made anew")
    return [
        *told,
        f"{len(found)} keys: {done} with exactly one result, {len(found) - done} without; started more than"
        f" once: {again}; {wrong or 'nothing'} {'are' if wrong > 1 else 'is'} wrong",
    ]
