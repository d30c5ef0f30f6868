"""Short phrases that every part of a report shares: shares, durations, counts, and what a factor is called."""

from __future__ import annotations

from ablation.levels import noun


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.0f} %" if share in (0, 1) or share >= 0.0995 else f"{100 * share:.1f} %"


def duration(seconds: float) -> str:
    """Return a duration in the unit that suits it."""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def failures_word(count: int) -> str:
    """Return how many trials diverged or crashed."""
    return f"{count or 'none'} diverged or crashed"


def article(word: str) -> str:
    """Return a noun with its indefinite article."""
    return f"{'an' if word[0].lower() in 'aeiou' else 'a'} {word}"


def by(factor: str) -> str:
    """Return what a score is shown by, as the end of a title."""
    return "by loss" if factor == "loss" else f"by {noun(factor)} and loss"


def counted(count: int, word: str) -> str:
    """Return a number of things: `1 trial`, `2 trials`."""
    return f"{count} {word}{'s' * (count != 1)}"
