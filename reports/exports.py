"""The report's tables as files: trials, estimates and factors as CSV and Parquet, readings as Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, nan
from pathlib import Path
from typing import Any

import pandas as pd

from ablation.texts import visible, whole
from reports import curves
from reports.design import Design
from reports.names import BEFORE
from reports.pairs import TUNED
from reports.tables import Tables
from reports.verdict import Verdict
from reports.weighing import Weighed

FORMULA = tuple("=+-@|\uff1d\uff0b\uff0d\uff20")
"""Letters with which a spreadsheet may begin a formula, wide ones among them."""


def write_tables(
    folder: Path,
    tables: Tables,
    trials: pd.DataFrame,
    found: Design,
    verdict: Verdict,
    weighed: Weighed | None = None,
) -> None:
    """Write the tables into `folder`, that of factors where they were weighed; paths of this machine stay out of them.

    A column of a later version is left out while all trials have the value that they had before it, and `treatment`
    where it is the activation: old studies keep their tables.
    """
    folder.mkdir(parents=True)
    for name, frame in (
        ("trials", trials.drop(columns=["folder", "stream", *_silent(trials, found)])),
        ("estimates", estimates(found, verdict)),
        *([("factors", factors(weighed))] if weighed else []),
    ):
        plain = _plain(frame)
        harmless(plain).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        plain.to_parquet(folder / f"{name}.parquet", index=False)
    readings = tables.readings.drop(columns=_silent(tables.readings, found))
    _plain(readings).to_parquet(folder / "readings.parquet", index=False, compression="zstd")
    curves.table(tables.readings).to_parquet(
        folder / "curves.parquet", index=False, compression="zstd"
    )


def write_rows(folder: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of plain values as CSV and Parquet; without any there is no file."""
    if rows:
        plain = _plain(pd.DataFrame(rows))
        plain.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        plain.to_parquet(folder / f"{name}.parquet", index=False)


def _silent(frame: pd.DataFrame, found: Design) -> list[str]:
    """Return the columns of later versions that say nothing of these trials."""
    told = {"treatment"} if found.factor == "activation" else set()
    told |= {c for c, v in BEFORE.items() if c in frame and (frame[c].dropna() == v).all()}
    return sorted(told & set(frame))


def estimates(found: Design, verdict: Verdict) -> pd.DataFrame:
    """Return one row a declared comparison; estimates in the score's own terms, levels under the factor's name."""
    weights = {tier.name: tier.weight for tier in verdict.tiers}
    rows = []
    for test in verdict.tests:
        shown = found.scale.shown(test.interval)
        rows.append(
            {
                "tier": test.tier,
                "block": test.block,
                found.factor: test.a,
                "reference": test.r,
                "quantity": found.scale.quantity,
                "estimate": shown.estimate,
                "low": shown.low,
                "high": shown.high,
                "level": shown.level,
                "probability_better": nan
                if test.tier == TUNED
                else min(max(test.probability, 0.0), 1.0),
                "p": test.p,
                "adjusted_p": test.adjusted,
                "least_p": test.least_p,
                "weight": weights[test.tier],
                "finding": test.finding,
                "blocks": test.blocks,
                "n": test.interval.n,
                "failed": test.interval.failed,
                "n_reference": test.n_r,
                "failed_reference": test.failed_r,
                "splits": test.splits,
            }
        )
    columns = ["tier", "block", found.factor, "reference", "quantity", "estimate", "low", "high"]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)


def factors(weighed: Weighed) -> pd.DataFrame:
    """Return one row a term, as in the report's table What matters."""
    rows = [
        {
            "kind": row.kind,
            "what": row.label,
            "levels": row.levels,
            "df": row.share.df,
            "squares": row.share.squares,
            "omega_squared": row.share.omega,
            "p": row.test.p if row.test else nan,
            "ways": row.test.draws if row.test else 0,
            "all_ways": bool(row.test and row.test.exact),
            "permuted": row.basis,
            "outcomes": weighed.n,
            "blocks": len(weighed.capped.blocks),
            "capped": weighed.capped.changed,
        }
        for row in weighed.rows
    ]
    columns = ["kind", "what", "levels", "df", "squares", "omega_squared", "p", "ways", "all_ways"]
    return pd.DataFrame(rows, columns=[*columns, "permuted", "outcomes", "blocks", "capped"])


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with columns of one type each: mixed ones become text, and a zero has no sign."""
    plain = frame.copy()
    for name in plain:
        column = plain[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            plain[name] = column.astype(str)
        elif column.dtype == object:
            plain[name] = column.map(_text, na_action="ignore").astype("str")
        elif column.dtype == float:
            plain[name] = column + 0.0  # -0.0 becomes 0.0
    return plain.rename(columns=_text)


def _text(value: Any) -> str:
    return str(whole(str(value)))


def harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame as a CSV file holds it: no text in it is a formula of a spreadsheet, or hides anything.

    A text that begins as a formula does gets an apostrophe before it; numbers stay numbers, also those in a column of
    texts. Parquet keeps every text as it is.
    """
    safe = frame.rename(columns=guarded)
    for name in safe.select_dtypes(exclude=["number", "bool"]):
        safe[name] = safe[name].map(guarded, na_action="ignore")
    return safe


def guarded(text: Any) -> Any:
    """Return a text of a CSV file with what it hides as numbers, and after an apostrophe if it begins as a formula."""
    if not isinstance(text, str):
        return text
    seen = visible(text.replace("\r\n", "\n").replace("\r", "\n"))
    return f"'{seen}" if seen.lstrip()[:1] in FORMULA and not _number(seen) else seen


def _number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False
