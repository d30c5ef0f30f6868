"""From words to cells: swapping one site at a time, and what a plan warns of."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ablation.spec import TrialSpec
from sweeps.grid import plan
from sweeps.preset import Preset

TINY = [
    "dataset=ring8",
    "dataset.points=512",
    "architecture.depth=2",
    "architecture.width=8",
    "budget=smoke",
]
NAMES = ["generator.0", "generator.1", "discriminator.0", "discriminator.1"]


def names(_: TrialSpec) -> list[str]:
    return NAMES


@pytest.mark.slow
def test_one_site_is_swapped_at_a_time() -> None:
    found = plan(
        None, [*TINY, "activation=leaky_relu", "swap_one_site=tanh,relu"], site_names=names
    )
    at = [{site: part.name for site, part in spec.activation_at} for spec in found.specs]
    assert at[0] == {}
    assert at[1:] == [{site: name} for site in NAMES for name in ("tanh", "relu")]
    assert len({spec.key for spec in found.specs}) == 9
    assert "swap_one_site=tanh,relu" in found.words


@pytest.mark.slow
def test_a_swap_for_what_stands_there_is_no_swap() -> None:
    words = [*TINY, "activation=leaky_relu", "generator.activation=tanh", "swap_one_site=tanh"]
    found = plan(None, words, site_names=names)
    swapped = [dict(spec.activation_at) for spec in found.specs]
    assert [list(at) for at in swapped] == [[], ["discriminator.0"], ["discriminator.1"]]


@pytest.mark.slow
def test_every_cell_and_every_seed_is_swapped() -> None:
    words = [*TINY, "activation=leaky_relu,gelu", "swap_one_site=relu", "seeds=2"]
    found = plan(None, words, site_names=names)
    assert found.cells == 2 * 5
    assert len(found.specs) == 20
    assert [spec.seed for spec in found.specs] == [0] * 10 + [1] * 10


@pytest.mark.slow
def test_an_unknown_activation_is_answered_with_its_neighbours() -> None:
    with pytest.raises(ValueError, match="'tan' is not a known activation: did you mean tanh"):
        plan(None, [*TINY, "swap_one_site=tan"], site_names=names)


@pytest.mark.slow
def test_the_preset_swaps_and_the_user_s_word_takes_its_place() -> None:
    small = ["seed=0", "budget.steps=10"]
    found = plan("swap_one_site", small, site_names=names)
    assert found.declared.pairs == "reference"
    assert found.cells == 1 + 3 * len(NAMES)
    own = plan("swap_one_site", [*small, "swap_one_site=gelu"], site_names=names)
    assert own.cells == 1 + len(NAMES)


@pytest.mark.slow
def test_warnings_come_from_the_cells_that_are_run_each_once() -> None:
    def check(specs: Sequence[TrialSpec]) -> list[tuple[str | None, list[str]]]:
        reasons = [None if spec.activation != "gelu" else "gelu is not to be had" for spec in specs]
        return [
            (why, [f"beware of {s.activation}", "beware"])
            for why, s in zip(reasons, specs, strict=True)
        ]

    found = plan(None, [*TINY, "activation=relu,gelu,tanh"], check=check)
    assert found.warnings == ("beware of relu", "beware", "beware of tanh")
    assert [reason for _, reason in found.skipped] == ["gelu is not to be had"]


@pytest.mark.slow
def test_where_files_lie_changes_neither_question_nor_published_rows() -> None:
    asked = plan("article_fashion", [])
    found = plan("article_fashion", ["dataset.root=elsewhere", "dataset.download=false"])
    assert (
        found.question
        == asked.question
        == "Do the tutorial's statements hold on pictures of clothing?"
    )
    assert [spec.key for spec in found.specs] == [spec.key for spec in asked.specs]
    assert {spec.dataset.keywords["root"] for spec in found.specs} == {"elsewhere"}
    assert plan("article_fashion", ["seeds=2"]).question == asked.question
    assert plan("article_fashion", ["budget.steps=6"]).question != asked.question
    rows = plan("pacgan_ring", [], declared={"score": "reverse-kl"}).published
    assert rows
    assert plan("pacgan_ring", ["protocol.weights=here"]).published == rows


@pytest.mark.slow
def test_a_level_of_a_joint_axis_takes_the_short_names_of_the_command_line() -> None:
    levels = (
        ("generator.activation=tanh", "loss=hinge"),
        ("generator.activation=relu", "loss=minimax"),
    )
    found = plan(Preset(joint=levels), TINY)
    own = [(s.generator_activation.name, s.loss.name, s.activation) for s in found.specs]
    assert own == [
        ("tanh", "hinge", "G_tanh+D_leaky_relu"),
        ("relu", "minimax", "G_relu+D_leaky_relu"),
    ]
    with pytest.raises(
        ValueError,
        match=r"activation@generator\.activation is set by the sweep.*: leave the sweep's name out",
    ):
        plan(Preset(joint=levels), [*TINY, "generator.activation=elu"])
    with pytest.raises(ValueError, match="a level of joint sets loss to several values"):
        plan(Preset(joint=(("loss=hinge,minimax",),)), TINY)
