"""Where no level has learned the data, none is recommended, and page one says why."""

from __future__ import annotations

from math import exp
from pathlib import Path

import pytest
import study_builder as builder
from told import read, said

from ablation.record import Score

LEVELS = ("leaky_relu", "relu")


def _study(folder: Path, dataset: str, family: str, share: dict[str, float]) -> Path:
    """Six seeds of two levels, one three times as good by the declared score; `share` of samples like real ones."""
    main = "frechet" if family == "hq" else "fid"
    folder.mkdir()
    builder.write_plan(folder, declared={"seeds": 6, "score": main})
    for i, name in enumerate(LEVELS):
        for seed in range(6):
            builder.write_trial(
                folder,
                builder.spec(activation=name, dataset=dataset, seed=seed),
                1.0,
                scores=(
                    Score(f"{main}_{dataset}_5k", exp(i + 0.01 * seed), 5000, "lower"),
                    Score(f"{family}_{dataset}_5k", share[name], 5000, "higher"),
                ),
                probed=False,
            )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "family"), [("ring8", "hq"), ("digits", "precision")])
def test_nothing_is_recommended_where_nothing_was_learned(
    tmp_path: Path, dataset: str, family: str
) -> None:
    own = read(_study(tmp_path / "s", dataset, family, {"leaky_relu": 0.0019, "relu": 0.049}))
    advice = own.advice[0][0]
    assert (advice.why, advice.chosen) == ("untrained", ())
    (line,) = said(own)["advice_first"]
    assert [row[-1]["text"] for row in said(own)["criteria"]["rows"]] == [
        "not learned",
        "no, beaten",
    ]
    (full,) = said(own)["advice"]
    assert "in the median at most 4.9\u00a0% of a generator's samples" in full
    assert line.endswith(
        "no activation has learned the data: under 5.0\u00a0% of a generator's samples are like real ones."
        " Train longer or change the learning rate before choosing."
    )
    assert own.verdict.answer.names == ("leaky_relu",)  # what the tests find is said all the same


@pytest.mark.slow
def test_one_that_has_learned_is_enough(tmp_path: Path) -> None:
    own = read(_study(tmp_path / "s", "ring8", "hq", {"leaky_relu": 0.05, "relu": 0.0}))
    advice = own.advice[0][0]
    assert (advice.why, advice.chosen) == ("", ("leaky_relu",))
