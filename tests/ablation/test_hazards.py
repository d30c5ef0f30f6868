"""What is known to go wrong is said, nothing else is, and each hazard is shown to be one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ablation.activations import Activation
from ablation.catalogue import rows
from ablation.factories import make
from ablation.hazards import hazards
from ablation.losses import Loss
from ablation.penalties import Penalty
from ablation.spec import Part, TrialSpec

Ask = Callable[..., TrialSpec]
Fit = Callable[..., Any]
SMOOTH = "shifted_softplus"
KNOWN: list[tuple[dict[str, Any], str]] = [
    ({"loss": "wasserstein"}, "wasserstein without a penalty"),
    ({"loss": "fgan_kl"}, "fgan_kl without a penalty"),
    (
        {
            "architecture": "dcgan",
            "penalty": "r1",
            "activation": SMOOTH,
            "dataset": "photo_patches",
        },
        "r1 with batch norm in the discriminator",
    ),
    ({"activation": "elu", "penalty": "gradient_penalty"}, "second derivative of elu jumps"),
    ({"activation": "celu", "penalty": "r1"}, "second derivative of celu jumps"),
    ({"activation": "selu", "penalty": "dragan"}, "second derivative of selu jumps"),
    ({"discriminator": "elu", "penalty": "gradient_penalty"}, "of elu jumps"),
    (
        {"architecture": "dcgan", "probes": 3},
        "one activation site in the generator and the discriminator",
    ),
    (
        {"at": {"discriminator.0": "elu"}, "activation": SMOOTH, "penalty": "gradient_penalty"},
        "of elu jumps",
    ),
    ({"activation": "relu", "penalty": "gradient_penalty"}, "gives its biases no gradient"),
    ({"activation": "leaky_relu", "penalty": "r2"}, "gives its biases no gradient"),
    ({"activation": "swish", "penalty": "weight_clip"}, "bounds what swish learns"),
]


def told(spec: TrialSpec, begun: Fit) -> list[str]:
    fitted = begun(spec)
    return hazards(spec, fitted.training.networks, fitted.data)


def usual(way: dict[str, Any]) -> dict[str, Any]:
    return {"activation": SMOOTH} | way if "discriminator" not in way else way


@pytest.mark.parametrize(("way", "words"), KNOWN, ids=[words for _, words in KNOWN])
def test_a_known_hazard_is_said_in_one_sentence(
    way: dict[str, Any], words: str, ask: Ask, begun: Fit
) -> None:
    found = told(ask(**usual(way)), begun)
    assert len(found) == 1
    assert words in found[0]
    assert "\n" not in found[0]


@pytest.mark.parametrize(
    "way",
    [
        {"loss": "wasserstein", "penalty": "weight_clip"},
        {"loss": "wasserstein", "penalty": "gradient_penalty"},
        {"loss": "wasserstein", "constraint": "spectral_norm"},
        {"loss": "hinge"},
        {"architecture": "dcgan", "penalty": "weight_clip"},
        {"architecture": "dcgan", "probes": 3, "dataset": "photo_patches"},
        {"activation": "elu"},
        {"activation": "elu", "penalty": "weight_clip"},
        {"generator": "elu", "discriminator": SMOOTH, "penalty": "gradient_penalty"},
        {"generator": "swish", "discriminator": SMOOTH, "penalty": "weight_clip"},
        *({"activation": name} for name in rows("activation")),
    ],
    ids=str,
)
def test_a_sound_question_gets_no_warning(way: dict[str, Any], ask: Ask, begun: Fit) -> None:
    assert told(ask(**usual(way)), begun) == []


def test_one_site_alone_has_no_attenuation_and_says_so(
    ask: Ask, part: Callable[..., Part], fit: Fit
) -> None:
    """The shallow network is warned of; the probe reads no attenuation there, and does in the other."""
    chosen = part("architecture", "mlp", depth=2, generator_depth=1)
    fitted = fit(ask(architecture=chosen, activation=SMOOTH, steps=4, probes=2))
    (found,) = hazards(fitted.training.spec, fitted.training.networks, fitted.data)
    assert "one activation site in the generator:" in found
    read = {row.network for row in fitted.probe.readings if row.quantity == "attenuation"}
    assert read == {"discriminator"}


def test_several_hazards_are_all_said(ask: Ask, begun: Fit) -> None:
    way = {"architecture": "dcgan", "dataset": "photo_patches", "penalty": "gradient_penalty"}
    assert len(told(ask(**way, activation="elu"), begun)) == 2


OUTPUTS: list[tuple[str, str, str, str]] = [
    (
        "digits",
        "sigmoid",
        "identity",
        "the generator's output lies in (0, 1) and digits in [-1, 1]",
    ),
    ("digits", "identity", "identity", "the generator's output is not bounded"),
    ("ring8", "tanh", "identity", "the generator's output lies in (-1, 1)"),
    ("grid25", "sigmoid", "identity", "the generator's output lies in (0, 1)"),
    ("digits", "tanh", "sigmoid", "a double sigmoid"),
]


@pytest.mark.parametrize(("data", "output", "judged", "words"), OUTPUTS, ids=str)
def test_ranges_that_do_not_fit_are_said(
    data: str, output: str, judged: str, words: str, ask: Ask, part: Callable[..., Part], begun: Fit
) -> None:
    chosen = part("architecture", "mlp", output=output, discriminator_output=judged)
    (found,) = told(ask(dataset=data, architecture=chosen), begun)
    assert words in found


# Each hazard shown.


@pytest.mark.slow
def test_nothing_bounds_a_critic_without_a_penalty(
    ask: Ask, part: Callable[..., Part], fit: Fit
) -> None:
    fast = part("optimizer", "adam", lr=5e-3)
    worth = {}
    for penalty in ("none", "weight_clip", "gradient_penalty"):
        spec = ask(
            loss="wasserstein",
            penalty=penalty,
            dataset="ring8",
            optimizer=fast,
            steps=150,
            n_critic=5,
        )
        fitted = fit(spec)
        networks = fitted.training.networks
        with torch.no_grad():
            real = networks.discriminator(fitted.data.train).mean()
            fake = networks.discriminator(networks.generator(fitted.probe.noise)).mean()
        worth[penalty] = abs(float(real - fake))
    assert worth["none"] > 20 * worth["gradient_penalty"]
    assert worth["none"] > 20 * worth["weight_clip"]


def slope_of_first(network: nn.Module, others: Tensor) -> Tensor:
    """Return the gradient of all logits at the first sample, beside other samples."""
    torch.manual_seed(0)
    x = torch.cat([torch.ones(1, 3, 16, 16), others]).requires_grad_(True)
    (slope,) = torch.autograd.grad(network(x).sum(), x)
    return slope[0]


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_batch_norm_mixes_the_samples_of_a_penalty(
    norm: str, ask: Ask, part: Callable[..., Part]
) -> None:
    from ablation.training import players

    chosen = part("architecture", "dcgan", discriminator_norm=norm)
    torch.manual_seed(0)
    network = players(ask(architecture=chosen), (3, 16, 16)).discriminator
    one, other = (slope_of_first(network, torch.randn(5, 3, 16, 16) * s) for s in (1.0, 3.0))
    assert torch.allclose(one, other, rtol=1e-4, atol=1e-7) is (norm == "none")


def penalty_on_bias(activation: str, place: float, part: Callable[..., Part]) -> float:
    """Return the penalty's gradient at the bias of D(x) = phi(x + bias), where the pre-activation is `place`."""
    phi = Activation(part("activation", activation)).fresh().double()
    bias = torch.tensor(place, dtype=torch.float64, requires_grad=True)
    value = make(part("penalty", "gradient_penalty"), Penalty).value
    assert value is not None
    nothing = torch.zeros(4, 1, dtype=torch.float64)
    (2 * value(lambda x: 3 * phi(x + bias)[:, 0], nothing, nothing, torch.Generator())).backward()
    assert bias.grad is not None
    return float(bias.grad)


@pytest.mark.parametrize(
    ("activation", "jumps"), [("elu", True), ("celu", True), (SMOOTH, False), ("tanh", False)]
)
def test_a_second_derivative_that_jumps_makes_the_penalty_s_gradient_jump(
    activation: str, jumps: bool, part: Callable[..., Part]
) -> None:
    left, right = (penalty_on_bias(activation, place, part) for place in (-1e-6, 1e-6))
    assert (abs(left - right) > 1) is jumps


@pytest.mark.parametrize(
    ("activation", "gives"),
    [("relu", False), ("leaky_relu", False), ("tanh", True), (SMOOTH, True)],
)
def test_a_penalty_gives_biases_no_gradient_through_straight_pieces(
    activation: str, gives: bool, ask: Ask, part: Callable[..., Part], begun: Fit
) -> None:
    D = begun(ask(activation=activation)).training.networks.discriminator
    value = make(part("penalty", "gradient_penalty"), Penalty).value
    assert value is not None
    real, fake = torch.randn(6, 1, 8, 8), torch.randn(6, 1, 8, 8)
    value(D, real, fake, torch.Generator().manual_seed(1)).backward()
    hidden = [m for m in D.modules() if isinstance(m, nn.Linear)][:-1]
    biases = [m.bias.grad for m in hidden]
    assert any(b is not None and bool(b.any()) for b in biases) is gives
    assert all(m.weight.grad.any() for m in hidden)


def test_an_output_that_does_not_reach_the_data_never_makes_it(
    ask: Ask, part: Callable[..., Part], begun: Fit
) -> None:
    chosen = part("architecture", "mlp", output="sigmoid")
    fitted = begun(ask(architecture=chosen))
    with torch.no_grad():
        samples = fitted.training.networks.generator(100 * fitted.probe.noise)
    assert float(samples.min()) >= 0 > fitted.data.value_range[0]


def test_a_sigmoid_discriminator_shrinks_the_gradient_that_reaches_the_generator(
    ask: Ask, part: Callable[..., Part], begun: Fit
) -> None:
    """The same weights and noise, with logits and with probabilities, where the loss itself is linear."""
    slopes = {}
    for judged in ("identity", "sigmoid"):
        chosen = part("architecture", "mlp", discriminator_output=judged)
        fitted = begun(ask(architecture=chosen, loss="wasserstein"))
        networks, loss = fitted.training.networks, make(fitted.training.spec.loss, Loss)
        fake = networks.generator(fitted.probe.noise).detach().requires_grad_(True)
        logits = networks.discriminator(fake)
        value = loss.generator(real=logits.detach(), fake=logits)
        (slope,) = torch.autograd.grad(value, fake)
        slopes[judged] = slope.flatten(1).norm(dim=1)
    assert float(slopes["sigmoid"].min()) > 0
    assert bool((slopes["sigmoid"] <= 0.25 * slopes["identity"] * (1 + 1e-5)).all())


def test_a_sigmoid_bounds_the_critic(ask: Ask, part: Callable[..., Part], begun: Fit) -> None:
    chosen = part("architecture", "mlp", discriminator_output="sigmoid")
    (found,) = told(ask(architecture=chosen, loss="wasserstein"), begun)
    assert "nothing bounds" not in found


def test_clipping_bounds_what_an_activation_learns(ask: Ask, fit: Fit) -> None:
    networks = fit(ask(activation="swish", penalty="weight_clip", steps=2)).training.networks
    from ablation.activations import sites

    for player, bound in ((networks.discriminator, True), (networks.generator, False)):
        learned = [float(p.detach().abs().max()) for s in sites(player) for p in s.phi.parameters()]
        assert (max(learned) <= 0.01) is bound
