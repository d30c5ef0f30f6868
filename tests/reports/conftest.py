"""One written report, whose words try to break out of HTML and of typst."""

from __future__ import annotations

from pathlib import Path

import pytest
import study_builder as builder
from packed import packed as packed
from packed import told as told

from reports.page import Report, write_report


@pytest.fixture(scope="session")
def hostile_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three activations, two losses, two seeds, each kind of failure, and hostile words."""
    failing = {("gelu", "minimax", 0): "diverged", ("relu", "minimax", 1): "crashed"}
    failing |= {("gelu", "hinge", 1): "missing", ("relu", "hinge", 0): "collapsed"}
    study = builder.build(
        tmp_path_factory.mktemp("hostile") / "study",
        activations=("leaky_relu", "gelu", "relu"),
        losses=("minimax", "hinge"),
        seeds=2,
        failing=failing,
        question=builder.HOSTILE,
        declared={"seeds": 2},
        warnings=[builder.WARNING],
        skipped=[{"cell": "<b>elu</b>", "reason": builder.HOSTILE}],
    )
    broken = study / "trials" / builder.spec(activation="gelu", loss="hinge", seed=0).key
    (broken / "result.json").write_text("{")
    log = study / "trials" / builder.spec(activation="relu", loss="minimax", seed=1).key / "log.txt"
    log.write_text(f"\x1b[31mred\x1b[0m {builder.HOSTILE}\n</pre><script>alert(2)</script>\n")
    return study


@pytest.fixture(scope="session")
def hostile_report(hostile_study: Path) -> Report:
    """The written report of that study."""
    return write_report(hostile_study)
