"""In which network an activation matters: shares of crossed pairs, worked out by hand and planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import planted
import pytest

from reports.exports import factors as frame
from reports.factors import main_effect
from reports.placing import IN, units
from reports.weighing import PLACE, Row

THREE, TWO = ("gelu", "relu", "tanh"), ("relu", "tanh")
PAIRS = planted.cells(generator=THREE, discriminator=TWO)
G, D, BOTH = (*IN.values(), "in their combination")


def shift(generator: str, discriminator: str, **_: str) -> float:
    """Return a large effect in the generator, a small one in the discriminator."""
    return {"gelu": -1.0, "tanh": 1.0}.get(generator, 0.0) + 0.3 * (discriminator == "tanh")


def split(rows: tuple[Row, ...]) -> dict[str, Row]:
    return {row.label: row for row in rows if row.kind == PLACE}


@pytest.mark.slow
def test_the_share_of_crossed_pairs_is_told_by_network(tmp_path: Path) -> None:
    said, weighed, found, _ = planted.said(planted.write(tmp_path / "s", PAIRS, shift, seeds=4))
    rows = split(weighed.rows)
    assert list(rows) == [G, D, BOTH]
    assert [row.label for row in weighed.rows] == ["activation", G, D, BOTH, "seeds"]
    y = {
        (t, s): found.outcomes[t, found.blocks[0].key, s]
        for t in found.treatments
        for s in range(4)
    }
    table = np.array(
        [
            [
                [y[f"G_{g}+D_{d}" if g != d else g, s] for s in range(4)]
                for d in TWO
            ]
            for g in THREE
        ]
    )  # fmt: skip
    mean = table.mean()
    by_g = 8 * ((table.mean(axis=(1, 2)) - mean) ** 2).sum()
    by_d = 12 * ((table.mean(axis=(0, 2)) - mean) ** 2).sum()
    cells = 4 * ((table.mean(axis=2) - mean) ** 2).sum()
    assert [rows[name].share.squares for name in (G, D)] == pytest.approx([by_g, by_d])
    assert rows[BOTH].share.squares == pytest.approx(cells - by_g - by_d)
    assert [rows[name].share.df for name in (G, D, BOTH)] == [2, 1, 2]
    assert sum(row.share.squares for row in rows.values()) == pytest.approx(
        weighed.rows[0].share.squares
    )
    assert rows[G].test is not None
    assert rows[G].test.p < 0.001
    assert rows[G].basis == "labels over 24 units, within each level of the other network"
    assert rows[BOTH].test is None
    assert "By network, the activation's share is 9" in said["matters_words"]
    labels = [row[0]["text"] for row in said["matters"]["rows"]]
    assert labels == ["activation", f"… {G}", f"… {D}", f"… {BOTH}", "seeds"]
    assert [row[1]["text"] for row in said["matters"]["rows"]] == ["6", "3", "2", "", ""]
    assert list(frame(weighed)["kind"]) == ["factor", *["place"] * 3, "seeds"]


def test_a_place_that_does_nothing_is_found_no_more_often_than_it_should() -> None:
    """Labels of the discriminator move where the generator's are equal, whatever the generator's own effect is."""
    random, pairs, studies = np.random.default_rng(0), np.repeat(np.arange(6), 5), 300
    generator, discriminator = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 1])
    found = []
    for study in range(studies):
        y = generator[pairs] + 0.15 * random.normal(size=len(pairs))
        strata = units([(y, pairs)], discriminator, generator)
        found.append(main_effect(strata, (str(study),), most=500).p)
    assert 0.02 < np.mean(np.array(found) <= 0.05) < 0.09
    assert 0.4 < np.mean(np.array(found) <= 0.5) < 0.6


@pytest.mark.slow
def test_blocks_stay_apart_and_add_up(tmp_path: Path) -> None:
    grid = planted.cells(generator=THREE, discriminator=TWO, architecture=("dcgan", "mlp"))
    _, weighed, _, _ = planted.said(planted.write(tmp_path / "s", grid, shift, seeds=3))
    rows = split(weighed.rows)
    labels = [row.label for row in weighed.rows]
    assert labels == [
        "activation",
        G,
        D,
        BOTH,
        "architecture",
        "activation × architecture",
        "seeds",
    ]
    assert sum(row.share.squares for row in rows.values()) == pytest.approx(
        weighed.rows[0].share.squares
    )
    assert rows[D].basis.startswith("labels over 36 units")


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["pair", "place", "crossing"])
def test_what_is_not_crossed_is_not_split(gone: str, tmp_path: Path) -> None:
    grid = {
        "pair": PAIRS[:-1],
        "place": planted.cells(generator=THREE, discriminator=("relu",)),
        "crossing": planted.cells(activation=THREE),
    }[gone]

    def plant(**cell: str) -> float:
        return 0.5 * (cell.get("generator", cell.get("activation")) == "tanh")

    said, weighed, _, _ = planted.said(planted.write(tmp_path / "s", grid, plant, seeds=3))
    assert split(weighed.rows) == {}
    assert "By network" not in said["matters_words"]
