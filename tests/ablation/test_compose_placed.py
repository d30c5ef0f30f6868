"""Where an activation stands, what a setting reaches, and which words are axes."""

from __future__ import annotations

import pytest

from ablation.catalogue import rows
from ablation.compose import compose, expand
from ablation.spec import TrialSpec


def names(spec: TrialSpec) -> tuple[str, str]:
    return spec.generator_activation.name, spec.discriminator_activation.name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["activation=gelu"], ("gelu", "gelu")),
        (["activation@generator.activation=relu"], ("relu", "leaky_relu")),
        (["generator.activation=relu"], ("relu", "leaky_relu")),
        (["discriminator.activation=relu"], ("leaky_relu", "relu")),
        (["activation=gelu", "generator.activation=relu"], ("relu", "gelu")),
        (["generator.activation=relu", "activation=gelu"], ("relu", "gelu")),
        (["generator.activation=tanh", "discriminator.activation=elu"], ("tanh", "elu")),
    ],
    ids=" ".join,
)
def test_an_activation_stands_where_it_is_placed(
    words: list[str], expected: tuple[str, str]
) -> None:
    assert names(compose(words)) == expected


@pytest.mark.slow
def test_one_site_gets_an_activation_of_its_own() -> None:
    spec = compose(["activation=relu", "activation_at={generator.1: tanh, discriminator.0: elu}"])
    assert names(spec) == ("relu", "relu")
    assert [(site, part.name) for site, part in spec.activation_at] == [
        ("discriminator.0", "elu"),
        ("generator.1", "tanh"),
    ]
    assert (
        dict(spec.activation_at)["generator.1"] == compose(["activation=tanh"]).generator_activation
    )


@pytest.mark.slow
def test_a_setting_of_one_network_s_activation_reaches_it() -> None:
    spec = compose(["generator.activation.module.negative_slope=0.05"])
    assert spec.generator_activation.keywords == {"negative_slope": 0.05}
    assert spec.discriminator_activation.keywords == {"negative_slope": 0.2}


@pytest.mark.slow
def test_a_setting_of_the_activation_reaches_both_networks() -> None:
    """Dropped without a word, `activation.module.negative_slope=0.01,0.1` would be one trial twice."""
    spec = compose(["activation=leaky_relu", "activation.module.negative_slope=0.05"])
    assert spec.generator_activation.keywords == {"negative_slope": 0.05}
    assert spec.discriminator_activation.keywords == {"negative_slope": 0.05}


@pytest.mark.slow
def test_settings_reach_their_places() -> None:
    words = [
        "optimizer.lr=1e-4", "optimizer.beta1=0", "budget.steps=7", "seed=5", "n_critic=3", "ema=0.5", "init=fixed",
        "protocol.probes=2", "protocol.weights=/a/b.pth", "architecture.width=12",
    ]  # fmt: skip
    spec = compose(words)
    assert spec.optimizer.keywords["lr"] == 1e-4
    assert (spec.budget.steps, spec.seed, spec.n_critic, spec.ema) == (7, 5, 3, 0.5)
    assert (spec.init, spec.protocol.probes, spec.protocol.weights) == ("fixed", 2, "/a/b.pth")
    assert spec.architecture.keywords["width"] == 12
    assert compose(["optimizer.lr=0.0001", *words[1:]]).key == spec.key


@pytest.mark.parametrize(
    ("word", "axis", "levels"),
    [
        ("seeds=3", "seed", ["seed=0", "seed=1", "seed=2"]),
        ("seed=range(1,4)", "seed", ["seed=1", "seed=2", "seed=3"]),
        ("seed=4,4,5", "seed", ["seed=4", "seed=5"]),
        ("activation=glob(*)", "activation", [f"activation={name}" for name in rows("activation")]),
        ("loss=glob(*,exclude=w*)", "loss", [f"loss={n}" for n in rows("loss") if n[0] != "w"]),
        ("activation=glob([*elu,tanh])", "activation",
         [f"activation={n}" for n in rows("activation") if n.endswith("elu") or n == "tanh"]),
        ("generator.activation=relu,elu", "activation@generator.activation",
         ["activation@generator.activation=relu", "activation@generator.activation=elu"]),
        ("optimizer.lr=1e-4,1e-3", "optimizer.lr", ["optimizer.lr=0.0001", "optimizer.lr=0.001"]),
    ],
)  # fmt: skip
def test_words_with_several_values_are_axes(word: str, axis: str, levels: list[str]) -> None:
    constants, axes = expand(["penalty=none", word])
    assert constants == ["penalty=none"]
    assert [a.name for a in axes] == [axis]
    assert all(len(level) == 1 for level in axes[0].levels)
    assert sorted(level[0] for level in axes[0].levels) == sorted(levels)


def test_an_axis_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="seed is given twice"):
        expand(["seed=1,2", "seeds=3"])
