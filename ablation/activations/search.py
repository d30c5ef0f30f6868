"""Where a function is highest, whether it grows without end, and whether it jumps: numerically, in float64.

Points are N D; whatever is drawn comes from a generator of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import torch
from torch import Tensor, nn

from ablation.activations.slopes import gradient

REACH = 30.0
"""How far from 0 bends, jumps and peaks are looked for."""

Score = Callable[[Tensor], Tensor]
"""Points N D to numbers N."""


def highest(score: Score, dimensions: int, radius: float) -> float:
    """Return the maximum of `score` on the cube [-radius, radius]^D: the best of many points, then ever nearer to it.

    The first points are 1/1000 apart on the line (at a radius of 30), 1/4 in the plane.
    """
    points, width = _cube(dimensions)
    points, width = points * radius, width * radius
    value, at = _best(score, points)
    around = _few(dimensions)
    shrinking = 0.05 if dimensions == 1 else 0.5
    while width > 1e-10 * radius:
        nearer, place = _best(score, (at + around * width).clamp(-radius, radius))
        if nearer > value:
            value, at = nearer, place
        width *= shrinking
    return value


def supremum(score: Score, dimensions: int) -> float:
    """Return the supremum of `score`: its maximum on [-30, 30]^D or the limit far out; inf if it grows without end.

    Far points reach to 1e12, decade by decade, with coordinates of every size. What grows from the last decade but
    one to the last by more than half as much as before, and by more than 1e-6 of its size, has no end.
    """
    few = torch.tensor(list(product((-1.0, 0.0, 1.0), repeat=min(dimensions, 6))))
    ends = torch.zeros(len(few), dimensions, dtype=torch.float64)
    ends[:, : few.shape[1]] = few
    spread = torch.cat([_few(dimensions), ends])
    reached = [highest(score, dimensions, REACH)]
    for decade in range(2, 13):
        far = spread.sign() * torch.expm1(spread.abs() * math.log1p(10.0**decade))
        reached.append(max(reached[-1], _best(score, far)[0]))
    *_, before, last = (b - a for a, b in pairwise(reached))
    if reached[-1] == math.inf or last > max(0.5 * before, 1e-6 * max(1.0, abs(reached[-1]))):
        return math.inf
    return reached[-1]


def _best(score: Score, points: Tensor) -> tuple[float, Tensor]:
    """Return the highest number and its point; what is not a number does not count."""
    found = score(points).nan_to_num(nan=-math.inf, posinf=math.inf, neginf=-math.inf)
    place = int(found.argmax())
    return float(found[place]), points[place]


def _cube(dimensions: int) -> tuple[Tensor, float]:
    """Return points that fill the cube [-1, 1]^D, and how far one lies from its neighbours."""
    if dimensions == 1:
        return torch.linspace(-1, 1, 60_001, dtype=torch.float64)[:, None], 1 / 30_000
    if dimensions == 2:
        side = torch.linspace(-1, 1, 241, dtype=torch.float64)
        return torch.cartesian_prod(side, side), 1 / 120
    return sobol(2**14, dimensions) * 2 - 1, 0.25


def _few(dimensions: int) -> Tensor:
    """Return some points of the cube [-1, 1]^D."""
    if dimensions == 1:
        return torch.linspace(-1, 1, 1025, dtype=torch.float64)[:, None]
    return sobol(4096 if dimensions > 2 else 1024, dimensions) * 2 - 1


def sobol(n: int, dimensions: int) -> Tensor:
    """Return n points of Sobol's sequence, none of them on the border of the cube [0, 1]^D."""
    engine = torch.quasirandom.SobolEngine(dimensions)
    points: Tensor = engine.draw(n, dtype=torch.float64)
    return points + 0.5 / n


@dataclass(frozen=True)
class Line:
    """The points origin + t direction, along which a module is looked at."""

    origin: Tensor
    direction: Tensor

    def curve(self, phi: nn.Module, t: Tensor) -> Tensor:
        """Return value, first and second derivative of every output along the line: 3 K N.

        A second derivative that autograd does not have is not a number.
        """
        with torch.enable_grad():
            t = t.detach().requires_grad_(True)
            one = torch.ones_like(t).requires_grad_(True)  # as if more came after
            h = phi(self.origin + t[:, None] * self.direction)
            found = []
            for value in h.unbind(1):
                first = gradient((value * one).sum(), t, create_graph=True)
                second = _second(first, t)
                found.append(torch.stack([value.detach(), first.detach(), second]))
        return torch.stack(found, 1)


def _second(first: Tensor, t: Tensor) -> Tensor:
    """Return the derivative of `first` at t, by a whole backward pass: only so does autograd tell what it lacks."""
    t.grad = None
    if first.requires_grad:
        try:
            first.sum().backward(retain_graph=True)
        except RuntimeError:
            return torch.full_like(t, math.nan).detach()
    return torch.zeros_like(t).detach() if t.grad is None else t.grad


def lines(dimensions: int) -> list[Line]:
    """Return lines that cross every bend: the axis itself in one dimension, else some in general directions."""
    if dimensions == 1:
        return [*axes(1)]
    random = torch.Generator().manual_seed(0)
    drawn = torch.randn(4, 2, dimensions, generator=random, dtype=torch.float64)
    return [Line(origin, direction / direction.norm()) for origin, direction in drawn]


def axes(dimensions: int) -> Iterator[Line]:
    """Yield, axis by axis, lines along it: through 0 in one dimension, else through five points."""
    random = torch.Generator().manual_seed(1)
    origins = 2 * torch.randn(5, dimensions, generator=random, dtype=torch.float64)
    for axis in torch.eye(dimensions, dtype=torch.float64):
        for origin in origins if dimensions > 1 else torch.zeros(1, 1, dtype=torch.float64):
            yield Line(origin, axis)


def grid(dimensions: int) -> Tensor:
    """Return places along a line in [-30, 30], none of them a round number."""
    n = 60_001 if dimensions == 1 else 6_001
    return torch.linspace(-REACH, REACH, n, dtype=torch.float64) + 1e-4 / math.pi


def jumps(phi: nn.Module, line: Line, t: Tensor, curve: Tensor) -> Tensor:
    """Return the largest jump of value, first and second derivative (3): what remains of a difference over 1e-12.

    `curve` (3 K N) is what the line shows at t. Intervals between neighbours in which a difference stands out from
    those on both sides are halved, each time towards the larger difference.
    """
    rows = curve.flatten(0, 1)
    steps = rows.diff(dim=1)
    odd = (steps[:, 1:-1] - (steps[:, :-2] + steps[:, 2:]) / 2).abs().nan_to_num(0.0)
    cell = odd.topk(16, dim=1).indices + 1
    low, high = t[cell], t[cell + 1]
    below, above = rows.gather(1, cell), rows.gather(1, cell + 1)
    own = torch.arange(len(rows))
    for _ in range(30):
        middle = (low + high) / 2
        seen = line.curve(phi, middle.flatten()).flatten(0, 1).unflatten(1, middle.shape)[own, own]
        left = (seen - below).abs() > (above - seen).abs()
        high, above = torch.where(left, middle, high), torch.where(left, seen, above)
        low, below = torch.where(left, low, middle), torch.where(left, below, seen)
    largest: Tensor = (above - below).abs().unflatten(0, curve.shape[:2]).amax((1, 2))
    return largest
