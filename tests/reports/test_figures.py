"""Figures draw every number they get, look the same everywhere, and are the same bytes twice."""

from __future__ import annotations

import re
from math import inf, nan

import pytest
from matplotlib.figure import Figure

from reports.curves import Curve, Panel
from reports.drawing import INK, Drawing, inline, looks, round_numbers, svg
from reports.estimates import Interval
from reports.figures import ForestRow, forest, points
from reports.panels import curves, heat_map
from reports.paper import figure_pdf
from reports.places import Group
from reports.summary import Cell


def _cell(name: str, values: tuple[float, ...], outcomes: tuple[str, ...]) -> Cell:
    return Cell(name, "b", "fid_x_5k", False, tuple(range(len(values))), values, outcomes)


CELLS = [
    _cell("relu", (10.0, 12.0, nan), ("finished", "finished", "diverged")),
    _cell("sigmoid", (nan, nan, 50.0), ("crashed", "diverged", "finished")),
]
GROUPS = [Group("b", "hinge")]


def _points() -> Figure:
    return points(CELLS, GROUPS, looks(("relu", "sigmoid")), "FID", log=True)


def _forest(low: float = 0.8, high: float = inf) -> Figure:
    rows = [
        ForestRow("leaky_relu", "leaky_relu", None, ""),
        ForestRow("relu", "relu", Interval(1.2, low, high, 6, 1, 0.95), "1.2"),
        ForestRow("hinge", "relu", Interval(nan, 0.0, inf, 6, 6, 0.95), "not measurable", True),
    ]
    return forest(rows, looks(("leaky_relu", "relu")), "ratio", ratio=True)


def _curves() -> Figure:
    values = (1.0, 0.1, 0.0)
    curve = Curve("relu", (0, 10, 20), values, values, values, 3, 1)
    panels = [Panel("generator", f"generator.{i}", (curve,)) for i in range(6)]
    return curves(panels, looks(("relu",)), "norm", log=True)


def _heat() -> Figure:
    return heat_map(CELLS, GROUPS, ["relu", "sigmoid"], "FID", log_scale=True)


@pytest.mark.slow
@pytest.mark.parametrize("make", [_points, _forest, _curves, _heat])
def test_the_same_numbers_give_the_same_bytes(make) -> None:
    one, two = (Drawing("f", "a title", "alt", "caption", make()) for _ in range(2))
    assert svg(one) == svg(two)
    assert figure_pdf(one, svg(one)) == figure_pdf(two, svg(two))
    assert not re.search(r"20\d\d-\d\d-\d\d", svg(one))


def test_every_seed_is_drawn_and_failures_stand_on_top_with_their_count() -> None:
    top, axes = _points().axes
    marks = [line for line in axes.lines if str(line.get_gid()).startswith("points-")]
    assert sorted(float(y) for line in marks for y in line.get_ydata()) == [10.0, 12.0, 50.0]
    assert [text.get_text() for text in top.texts] == ["1", "2"]
    assert sum(len(line.get_xdata()) for line in top.lines if line.get_marker() == "x") == 3
    wide = [line for line in axes.lines if str(line.get_gid()).startswith("wide-")]
    bars = [float(line.get_ydata()[0]) for line in wide]
    assert bars == [12.0]  # sigmoid's median is a failure: no bar pretends otherwise


def test_an_open_end_is_an_arrow_at_the_edge() -> None:
    (axes,) = _forest().axes
    arrows = [line for line in axes.lines if line.get_marker() in "<>"]
    assert {line.get_marker() for line in arrows} == {"<", ">"}
    (closed,) = _forest(0.8, 1.5).axes
    own = [line for line in closed.lines if line.get_marker() == ">"]
    assert len(own) == 1  # of the row that has no number at all


def test_a_zero_on_a_logarithmic_axis_is_marked() -> None:
    axes = _curves().axes[0]
    triangles = [line for line in axes.lines if line.get_marker() == "v"]
    assert [list(line.get_xdata()) for line in triangles] == [[20]]
    assert float(triangles[0].get_ydata()[0]) == 0.05


def test_a_cell_says_how_many_failed() -> None:
    texts = [text.get_text() for text in _heat().axes[0].texts]
    assert texts == ["12.0\n1 of 3 failed", "failed\n2 of 3 failed"]


def test_a_median_counts_failures_as_worst() -> None:
    assert (CELLS[0].median, CELLS[1].median) == (12.0, inf)
    higher = Cell(
        "a", "b", "is_x", True, (0, 1, 2), (3.0, 5.0, nan), ("finished",) * 2 + ("crashed",)
    )
    assert higher.median == 3.0


def test_an_activation_keeps_its_look_whatever_stands_beside_it() -> None:
    alone, among = looks(("gelu",))["gelu"], looks(("mish", "gelu", "relu", "zzz"))["gelu"]
    assert alone == among
    every = looks(
        ("leaky_relu", "relu", "sigmoid", "tanh", "gelu", "silu", "elu", "identity", "new")
    )
    assert len({(look.color, look.marker) for look in every.values()}) == 9


@pytest.mark.slow
def test_inline_figures_have_ids_of_their_own_and_the_colours_of_the_page() -> None:
    document = svg(Drawing("f", "a <title>", "alt & more", "caption", _points()))
    one, two = (inline(document, name, "a <title>", "alt & more") for name in ("one", "two"))
    ids = [re.findall(r'\bid="([^"]+)"', text) for text in (one, two)]
    assert len(ids[0]) == len(set(ids[0]))
    assert not set(ids[0]) & set(ids[1])
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', one))
    assert used
    assert used <= set(ids[0])
    assert '<title id="one-title">a &lt;title&gt;</title>' in one
    assert 'role="img"' in one
    assert "var(--ink)" in one
    assert "http" not in one


def test_round_numbers() -> None:
    assert round_numbers(0.2, 5) == pytest.approx([0.2, 0.5, 1, 2, 5])
    for low, high in ((0.9, 1.1), (1e-6, 1e3), (0.98, 1.02), (3, 4)):
        found = round_numbers(low, high)
        assert 3 <= len(found) <= 10
        assert low <= found[0] * (1 + 1e-9)
        assert found[-1] <= high * (1 + 1e-9)


def test_levels_that_differ_in_zeros_alone_keep_their_looks() -> None:
    """0.1, 0.01 and 0.001 are one number to a natural order: a set's own order must not decide."""
    names = [f"weight_clip(bound={bound})" for bound in ("0.001", "0.01", "0.1")]
    assert [look.color for look in looks(names).values()] == ["#0072B2", "#D55E00", INK]


@pytest.mark.slow
@pytest.mark.parametrize(("names", "letters"), [(6, 16), (5, 18), (6, 20), (44, 17), (8, 36)])
def test_a_legend_stays_inside_the_figure(names: int, letters: int) -> None:
    levels = [f"w{i:02}{'m' * (letters - 3)}" for i in range(names)]
    figure = points([], [Group("b", "hinge")], looks(levels), "FID", log=False)
    svg(Drawing("score-fid", "t", "alt", "caption", figure))
    (legend,) = figure.legends
    assert legend.get_window_extent().x1 <= figure.bbox.x1


def test_no_two_pairs_of_activations_look_alike() -> None:
    """As a study of placement has them: four activations, and every pair of two different ones."""
    own = ("sigmoid", "tanh", "relu", "leaky_relu")
    names = [*own, *(f"G_{g}+D_{d}" for g in own for d in own if g != d)]
    shown = looks(names)
    assert len(set(shown.values())) == len(names) == 16
    assert [shown[name] for name in own] == [looks(own)[name] for name in own]
    round_ones = [look.color for look in shown.values() if look.marker in "oHh8p"]
    assert len(set(round_ones)) == len(round_ones)  # small hexagons look like circles
