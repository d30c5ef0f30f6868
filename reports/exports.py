"""The report's tables as files: trials and estimates as CSV and Parquet, readings as Parquet."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reports.design import Design
from reports.tables import Tables
from reports.verdict import Verdict


def write_tables(
    folder: Path, tables: Tables, trials: pd.DataFrame, found: Design, verdict: Verdict
) -> None:
    """Write the three tables into `folder`; paths of this machine stay out of them."""
    folder.mkdir(parents=True)
    for name, frame in (
        ("trials", trials.drop(columns="folder")),
        ("estimates", estimates(found, verdict)),
    ):
        plain = _plain(frame)
        plain.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        plain.to_parquet(folder / f"{name}.parquet", index=False)
    _plain(tables.readings).to_parquet(folder / "readings.parquet", index=False, compression="zstd")


def estimates(found: Design, verdict: Verdict) -> pd.DataFrame:
    """Return one row a declared comparison; estimates in the score's own terms."""
    weights = {tier.name: tier.weight for tier in verdict.tiers}
    rows = []
    for test in verdict.tests:
        shown = found.scale.shown(test.interval)
        rows.append(
            {
                "tier": test.tier,
                "block": test.block,
                "activation": test.a,
                "reference": test.r,
                "quantity": found.scale.quantity,
                "estimate": shown.estimate,
                "low": shown.low,
                "high": shown.high,
                "level": shown.level,
                "probability_better": test.probability,
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
    columns = ["tier", "block", "activation", "reference", "quantity", "estimate", "low", "high"]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with columns of one type each: mixed ones become text."""
    plain = frame.copy()
    for name in plain:
        column = plain[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            plain[name] = column.astype(str)
        elif column.dtype == object:
            plain[name] = column.map(str, na_action="ignore").astype("str")
    return plain
