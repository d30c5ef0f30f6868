"""Claims of several studies: what each says alone stands side by side."""

from __future__ import annotations

from pathlib import Path

import claim_studies as studies
import pytest

from ablation.__main__ import main
from reports.claim_words import verdict
from reports.claims import ABSENT
from reports.page import write_comparison

pytestmark = pytest.mark.slow


def test_what_each_study_says_of_a_claim_stands_beside_the_others(tmp_path: Path) -> None:
    """A study of activations cannot test what one of penalties can, nor can that one rank activations."""
    homes = {"layers": tmp_path / "layers", "games": tmp_path / "games"}
    studies.activations_study(homes["layers"], studies.FOR, names=("leaky_relu", "sigmoid"))
    studies.stability_study(homes["games"], helps=True, losing=True, names=("relu",))
    said = write_comparison([*homes.values()], tmp_path / "both").said
    apart = said["claims_apart"]
    assert [c["name"] for c in apart["columns"]] == ["claim", "statement", *homes]
    rows = {row[0]["text"]: [cell["text"] for cell in row[2:]] for row in apart["rows"]}
    for place, home in enumerate(homes.values()):
        for one in studies.claimed(home).judged:
            none = one.verdict == ABSENT
            if none and one.claim.id not in rows:
                continue
            assert rows[one.claim.id][place] == ("no evidence" if none else verdict(one))
    assert rows["A1"][1] == rows["A8"][0] == "no evidence"
    assert rows["A1"][0] == "supported, and it matters"
    assert rows["A8"][1].startswith("supported")
    page = (tmp_path / "both" / "index.html").read_text(encoding="utf-8")
    assert page.count('id="claims-apart"') == 1
    assert main(["report", "games", "--runs", str(tmp_path)]) == 0
    alone = (homes["games"] / "report" / "index.html").read_text(encoding="utf-8")
    assert 'id="claims-apart"' not in alone
