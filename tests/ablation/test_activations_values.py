"""Values and derivatives of every row: against the papers' formulas in 120 digits, far out, by finite differences."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import pytest
import torch
from formulas import FORMULAS
from torch import Tensor, nn

from ablation.activations import Activation, slopes
from ablation.activations.slopes import channels
from ablation.catalogue import rows
from ablation.spec import Part

NAMES = list(rows("activation"))
OURS = [n for n, row in rows("activation").items() if row["module"]["_target_"][:9] == "ablation."]
FAR = [-1e4, -88.0, -20.0, 0.0, 20.0, 88.0, 1e4]
PLACES = [-11.3, -6.2, -3.1, -2.4, -1.3, -0.71, -0.31, -1e-3, 1e-9, 0.29, 0.73, 1.7, 2.6, 3.4, 5.9, 11.1]  # fmt: skip
DTYPES = [torch.float32, torch.bfloat16, torch.float64]


def module(part: Part, dtype: torch.dtype = torch.float64) -> nn.Module:
    """Return the module in evaluation, where none draws."""
    return Activation(part).fresh().to(dtype).eval()


def exact(name: str, places: list[float]) -> tuple[Tensor, Tensor]:
    """Return value and derivative from the formula in 120 digits, rounded to float64."""
    formula = FORMULAS[name]
    with mpmath.workdps(120):
        value = [formula(mpmath.mp, mpmath.mpf(x)) for x in places]
        slope = [mpmath.diff(lambda t: formula(mpmath.mp, t), mpmath.mpf(x)) for x in places]
        return (
            torch.tensor([float(v) for v in value], dtype=torch.float64),
            torch.tensor([float(s) for s in slope], dtype=torch.float64),
        )


def test_every_row_has_an_oracle() -> None:
    changing = {"maxout", "crelu", "glu", "geglu", "swiglu"}
    assert set(FORMULAS) | changing == set(NAMES)
    assert len(NAMES) >= 40


@pytest.mark.parametrize("name", FORMULAS)
def test_values_and_slopes_are_those_of_the_formula(name: str, part: Callable[..., Part]) -> None:
    phi, u = module(part("activation", name)), torch.tensor(PLACES, dtype=torch.float64)
    value, slope = exact(name, PLACES)
    torch.testing.assert_close(phi(u), value, rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(slopes(phi, u), slope, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", [n for n in OURS if n in FORMULAS])
def test_our_own_keep_their_digits_in_the_tails(name: str, part: Callable[..., Part]) -> None:
    """Relative to the value, however small: (x + sqrt(x^2 + 4)) / 2 at -1e4 is 1e-4, in naive code off by 1e-9."""
    places = [x for x in (*FAR, -2e-8, 3e-9, -45.0, 45.0) if x]
    phi, u = module(part("activation", name)), torch.tensor(places, dtype=torch.float64)
    value, slope = exact(name, places)
    torch.testing.assert_close(phi(u), value, rtol=1e-12, atol=1e-300)
    torch.testing.assert_close(slopes(phi, u), slope, rtol=1e-11, atol=1e-16)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 2**-8)], ids=str
)
@pytest.mark.parametrize("name", OURS)
def test_our_own_are_rounded_once(
    name: str, dtype: torch.dtype, tolerance: float, part: Callable[..., Part]
) -> None:
    """In half precision too, as torch's own: bfloat16 keeps eight bits, and several rounded steps would lose some."""
    seen, _ = channels(module(part("activation", name)))
    u = torch.randn(200, seen, generator=torch.Generator().manual_seed(3)).mul(3).to(dtype)
    phi = Activation(part("activation", name)).fresh()
    found = phi(u)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), phi.double()(u.double()), rtol=tolerance, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_value_and_both_derivatives_are_finite_far_out(
    name: str, dtype: torch.dtype, part: Callable[..., Part]
) -> None:
    """Each pre-activation in turn goes far out, the others of its unit stay at 1/2."""
    phi = Activation(part("activation", name)).fresh().to(dtype)
    seen, sharing = channels(phi)
    u = torch.full((len(FAR) * seen, seen), 0.5, dtype=dtype)
    for number, x in enumerate(FAR):
        for channel in range(seen):
            u[number * seen + channel, channel] = x
    u.requires_grad_(True)
    h = phi(u)
    assert h.shape == (len(u), sharing)
    assert h.dtype == dtype
    assert torch.isfinite(h).all()
    for output in h.unbind(1):
        (first,) = torch.autograd.grad(output.sum(), u, create_graph=True)
        assert torch.isfinite(first).all()
        if first.requires_grad:
            (second,) = torch.autograd.grad(first.sum(), u, retain_graph=True, allow_unused=True)
            assert second is None or torch.isfinite(second).all()


def jacobian(phi: nn.Module, u: Tensor, width: float = 1e-6) -> Tensor:
    """Return d output / d pre-activation of each sample (N outputs inputs) by central differences."""
    columns = []
    for channel in range(u.shape[1]):
        shift = torch.zeros_like(u)
        shift[:, channel] = width
        with torch.no_grad():
            columns.append((phi(u + shift) - phi(u - shift)) / (2 * width))
    return torch.stack(columns, 2)


@pytest.mark.parametrize("name", NAMES)
def test_slopes_are_those_of_finite_differences(name: str, part: Callable[..., Part]) -> None:
    """Over the channels of three units: so nothing leaks from one to another."""
    phi = module(part("activation", name))
    incoming = 3 * channels(phi)[0]
    random = torch.Generator().manual_seed(7)
    u = 2 * torch.randn(40, incoming, generator=random, dtype=torch.float64)
    expected = jacobian(phi, u)
    found = slopes(phi, u)
    assert found.shape == phi(u).shape == expected.shape[:2]
    torch.testing.assert_close(found.abs(), expected.norm(dim=2), rtol=1e-5, atol=1e-7)
    if incoming == found.shape[1]:  # elementwise: the sign counts
        torch.testing.assert_close(found, expected.sum(2), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_mapped_position_by_position(name: str, part: Callable[..., Part]) -> None:
    phi = module(part("activation", name))
    incoming = 2 * channels(phi)[0]
    u = torch.randn(3, incoming, 4, 5, generator=torch.Generator().manual_seed(8)).double()
    rows = u.permute(0, 2, 3, 1).reshape(-1, incoming)
    for of in (phi, lambda x: slopes(phi, x)):
        expected = of(rows).reshape(3, 4, 5, -1).permute(0, 3, 1, 2)
        torch.testing.assert_close(of(u), expected, rtol=1e-12, atol=0)


class Unstated(nn.Module):
    """A module that says how many channels it makes, and nothing of which sees which."""

    def __init__(self, phi: nn.Module) -> None:
        super().__init__()
        self.phi = phi
        self.channels_out = phi.channels_out

    def forward(self, u: Tensor) -> Tensor:
        return self.phi(u)


@pytest.mark.parametrize("name", ["maxout", "crelu", "glu", "geglu", "swiglu"])
def test_stated_parts_are_true(name: str, part: Callable[..., Part]) -> None:
    """Channel by channel, believing nothing, the same slopes come out."""
    phi = module(part("activation", name))
    assert channels(Unstated(phi)) == channels(phi) == phi.parts
    u = torch.randn(6, 4 * phi.parts[0], 3, generator=torch.Generator().manual_seed(9))
    torch.testing.assert_close(slopes(phi, u), slopes(Unstated(phi), u))


def test_a_unit_may_see_any_channels() -> None:
    """Maxout of neighbours, which no equal parts describe."""

    class Pairs(nn.Module):
        def channels_out(self, incoming: int) -> int:
            return incoming // 2

        def forward(self, u: Tensor) -> Tensor:
            return u.unflatten(1, (-1, 2)).prod(2)

    u = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert slopes(Pairs(), u)[0].tolist() == pytest.approx([5**0.5, 5.0])
    assert channels(Pairs()) == (2, 1)


WRONG = [("maxout", 7, "maxout divides its channels by 5; it cannot take 7"),
         ("glu", 1, "glu divides"), ("geglu", 3, "geglu divides"), ("swiglu", 0, "swiglu divides")]  # fmt: skip


@pytest.mark.parametrize(("name", "incoming", "told"), WRONG)
def test_channels_that_do_not_divide_are_refused(
    name: str, incoming: int, told: str, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match=told):
        Activation(part("activation", name)).channels_out(incoming)


WIDTHS = {"maxout": 60, "crelu": 6, "glu": 24, "geglu": 24, "swiglu": 24}


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_knows_how_many_channels_it_needs(name: str, part: Callable[..., Part]) -> None:
    activation = Activation(part("activation", name))
    incoming = activation.channels_in(12)
    assert incoming == WIDTHS.get(name, 12)
    assert activation.channels_out(incoming) == 12
    assert activation.fresh()(torch.zeros(2, incoming)).shape == (2, 12)


def test_a_width_that_no_number_of_channels_makes_is_refused(part: Callable[..., Part]) -> None:
    with pytest.raises(ValueError, match="crelu makes no layer of 7 channels"):
        Activation(part("activation", "crelu")).channels_in(7)
    seventeen = Activation(part("activation", "maxout", pieces=17))
    assert seventeen.channels_in(3) == 51


REFUSED = [
    ("maxout", {"pieces": 1}, "maxout.pieces is 1"),
    ("maxout", {"pieces": 2.5}, "maxout.pieces is 2.5"),
    ("squareplus", {"b": 0.0}, "squareplus.b is 0.0"),
    ("squareplus", {"b": -1.0}, "squareplus.b is -1.0"),
]


@pytest.mark.parametrize(("name", "settings", "told"), REFUSED)
def test_a_wrong_argument_is_refused_by_its_place(
    name: str, settings: dict[str, float], told: str, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match=told):
        Activation(part("activation", name, **settings)).fresh()


LEARNED = {
    "prelu": {"weight": 0.25},
    "swish": {"beta": 1.0},
    "snake": {"a": 0.5},
    "acon_c": {"p1": 1.0, "p2": 0.0, "beta": 1.0},
    "dynamic_tanh": {"alpha": 0.5, "weight": 1.0, "bias": 0.0},
}


@pytest.mark.parametrize("name", NAMES)
def test_what_learns_starts_from_the_numbers_of_its_row(
    name: str, part: Callable[..., Part]
) -> None:
    named = Activation(part("activation", name)).fresh().named_parameters()
    assert {key: p.item() for key, p in named} == LEARNED.get(name, {})


MOVED = {
    "prelu": ({"weight": -0.5}, lambda _, x: max(x, 0) - min(x, 0) / 2),
    "swish": ({"beta": 2.5}, lambda m, x: x / (1 + m.exp(-2.5 * x))),
    "snake": ({"a": -3.0}, lambda m, x: x - m.sin(3 * x) ** 2 / 3),
    "acon_c": (
        {"p1": 1.25, "p2": -0.5, "beta": 3.0},
        lambda m, x: 1.75 * x / (1 + m.exp(-3 * 1.75 * x)) - x / 2,
    ),
    "dynamic_tanh": (
        {"alpha": 2.0, "weight": -3.0, "bias": 0.5},
        lambda m, x: 0.5 - 3 * m.tanh(2 * x),
    ),
}


@pytest.mark.parametrize("name", MOVED)
def test_parameters_do_what_the_formula_says(name: str, part: Callable[..., Part]) -> None:
    """Value, slope, and the gradient that reaches each parameter."""
    values, formula = MOVED[name]
    phi = Activation(part("activation", name)).fresh().double()
    assert {key for key, _ in phi.named_parameters()} == set(values)
    with torch.no_grad():
        for key, parameter in phi.named_parameters():
            parameter.fill_(values[key])
    u = torch.linspace(-3.1, 2.9, 40, dtype=torch.float64)
    with mpmath.workdps(30):
        expected = [float(formula(mpmath.mp, mpmath.mpf(x))) for x in u.tolist()]
    torch.testing.assert_close(phi(u), torch.tensor(expected, dtype=torch.float64))
    assert torch.autograd.gradcheck(phi, (u.clone().requires_grad_(True),))
    for key, parameter in phi.named_parameters():
        (gradient,) = torch.autograd.grad(phi(u).sum(), parameter)
        with torch.no_grad():
            parameter.add_(1e-6)
            above = phi(u).sum()
            parameter.sub_(2e-6)
            below = phi(u).sum()
            parameter.add_(1e-6)
        assert float(gradient.sum()) == pytest.approx(float(above - below) / 2e-6, rel=1e-5), key


@pytest.mark.parametrize("a", [0.0, 1e-30, -1e-12])
def test_snake_is_the_identity_where_its_frequency_vanishes(
    a: float, part: Callable[..., Part]
) -> None:
    phi = Activation(part("activation", "snake", a=a)).fresh()
    u = torch.tensor([-3.0, 0.0, 2.0], requires_grad=True)
    h = phi(u)
    h.sum().backward()
    assert h.tolist() == pytest.approx([-3.0, 0.0, 2.0])
    assert u.grad.tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert torch.isfinite(phi.a.grad)
