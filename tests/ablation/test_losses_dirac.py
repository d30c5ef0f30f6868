"""Losses and penalties in the Dirac-GAN of Mescheder et al. 2018, whose field and eigenvalues are known.

Real data lie at 0, the generator's one point at theta, and D(x) = psi x: the equilibrium is theta = psi = 0.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from ablation.catalogue import rows
from ablation.factories import make
from ablation.losses import Loss
from ablation.penalties import Penalty
from ablation.spec import Part

NAMES = list(rows("loss"))
POINTS = [(1.0, 0.5), (1.0, -0.5), (-2.0, 1.5), (0.3, 3.0), (-0.7, -0.4)]


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def bell(x: float) -> float:
    return sigma(x) * sigma(-x)


FIELDS: dict[str, Callable[[float, float], tuple[float, float]]] = {
    "minimax": lambda t, p: (p * sigma(t * p), -t * sigma(t * p)),
    "non_saturating": lambda t, p: (p * sigma(-t * p), -t * sigma(t * p)),
    "probability_difference": lambda t, p: (p * bell(t * p), -t * bell(t * p)),
    "least_squares": lambda t, p: (p * (1 - t * p), -t * t * p),
    "wasserstein": lambda t, p: (p, -t),
    "hinge": lambda t, p: (p, -t if t * p > -1 else 0.0),
    "relativistic_average": lambda t, p: (p * sigma(-t * p), -t * sigma(t * p)),
    "relativistic_pairing": lambda t, p: (p * sigma(-t * p), -t * sigma(t * p)),
    "fgan_kl": lambda t, p: (p, -t * math.exp(t * p - 1)),
    "fgan_reverse_kl": lambda t, p: (p * math.exp(-t * p), -t),
    "fgan_pearson": lambda t, p: (p, -t * (1 + t * p / 2)),
    "fgan_hellinger": lambda t, p: (p * math.exp(-t * p), -t * math.exp(t * p)),
    "fgan_js": lambda t, p: (p * sigma(-t * p), -t * sigma(t * p)),
}
"""How gradient descent of both players moves theta and psi."""

CIRCLES = ("minimax", "probability_difference", "wasserstein")
"""Games whose players' terms sum to zero: lemma 2.3 of the paper."""


class Dirac(nn.Module):
    """D(x) = psi x."""

    def __init__(self, psi: Tensor) -> None:
        super().__init__()
        self.psi = psi

    def forward(self, x: Tensor) -> Tensor:
        return self.psi * x.flatten()


def velocity(state: Tensor, loss: Loss, penalty: Penalty) -> Tensor:
    """Return (theta', psi') at (theta, psi), differentiable."""
    theta, psi = state.unbind()
    critic, real, fake = Dirac(psi), torch.zeros(1, 1, dtype=state.dtype), theta.reshape(1, 1)
    d_loss = loss.discriminator(real=critic(real), fake=critic(fake))
    if penalty.value is not None:
        d_loss = d_loss + penalty.value(critic, real, fake, torch.Generator().manual_seed(0))
    g_loss = loss.generator(real=critic(real), fake=critic(fake))
    moves = [
        torch.autograd.grad(value, x, create_graph=True)[0]
        for value, x in ((g_loss, theta), (d_loss, psi))
    ]
    return -torch.stack(moves)


def outward(state: Tensor, loss: Loss, penalty: Penalty) -> float:
    """Return the derivative of (theta^2 + psi^2) / 2 on the field's way."""
    return float((state @ velocity(state, loss, penalty)).detach())


def at(theta: float, psi: float) -> Tensor:
    return torch.tensor([theta, psi], dtype=torch.float64, requires_grad=True)


def game(
    part: Callable[..., Part], loss: str, penalty: str = "none", **settings: float
) -> tuple[Loss, Penalty]:
    return make(part("loss", loss), Loss), make(part("penalty", penalty, **settings), Penalty)


def eigenvalues(loss: Loss, penalty: Penalty) -> list[complex]:
    """Return those of the field's Jacobian at the equilibrium."""
    jacobian = torch.autograd.functional.jacobian(
        lambda state: velocity(state, loss, penalty), at(0, 0)
    )
    return sorted(torch.linalg.eigvals(jacobian).tolist(), key=lambda z: (z.real, z.imag))


def slopes(name: str) -> float:
    """Return c = -(d theta' / d psi)(d psi' / d theta) at the equilibrium, from the closed form of the field."""
    h = 1e-6
    return FIELDS[name](0.0, h)[0] / h * -FIELDS[name](h, 0.0)[1] / h


@pytest.mark.parametrize(("theta", "psi"), POINTS)
@pytest.mark.parametrize("name", NAMES)
def test_every_game_has_its_known_field(
    name: str, theta: float, psi: float, part: Callable[..., Part]
) -> None:
    found = velocity(at(theta, psi), *game(part, name)).tolist()
    assert found == pytest.approx(FIELDS[name](theta, psi), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("theta", "psi"), POINTS)
@pytest.mark.parametrize("name", CIRCLES)
def test_games_that_sum_to_zero_turn_on_circles(
    name: str, theta: float, psi: float, part: Callable[..., Part]
) -> None:
    """Lemma 2.3: theta^2 + psi^2 is constant on every integral curve."""
    assert abs(outward(at(theta, psi), *game(part, name))) < 1e-15


@pytest.mark.parametrize(("theta", "psi"), POINTS)
@pytest.mark.parametrize(
    "name", ["non_saturating", "relativistic_average", "relativistic_pairing", "fgan_js"]
)
def test_the_non_saturating_field_moves_in_by_a_term_of_fourth_order_alone(
    name: str, theta: float, psi: float, part: Callable[..., Part]
) -> None:
    """By b tanh(b/2) with b = theta psi: too little for an eigenvalue to see."""
    b = theta * psi
    found = outward(at(theta, psi), *game(part, name))
    assert found == pytest.approx(-b * math.tanh(b / 2), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_no_unregularised_game_contracts_at_its_equilibrium(
    name: str, part: Callable[..., Part]
) -> None:
    """Lemma 2.2: the eigenvalues are +-i sqrt(c), for the paper's f +-i f'(0)."""
    found, turn = eigenvalues(*game(part, name)), math.sqrt(slopes(name))
    assert [z.imag for z in found] == pytest.approx([-turn, turn], abs=1e-6)
    assert [z.real for z in found] == pytest.approx([0, 0], abs=1e-12)
    if name in ("minimax", "non_saturating"):
        assert turn == pytest.approx(0.5)  # f(t) = -log(1 + exp(-t)) has f'(0) = 1/2
    assert (turn > 0) is (name != "least_squares")  # its D does not see theta at psi = 0


def play(
    loss: Loss, penalty: Penalty, start: tuple[float, float], rate: float, steps: int
) -> list[float]:
    """Return the distances from the equilibrium in simultaneous gradient descent."""
    state, distances = at(*start), [math.hypot(*start)]
    for _ in range(steps):
        state = (state + rate * velocity(state, loss, penalty)).detach()
        if penalty.constrain is not None:
            critic = Dirac(nn.Parameter(state[1].clone()))
            penalty.constrain(critic)
            state = torch.stack([state[0], critic.psi.detach()])
        distances.append(float(state.norm()))
        state.requires_grad_(True)
    return distances


@pytest.mark.slow
@pytest.mark.parametrize("name", CIRCLES)
def test_simultaneous_steps_of_games_that_sum_to_zero_lead_away(
    name: str, part: Callable[..., Part]
) -> None:
    """Lemma 2.4: whatever the learning rate, each step takes the iterates further out."""
    for rate in (0.01, 0.3):
        distances = play(*game(part, name), (0.2, 0.3), rate, 60)
        assert all(b > a for a, b in pairwise(distances))


@pytest.mark.slow
@pytest.mark.parametrize("bound", [0.1, 0.5])
def test_weight_clipping_does_not_lead_wasserstein_to_the_equilibrium(
    bound: float, part: Callable[..., Part]
) -> None:
    """Lemma 3.1: a WGAN with clipped weights does not converge; inside the bound nothing has changed."""
    loss, penalty = game(part, "wasserstein", "weight_clip", bound=bound)
    distances = play(loss, penalty, (bound / 2, 0.0), 0.1, 250)
    assert min(distances) == distances[0]
    assert min(distances[-150:]) > bound / 2
    assert eigenvalues(loss, penalty) == pytest.approx([-1j, 1j])


@pytest.mark.parametrize("gamma", [0.3, 0.7, 3.0, 10.0])
@pytest.mark.parametrize("penalty", ["r1", "r2"])
@pytest.mark.parametrize("name", NAMES)
def test_zero_centred_penalties_make_the_equilibrium_attracting(
    name: str, penalty: str, gamma: float, part: Callable[..., Part]
) -> None:
    """Lemma 3.3: the eigenvalues are -gamma/2 +- sqrt(gamma^2/4 - c), for the paper's f with c = f'(0)^2."""
    c = slopes(name)
    root = cmath.sqrt(gamma**2 / 4 - c)
    expected = sorted((-gamma / 2 - root, -gamma / 2 + root), key=lambda z: (z.real, z.imag))
    found = eigenvalues(*game(part, name, penalty, gamma=gamma))
    assert found == pytest.approx(expected, abs=1e-5)
    assert (found[1].real < -1e-9) is (c > 0)


@pytest.mark.parametrize("name", ["minimax", "non_saturating", "wasserstein", "hinge"])
def test_r1_leads_to_the_equilibrium(name: str, part: Callable[..., Part]) -> None:
    assert play(*game(part, name, "r1", gamma=1.0), (0.3, -0.2), 0.25, 100)[-1] < 1e-3


@pytest.mark.parametrize("psi", [-0.9, -0.3, 0.1, 0.6, 1.0, 1.5])
def test_the_gradient_penalty_pushes_the_wasserstein_critic_off_its_equilibrium(
    psi: float, part: Callable[..., Part]
) -> None:
    """Section 3.2: the penalty wants |psi| = 1, and the equilibrium has psi = 0: (r^2/2)' = 2 w |psi| (1 - |psi|)."""
    weight = 10.0
    loss, penalty = game(part, "wasserstein", "gradient_penalty", weight=weight)
    for theta in (-0.4, 0.0, 0.2):
        found = outward(at(theta, psi), loss, penalty)
        assert found == pytest.approx(2 * weight * abs(psi) * (1 - abs(psi)), rel=1e-9, abs=1e-12)


@pytest.mark.slow
def test_the_gradient_penalty_does_not_lead_wasserstein_to_the_equilibrium(
    part: Callable[..., Part],
) -> None:
    loss, penalty = game(part, "wasserstein", "gradient_penalty", weight=1.0)
    assert min(play(loss, penalty, (0.01, 0.01), 0.05, 250)[-150:]) > 0.3


def test_the_one_sided_penalty_changes_nothing_near_the_equilibrium(
    part: Callable[..., Part],
) -> None:
    loss, penalty = game(part, "wasserstein", "gradient_penalty_one_sided", weight=10.0)
    for theta, psi in ((0.5, 0.99), (0.1, 0.0), (-1.0, -0.5)):
        assert velocity(at(theta, psi), loss, penalty).tolist() == [psi, -theta]
    assert outward(at(0.5, 1.5), loss, penalty) == pytest.approx(-2 * 10 * 1.5 * 0.5)
