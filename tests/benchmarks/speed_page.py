"""docs/benchmarks.md: the machine, the tables, and what limits a row that misses its aim; numbers in, Markdown out."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

HEAD = """\
# How fast it is

Written by `make bench`. Both sides of a row run in turn on the same cores, in processes of their own, and what counts
is their ratio; seconds are this machine's. The other side is the loop that tutorials teach
(`tests/benchmarks/baseline.py`: a DataLoader of PIL transforms, torch.nn players in the contiguous layout, Adam as it
comes, gradients of D's weights in G's update too) on the same layers, batch and order of updates; a test holds both to
the same weights. Ours is a trial as a sweep trains it: probes at the default schedule, the running average of the
weights, the watch for losses that are not finite. Batch 64, Fashion-MNIST.
"""
RACES = ("mlp", "dcgan", "dcgan-bf16", "critic", "ring8")


def machine() -> dict[str, Any]:
    """Return what a reader needs to know of this machine: no names of it, no places on it."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "bf16": "avx512_bf16" in flags() or "amx_bf16" in flags(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
    }


def flags() -> str:
    """Return the CPU's flags where the system tells them."""
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def cpu_model() -> str:
    """Return the CPU's name."""
    lines = [line for line in flags().splitlines() if line.startswith("model name")]
    return lines[0].split(":", 1)[1].strip() if lines else platform.machine()


def page(found: Mapping[str, Any], notes: Mapping[str, str], missing: Sequence[str] = ()) -> str:
    """Return the page of everything measured so far, notes to rows that miss their aim, and what is missing."""
    rest = [f"Not measured yet: {', '.join(missing)} (rows of `tests/benchmarks/speed.py`)."]
    parts = [*described(found), *raced(found, notes), *others(found), *(rest if missing else [])]
    return "\n".join([HEAD, *parts, ""])


def described(found: Mapping[str, Any]) -> Iterator[str]:
    own = found["machine"]
    half = ", bf16 in hardware" if own["bf16"] else ""
    yield (
        f"The machine: {own['cpu']}, {own['cores']} cores ({own['capability']}{half}), {own['system']},"
        f" torch {own['torch']}, Python {own['python']}. `load` is how many processes wanted a core"
        " in the minute before a row. A row of two or three slices was measured by `--quick`."
    )
    yield ""


def raced(found: Mapping[str, Any], notes: Mapping[str, str]) -> Iterator[str]:
    """Yield the table of ratios, the shares of the limit, and memory."""
    yield "## Beside the loop of a tutorial"
    yield ""
    yield (
        "| what | threads | theirs | ours | its kernels alone | ratio (range, slices) | reach"
        " | theirs / kernels | load |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for key in found:
        row = found[key]
        if key.split("@")[0] in (*RACES, "scoring", "sweep"):
            yield ratio_row(row)
    yield ""
    yield (
        "Times are of a step (of the whole for scoring and the sweep): medians over slices, of CPU time on one thread"
        " and of the clock on the wall on two. A trial of ours always runs on one thread; a sweep puts one on a core."
        " Kernels are the matrix products and convolutions of one step of ours, called again and again with nothing"
        " between them, by the libraries that torch uses here (MKL, oneDNN): their ratio is what a loop around them"
        " would reach that costs nothing itself, without activations, norms, gradients of biases, Adam or data."
    )
    yield ""
    if "scoring" in found:
        pairs = found["scoring"]["values"].items()
        told = ", ".join(f"{name} {theirs:.8g} and {own:.8g}" for name, (theirs, own) in pairs)
        yield f"What both score (theirs and ours, whose batches differ): {told}."
        yield ""
    yield from limited(found)
    if "memory" in found:
        row = found["memory"]
        yield (
            f"The {row['what']}: {row['above']:.0f} MB (reach: at most {row['most']}); {row['imported']:.0f} MB are"
            " torch itself."
        )
        yield ""
    for key, note in notes.items():
        if key in found and short(found[key]):
            yield f"**{found[key]['what']}.** {note}"
            yield ""
    if "growth" in found:
        yield "## How the cost grows"
        yield ""
        yield (
            "![Four panels: CPU time of a step against width, batch and resolution for the tutorial's loop and ours;"
            " seconds of a sweep against trials for one, two and four workers](benchmarks.svg)"
        )
        yield ""


def limited(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of shares: of the best kernel's arithmetic a second, what a step does, and its kernels alone."""
    limits = {key.removeprefix("limit-"): row for key, row in found.items() if "share" in row}
    if not limits:
        return
    yield "## How near the limit"
    yield ""
    yield (
        "| step | GFLOP a step | GFLOP/s | best kernel of the same run | share (range) | reach"
        " | its kernels alone | load |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for name, row in limits.items():
        low, high = row["range"]
        kernels = found.get(name, {}).get("kernels")
        alone = f"{100 * row['gflop'] / (kernels / 1000) / row['best']:.0f} %" if kernels else ""
        yield (
            f"| {row['what']} | {row['gflop']:.2f} | {row['rate']:.0f} | {row['best']:.0f} ({row['kernel']})"
            f" | {missed(short(row))}{100 * row['share']:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
            f" | {100 * row['reach']:.0f} % | {alone} | {row['load']:.1f} |"
        )
    yield ""
    yield (
        "FLOPs are those that torch counts in the step's products and convolutions, on one thread; what is"
        " elementwise (activations, norms, Adam, the running average) counts as none and takes its time."
    )
    yield ""


def short(row: Mapping[str, Any]) -> bool:
    """Whether a row misses its aim."""
    return bool(row["share" if "share" in row else "ratio"] < row["reach"])


def missed(yes: bool) -> str:
    return "**missed** " if yes else ""


def ratio_row(row: Mapping[str, Any]) -> str:
    low, high = row["range"]
    kernels = row.get("kernels")
    alone, bound = (span(kernels), f"{row['theirs'] / kernels:.2f}") if kernels else ("", "")
    return (
        f"| {row['what']} | {row['threads']} | {span(row['theirs'])} | {span(row['ours'])} | {alone}"
        f" | {missed(short(row))}{row['ratio']:.2f} ({low:.2f} to {high:.2f}, {row['slices']})"
        f" | {row['reach']:.1f} | {bound} | {row['load']:.1f} |"
    )


def span(milliseconds: float) -> str:
    """Return a time with three digits."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.3g} s"
    return f"{milliseconds:.3g} ms"


def others(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the other scripts printed."""
    for key, row in found.items():
        if key.startswith("other-"):
            yield f"## {row['what']}"
            yield ""
            yield from row["lines"]
            yield ""
