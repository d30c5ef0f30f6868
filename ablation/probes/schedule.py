"""When a trial is probed: a function of the step, of how many steps there are and of how many probes are asked for."""

from __future__ import annotations

DEEP = 4
"""One probe in so many also takes the measures that cost most: effective ranks, dormant units, norms of weights."""


def due(step: int, steps: int, probes: int) -> bool:
    """Whether step 1..steps is probed: the first, the last, and `probes` even ones."""
    if probes == 0:
        return False
    return step in (1, steps) or step * probes // steps != (step - 1) * probes // steps


def deep(step: int, steps: int, probes: int) -> bool:
    """Whether a probed step is probed in depth: before training, the last, and every `DEEP`-th even one."""
    if probes == 0:
        return False
    number, before = (s * probes // steps for s in (step, step - 1))
    return step in (0, steps) or any(k % DEEP == 0 for k in range(max(before, 0) + 1, number + 1))
