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

Written by `make bench`. Both sides of a row train in turn, slice by slice, in processes of their own; what counts is
the ratio, and its aim was set before. The other side is the loop that tutorials teach
(`tests/benchmarks/baseline.py`: a DataLoader of PIL transforms, torch.nn players in the contiguous layout, Adam as it
comes, gradients of D's weights in G's update too) on the same layers, batch and order of updates; a test holds both
to the same weights over three steps on digits. Ours is the training of a trial in a sweep: probes at the default
schedule, the running average of the weights, the watch for losses that are not finite, memory in pages of 2 MB as its
worker asks for them. Not in a step of ours: checkpoints, pictures and looks at the selection split (the sweep has
them), and for 32 x 32 the resizing, which is done once before; the loop resizes each picture when it is drawn. The
bf16 row is against the loop in fp32. Batch 64, Fashion-MNIST or the ring of eight.
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
        f" torch {own['torch']}, Python {own['python']}. `others` is how many cores worked for something else meanwhile"
        " (blank: not recorded)."
    )
    yield ""


def raced(found: Mapping[str, Any], notes: Mapping[str, str]) -> Iterator[str]:
    """Yield the table of ratios, the shares of the limit, and memory."""
    yield "## Beside the loop of a tutorial"
    yield ""
    yield (
        "| what | their threads | theirs | ours | our kernels alone | ratio (range, slices) | aim | theirs / kernels"
        " | others |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for key in found:
        row = found[key]
        if key.split("@")[0] in (*RACES, "scoring", "sweep"):
            yield ratio_row(row)
    yield ""
    yield (
        "Times are of a step (of the whole for scoring and the sweep), medians over slices, of CPU time against one"
        " thread and of the clock on the wall against two; a ratio is the median of those of the slices, and where"
        " its range holds the aim the row is as near as this machine tells. A trial of ours always runs on one"
        " thread: the rows against two threads are one trial alone beside the loop on both cores, and a sweep puts a"
        " trial on each. Kernels are the matrix products and convolutions of one step of ours, called again and again"
        " in turn with the two, by the libraries that torch uses here (MKL, oneDNN): no loop around them is faster,"
        " whatever it does about activations, norms, Adam or data."
    )
    yield ""
    yield (
        "Scoring is torch-fidelity called plainly against ours with the real side kept, as a sweep keeps it: theirs"
        " looks at the real samples each time. The sweep's other side is a shell loop that starts one script after"
        " another, each on both cores; two such loops of one thread each, side by side, were not measured: by the row"
        " of the mlp they would take 0.6 to 0.7 of it."
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
            f"The {row['what']}: {missed(short(row))}{row['above']:.0f} MB (aim: at most {row['most']});"
            f" {row['imported']:.0f} MB are torch itself."
        )
        yield ""
    if notes:
        yield "What a profile of rows shows that miss their aim, typed from this machine's:"
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
    limits = [row for row in found.values() if "share" in row]
    if not limits:
        return
    yield "## How near the limit"
    yield ""
    yield (
        "| step | GFLOP a step | GFLOP/s | best kernel of the same run | share (range) | aim | its kernels alone |"
        " others |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for row in limits:
        low, high = row["range"]
        yield (
            f"| {row['what']} | {row['gflop']:.2f} | {row['rate']:.0f} | {row['best']:.0f} ({row['kernel']})"
            f" | {missed(short(row))}{100 * row['share']:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
            f" | {100 * row['reach']:.0f} % | {100 * row['bound']:.0f} % | {elsewhere(row)} |"
        )
    yield ""
    yield (
        "FLOPs are those that torch counts in the step's products and convolutions, on one thread; what is"
        " elementwise (activations, norms, Adam, the running average) counts as none and takes its time. Shares are"
        " medians over rounds of the best kernel of that round. Where the kernels alone stay below an aim, no step"
        " reaches it by these libraries."
    )
    yield ""


def short(row: Mapping[str, Any]) -> bool:
    """Whether a row misses its aim."""
    if "above" in row:
        return bool(row["above"] > row["most"])
    return bool(row["share" if "share" in row else "ratio"] < row["reach"])


def missed(yes: bool) -> str:
    return "**missed** " if yes else ""


def ratio_row(row: Mapping[str, Any]) -> str:
    low, high = row["range"]
    kernels = "bound" in row
    alone, bound = (span(row["kernels"]), f"{row['bound']:.2f}") if kernels else ("", "")
    quick = ", quick" if row.get("quick") else ""
    return (
        f"| {row['what']} | {row['threads']} | {span(row['theirs'])} | {span(row['ours'])} | {alone}"
        f" | {missed(short(row))}{row['ratio']:.2f} ({low:.2f} to {high:.2f}, {row['slices']}{quick})"
        f" | {row['reach']:.1f} | {bound} | {elsewhere(row)} |"
    )


def elsewhere(row: Mapping[str, Any]) -> str:
    """Return how many cores worked for others, "" where that was not recorded."""
    return "" if row.get("others") is None else f"{row['others']:.2f}"


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
