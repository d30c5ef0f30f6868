"""Which settings make a block, what its label says, and which streams blocks share."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import study_builder as builder
from test_factor import LEVELS, WORD, _frame

from ablation.claim import Evidence
from ablation.levels import FACTORS, block, check_factor, levels, resolve
from ablation.spec import PARTS, SETTINGS, TrialSpec
from reports.blocking import factors, strata
from reports.claim_sides import sides as claim_sides
from reports.design import design
from reports.names import BLOCK, block_columns
from reports.scales import Scale
from reports.study import Declared
from reports.verdict import judge


def test_factors_follow_the_specification() -> None:
    """What a trial is made of can be compared or tells blocks apart; a new field must be in one of the lists."""
    assert set(LEVELS) == set(FACTORS)
    placed = {"generator_activation", "discriminator_activation"}
    other = {"budget", "protocol", "seed", "activation_at"}
    for item in fields(TrialSpec):
        assert item.name in {*BLOCK, *placed, *other}, item.name
    assert {*PARTS, *SETTINGS} - {"dataset"} <= set(FACTORS)
    for factor in FACTORS:
        columns = set(block_columns(factor))
        assert factor not in columns
        assert columns >= set(BLOCK) - {factor}
    with pytest.raises(ValueError, match=r"declared\.factor is 'dataset'; it is one of activation"):
        check_factor("dataset")


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "loss": ({"loss": "hinge"}, {"loss": "minimax"}, "hinge", "minimax"),
    "penalty": ({}, {"penalty": "r1"}, "no penalty", "r1"),
    "constraint": ({}, {"constraint": "spectral"}, "no constraint", "spectral"),
    "dataset": ({}, {"dataset": "ring8"}, "digits", "ring8"),
    "architecture": ({}, {"architecture": "dcgan"}, "mlp", "dcgan"),
    "optimizer": ({}, {"optimizer": "rmsprop"}, "adam", "rmsprop"),
    "n_critic": ({}, {"n_critic": 5}, "n_critic 1", "n_critic 5"),
    "packing": ({}, {"packing": 4}, "packing 1", "packing 4"),
    "init": ({}, {"init": "fixed"}, "init matched", "init fixed"),
    "ema": ({}, {"ema": 0.99}, "ema 0.999", "ema 0.99"),
    "ttur": ({}, {"ttur": 4}, "ttur 1", "ttur 4"),
    "schedule": ({}, {"schedule": "cosine"}, "schedule constant", "schedule cosine"),
    "precision": ({}, {"precision": "bf16"}, "precision fp32", "precision bf16"),
    "compile": ({}, {"compile": "default"}, "not compiled", "compile default"),
    "steps": ({}, {"steps": 20}, "steps 1500", "steps 20"),
    "patience": (
        {"evaluations": 5},
        {"evaluations": 5, "patience": 3},
        "no patience",
        "patience 3",
    ),
    "convergence": (
        {"evaluations": 5, "patience": 3},
        {"evaluations": 9, "patience": 3},
        "5 evaluations of 5,000 samples (classifier)",
        "9 evaluations of 5,000 samples (classifier)",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_every_field_makes_a_block_and_its_label_says_so(name: str) -> None:
    one, other, first, second = CHANGES[name]
    pair = [builder.spec(activation=a, **c) for c in (one, other) for a in ("relu", "gelu")]
    found = design(_frame(pair), Declared())
    told = {label for b in found.blocks for label in b.label.split(" · ", 1)[-1:]}
    if name == "loss":
        told = {b.label for b in found.blocks}
    assert told == {first, second}
    assert len({block(spec, "activation") for spec in pair}) == 2
    assert [b.label for b in design(_frame(pair[:2]), Declared()).blocks] in (
        ["non_saturating"],
        ["hinge"],
    )


def test_a_label_leaves_out_what_the_rest_of_it_tells() -> None:
    """Each of three games has its penalty, optimiser and critic steps: loss and penalty tell them all apart."""
    critic = {"loss": "wasserstein", "n_critic": 5}
    games: list[dict[str, Any]] = [
        {"loss": "minimax"},
        critic | {"penalty": "weight_clip", "optimizer": "rmsprop"},
        critic | {"penalty": "gradient_penalty"},
    ]
    specs = [builder.spec(activation=a, **game) for a in ("relu", "gelu") for game in games]
    assert [block.label for block in design(_frame(specs), Declared()).blocks] == [
        "minimax · no penalty",
        "wasserstein · gradient_penalty",
        "wasserstein · weight_clip",
    ]


def test_blocks_that_no_column_tells_apart_have_labels_of_their_own() -> None:
    frame = _frame([builder.spec(activation=a) for a in ("relu", "gelu")] * 2)
    frame.loc[2:, "block"] = "0123456789"
    labels = [b.label for b in design(frame, Declared()).blocks]
    assert len(set(labels)) == 2
    assert any("0123456789" in label for label in labels)


def _wide(width: int, **asked: Any) -> TrialSpec:
    config = builder.config(**asked)
    config["architecture"]["width"] = width
    return TrialSpec.read(config)


@pytest.mark.slow
def test_architectures_of_one_name_share_their_streams_and_others_do_not() -> None:
    pair = ("relu", "gelu")
    same = [_wide(w, activation=a, seed=s) for a in pair for w in (8, 16) for s in range(3)]
    found = design(_frame(same), Declared())
    assert [b.label for b in found.blocks] == [
        "non_saturating · mlp(width=16)",
        "non_saturating · mlp(width=8)",
    ]
    sides, _ = found.pair(*pair)
    assert [side.shape for side in sides] == [(2, 3)]  # a seed's blocks move together
    claimed = _frame(same).assign(y=np.arange(12.0))
    evidence = Evidence("fid", *pair, direction="better", effect=1.1)
    (own,) = claim_sides(evidence, claimed, Scale("FID", True, True))
    assert [side.shape for side in own.design.pair(*pair)[0]] == [(2, 3)]  # nor in a claim
    other = [
        builder.spec(activation=a, architecture=n, seed=s)
        for a in pair
        for n in ("mlp", "dcgan")
        for s in range(3)
    ]
    sides, _ = design(_frame(other), Declared()).pair(*pair)
    assert [side.shape for side in sides] == [(1, 3), (1, 3)]
    compared = design(_frame(same, "architecture"), Declared(factor="architecture"))
    sides, _ = compared.pair("mlp(width=8)", "mlp(width=16)")
    assert [side.shape for side in sides] == [(2, 3)]


def test_levels_that_never_meet_in_a_block_are_not_compared() -> None:
    """A discriminator's activation that changes with the generator's is a block of its own, not a comparison."""
    both = [builder.spec(activation=a, seed=s) for a in ("relu", "gelu") for s in range(3)]
    found = design(_frame(both, "generator_activation"), Declared(factor="generator_activation"))
    assert [b.label for b in found.blocks] == [
        "discriminator gelu · non_saturating",
        "discriminator relu · non_saturating",
    ]
    assert judge(found, Declared(factor="generator_activation")).tests == ()


@pytest.mark.parametrize(
    ("factor", "word", "meant"),
    [
        ("packing", "1", "packing 1"),
        ("packing", 1, "packing 1"),
        ("packing", "packing 1", "packing 1"),
        ("packing", "3", None),
        ("ttur", "4.0", "ttur 4"),
        ("ema", 0.99, "ema 0.99"),
        ("init", "fixed", "init fixed"),
        ("penalty", "none", "no penalty"),
        ("penalty", "penalty none", "no penalty"),
        ("compile", "none", "not compiled"),
        ("activation", "relu", "relu"),
        ("activation", "mish", None),
        ("loss", "hinge", "hinge"),
    ],
)
def test_a_level_may_be_named_in_short(factor: str, word: Any, meant: str | None) -> None:
    specs = [builder.spec(**{WORD.get(factor, factor): value}) for value in LEVELS[factor]]
    assert resolve(word, factor, levels(specs, factor)) == meant


def _arguments(architecture: str, activation: str, **arguments: Any) -> TrialSpec:
    asked = builder.config(architecture=architecture, activation=activation)
    asked["architecture"] |= arguments
    return TrialSpec.read(asked)


@pytest.mark.parametrize("optimizer", [False, True])
def test_arguments_of_one_row_are_factors_of_their_own(optimizer: bool) -> None:
    """`mlp(generator_norm=none, width=64)` and its likes are two factors, not one of four levels."""
    cells = [(w, n, lr) for w in (64, 128) for n in ("none", "batch") for lr in (1e-4, 1e-3)]
    specs = []
    for activation in ("relu", "gelu"):
        for width, norm, rate in cells:
            asked = builder.config(activation=activation)
            asked["architecture"] |= {"width": width, "generator_norm": norm}
            asked["optimizer"] |= {"lr": rate if optimizer else 1e-4}
            specs.append(TrialSpec.read(asked))
    specs = list(dict.fromkeys(specs))
    frame = _frame(specs)
    found = design(frame, Declared())
    every = factors(found, frame)
    labels = ["architecture.generator_norm", "architecture.width"]
    labels += ["optimizer.lr"] if optimizer else []
    assert sorted(f.label for f in every) == labels
    assert [f.levels for f in every] == [2] * len(labels)
    assert len(found.blocks) == 2 ** len(labels)
    for factor in every:
        assert len(strata(factor, every, found.blocks)) == len(found.blocks) // 2


ONE_FACTOR = {
    "several names": [("mlp", {"width": 64}), ("mlp", {"width": 128}), ("dcgan", {})],
    "not crossed": [
        ("mlp", {"width": width, "generator_norm": norm})
        for width, norm in ((64, "none"), (128, "batch"), (256, "none"))
    ],
    "commas": [("mlp", {"note": note}) for note in ("x, y=(1, 2)", "x, z=3", "x, y=4")],
}


@pytest.mark.parametrize("name", ONE_FACTOR)
def test_rows_stay_one_factor(name: str) -> None:
    rows = ONE_FACTOR[name]
    specs = [_arguments(name, a, **told) for name, told in rows for a in ("relu", "gelu")]
    frame = _frame(specs)
    (one,) = factors(design(frame, Declared()), frame)
    assert (one.label, one.levels) == ("architecture", 3)
