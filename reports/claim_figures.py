"""The effect plot of claims: every tested part on one axis, in units of the smallest effect that matters."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.claim_tests import MIXED, OPEN, REFUTED, SUPPORTED, Effect
from reports.claims import Claims, Judged
from reports.drawing import INK, MUTED, STYLE, Drawing, Look, figure, legend
from reports.words import listed, number

LOOKS = {
    SUPPORTED: Look("#009E73", "o"),
    REFUTED: Look("#D55E00", "s"),
    MIXED: Look("#E69F00", "D"),
    OPEN: Look(MUTED, "^"),
}
"""Colour and marker of each verdict."""

REACH = 30.0
"""Units of the smallest effect that matters at which the axis ends at the latest."""


def claim_drawings(claims: Claims) -> tuple[Drawing, ...]:
    """Return the effect plot of the tested claims, nothing where none is tested."""
    rows = [(one, effect) for one in claims.tested for effect in shown(one)]
    if not rows:
        return ()
    said = [f"{one.claim.id} {e.label} {e.pair} {_units(e)}, {e.verdict}" for one, e in rows]
    title = "Claims: effects in units of the smallest that matters"
    told = sorted({f"{n} {units}" for n, units in _counts(rows)})
    level = 100 * (1 - claims.alpha * claims.weight)
    caption = (
        f"Every part of every tested claim, turned so that the claim says it is above 0; from 1 on it matters. Of"
        f" a claim with a margin, 0 is the margin and 1 no difference. Intervals at {level:.4g} %; arrows go on."
        f" n = {listed(told)}; failures rank last, and are themselves what a rate counts."
    )
    return (
        Drawing("claim-effects", title, f"{title}. {'; '.join(said)}.", caption, _forest(rows)),
    )


def shown(one: Judged) -> Iterator[Effect]:
    """Yield the parts of a claim that are drawn: of comparisons with all others only the one that decides."""
    every = [e for e in one.effects if not e.checked]
    many = [e for e in every if e.evidence.r == "others"]
    decides = one.deciding if one.deciding in many else next(iter(many), None)
    yield from (e for e in every if e not in many or e is decides)


def _counts(rows: list[tuple[Judged, Effect]]) -> set[tuple[int, str]]:
    return {(e.n, f"{e.units}{'s' if e.n != 1 else ''}") for _, e in rows}


def _units(e: Effect) -> str:
    low, high = (number(end / e.unit, 2) for end in (e.low, e.high))
    return f"{number(e.estimate / e.unit, 2)} [{low}, {high}]"


def _forest(rows: list[tuple[Judged, Effect]]) -> Figure:
    with rc_context(STYLE):
        fig = figure(1.1 + 0.25 * len(rows))
        axes = fig.add_subplot()
        axes.set_xscale("symlog", linthresh=1.0, linscale=0.8)
        low, high = _limits(rows)
        axes.set_xlim(low, high)
        axes.axvline(0, color=MUTED, lw=0.8, ls=(0, (4, 3)))
        axes.axvline(1, color=MUTED, lw=0.8, ls=(0, (1, 2)))
        for at, (_, effect) in enumerate(rows):
            _effect(axes, -at, effect, (low, high))
        axes.set_ylim(0.6 - len(rows), 0.6)
        labels = [f"{one.claim.id}  {effect.label}" for one, effect in rows]
        axes.set_yticks([-at for at in range(len(rows))], labels)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        ticks = [t for t in (-30, -10, -3, -1, 0, 1, 3, 10, 30) if low <= t <= high]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−"))
        )
        axes.set_xlabel("effect / smallest effect that matters (the claim says: to the right)")
        legend(fig, {v: look for v, look in LOOKS.items() if v in {e.verdict for _, e in rows}})
        return fig


def _limits(rows: list[tuple[Judged, Effect]]) -> tuple[float, float]:
    """Return the ends of the axis: all finite numbers with some air, within the reach."""
    ends = [v / e.unit for _, e in rows for v in (e.estimate, e.low, e.high) if isfinite(v)]
    low, high = min([-1.0, *ends]) * 1.25, max([2.0, *ends]) * 1.25
    return max(low, -REACH), min(high, REACH)


def _effect(axes: Axes, y: float, effect: Effect, limits: tuple[float, float]) -> None:
    look = LOOKS[effect.verdict]
    low, high = effect.low / effect.unit, effect.high / effect.unit
    inside = [min(max(end, limits[0]), limits[1]) for end in (low, high)]
    axes.plot(inside, [y, y], color=look.color, lw=1.8, solid_capstyle="butt")
    for beyond, at, mark in (
        (low <= limits[0], limits[0], "<"),
        (high >= limits[1], limits[1], ">"),
    ):
        if beyond:
            axes.plot(at, y, mark, color=look.color, ms=5, clip_on=False)
    middle = effect.estimate / effect.unit
    if limits[0] < middle < limits[1]:
        axes.plot(middle, y, look.marker, color=look.color, ms=5.5, clip_on=False)
    axes.annotate(
        effect.pair,
        (1.015, y),
        xycoords=("axes fraction", "data"),
        va="center",
        annotation_clip=False,
        fontsize=7.5,
        color=INK if effect.verdict != OPEN else MUTED,
    )
