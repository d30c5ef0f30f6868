"""What a study says beyond its data sets, and the figures of what matters."""

from __future__ import annotations

from dataclasses import replace
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import planted
import pytest

from reports.blocking import Capped, Factor, strata
from reports.design import Block, Design
from reports.drawing import Drawing, looks, svg
from reports.factor_figures import bars, diagram
from reports.factor_words import generality as said
from reports.factor_words import winners
from reports.factors import Share, sign_flip, typical
from reports.generality import Generality, generality
from reports.ranks import critical_difference
from reports.scales import Scale
from reports.weighing import FACTOR, INTERACTION, SEEDS, Row
from reports.winners import Change

LEVELS = ("gelu", "leaky_relu", "relu", "silu")
SHIFT = {"gelu": -0.5, "silu": 0.4}


def _design(datasets: tuple[str, ...], levels: tuple[str, ...] = LEVELS) -> tuple[Design, Capped]:
    """Return a design of one block a data set and two seeds, gelu planted better and silu worse."""
    blocks = tuple(Block(f"key {d}", f"hinge · {d}", d, f"{d}/mlp") for d in datasets)
    random, outcomes = np.random.default_rng(len(datasets)), {}
    for number, block in enumerate(blocks):
        for level in levels:
            for seed in (0, 1):
                noise = 0.05 * float(random.normal())
                outcomes[level, block.key, seed] = number + SHIFT.get(level, 0.0) + noise
    planned = frozenset((level, block.key) for level in levels for block in blocks)
    found = Design(
        "activation", levels, "leaky_relu", blocks, (0, 1), (), planned, outcomes,
        Scale("FID", True, False), (), (),
    )  # fmt: skip
    return found, Capped(outcomes, blocks, 0, len(blocks), 0)


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"data{chr(ord('a') + i)}" for i in range(count))


def _found(datasets: tuple[str, ...], **more: Any) -> tuple[Generality, list[str]]:
    found, inside = _design(datasets, **more)
    across = generality(found, inside, 0.05)
    return across, [text.replace("\u00a0", " ") for text in said(across, found)]


def test_few_data_sets_are_these() -> None:
    across, told = _found(("digits", "ring8"))
    assert (across.tests, across.diagram) == ((), None)
    assert told[0] == (
        "What this report says holds for these data sets, digits and ring8. To test differences over data like these"
        " takes 6 independent data sets."
    )
    assert told[-1] == (
        "A critical-difference diagram of 4 activations takes 8 independent data sets; there are 2."
    )
    assert _found(("digits",))[1][0].startswith(
        "What this report says holds for this data set, digits."
    )


def test_six_data_sets_are_data_like_these() -> None:
    """With three comparisons, 6 data sets cannot conclude (3 x 2/64 = .09) and 7 can (3 x 2/128 = .047)."""
    across, told = _found(_names(6))
    assert [(t.a, t.p) for t in across.tests if t.a != "relu"] == [
        ("gelu", 2 / 64),
        ("silu", 2 / 64),
    ]
    assert {t.finding for t in across.tests} == {"not distinguishable"}
    assert told[0].startswith(
        "On data like these 6 data sets: gelu, relu and silu are not distinguishable"
    )
    across, told = _found(_names(7))
    assert [t.finding for t in across.tests] == ["better", "not distinguishable", "worse"]
    assert [t.adjusted for t in across.tests if t.a != "relu"] == pytest.approx([6 / 128] * 2)
    gelu = across.tests[0].shift
    assert gelu.low < gelu.estimate < gelu.high < 0
    assert gelu.low < -0.5 < gelu.high
    assert (gelu.n, gelu.level) == (7, 1 - 2 * 3 / 128)
    assert f"gelu (FID ratio {exp(gelu.estimate):.3f} [" in told[0]
    assert "is better than leaky_relu; silu (FID ratio 1." in told[0]


def test_variants_of_a_data_set_are_one() -> None:
    variants = tuple(f"digits(size={n})" for n in range(5))
    across, _ = _found((*variants, "ring8"))
    assert across.datasets == ("digits", "ring8")
    assert across.tests == ()


@pytest.mark.parametrize(("levels", "needed"), [(LEVELS, 8), (LEVELS[:2], 6)])
def test_a_diagram_needs_its_data_sets(levels: tuple[str, ...], needed: int) -> None:
    few, told = _found(_names(needed - 1), levels=levels)
    assert (few.diagram, few.needed) == (None, needed)
    assert f"takes {needed} independent data sets; there are {needed - 1}." in told[-1]
    enough, told = _found(_names(needed), levels=levels)
    assert enough.diagram is not None
    assert enough.diagram.datasets == needed
    assert enough.diagram.ranks[0] == 1.0  # gelu is planted best in every data set
    assert not [text for text in told if "diagram" in text]


def test_intervals_over_data_sets_are_inverted_sign_flips() -> None:
    """Just inside an end of Hartigan's interval the test keeps a shift, just outside it does not."""
    values = np.random.default_rng(3).normal(0.4, 1, 8)
    low, high, level = typical(values, ("a", "r"))
    assert level == 1 - 2 * 6 / 256
    for end, inwards in ((low, 1e-6), (high, -1e-6)):
        assert sign_flip(values - end - inwards, ("a", "r")).p > 1 - level
        assert sign_flip(values - end + inwards, ("a", "r")).p <= 1 - level + 1e-9
    low, high, level = typical(np.array([1.0, 2, 4, 5, 6, 9]), ("a", "r"))
    assert (low, high, level) == (1.0, 9.0, 1 - 2 / 64)


def test_sets_of_blocks_that_differ_in_one_factor() -> None:
    blocks = [Block(key, key, "digits", "digits/mlp") for key in "abcd"]
    loss = Factor(("loss",), dict(zip("abcd", (1, 0, 1, 0), strict=True)))
    init = Factor(("init",), dict(zip("abcd", (0, 0, 1, 1), strict=True)))
    assert strata(loss, (loss, init), blocks) == [("b", "a"), ("d", "c")]
    assert strata(init, (loss, init), blocks[:3]) == [("a", "c")]
    assert strata(loss, (loss, init), blocks[:1]) == []


def test_sentences_of_winners_name_what_is_not_told_apart() -> None:
    found, _ = _design(("digits",))
    one = Change(("loss",), "gelu", "leaky_relu", ("a", "b", "c", "d", "e"), ("f",))
    both = Change(("loss", "data set"), "relu", "leaky_relu", ("a",), ("f",))
    assert winners([one, *[replace(one, a=f"x{i}") for i in range(4)], both], found) == [
        "The winner changes with the loss: gelu is better than leaky_relu with a, b, c and 2 more and worse with f;"
        " x0 is better than leaky_relu with a, b, c and 2 more and worse with f; x1 is better than leaky_relu with a,"
        " b, c and 2 more and worse with f; likewise 2 more activations.",
        "The winner changes with the loss and data set, which are not told apart: relu is better than leaky_relu with"
        " a and worse with f.",
    ]


@pytest.mark.slow
def test_a_winner_that_changes_between_blocks_of_two_factors(tmp_path: Path) -> None:
    grid = [
        {"activation": name, "loss": loss, "init": init}
        for name in ("gelu", "leaky_relu")
        for loss, init in (
            ("hinge", "matched"),
            ("minimax", "matched"),
            ("hinge", "fixed"),
            ("wasserstein", "fixed"),
        )
    ]
    place = {("hinge", "matched"): -1.0, ("wasserstein", "fixed"): 1.0}

    def shift(activation: str, loss: str, init: str) -> float:
        return place.get((loss, init), 0.0) * (activation == "gelu")

    told, weighed, _, _ = planted.said(planted.write(tmp_path / "s", grid, shift))
    assert [c.factors for c in weighed.changes] == [("loss", "initialisation")]
    assert told["winner_words"] == [
        "The winner changes with the loss and initialisation, which are not told apart: gelu is better than leaky_relu"
        " with hinge · init matched and worse with wasserstein · init fixed."
    ]


def test_bars_are_as_long_as_the_shares() -> None:
    rows = [
        Row(FACTOR, "loss", 3, Share(2, 1.0, 0.5)),
        Row(
            INTERACTION,
            "activation × loss",
            9,
            Share(4, 1.0, 0.25),
            None,
            "needs 6 seeds, complete are 5",
        ),
        Row(SEEDS, "seeds", 0, Share(9, 1.0, 0.2)),
    ]
    (axes,) = bars(rows).axes
    assert [bar.get_width() for bar in axes.patches] == [50.0, 25.0, 20.0]
    assert len({bar.get_facecolor() for bar in axes.patches}) == 3
    texts = [text.get_text() for text in axes.texts if text.get_text()]
    assert texts == ["50 %", "25 %", "needs 6 seeds, complete are 5", "20 %"]


@pytest.mark.slow
def test_the_diagram_joins_what_does_not_differ() -> None:
    values = np.tile([0.0, 1, 2, 3], (12, 1))
    told, shown = critical_difference(values, 0.05), looks(LEVELS)
    one, two = (diagram(told, LEVELS, shown) for _ in range(2))
    (axes,) = one.axes
    thick = [line for line in axes.lines if line.get_linewidth() == 3]
    assert len(thick) == len(told.groups) == 3
    assert [text.get_text() for text in axes.texts if "  " in text.get_text()] == [
        f"{name}  {rank}.00" for rank, name in enumerate(LEVELS, 1)
    ]
    marks = {
        line.get_marker(): float(line.get_xdata()[0])
        for line in axes.lines
        if len(line.get_xdata()) == 1
    }
    assert marks == {shown[name].marker: float(rank) for rank, name in enumerate(LEVELS, 1)}
    assert svg(Drawing("d", "t", "a", "c", one)) == svg(Drawing("d", "t", "a", "c", two))
