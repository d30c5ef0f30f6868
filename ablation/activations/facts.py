"""What an activation is, found by computing in float64: one definition for each fact.

A fact is about the module as it starts: a learnable parameter has its first value. A module that draws is asked for
its gain while it draws, as in training, and for everything else in evaluation. Nothing here moves a random stream.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor, nn

from ablation.activations.search import axes, grid, highest, jumps, lines, sobol, supremum
from ablation.activations.slopes import channels, slopes
from ablation.factories import make
from ablation.files import brief
from ablation.known import Facts, keep, known
from ablation.part import Part

JUMP = 1e-5
"""What counts as a jump of a derivative, as a share of its largest size: torch's softplus has one of 2e-9 at 20."""
USUAL = 3.0
"""Three standard deviations of a pre-activation: where `scale` looks if slopes have no bound."""


@contextmanager
def apart() -> Iterator[None]:
    """Let modules draw from a stream that starts alike each time, and give the caller's back."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(0)
        yield


def module(part: Part) -> nn.Module:
    """Make the module in float64, for training; nothing learns here, and what it draws to start is always the same."""
    with apart():
        return make(part, nn.Module).double().requires_grad_(False)


@cache
def second_moment(part: Part) -> float:
    """Return E phi(z)^2 for standard normal pre-activations, averaged over the outputs that share them.

    By the trapezoid rule where a unit sees one or two pre-activations, by 2^17 points of Sobol's sequence where it sees
    more (3 to 4 digits); a module that draws is averaged over 64 draws a point. Raises ValueError for what is no
    activation.
    """
    phi = module(part)
    seen, _ = channels(phi)
    z, weight = _normal(seen)
    try:
        draws = 64 if random(part) else 1
        with apart():
            _output(phi, torch.zeros(2, 3 * seen, dtype=torch.float64))
            total = torch.stack([_output(phi, z).square().mean(1) for _ in range(draws)]).mean(0)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"{part.name}: {part.target} is no activation: {brief(error)}") from None
    return float((total * weight).sum() / weight.sum())


def _normal(seen: int) -> tuple[Tensor, Tensor]:
    """Return points N D and their weights, which together stand for a standard normal distribution."""
    if seen == 1:
        z = torch.linspace(-12, 12, 48_001, dtype=torch.float64)
        return z[:, None], torch.exp(-z * z / 2)
    if seen == 2:
        side = torch.linspace(-10, 10, 801, dtype=torch.float64)
        z = torch.cartesian_prod(side, side)
        return z, torch.exp(-z.square().sum(1) / 2)
    return torch.special.ndtri(sobol(2**17, seen)), torch.ones(2**17, dtype=torch.float64)


def _output(phi: nn.Module, u: Tensor) -> Tensor:
    """Return phi(u); raises TypeError unless phi makes the channels that it states."""
    h = phi(u.clone())
    seen, sharing = channels(phi)
    if not isinstance(h, Tensor) or h.shape != (len(u), u.shape[1] // seen * sharing):
        raise TypeError(
            "it does not keep the shape of its input, and states no channels_out(incoming) that fits"
        )
    return h


def gain(part: Part) -> float:
    """Return the factor that gives the output unit second moment on standard normal pre-activations.

    Raises ValueError if there is none: the output is zero, or not finite.
    """
    moment = second_moment(part)
    if not 0 < moment < math.inf:
        raise ValueError(
            f"{part.name}: its second moment on normal input is {moment}: it has no gain"
        )
    return float(moment**-0.5)


@cache
def steepest(part: Part) -> float:
    """Return sup |phi'|, inf if it grows without end; of a unit that sees several channels, of its gradient's norm."""
    phi = module(part).eval()
    with apart():
        return supremum(lambda u: slopes(phi, u).abs().amax(1), channels(phi)[0])


@cache
def scale(part: Part) -> float:
    """Return what dead and saturated are measured against: `steepest`, or sup |phi'| on [-3, 3] if that has no end."""
    if math.isfinite(steepest(part)):
        return steepest(part)
    phi = module(part).eval()
    with apart():
        return highest(lambda u: slopes(phi, u).abs().amax(1), channels(phi)[0], USUAL)


@cache
def random(part: Part) -> bool:
    """Whether the module draws in training: two passes over the same points then differ."""
    phi = module(part)
    u = torch.linspace(-3, 3, 64, dtype=torch.float64)[:, None].expand(-1, channels(phi)[0])
    with apart():
        return not torch.equal(phi(u.clone()), phi(u.clone()))


def bounds(phi: nn.Module) -> tuple[float, float]:
    """Return infimum and supremum of the values, to nine decimals."""
    seen, _ = channels(phi)
    low = -supremum(lambda u: -phi(u.clone()).amin(1), seen)
    high = supremum(lambda u: phi(u.clone()).amax(1), seen)
    return round(low, 9) + 0.0, round(high, 9) + 0.0  # + 0.0: no -0.0


def monotone(phi: nn.Module) -> bool:
    """Whether no output turns back: wherever the others stand, a pre-activation only raises it or only lowers."""
    seen, _ = channels(phi)
    far = torch.logspace(1.5, 12, 64, dtype=torch.float64)
    t = torch.cat([-far.flip(0), grid(seen), far])
    ways = []
    for line in axes(seen):
        h = phi(line.origin + t[:, None] * line.direction)
        step, noise = h.diff(dim=0), 1e-12 * (1 + h.abs())[1:]
        ways.append(~torch.stack([(step < -noise).any(0), (step > noise).any(0)]))
    by_axis = torch.stack(ways).unflatten(0, (seen, -1)).all(1)  # axes, up or down, outputs
    return bool(by_axis.any(1).all())


def bends(phi: nn.Module) -> tuple[bool, bool, bool]:
    """Return whether phi' is continuous, phi'' too, and phi'' is 0 almost everywhere, between -30 and 30.

    A jump is sought between grid points 1/1000 apart (1/100 along lines, where a unit sees several channels). Where
    autograd has no second derivative, neither has phi.
    """
    seen, _ = channels(phi)
    smooth = twice = linear = True
    t = grid(seen)
    for line in lines(seen):
        curve = line.curve(phi, t)
        size = curve[1:].abs().amax((1, 2))
        jump = jumps(phi, line, t, curve)
        smooth &= bool(jump[0] <= JUMP * size[0] and jump[1] <= JUMP * size[0])
        twice &= bool(jump[2] <= JUMP * size[1])
        linear &= bool(size[1] <= 1e-12 * size[0])
    return smooth, smooth and twice, linear


@cache
def facts(part: Part) -> Facts:
    """Return all facts, from the cache folder if they are kept there; numbers to ten digits.

    Raises ValueError for what is no activation. Training takes its gain and scale from the functions above: what lies
    in a cache moves no trial.
    """
    found = known(part)
    if found is None:
        found = _computed(part)
        keep(part, found)
    return found


def _computed(part: Part) -> Facts:
    moment = second_moment(part)
    phi = module(part).eval()
    with apart():
        smooth, twice, linear = bends(phi)
        return Facts(
            gain=_ten(gain(part)) if 0 < moment < math.inf else None,
            steepest=_ten(steepest(part)),
            scale=_ten(scale(part)),
            bounds=bounds(phi),
            monotone=monotone(phi),
            smooth=smooth,
            twice_differentiable=twice,
            piecewise_linear=linear,
            learnable=sum(parameter.numel() for parameter in phi.parameters()),
            random=random(part),
            channels=channels(phi),
        )


def _ten(value: float) -> float:
    """Return a number rounded to ten digits."""
    return float(f"{value:.10g}")
