"""Our results beside published ones: means with their errors, medians, and what a perfect sampler reaches."""

from __future__ import annotations

from math import isfinite

import numpy as np
import pandas as pd

from ablation.levels import noun, resolve
from ablation.published import Published
from reports.design import Design
from reports.rows import Table, cell, table
from reports.scales import base, family, printed
from reports.summary import Cell, cells
from reports.tables import Tables
from reports.words import number


def perfect(modes: int, ceiling: float, score: str, n: int) -> float | None:
    """Return what n samples of the data itself score on average, None where it is not known.

    `modes` is how many the data have and `ceiling` the share of high-quality samples in it; an even histogram of n
    samples over K modes has a reverse KL of about (K - 1) / 2n.
    """
    return {
        "modes": float(modes),
        "hq": ceiling,
        "reverse-kl": (modes - 1) / (2 * n),
    }.get(base(score))


def _best(trials: pd.DataFrame, block: str, score: str, n: int) -> float | None:
    """Return the perfect sampler's score in a block, as its trials know their data."""
    if not n or "perfect_count" not in trials:
        return None
    known = trials[trials["block"] == block].dropna(subset=["perfect_count", "perfect_ceiling"])
    if known.empty:
        return None
    first = known.iloc[0]
    return perfect(int(first["perfect_count"]), float(first["perfect_ceiling"]), score, n)


def beside(tables: Tables, trials: pd.DataFrame, found: Design) -> Table:
    """Return every published number beside our own of the same level, score and data set."""
    body = []
    for row in [row for study in tables.studies for row in study.published]:
        level = resolve(row.level, found.factor, found.treatments)
        for wanted, value, error in row.scores:
            body += _rows(tables, trials, found, row, level, (wanted, value, error))
    data, labels = {b.dataset for b in found.blocks}, {b.label for b in found.blocks}
    kept = (len(data) > 1, len(labels) > len(data))  # which of the first two columns tell anything
    heads = [noun(found.factor), "score", "our mean ± s.e.#", "our median [range]#", "n#"]
    heads += ["published#", "perfect sampler#", "source"]
    heads = [h for h, told in zip(("data set", "block"), kept, strict=True) if told] + heads
    rows = [[c for c, told in zip(r, kept, strict=False) if told] + r[2:] for r in body]
    return table("published", _caption(tables, data), heads, rows)


def _rows(
    tables: Tables,
    trials: pd.DataFrame,
    found: Design,
    row: Published,
    level: str | None,
    score: tuple[str, float, float | None],
) -> list[list[object]]:
    """Return a published score beside ours, once a block of its data set."""
    wanted, value, error = score
    own = tables.own[tables.own["family"] == wanted]
    blocks = [b for b in found.blocks if row.dataset in ("", b.dataset.partition("(")[0])]
    told: list[list[object]] = []
    for block in blocks:
        here = own[own["block"] == block.key]
        name = next(iter(sorted(here["score_name"])), "")
        ours = next(
            (
                c
                for c in (cells(tables.own, trials, name) if name else ())
                if (c.treatment, c.block) == (level, block.key)
            ),
            None,
        )
        count = int(here["n"].iloc[0]) if len(here) else 0
        best = _best(trials, block.key, wanted, count)
        told.append(
            [
                block.dataset,
                block.label,
                level or row.level,
                printed(family(wanted)),
                *_ours(ours),
                cell(_said(value, error), value),
                cell("–") if best is None else cell(f"{best:.4g}", best),
                _source(row),
            ]
        )
    return told


def _ours(own: Cell | None) -> list[dict[str, object]]:
    """Return mean ± standard error over the trials that have the score, median [range], and n."""
    if own is None or not own.finite:
        failed = f"0 of {own.n}" if own is not None else "0"
        return [cell("–"), cell("–"), cell(failed, 0)]
    values = np.array(own.finite)
    mean, n = float(values.mean()), len(values)
    error = float(values.std(ddof=1)) / n**0.5 if n > 1 else None
    reach = f"[{number(float(values.min()))}, {number(float(values.max()))}]"
    middle = number(own.median) if isfinite(own.median) else "failed"
    counted = f"{n}" if n == own.n else f"{n} of {own.n}"
    return [cell(_pair(mean, error), mean), cell(f"{middle} {reach}", own.median), cell(counted, n)]


def _pair(value: float, error: float | None) -> str:
    """Return a value with its error, both to the error's second digit."""
    if error is None:
        return number(value)
    if error == 0:
        return f"{number(value)} ± 0"
    digits = max(0, 1 - int(np.floor(np.log10(error))))
    return f"{value:,.{digits}f} ± {error:.{digits}f}".replace("-", "−")


def _said(value: float, error: float | None) -> str:
    """Return a published value with its error, in the paper's own digits."""
    text = f"{value:.6g}" if error is None else f"{value:.6g} ± {error:.6g}"
    return text.replace("-", "−")


def _source(row: Published) -> str:
    runs = f"{row.n} runs" if row.n else ""
    return "; ".join(filter(None, (row.name, row.cite, runs, row.note)))


def _caption(tables: Tables, data: set[str]) -> str:
    notes = list(dict.fromkeys(s.note.rstrip(".") for s in tables.studies if s.note))
    told = (
        f"Published numbers beside ours{' on ' + next(iter(data)) if len(data) == 1 else ''}. The mean is over trials"
        " with a score; in the median a failure counts as worst."
    )
    if notes:
        return f"{told} Settings differ: {'; '.join(notes)}."
    return f"{told} Settings may differ from the paper's: the certificate says what ours were."
