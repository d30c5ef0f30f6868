"""What an instrument is, the groups that instruments stand in, and sources that several share."""

from __future__ import annotations

from dataclasses import dataclass

SOKAR = "Sokar et al. 2023, arXiv:2302.12902"
KYNKAANNIEMI = "Kynkäänniemi et al. 2019, arXiv:1904.06991"
SRIVASTAVA = "Srivastava et al. 2017, arXiv:1705.07761"
MIYATO = "Miyato et al. 2018, arXiv:1802.05957"
HERE = "this project"
ARJOVSKY = "Arjovsky & Bottou 2017, arXiv:1701.04862"
GLOROT = "Glorot & Bengio 2010"
SCHOENHOLZ = "Schoenholz et al. 2017, arXiv:1611.01232"
SANTURKAR = "Santurkar et al. 2018, arXiv:1711.00970"

LOSSES, GRADIENTS, UNITS, WEIGHTS = "losses", "gradients", "units", "weights"
SAMPLES, EVENTS, SCORES = "samples", "events", "scores"

GROUPS = {
    LOSSES: "Losses and verdicts",
    GRADIENTS: "Gradients",
    UNITS: "Units",
    WEIGHTS: "Weights",
    SAMPLES: "Samples on the way",
    EVENTS: "Events",
    SCORES: "Scores",
}
"""The groups of instruments and their headings."""


@dataclass(frozen=True)
class Instrument:
    """A quantity of the readings, or a family of scores: what it is, and whose definition that is."""

    name: str
    group: str
    title: str
    text: str
    source: str = ""

    @property
    def cite(self) -> str:
        """Title and source, as a result cites them."""
        return f"{self.title}: {self.source}"
