"""Which scores a trial will have: known from its data and protocol before it trains."""

from __future__ import annotations

from ablation.datasets import Dataset
from ablation.extractors import FEATURES
from ablation.scores.choosing import kind
from ablation.scores.judging import DIMENSIONS
from ablation.spec import TrialSpec

WIDTHS = {"inception": 2048}
"""Features of an extractor that is not one of our own."""


def families(spec: TrialSpec, data: Dataset) -> list[str]:
    """Return the families of the scores that a trial will have, its distance first.

    Raises ValueError if the extractor does not fit the data. FID_inf is among them where there are samples enough for
    it; it may still be refused where real samples are not at 0.
    """
    looks = kind(spec, data)
    if looks == "none":
        toys = ["modes", "hq", "reverse-kl"] if data.modes is not None else []
        found = ["frechet", *toys, "memorisation"]
    else:
        found = ["fid", *(["is"] if looks != "random" else [])]
        found += ["kid", "precision", "recall", "memorisation"]
        stacked = looks == "classifier" and data.single is not None
        if looks == "classifier":
            found += ["modes", "reverse-kl"] if stacked else ["classes", "class-kl", "class-recall"]
        width = WIDTHS.get(looks, FEATURES) * (data.shape[0] if stacked else 1)
        if min(spec.protocol.samples, len(data.test)) >= DIMENSIONS * width:
            found.append("fid-inf")
    return [*found, *([f"{found[0]}-best"] if spec.protocol.evaluations else [])]
