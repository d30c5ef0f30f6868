"""What is said of single blocks: who is better or worse than the reference there, and whether it can be tested."""

from __future__ import annotations

from collections.abc import Sequence

from reports.design import Design
from reports.pairs import PER_BLOCK
from reports.verdict import Test, Verdict
from reports.words import listed, seeds_word, verb_of


def block_sentences(found: Design, verdict: Verdict) -> list[str]:
    """Return, block by block, who is better or worse than the reference."""
    told = []
    tier = verdict.tier(PER_BLOCK)
    if tier is not None and tier.descriptive:
        need = f"{seeds_word(tier.seeds)} needed"
        return [f"Too few seeds to test single blocks ({need}): their intervals are descriptive."]
    for block in found.blocks:
        tests = [t for t in verdict.tests if t.tier == PER_BLOCK and t.block == block.label]
        if tests:
            told.append(f"{block.label}: {_one_block(tests, found)}")
    return told


def _one_block(tests: Sequence[Test], found: Design) -> str:
    parts = []
    for finding in ("better", "worse"):
        names = [t.a for t in tests if t.finding == finding]
        if names:
            parts.append(f"{listed(names)} {verb_of(names)} {finding} than {found.reference}")
    same = [t.a for t in tests if t.finding == "not distinguishable"]
    if same:
        what = "it" if parts else found.reference
        parts.append(f"{listed(same)} {verb_of(same)} not distinguishable from {what}")
    return "; ".join(parts) + "."
