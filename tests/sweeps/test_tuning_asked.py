"""Points that are asked for on the way: equally often in every cell, after a loss too, and the best one afresh."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_tuning import LR, planned

from ablation.spec import TrialSpec
from ablation.tune import read_drawn
from sweeps import backlog, search
from sweeps.study import write_study


def offered(study: Path, *words: str) -> tuple[Any, list[TrialSpec]]:
    found = planned("activation=relu,tanh", "seeds=2", LR, *words)
    study.mkdir(parents=True)
    write_study(study, found)
    cells = list({spec.cell: spec for spec in found.untuned}.values())
    backlog.offer(study, found.specs)
    return found, cells


def finish(study: Path, answer: Callable[..., Any], value: Callable[[TrialSpec], float]) -> int:
    """Answer all that waits without training; return how many trials that were."""
    from ablation.record import read_config

    count = 0
    while (claim := backlog.claim(study)) is not None:
        spec = read_config(claim.folder)
        backlog.tell(study, claim, answer(claim, value=value(spec)))
        count += 1
    return count


@pytest.mark.slow
def test_tpe_asks_equally_often_in_every_cell_and_goes_on_after_a_loss(
    tmp_path: Path, answer: Callable[..., Any]
) -> None:
    study = tmp_path / "runs" / "s"
    found, cells = offered(study, "tune.points=4", "tune.sampler=tpe")
    assert (len(found.specs), found.trials) == (4, 16)
    search.begin(study, found.declared.tune, cells)
    assert search.advance(study) == 0  # nothing has ended yet

    def value(spec: TrialSpec) -> float:
        return float(spec.optimizer.keywords["lr"]) + 1e-3 * spec.seed

    for asked in range(3):
        assert finish(study, answer, value) == 4
        assert search.unfinished(study)
        if asked == 1:  # a kill between asking and queueing: what was asked is found again
            before = (study / "journal.log").read_bytes()
            assert search.advance(study) == 4
            (study / "journal.log").write_bytes(before)
        assert search.advance(study) == 4
        assert search.advance(study) == 0
    drawn = read_drawn(study)
    assert {len(points) for points in drawn.cells.values()} == {3}
    assert finish(study, answer, value) == 4
    assert search.advance(study) == 0
    assert not search.unfinished(study)
    assert len(list((study / "trials").iterdir())) == 16
    first = {repr(points[0]) for points in drawn.cells.values()}
    assert len(first) == 1  # all cells begin with the same point
    again = planned(
        "activation=relu,tanh", "seeds=2", LR, "tune.points=4", "tune.sampler=tpe", study=study
    )
    assert len(again.specs) == again.trials == 16


@pytest.mark.slow
def test_the_best_point_is_run_afresh_with_seeds_that_chose_nothing(
    tmp_path: Path, answer: Callable[..., Any]
) -> None:
    study = tmp_path / "runs" / "s"
    found, cells = offered(study, "tune.points=3", "tune.fresh=2")
    tune = found.declared.tune
    wanted = min(tune.settings, key=lambda s: s["optimizer.lr"])

    def value(spec: TrialSpec) -> float:
        return 1.0 + float(spec.optimizer.keywords["lr"]) + 1e-6 * spec.seed

    assert search.freshen(study, cells, found.fresh) == []  # nothing has ended yet
    assert finish(study, answer, value) == 12
    fresh = search.freshen(study, cells, found.fresh)
    assert [spec.seed for spec in fresh] == [2, 3, 2, 3]
    low = min([2e-4, wanted["optimizer.lr"]])
    assert {spec.optimizer.keywords["lr"] for spec in fresh} == {low}
    assert {s.key for s in fresh}.isdisjoint({s.key for s in found.specs})
    assert search.freshen(study, cells, found.fresh) == fresh
    assert read_drawn(study).seeds == (2, 3)
