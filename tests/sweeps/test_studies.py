"""The presets of the real studies: what each of them runs, compares and promises."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from ablation.catalogue import rows
from ablation.claim import registered
from ablation.levels import levels
from ablation.spec import TrialSpec
from ablation.verbs import probe
from ablation.verbs.promises import promise
from ablation.words import parsed, parser
from sweeps.grid import plan
from sweeps.study import Plan

pytestmark = pytest.mark.slow
MAIN = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "mish")
SITES = ("generator.0", "generator.1", "discriminator.0", "discriminator.1")
"""Where activations stand in a dcgan of 28 x 28 pixels."""

Row = tuple[int, int | range, str, str, str]

STUDIES: dict[str, Row] = {  # cells, seeds from 0 or others, factor, reference, pairs
    "article": (8 * 6 * 2, 4, "activation", "leaky_relu", "all"),
    "article_vanishing": (4 * 3, range(4, 10), "activation", "leaky_relu", "all"),
    "article_fashion": (4 * 3, 6, "activation", "leaky_relu", "all"),
    "article_fashion_long": (4 * 3, range(6, 12), "activation", "leaky_relu", "all"),
    "article_coverage": (2, 24, "loss", "non_saturating", "all"),
    "article_modes": (2 * 8, 6, "activation", "leaky_relu", "all"),
    "gain": (8 * 2 * 2, 7, "init", "init fixed", "all"),
    "placement": (4 * 4 * 2, 5, "activation", "leaky_relu", "reference"),
    "placement_sites": (1 + 2 * 4, 6, "activation", "leaky_relu", "reference"),
    "tuned": (4, 6, "activation", "leaky_relu", "all"),
    "pacgan_ring": (3, 5, "packing", "packing 1", "all"),
    "pacgan_grid": (3, 5, "packing", "packing 1", "all"),
    "pacgan_factors": (2**5, 5, "activation", "tanh", "all"),
    "hazard_elu": (2 * 2 * 2, 6, "activation", "shifted_softplus", "all"),
    "hazard_norm": (2 * 3 * 2, 6, "architecture", "mlp(discriminator_norm=none)", "reference"),
    "hazard_sigmoid": (
        2 * 2 * 4,
        6,
        "architecture",
        "mlp(discriminator_output=identity)",
        "all",
    ),
}


def names(_: TrialSpec) -> Sequence[str]:
    return SITES


@cache
def asked(study: str) -> Plan:
    return plan(study, [], site_names=names)


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_is_what_its_row_says(study: str) -> None:
    cells, seeds, factor, reference, pairs = STUDIES[study]
    found = asked(study)
    own = found.declared
    told = seeds if isinstance(seeds, range) else range(seeds)
    assert (found.cells, own.seeds) == (cells, tuple(told))
    assert len(found.untuned) == cells * len(told)
    assert (own.factor, own.reference, own.pairs) == (factor, reference, pairs)
    assert found.skipped == ()
    assert found.question.endswith("?")


SWEEPS = [name for name, own in rows("sweep").items() if "experiment" not in own]
EXPERIMENTS = {"vanishing_layers": (8, 4, 2, 100), "vanishing_frozen": (8, 1, 3, 1500)}
"""Activations, games, seeds and steps of the presets that `ablation probe` measures."""


@pytest.mark.parametrize("preset", SWEEPS)
def test_every_preset_plans_whole_with_the_seeds_that_its_comparisons_need(preset: str) -> None:
    found = asked(preset)
    assert found.specs
    assert found.skipped == ()
    assert found.declared.seeds == tuple(dict.fromkeys(spec.seed for spec in found.specs))
    assert promise(found).endswith(": enough")


def test_every_preset_is_a_sweeps_or_an_experiments() -> None:
    assert {*SWEEPS, *EXPERIMENTS} == set(rows("sweep"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiments_preset_measures_what_its_row_says(name: str) -> None:
    cells, games, seeds, steps = EXPERIMENTS[name]
    experiment = probe.named(name)
    found = probe.planned(experiment, [])
    assert set(levels(found.specs, "activation")) == set(MAIN)
    assert len({s.penalty for s in found.specs}) == games
    assert {s.seed for s in found.specs} == set(range(seeds))
    assert {s.budget.steps for s in found.specs} == {steps}
    assert len(found.specs) == cells * games * seeds
    assert experiment.question == rows("sweep")[name]["question"] == found.question


def test_a_users_words_stand_before_an_experiments_preset() -> None:
    own = ["activation=relu", "penalty=none,gradient_penalty", "seeds=2"]
    found = probe.planned(probe.named("vanishing_layers"), own)
    assert {(s.activation, s.penalty.name, s.seed) for s in found.specs} == {
        ("relu", name, seed) for name in ("none", "gradient_penalty") for seed in (0, 1)
    }
    assert {s.budget.steps for s in found.specs} == {100}


def test_sweeps_and_experiments_are_not_mistaken() -> None:
    said = "vanishing_layers is an experiment, not a sweep: ablation probe vanishing_layers"
    with pytest.raises(ValueError, match=said):
        plan("vanishing_layers", [])
    with pytest.raises(ValueError, match="'quickstart' is not a known experiment"):
        probe.named("quickstart")
    with pytest.raises(ValueError, match="did you mean vanishing_layers"):
        probe.named("vanishing_layer")


def test_the_article_crosses_eight_activations_with_six_games_and_two_architectures() -> None:
    found = asked("article")
    games = {(s.loss.name, s.penalty.name, s.n_critic, s.optimizer.name) for s in found.specs}
    assert games == {
        ("minimax", "none", 1, "adam"),
        ("non_saturating", "none", 1, "adam"),
        ("probability_difference", "none", 1, "adam"),
        ("least_squares", "none", 1, "adam"),
        ("wasserstein", "weight_clip", 5, "rmsprop"),
        ("wasserstein", "gradient_penalty", 5, "adam"),
    }
    assert set(levels(found.specs, "activation")) == set(MAIN)
    assert {s.architecture.name for s in found.specs} == {"mlp", "dcgan"}
    assert {(s.dataset.name, s.budget.steps) for s in found.specs} == {("digits", 1500)}


def test_vanishing_gradients_are_measured_again_with_seeds_that_the_article_has_not_seen() -> None:
    first, again = asked("article"), asked("article_vanishing")
    assert not {s.seed for s in first.specs} & {s.seed for s in again.specs}
    cells = {replace(s.with_seed(0), protocol=first.specs[0].protocol) for s in again.specs}
    assert cells <= {s.with_seed(0) for s in first.specs}


def test_the_article_is_repeated_on_clothing() -> None:
    found = asked("article_fashion")
    assert {(s.dataset.name, s.architecture.keywords["width"]) for s in found.specs} == {
        ("fashion_mnist", 16)
    }
    assert set(levels(found.specs, "activation")) == {"sigmoid", "tanh", "relu", "leaky_relu"}
    assert {s.loss.name for s in found.specs} == {"minimax", "non_saturating", "wasserstein"}


def test_penalty_and_clipping_are_each_compared_with_nothing_else_changed() -> None:
    """So claims A8 to A10 find their pairs: same loss, critic steps and optimiser, with and without."""
    found = asked("article_modes")
    games = {
        (s.loss.name, s.n_critic, s.optimizer.name, s.penalty.name, s.constraint.name)
        for s in found.specs
    }
    for loss, steps in (("minimax", 1), ("wasserstein", 5)):
        for treatment in (
            ("none", "none"),
            ("gradient_penalty", "none"),
            ("none", "gradient_clip"),
        ):
            assert (loss, steps, "adam", *treatment) in games
    assert ("wasserstein", 5, "rmsprop", "weight_clip", "none") in games
    assert ("non_saturating", 1, "adam", "none", "none") in games


def test_every_pair_of_activations_is_placed() -> None:
    found = asked("placement")
    own = {(s.generator_activation.name, s.discriminator_activation.name) for s in found.specs}
    four = ("sigmoid", "tanh", "relu", "leaky_relu")
    assert own == {(g, d) for g in four for d in four}


def test_sites_of_a_dcgan_are_swapped_one_at_a_time() -> None:
    found = asked("placement_sites")
    swapped = {tuple((site, part.name) for site, part in s.activation_at) for s in found.specs}
    assert swapped == {(), *(((site, name),) for site in SITES for name in ("relu", "sigmoid"))}
    assert {s.architecture.name for s in found.specs} == {"dcgan"}


def test_every_activation_tries_equally_many_learning_rates() -> None:
    tune = asked("tuned").declared.tune
    assert tune is not None
    assert (tune.names, tune.points, tune.sampler) == (("optimizer.lr",), 5, "sobol")
    assert asked("tuned").trials == 4 * 5 * 6


@pytest.mark.parametrize("study", ["pacgan_ring", "pacgan_grid"])
def test_packings_stand_beside_the_published_rows(study: str) -> None:
    found = asked(study)
    assert {s.packing for s in found.specs} == {1, 2, 4}
    assert [(row.level, row.name) for row in found.published] == [
        ("packing 1", "GAN"),
        ("packing 1", "GAN"),
        ("packing 2", "PacGAN2"),
        ("packing 4", "PacGAN4"),
    ]


def test_the_factor_study_crosses_five_factors_of_two_levels() -> None:
    found = asked("pacgan_factors")
    own = {
        (
            s.activation,
            s.architecture.keywords["width"],
            s.architecture.keywords["generator_norm"],
            s.optimizer.keywords["lr"],
            s.loss.name,
        )
        for s in found.specs
    }
    columns = [set(column) for column in zip(*own, strict=True)]
    assert columns == [
        {"tanh", "G_relu+D_maxout"},
        {128, 256},
        {"none", "batch"},
        {1e-4, 1e-3},
        {"minimax", "non_saturating"},
    ]
    assert len(own) == 2**5


def test_elu_meets_its_smooth_look_alike_with_the_penalty_and_without() -> None:
    found = asked("hazard_elu")
    games = {(s.activation, s.penalty.name) for s in found.specs}
    for name in ("elu", "shifted_softplus"):
        assert {(name, "gradient_penalty"), (name, "weight_clip")} <= games


COMMANDS = sorted({claim.command for claim in registered()})


def test_the_commands_of_claims_are_sweeps_or_measure_the_study_at_hand() -> None:
    others = {command for command in COMMANDS if not command.startswith("ablation sweep ")}
    assert others == {"ablation probe speed --study STUDY"}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("ablation sweep ")])
def test_the_command_of_a_claim_plans_enough_seeds(command: str) -> None:
    given = parsed(parser(), shlex.split(command.partition("&&")[0])[1:])
    preset, words = (
        (None, given.words) if "=" in given.words[0] else (given.words[0], given.words[1:])
    )
    declared = {"reference": given.reference}
    found = plan(preset, words, declared=declared, site_names=names)
    assert promise(found).endswith(": enough")
