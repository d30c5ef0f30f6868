"""Constraints: singular values of 1, draws from the stream alone, gradients no longer than they may be."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ablation.catalogue import rows
from ablation.constraints import Constraint
from ablation.factories import make
from ablation.networks import WEIGHTED
from ablation.spec import Part

NAMES = list(rows("constraint"))
ARCHITECTURES = list(rows("architecture"))
Made = Callable[..., Any]


def constraint(name: str, part: Callable[..., Part], **settings: Any) -> Constraint:
    return make(part("constraint", name, **settings), Constraint)


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def dressed(ask: Made, begun: Made, part: Callable[..., Part]) -> Made:
    """Begin a training and put spectral normalisation on its discriminator."""

    def dress(architecture: str = "mlp", seed: int = 0, **rest: Any) -> Any:
        fitted = begun(ask(architecture=architecture, **rest))
        hook = constraint("spectral_norm", part).dress
        assert hook is not None
        hook(fitted.training.networks.discriminator, stream(seed))
        return fitted

    return dress


def samples(fitted: Any, seed: int = 5) -> Tensor:
    shape = fitted.data.train.shape[1:]
    return torch.randn(8, *shape, generator=stream(seed))


def largest(discriminator: nn.Module) -> list[float]:
    """Return the largest singular value of each layer's weight, as the layer uses it."""
    discriminator = copy.deepcopy(discriminator).eval()  # a look in training mode is an iteration
    layers = [m for m in discriminator.modules() if isinstance(m, WEIGHTED)]
    return [float(torch.linalg.svdvals(m.weight.detach().flatten(1))[0]) for m in layers]


@pytest.mark.parametrize("name", NAMES)
def test_every_row_does_what_it_says_and_nothing_else(name: str, part: Callable[..., Part]) -> None:
    chosen = constraint(name, part)
    assert (chosen.dress is not None) is (name == "spectral_norm")
    assert (chosen.clip is not None) is (name == "gradient_clip")


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_layer_s_largest_singular_value_becomes_1(
    architecture: str, dressed: Made, begun: Made, ask: Made
) -> None:
    plain = begun(ask(architecture=architecture)).training.networks.discriminator
    assert max(abs(value - 1) for value in largest(plain)) > 0.2
    fitted = dressed(architecture)
    discriminator = fitted.training.networks.discriminator
    for seed in range(60):
        discriminator(samples(fitted, seed))
    found = largest(discriminator)
    assert len(found) == len(largest(plain))
    assert found == pytest.approx([1.0] * len(found), abs=0.01)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_dressed_discriminator_computes_with_its_weights_divided_and_no_generator_is_dressed(
    architecture: str, dressed: Made, begun: Made, ask: Made
) -> None:
    plain = begun(ask(architecture=architecture)).training.networks
    networks = (fitted := dressed(architecture)).training.networks
    assert networks.generator.state_dict().keys() == plain.generator.state_dict().keys()
    networks.discriminator.eval(), plain.discriminator.eval()
    mine, theirs = (
        [m for m in n.discriminator.modules() if isinstance(m, WEIGHTED)] for n in (networks, plain)
    )
    assert len(mine) == len(theirs) > 0  # dressed layers are still layers
    with torch.no_grad():
        for layer, other in zip(mine, theirs, strict=True):
            ratio = other.weight / layer.weight  # equal weights were drawn
            torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio), rtol=1e-4, atol=0)
            other.weight.copy_(layer.weight)
    x = samples(fitted)
    torch.testing.assert_close(networks.discriminator(x), plain.discriminator(x))


def test_the_start_comes_from_the_stream_and_leaves_the_global_one_alone(dressed: Made) -> None:
    states = []
    for seed, around in ((3, 0), (3, 1), (4, 1)):
        torch.manual_seed(around)
        fitted = dressed("dcgan", seed)
        states.append(fitted.training.networks.discriminator.state_dict())
    first, again, other = states
    assert first.keys() == again.keys()
    assert all(torch.equal(first[key], again[key]) for key in first)
    moved = {key.split(".")[-1] for key in first if not torch.equal(first[key], other[key])}
    assert moved == {"_u", "_v"}


def test_dressing_moves_its_stream_and_not_the_global_one(
    begun: Made, ask: Made, part: Callable[..., Part]
) -> None:
    source, found = stream(9), []
    for _ in range(2):
        network = begun(ask()).training.networks.discriminator
        before = torch.get_rng_state()
        hook = constraint("spectral_norm", part).dress
        assert hook is not None
        hook(network, source)
        assert torch.equal(torch.get_rng_state(), before)
        found.append(network.state_dict()["1.parametrizations.weight.0._u"])
    assert not torch.equal(*found)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_dressed_discriminator_goes_on_from_its_saved_state_bit_for_bit(
    architecture: str, dressed: Made
) -> None:
    first, second = dressed(architecture, 1), dressed(architecture, 2)
    mine, theirs = (fitted.training.networks.discriminator for fitted in (first, second))
    for seed in range(3):
        mine(samples(first, seed))
    theirs.load_state_dict(mine.state_dict())
    copied = copy.deepcopy(mine)
    for seed in range(3, 6):
        outputs = [network(samples(first, seed)) for network in (mine, theirs, copied)]
        assert torch.equal(outputs[0], outputs[1])
        assert torch.equal(outputs[0], outputs[2])
    for key, value in mine.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[key])
        assert torch.equal(value, copied.state_dict()[key])
        assert value.data_ptr() != copied.state_dict()[key].data_ptr()


def test_a_network_without_such_layers_is_refused(part: Callable[..., Part]) -> None:
    hook = constraint("spectral_norm", part).dress
    assert hook is not None
    with pytest.raises(ValueError, match="finds no Linear or Conv2d"):
        hook(nn.Sequential(nn.Flatten(), nn.ReLU()), stream())


@pytest.mark.slow
@pytest.mark.parametrize("probes", [0, 4])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"loss": "wasserstein", "penalty": "gradient_penalty"},
        {"loss": "hinge", "penalty": "r1"},
        {"loss": "wasserstein", "penalty": "weight_clip"},
        {"loss": "relativistic_average", "n_critic": 2},
    ],
    ids=str,
)
def test_a_dressed_discriminator_trains_beside_every_kind_of_penalty(
    rest: dict[str, Any], architecture: str, probes: int, dressed: Made, goes: Made
) -> None:
    fitted = dressed(architecture, steps=4, probes=probes, **rest)
    discriminator = fitted.training.networks.discriminator
    before = {key: value.clone() for key, value in discriminator.state_dict().items()}
    goes(fitted)
    assert fitted.outcome.kind == "finished"
    for key, value in discriminator.state_dict().items():
        assert value.isfinite().all()
        if (
            key.endswith(("original", "_v")) and value.numel() > 1
        ):  # a unit vector of one never turns
            assert not torch.equal(value, before[key]), key
    if rest.get("penalty") == "weight_clip":
        assert max(float(p.detach().abs().max()) for p in discriminator.parameters()) <= 0.01
    found = largest(discriminator)  # the iteration follows weights that move
    assert found == pytest.approx([1.0] * len(found), abs=0.35)


@pytest.mark.slow
def test_probing_does_not_move_a_dressed_discriminator(dressed: Made, goes: Made) -> None:
    """Each look at it is a power iteration, which the probe gives back."""
    mine, theirs = (goes(dressed(steps=6, probes=probes)).state() for probes in (0, 6))
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)


def network(*gradients: Tensor | None) -> nn.Module:
    made = nn.Module()
    for number, gradient in enumerate(gradients):
        parameter = nn.Parameter(torch.zeros(3 if gradient is None else len(gradient)))
        parameter.grad = gradient
        made.register_parameter(f"p{number}", parameter)
    return made


def gradients(made: nn.Module) -> Tensor:
    return torch.cat([p.grad.flatten() for p in made.parameters() if p.grad is not None])


@pytest.mark.parametrize("clip", [1.0, 0.1, 5.0])
def test_a_long_gradient_keeps_its_direction_and_gets_the_norm(
    clip: float, part: Callable[..., Part]
) -> None:
    """One norm over all of a player's parameters: 3, 4 and 12 together have 13."""
    made = network(torch.tensor([3.0, 0.0]), None, torch.tensor([0.0, -4.0, 12.0]))
    before = gradients(made).clone()
    constraint("gradient_clip", part, clip=clip).limit(made)
    torch.testing.assert_close(gradients(made), before * clip / 13, rtol=1e-6, atol=0)
    assert gradients(made).norm().item() == pytest.approx(clip, rel=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-6, 0.07])
def test_a_short_gradient_is_left_alone(scale: float, part: Callable[..., Part]) -> None:
    made = network(scale * torch.tensor([3.0, 0.0]), None, scale * torch.tensor([0.0, -4.0, 12.0]))
    before = gradients(made).clone()
    constraint("gradient_clip", part).limit(made)
    assert torch.equal(gradients(made), before)


def test_a_gradient_that_is_not_finite_is_not_patched(part: Callable[..., Part]) -> None:
    """What diverged stays visible: the next loss is not finite, and the guard sees it."""
    for wrong in (float("nan"), float("inf")):
        made = network(torch.tensor([1.0, wrong]))
        constraint("gradient_clip", part).limit(made)
        assert not gradients(made).isfinite().all()


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"gradient_clip"}))
def test_other_constraints_leave_gradients_alone(name: str, part: Callable[..., Part]) -> None:
    made = network(torch.tensor([300.0, 400.0]))
    constraint(name, part).limit(made)
    assert gradients(made).tolist() == [300.0, 400.0]


@pytest.mark.parametrize("penalty", ["none", "weight_clip", "gradient_penalty", "r1"])
def test_clipped_players_train_beside_every_kind_of_penalty(
    penalty: str, ask: Made, begun: Made, goes: Made, part: Callable[..., Part]
) -> None:
    """With the trainer's own steps: each player is limited just before its optimiser moves it."""
    chosen, norms = constraint("gradient_clip", part, clip=0.02), []
    fitted = begun(ask(loss="wasserstein", penalty=penalty, steps=5))
    networks = fitted.training.networks

    def limiting(player: nn.Module) -> Callable[..., None]:
        def limit(*_: Any) -> None:
            long = float(gradients(player).norm())
            chosen.limit(player)
            norms.append((long, float(gradients(player).norm())))

        return limit

    for name, optimizer in fitted.training.optimizers.items():
        optimizer.register_step_pre_hook(limiting(getattr(networks, name)))
    goes(fitted)
    assert fitted.outcome.kind == "finished"
    assert len(norms) == 10
    assert any(long > 0.021 for long, _ in norms)
    for long, short in norms:
        assert short == pytest.approx(min(long, 0.02), rel=1e-4)


@pytest.mark.parametrize(
    ("clip", "told"),
    [
        (0.0, "constraint.clip is 0.0; it lies above 0"),
        (-1, "constraint.clip is -1"),
        (float("inf"), "constraint.clip is inf"),
        ("much", "constraint.clip is 'much'; it must be a number"),
        (True, "constraint.clip is True"),
    ],
)
def test_a_senseless_clip_is_refused(clip: Any, told: str, part: Callable[..., Part]) -> None:
    with pytest.raises(ValueError, match=told):
        constraint("gradient_clip", part, clip=clip)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_setting_is_refused(name: str, part: Callable[..., Part]) -> None:
    with pytest.raises(ValueError, match=f"{name}: .*'slopee'"):
        constraint(name, part, slopee=1)
