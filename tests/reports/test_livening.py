"""The page's figures: letters shared, small, every mark a trial's, and no more of them than a page may weigh."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from math import nan

import pytest

from reports.curves import POINTS, Curve, Panel, thinned
from reports.drawing import Drawing, looks, svg
from reports.figures import points
from reports.livening import Inlined, inlined
from reports.panels import curves, heat_map
from reports.places import Group
from reports.summary import Cell

KEYS = ("relu-s0-aa", "relu-s1-bb", "relu-s2-cc")
GROUPS = [Group("b1", "hinge"), Group("b2", "minimax", 5.0)]


def _cells() -> list[Cell]:
    told = ("finished", "finished", "diverged")
    values = (10.0, 12.0, nan)
    more = tuple(f"{key}x" for key in KEYS)
    return [
        Cell("relu", "b1", "fid_x_5k", False, (0, 1, 2), values, told, KEYS),
        Cell("relu", "b2", "fid_x_5k", False, (0, 1, 2), values, told, more),
    ]


def _drawing() -> Drawing:
    figure = points(_cells(), GROUPS, looks(("relu",)), "FID", log=True)
    marks = {key: "10.0" for cell in _cells() for key in cell.keys}
    return Drawing("score-fid", "scores", "alt", "caption", figure, ("b1", "b2"), "fid", marks)


def _heat() -> Drawing:
    figure = heat_map(_cells(), GROUPS, ["relu"], "FID", log_scale=True)
    return Drawing("heat-fid", "a map", "alt", "caption", figure, ("b1", "b2"), "fid")


def _inlined(*drawings: Drawing, most: int = 10**7) -> Inlined:
    numbers = {key: i for i, key in enumerate(k for cell in _cells() for k in cell.keys)}
    return inlined({"scores": drawings}, {d.name: svg(d) for d in drawings}, numbers, most)


@pytest.mark.slow
def test_every_mark_is_a_trial_and_moves_with_its_group() -> None:
    body = _inlined(_drawing()).figures["score-fid"]
    marks = re.findall(r'<use class="mark s\d+" data-trial="(\d)" data-value="10\.0" [^>]*/>', body)
    assert sorted(marks) == ["0", "1", "2", "3", "4", "5"]
    assert re.findall(r'data-role="wide" data-group="(\d)"', body).count("1") == 2  # median, floor
    assert sorted(re.findall(r'data-role="label" data-group="(\d)"', body)) == ["0", "1"]
    assert sorted(re.findall(r'data-role="word" data-group="(\d)"', body)) == ["0", "1"]
    assert 'role="group"' in body
    assert "relu-s0" not in body
    left, width = map(float, re.findall(r'data-(?:left|width)="([\d.]+)"', body))
    place = re.findall(r'class="mark s\d+" data-trial="(\d)"[^>]* x="([\d.]+)" y="([\d.]+)"', body)
    x, y = ({int(found[0]): float(found[n]) for found in place} for n in (1, 2))
    assert left < x[0] < x[1] < x[2] < left + width / 2 < x[3] < x[4] < x[5] < left + width
    assert y[0] == y[3] > y[1] == y[4] > y[2] == y[5]  # 10, 12, and the failure on top


@pytest.mark.slow
def test_labels_whose_words_do_not_fit_side_by_side_stand_upright() -> None:
    names = [
        f"{loss} · {penalty}"
        for loss in ("wasserstein", "probability_difference")
        for penalty in "abcdef"
    ]
    groups = [Group(name, name) for name in names]
    for part, rotation in ((groups[:4], 0.0), (groups, 90.0)):
        figure = points([], part, looks(("relu",)), "FID", log=False)
        svg(Drawing("score-fid", "t", "alt", "caption", figure))
        labels = figure.axes[-1].get_xticklabels()
        assert {label.get_rotation() for label in labels} == {rotation}
        boxes = [label.get_window_extent() for label in labels]
        assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_labels_that_differ_in_their_midst_are_broken_and_stay_apart() -> None:
    labels = [
        f"{loss} · mlp(generator_norm={norm}, width={width}) · adam(lr={rate})"
        for loss in ("minimax", "non_saturating")
        for norm in ("batch", "none")
        for width in (128, 256)
        for rate in (0.001, 0.0001)
    ]
    figure = points([], [Group(x, x) for x in labels], looks(("relu",)), "FID", log=False)
    svg(Drawing("score-fid", "t", "alt", "caption", figure))  # cuts the lines that are too long
    ticks = figure.axes[-1].get_xticklabels()
    shown = [label.get_text() for label in ticks]
    assert shown == [label.replace(" · ", "\n") for label in labels]
    boxes = [label.get_window_extent() for label in ticks]
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))
    assert min(box.y0 for box in boxes) > 0


@pytest.mark.slow
def test_labels_of_many_groups_stand_upright_and_do_not_touch() -> None:
    groups = [Group(f"b{i}", f"least_squares · fashion_mnist {i}") for i in range(25)]
    figure = points([], groups, looks(("relu",)), "FID", log=False)
    few = points([], groups[:14], looks(("relu",)), "FID", log=False)
    document = svg(Drawing("score-fid", "t", "alt", "caption", figure))
    assert len(re.findall(r'id="label-\d+"', document)) == 25
    labels = figure.axes[-1].get_xticklabels()
    boxes = [label.get_window_extent() for label in labels]
    assert [label.get_text() for label in labels] == [group.label for group in groups]
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))
    assert min(box.y0 for box in boxes) > 0
    low, high = (f.axes[-1].get_window_extent().height for f in (few, figure))
    assert abs(high - low) < 0.35 * low  # what they need is added to the figure


def test_a_heat_map_stays_a_picture_whose_columns_can_be_chosen() -> None:
    body = _inlined(_heat()).figures["heat-fid"]
    assert 'role="img"' in body
    assert sorted(re.findall(r'data-role="wide" data-group="(\d)"', body)) == ["0", "1"]
    assert 'data-pad="0.0"' in body


@pytest.mark.slow
def test_letters_stand_once_on_the_page() -> None:
    found = _inlined(_drawing(), _heat())
    together = found.letters + "".join(found.figures.values())
    names = re.findall(r' id="([^"]+)"', together)
    assert len(names) == len(set(names))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', together))
    assert used <= set(names)
    assert [name for name in names if name.startswith("L-")]
    assert not [
        name for body in found.figures.values() for name in re.findall(r'id="(L-[^"]*)"', body)
    ]
    assert all(found.letters.count(f'id="{name}"') == 1 for name in used if name.startswith("L-"))


@pytest.mark.slow
def test_what_a_reader_sees_is_rounded_by_less_than_a_pixel() -> None:
    drawing = _drawing()
    document, body = svg(drawing), _inlined(drawing).figures["score-fid"]
    exact = [float(x) for x in re.findall(r'<use xlink:href="#m\w+" x="([\d.]+)"', document)]
    small = [float(x) for x in re.findall(r'<use [^>]*href="#f1-\d+" x="([\d.]+)"', body)]
    assert len(small) == len(exact) > 6
    assert max(abs(a - b) for a, b in zip(exact, small, strict=True)) <= 0.005
    assert len(body) < 0.4 * len(document)


@pytest.mark.slow
def test_with_too_many_figures_the_last_of_each_section_are_left_out() -> None:
    own = [replace(_heat(), name=f"heat-{i}") for i in range(3)]
    more = [replace(_heat(), name=f"heat-b{i}") for i in range(2)]
    images = {d.name: svg(d) for d in (*own, *more)}
    every = inlined({"a": own, "b": more}, images, {}, 10**7).figures
    room = sum(map(len, every.values())) - 1
    assert [*every] == ["heat-0", "heat-b0", "heat-1", "heat-b1", "heat-2"]
    assert [*inlined({"a": own, "b": more}, images, {}, room).figures] == [*every][:4]


def _curve(n: int) -> Curve:
    steps = tuple(7 * i for i in range(n))
    values = tuple(float(i) for i in range(n))
    return Curve("relu", steps, values, values, values, 3, 0)


@pytest.mark.parametrize("n", [1, 99, 100, 101, 1000, 12_345])
def test_a_curve_keeps_its_ends_and_at_most_a_hundred_points(n: int) -> None:
    curve = thinned(_curve(n), POINTS)
    assert len(curve.steps) == len(curve.median) == len(curve.low) == min(n, 100)
    assert (curve.steps[0], curve.steps[-1]) == (0, 7 * (n - 1))
    assert (curve.high[0], curve.high[-1]) == (0.0, float(n - 1))
    gaps = {b - a for a, b in zip(curve.steps, curve.steps[1:], strict=False)}
    assert not gaps or max(gaps) - min(gaps) <= 7
    assert thinned(_curve(n), POINTS) == curve


def test_figures_draw_thinned_curves() -> None:
    panels = [Panel("generator", f"generator.{i}", (_curve(1000),)) for i in range(4)]
    for own, most in ((panels[:1], 100), (panels, 50)):
        axes = curves(own, looks(("relu",)), "norm", log=False).axes[0]
        assert len(axes.lines[0].get_xdata()) == most
        assert axes.lines[0].get_xdata()[-1] == 6993
