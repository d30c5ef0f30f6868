"""What scores are called, which are compared as ratios, and how a shift of outcomes is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, inf

import pandas as pd

from reports.estimates import Interval

LOGGED = ("fid", "frechet")
"""Score families that are positive distances: compared as ratios."""

BEST = "-best"
"""Ends the family of a score of the best checkpoint, chosen on the selection split."""

PRINTED = {
    "fid": "FID",
    "fid-inf": "FID∞",
    "is": "IS",
    "frechet": "Fréchet distance",
    "hq": "HQ",
    "kid": "KID",
    "reverse-kl": "reverse KL",
    "class-kl": "reverse KL of classes",
    "class-recall": "least class recall",
}


@dataclass(frozen=True)
class Scale:
    """How a shift of outcomes is shown: as a ratio of scores or as a difference of them."""

    label: str
    ratio: bool
    higher_is_better: bool

    def shown(self, value: Interval) -> Interval:
        """Return an interval of outcomes in the score's own terms."""
        if self.ratio:
            estimate, low, high = (_exp(v) for v in (value.estimate, value.low, value.high))
        elif self.higher_is_better:
            estimate, low, high = -value.estimate, -value.high, -value.low
        else:
            return value
        return replace(value, estimate=estimate, low=low, high=high)

    @property
    def quantity(self) -> str:
        """What an interval is: `FID ratio`, `IS difference`."""
        return f"{self.label} {'ratio' if self.ratio else 'difference'}"


def scale(trials: pd.DataFrame) -> Scale:
    """Return the scale of these trials' scores: a ratio where all are distances."""
    families = sorted({family(name) for name in trials["score_name"].dropna().unique()})
    ratio = all(map(logged, families))
    higher = not ratio and set(trials["better"].dropna()) == {"higher"}
    return Scale(" and ".join(map(printed, families)) or "score", ratio, higher)


def family(score_name: str) -> str:
    """Return a score's family: its name before the protocol."""
    return score_name.split("_")[0]


def base(score_name: str) -> str:
    """Return a score's family, the best checkpoint's with the last one's."""
    return family(score_name).removesuffix(BEST)


def logged(score_name: str) -> bool:
    """Say whether a score is compared as a ratio."""
    return base(score_name) in LOGGED


def printed(family_name: str) -> str:
    """Return how a score family is written for people."""
    plain = base(family_name)
    text = PRINTED.get(plain, plain)
    return f"best {text}" if family_name.endswith(BEST) else text


def score_label(name: str) -> str:
    """Return a score's name for an axis: `FID (digits-cnn-1a2b3c, 5k samples)`."""
    first, _, protocol = name.partition("_")
    extractor, _, count = protocol.rpartition("_")
    if not extractor:
        return printed(first)
    return f"{printed(first)} ({extractor}, {count} samples)"


def _exp(value: float) -> float:
    return exp(value) if not value > 700 else inf
