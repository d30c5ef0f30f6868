"""How fast it is, row by row, beside the loop of a tutorial.

`python tests/benchmarks/speed.py [ROW...]` measures rows (all but the longest where none is named) and prints each;
`--sweep` adds the whole sweep (half an hour), `--others` what the other benchmarks print, `--quick` takes a few slices.
What was measured is kept in docs/benchmarks.json, of which docs/benchmarks.md is written; `--quick` writes nothing
unless `--out FOLDER` says where.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isnan, nan
from pathlib import Path
from typing import Any

import speed_growth
import speed_lanes
import speed_limits
import speed_memory
import speed_page
import speed_races
import speed_scoring
import speed_sweep
from speed_notes import NOTES, PROFILED, note

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs"
OTHERS = {
    "probes": "What probing costs",
    "claims": "How long a queue takes",
    "sweeping": "What a sweep costs beside its trials",
    "reporting": "What a report costs",
}
"""Scripts beside this one, each of which prints its own table."""
LONG = ("sweep", *(f"other-{name}" for name in OTHERS))


def rows() -> dict[str, Callable[..., dict[str, Any]]]:
    """Return what measures each row, by its name, in the page's order; each is told whether to be `quick`."""
    found: dict[str, Callable[..., dict[str, Any]]] = {}
    for name in speed_races.RACES:
        found[name] = partial(speed_races.measured, name, threads=1)
        if name != "ring8":
            found[f"{name}@2"] = partial(speed_races.measured, name, threads=2)
    found["scoring"] = speed_scoring.measured
    found["sweep"] = speed_sweep.measured
    for name in speed_limits.LIMITS:
        found[f"limit-{name}"] = partial(speed_limits.measured, name)
    found["memory"] = speed_memory.measured
    found["growth"] = speed_growth.measured
    for name in OTHERS:
        found[f"other-{name}"] = partial(other, name)
    return found


def other(name: str, *, quick: bool) -> dict[str, Any]:
    """Run another script of this folder and keep what it prints; tables stay tables."""
    words = ["100"] if quick and name in ("claims", "reporting") else []
    done = subprocess.run(
        [sys.executable, str(HERE / f"{name}.py"), *words],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"FASHION": str(speed_lanes.FASHION)},
    )
    lines = done.stdout.splitlines()
    fenced = not any(line.startswith("|") for line in lines)
    return {"what": OTHERS[name], "lines": ["```", *lines, "```"] if fenced else lines}


def told(row: Mapping[str, Any]) -> str:
    """Return a row as one line of a terminal."""
    if "ratio" in row:
        return speed_page.ratio_row(row)
    if "share" in row:
        low, high = row["range"]
        share = f"{100 * row['share']:.0f} % ({100 * low:.0f} to {100 * high:.0f}) of {row['best']:.0f} GFLOP/s"
        return f"| {row['what']} | {share} | {100 * row['reach']:.0f} % |"
    if "above" in row:
        return f"| {row['what']} | {row['above']:.0f} MB | {row['most']} MB |"
    return "\n".join(row["lines"]) if "lines" in row else json.dumps(row)


def chosen(names: Sequence[str], *, sweep: bool, others: bool) -> list[str]:
    """Return the rows to measure; raises ValueError for a name that is none."""
    known = rows()
    for name in names:
        if name not in known:
            raise ValueError(f"{name!r} is no row; the rows are {', '.join(known)}")
    if names:
        return [*names, *(["sweep"] if sweep and "sweep" not in names else [])]
    return [
        name
        for name in known
        if name not in LONG or (name == "sweep" and sweep) or (name != "sweep" and others)
    ]


def read(place: Path) -> dict[str, Any]:
    """Return the rows kept, none of another machine; raises ValueError for a damaged file."""
    try:
        found = json.loads(place.read_text()) if place.exists() else {}
    except ValueError as error:
        raise ValueError(f"{place} is damaged: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{place} is damaged: it holds no rows")
    own = speed_page.machine()
    if found.get("machine") == own:
        return found
    if found:
        print(f"speed: rows of another machine in {place} will be replaced", file=sys.stderr)
    return {"machine": own}


def check(folder: Path | None) -> None:
    """Raise ValueError where the data are not there, or the rows cannot be kept."""
    data = speed_lanes.FASHION
    if not (data / "train-images-idx3-ubyte.gz").is_file():
        raise ValueError(f"FASHION is {data}: no train-images-idx3-ubyte.gz in it")
    if folder is not None and folder.exists() and not folder.is_dir():
        raise ValueError(f"--out is {folder}, which is no folder")


def busy() -> float:
    """Return the seconds that all of this machine's cores have worked for others than us, since it started."""
    try:
        words = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    except OSError:
        return nan
    user, nice, system, _, _, *interrupts = [int(x) / os.sysconf("SC_CLK_TCK") for x in words[:8]]
    return user + nice + system + sum(interrupts) - sum(os.times()[:4])


def keep(folder: Path, found: Mapping[str, Any]) -> None:
    """Write the numbers, in the page's order, then the page and its plots."""
    ordered = {name: found[name] for name in ("machine", *rows()) if name in found}
    missing = [name for name in rows() if name not in ordered]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(json.dumps(ordered, indent=1) + "\n")
    same = {name: ordered["machine"].get(name) for name in PROFILED} == PROFILED
    notes = {name: note(name, ordered[name]) for name in NOTES if same and name in ordered}
    (folder / "benchmarks.md").write_text(speed_page.page(ordered, notes, missing))
    if "growth" in ordered:
        speed_growth.plot(ordered["growth"], folder / "benchmarks.svg")


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    for name in ("quick", "sweep", "others"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(words)
    folder = given.out or (None if given.quick else DOCS)
    try:
        names = chosen(given.rows, sweep=given.sweep, others=given.others)
        check(folder)
        found = read(folder / "benchmarks.json") if folder else {}
    except ValueError as error:
        print(f"speed: {error}", file=sys.stderr)
        return 2
    for name in names:
        began, others = time.monotonic(), busy()
        row = rows()[name](quick=given.quick)
        beside = (busy() - others) / (time.monotonic() - began)
        found[name] = {**row, "quick": given.quick, "others": None if isnan(beside) else beside}
        print(f"{name:<12} {told(found[name])}", flush=True)
        if folder:
            keep(folder, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
