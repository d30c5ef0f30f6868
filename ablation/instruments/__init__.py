"""What every reading and every score is: one text, which the report's captions and docs/instruments.md both show."""

from __future__ import annotations

from collections.abc import Iterable

from ablation.instruments.instrument import GROUPS, HERE, SCORES, Instrument
from ablation.instruments.scores import SCORED
from ablation.instruments.training import TRAINING
from ablation.instruments.units import UNITS_AND_SAMPLES

__all__ = ["GROUPS", "INSTRUMENTS", "SCORES", "Instrument", "about", "page", "sources"]

INSTRUMENTS = {row.name: row for row in (*TRAINING, *UNITS_AND_SAMPLES, *SCORED)}
"""Every instrument by its name."""

SUFFIXES = ("_real", "_fake", "-best")


def about(name: str) -> Instrument | None:
    """Return the instrument of a reading's quantity or of a score's family; None for an unknown one.

    What is measured on real or generated samples alone, or of the best checkpoint, is the same instrument.
    """
    if name.startswith("learned_"):
        return INSTRUMENTS["learned"]
    if name in INSTRUMENTS:
        return INSTRUMENTS[name]
    stems = [name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)]
    return next((INSTRUMENTS[stem] for stem in stems if stem in INSTRUMENTS), None)


def sources(names: Iterable[str]) -> list[str]:
    """Return what quantities or families cite, each once."""
    known = [found for name in names if (found := about(name)) is not None]
    return list(dict.fromkeys(found.cite for found in known if found.source not in ("", HERE)))


def page() -> str:
    """Return docs/instruments.md."""
    told = [
        "# The instruments",
        "",
        "What every reading and every score is, one definition each. The report shows the same sentences beside its"
        " figures and tables. This page is written by `make docs` from `ablation/instruments/`.",
        "",
        "Readings lie in `readings.parquet` of every trial (step, network, layer, quantity, value) at the steps that"
        " `protocol.probes` asks for; every fourth probe, the look before training and the last one also take ranks,"
        " dormant units and weights. What ends in `_real` or `_fake` is D's on real or on generated samples alone"
        " (ranks and dormant units of D are only taken so). A layer `generator.2` is an activation site, counted from"
        " the input; `generator.2.weight` is a parameter, by its name in `generator.pt`. The value of an event is its"
        " place in their order, its step when it came.",
        "",
        "Scores lie in `result.json`; beside them, under `provenance.floors`, stands what real samples score (value,"
        " standard deviation, and the number of samples: the score's own, or as many as the training split has), and"
        " under `provenance.refused` why one is absent. A family with `-best` is that of the checkpoint that was best"
        " on the selection split; its floor is the family's. What `ablation score` finds lies beside `result.json`, one"
        " `scores-PROTOCOL.json` a protocol.",
    ]
    for group, heading in GROUPS.items():
        told += ["", f"## {heading}", ""]
        for found in INSTRUMENTS.values():
            if found.group == group:
                source = f" *{found.source}.*" if found.source else ""
                told.append(f"* **`{found.name}`** ({found.title}). {found.text}{source}")
    return "\n".join(told) + "\n"
