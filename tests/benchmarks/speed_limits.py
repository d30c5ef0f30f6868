"""How near the limit a step is: its arithmetic a second, as a share of the best kernel's in the same run."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from speed_floor import Alone
from speed_lanes import WARM, Game, Ours, as_a_worker, environment
from speed_races import FASHION
from torch import Tensor
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

LIMITS: Mapping[str, tuple[str, Game, float]] = {
    "mlp": ("mlp fp32", Game((*FASHION, "architecture=mlp")), 0.70),
    "dcgan": ("dcgan fp32", Game((*FASHION, "architecture=dcgan"), 32), 0.85),
    "dcgan-bf16": (
        "dcgan bf16",
        Game((*FASHION, "architecture=dcgan", "precision=bf16"), 32),
        0.65,
    ),
}
PRODUCTS = ((64, 256, 256), (64, 784, 256), (256, 64, 784), (256, 256, 256), (1024, 1024, 1024))
"""Rows, inner size and columns of the matrices that are multiplied: those of the players, and larger ones."""
CONVOLUTIONS = ((32, 64, 16, 4, 2), (64, 128, 8, 4, 2), (128, 128, 16, 3, 1), (256, 256, 8, 3, 1))
"""Channels in and out, side, kernel and stride of convolutions of 64 pictures: the players' own, and larger ones."""
LEAST = 0.1
"""CPU seconds for which a kernel is repeated."""


def measured(name: str, *, quick: bool) -> dict[str, Any]:
    """Return GFLOP/s of a step and of the best kernel, in a process of their own."""
    what, game, reach = LIMITS[name]
    with environment(as_a_worker()), multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(near, (game, 4 if quick else 12))
    return {"what": what, "reach": reach, "threads": 1, **found}


def near(game: Game, rounds: int) -> dict[str, Any]:
    """Let the step, its own kernels and the known ones take turns on one thread; return what they reach."""
    lane = Ours(game)
    lane.go(WARM)
    with FlopCounterMode(display=False) as counter:
        lane.go(1)
    flops = counter.get_total_flops()
    half = game.spec.precision == "bf16"
    convolves = game.spec.architecture.name == "dcgan"
    kernels = convolutions(half) if convolves else products()
    best: dict[str, float] = dict.fromkeys(kernels, 0.0)
    alone, own = Alone(game), dict[str, list[float]](step=[], alone=[], share=[], bound=[])
    for _ in range(rounds):
        now = {name: rate(*kernel) for name, kernel in kernels.items()}
        best = {name: max(best[name], now[name]) for name in kernels}
        steps = max(2, int(LEAST * 5 * max(now.values()) / flops))
        for name, share, side in (("step", "share", lane), ("alone", "bound", alone)):
            began = time.process_time()
            side.go(steps)
            own[name].append(steps * flops / (time.process_time() - began))
            own[share].append(own[name][-1] / max(now.values()))
    return {
        "gflop": flops / 1e9,
        "rate": statistics.median(own["step"]) / 1e9,
        "best": max(best.values()) / 1e9,
        "kernel": max(best, key=best.__getitem__),
        "share": statistics.median(own["share"]),
        "range": [min(own["share"]), max(own["share"])],
        "bound": statistics.median(own["bound"]),
        "kernels": {name: value / 1e9 for name, value in best.items()},
    }


def rate(kernel: Callable[[], Tensor], flops: int) -> float:
    """Return the FLOP/s of a kernel on this thread."""
    kernel()
    began, count = time.process_time(), 0
    while time.process_time() - began < LEAST:
        for _ in range(4):
            kernel()
        count += 4
    return count * flops / (time.process_time() - began)


def products() -> dict[str, tuple[Callable[[], Tensor], int]]:
    """Return matrix products by name, each with its FLOPs."""
    found = {}
    for n, k, m in PRODUCTS:
        a, b, out = torch.rand(n, k), torch.rand(k, m), torch.empty(n, m)

        def product(a: Tensor = a, b: Tensor = b, out: Tensor = out) -> Tensor:
            return torch.mm(a, b, out=out)

        found[f"product {n} x {k} x {m}"] = (product, 2 * n * k * m)
    return found


def convolutions(half: bool) -> dict[str, tuple[Callable[[], Tensor], int]]:
    """Return convolutions, channels last, by name, each with its FLOPs."""
    kind, last = torch.bfloat16 if half else torch.float32, torch.channels_last
    found = {}
    for fed, made, side, kernel, stride in CONVOLUTIONS:
        x = torch.rand(64, fed, side, side).to(kind).to(memory_format=last)
        weight = torch.rand(made, fed, kernel, kernel).to(kind).to(memory_format=last)

        def convolution(x: Tensor = x, weight: Tensor = weight, stride: int = stride) -> Tensor:
            return conv2d(x, weight, stride=stride, padding=1)

        with FlopCounterMode(display=False) as counter:
            convolution()
        name = f"convolution {fed} to {made}, {side} x {side}, {kernel} x {kernel}"
        found[name] = (convolution, counter.get_total_flops())
    return found
