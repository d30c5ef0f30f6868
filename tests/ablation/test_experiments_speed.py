"""The times of training steps: who takes its turn when, what counts as a step, and what is made of the times."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ablation.experiments.speed import (
    ENOUGH,
    MACHINE,
    ROUNDS,
    WARM,
    Lane,
    base_of,
    cells_of,
    check,
    document,
    first_block,
    measure,
    orders,
    ratios,
)
from ablation.spec import Part, TrialSpec

Ask = Callable[..., TrialSpec]


@pytest.mark.parametrize("cells", [1, 2, 7])
def test_every_round_has_every_cell_once_in_an_order_of_its_own(cells: int) -> None:
    found = orders(cells, 40)
    assert len(found) == 40
    assert all(sorted(turns) == list(range(cells)) for turns in found)
    assert found == orders(cells, 40)
    if cells > 1:
        assert found != orders(cells, 40, seed=1)
        firsts = {turns[0] for turns in found}
        assert firsts == set(range(cells)), "each cell comes first some time"


def test_a_lane_goes_on_where_it_stopped_and_counts_no_first_step(
    ask: Ask, begun: Callable[..., Any]
) -> None:
    spec = ask(steps=5)
    lane = Lane.ready(spec, begun(spec).data, 100)
    assert lane.spec.budget.steps == 100
    assert len(lane.go(10)) == 10
    assert lane.training.step == 11
    seconds = lane.go(3)
    assert lane.training.step == 15
    assert len(seconds) == 3
    assert all(0 < one < 60 for one in seconds)
    assert ENOUGH.kind == "finished"


@pytest.mark.slow
def test_a_lane_that_diverges_begins_again(
    ask: Ask, part: Callable[..., Part], begun: Callable[..., Any]
) -> None:
    spec = ask(steps=5, optimizer=part("optimizer", "adam", lr=1e30))
    lane = Lane.ready(spec, begun(spec).data, 500)
    first = lane.training
    assert len(lane.go(60)) == 60
    assert lane.training is not first
    assert lane.training.step == 0
    assert len(lane.go(2)) == 2


def test_a_compiled_player_is_timed_as_written(ask: Ask, begun: Callable[..., Any]) -> None:
    spec = ask(compile="default")
    assert Lane.ready(spec, begun(spec).data, 9).spec.compile == "none"


def test_one_trial_stands_for_its_cell_and_the_fullest_block_comes_first(ask: Ask) -> None:
    hinge = [ask(activation="relu", loss="hinge", seed=seed) for seed in (3, 4)]
    other = [ask(activation=name, seed=seed) for name in ("relu", "tanh") for seed in (3, 4)]
    assert cells_of([*hinge, *other]) == [hinge[0], other[0], other[2]]
    assert first_block([*hinge, *other]) == [other[0], other[2]]
    assert first_block([*hinge, other[0]]) == [hinge[0]]


@pytest.mark.parametrize(
    ("steps", "rounds", "said"),
    [(0, 15, "--steps is 0"), (20, 14, "--rounds is 14"), (20, 10_001, "--rounds is 10001")],
)
def test_too_little_is_refused(steps: int, rounds: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check(steps, rounds)


@pytest.mark.slow
def test_what_is_measured_is_one_median_a_round_of_every_cell(ask: Ask) -> None:
    specs = [ask(activation=name, architecture="mlp") for name in ("relu", "tanh", "glu")]
    said: list[str] = []
    found = measure(specs, 2, ROUNDS, said.append)
    assert [len(own) for own in found] == [ROUNDS] * 3
    assert all(0 < one < 60_000 for own in found for one in own)
    assert said == [f"round {number} of {ROUNDS}" for number in range(1, ROUNDS + 1)]
    told = document(specs, found, 2)
    assert list(told) == ["schema", "rows", "steps", "rounds", "threads", "machine"]
    assert (told["schema"], told["steps"], told["rounds"], told["threads"]) == (1, 2, ROUNDS, 1)
    assert [row["activation"] for row in told["rows"]] == ["relu", "tanh", "glu"]
    rest = {"architecture": "mlp", "dataset": "digits", "loss": "non_saturating", "penalty": "none"}
    for row, own in zip(told["rows"], found, strict=True):
        assert row == {"activation": row["activation"], **rest, "milliseconds": own}
    assert set(told["machine"]) == {*MACHINE, "cores", "load"}
    assert WARM + 1 + ROUNDS * 3 < 100, "a lane that does not diverge begins once"


def test_equal_names_are_told_apart(ask: Ask, part: Callable[..., Part]) -> None:
    steep = replace(
        ask(), generator_activation=part("activation", "leaky_relu", negative_slope=0.3)
    )
    told = document([ask(), steep], [[1.0], [2.0]], 1)
    names = [row["activation"] for row in told["rows"]]
    assert len(set(names)) == 2
    assert "negative_slope=0.3" in names[1]


def rows(loss: str, **times: list[float]) -> list[dict[str, Any]]:
    rest = {"architecture": "mlp", "dataset": "digits", "loss": loss, "penalty": "none"}
    return [{"activation": n, **rest, "milliseconds": own} for n, own in times.items()]


def test_ratios_are_taken_round_by_round_within_a_block() -> None:
    given = rows("hinge", tanh=[4.0, 3.0, 40.0], relu=[2.0, 1.0, 10.0])
    given += rows("minimax", tanh=[5.0, 5.0, 5.0], relu=[10.0, 10.0, 10.0])
    found = ratios(given)
    assert [(f.row["loss"], f.row["activation"]) for f in found] == [
        ("hinge", "relu"),
        ("hinge", "tanh"),
        ("minimax", "tanh"),
        ("minimax", "relu"),
    ]
    tanh = found[1]
    assert (tanh.milliseconds, tanh.median, tanh.low, tanh.high) == (4.0, 3.0, 2.0, 4.0)
    assert (found[2].median, found[0].median) == (0.5, 1.0)
    assert statistics.median(given[0]["milliseconds"]) == tanh.milliseconds


def test_without_relu_the_first_is_the_base() -> None:
    given = rows("hinge", tanh=[4.0], gelu=[2.0])
    assert base_of(given) == "tanh"
    assert [f.median for f in ratios(given)] == [0.5, 1.0]
