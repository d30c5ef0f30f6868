"""What an activation is: a factory of fresh modules, facts computed from it, and the site in which it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import cast

import torch
from torch import Tensor, nn

from ablation.factories import make
from ablation.files import brief
from ablation.part import Part
from ablation.spec import TrialSpec

Tap = Callable[["ActivationSite", Tensor, Tensor], None]


class ActivationSite(nn.Module):
    """The one module in which a hidden nonlinearity may stand.

    `name` says where (`generator.2`); a probe sets `tap` to see pre-activations and outputs while it watches.
    """

    def __init__(self, name: str, activation: Activation) -> None:
        """Put a fresh module of `activation` here: a shared one would share a learnable weight."""
        super().__init__()
        self.name = name
        self.activation = activation
        self.phi = activation.fresh()
        self.tap: Tap | None = None

    def channels_in(self, width: int) -> int:
        """Return how many pre-activation channels become `width` channels here."""
        return self.activation.channels_in(width)

    def channels_out(self, incoming: int) -> int:
        """Return how many channels leave this site when `incoming` enter."""
        return self.activation.channels_out(incoming)

    def forward(self, u: Tensor) -> Tensor:
        """Map pre-activations u to outputs of the same shape (N C ...)."""
        if self.tap is None:
            return cast(Tensor, self.phi(u))
        before = u.detach().clone()  # an activation that works in place overwrites u
        h: Tensor = self.phi(u)
        self.tap(self, before, h)
        return h


@dataclass(frozen=True)
class Activation:
    """One row of `conf/activation`."""

    part: Part

    @property
    def name(self) -> str:
        """The row's name."""
        return self.part.name

    def fresh(self) -> nn.Module:
        """Make a new module of this activation."""
        return make(self.part, nn.Module)

    def channels_out(self, incoming: int) -> int:
        """Return how many channels `incoming` become; a module that changes the number says so itself."""
        rule = getattr(self.fresh(), "channels_out", None)
        return incoming if rule is None else int(rule(incoming))

    def channels_in(self, width: int) -> int:
        """Return how many channels become `width`; raises ValueError if no number does."""
        whole = 720_720  # divisible by every number to 16
        incoming = width * whole // self.channels_out(whole)
        if incoming < 1 or self.channels_out(incoming) != width:
            raise ValueError(
                f"{self.name} makes no layer of {width} channels; choose another width"
            )
        return incoming

    @property
    def gain(self) -> float:
        """The factor that gives the output unit second moment on standard normal input.

        Raises ValueError if the activation has none (it is zero, or not finite).
        """
        return _gain(self.part)

    @property
    def steepest(self) -> float:
        """The supremum of |phi'| over [-30, 30]."""
        return _steepest(self.part)


@cache
def _gain(part: Part) -> float:
    z = torch.linspace(-12, 12, 48_001, dtype=torch.float64)
    weight = torch.exp(-z * z / 2)
    phi = make(part, nn.Module).double()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # a fact does not vary, even where the module draws
            h = phi(z[:, None])[:, 0]
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise ValueError(f"{part.name}: {part.target} is no activation: {brief(error)}") from None
    moment = float((h * h * weight).sum() / weight.sum())
    if not 0 < moment < float("inf"):
        raise ValueError(
            f"{part.name}: its second moment on normal input is {moment}: it has no gain"
        )
    return float(moment**-0.5)


@cache
def _steepest(part: Part) -> float:
    u = torch.linspace(-30, 30, 60_001, dtype=torch.float64)[:, None]
    return float(slopes(make(part, nn.Module).double(), u).abs().max())


def slopes(phi: nn.Module, u: Tensor) -> Tensor:
    """Return phi'(u), elementwise, in the shape of u."""
    u = u.detach().requires_grad_(True)
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(phi(u.clone()).sum(), u)
    return slope.detach()


def site_maker(spec: TrialSpec) -> Callable[[str], ActivationSite]:
    """Return the function that makes the site of a given name with the activation that stands there."""
    at = dict(spec.activation_at)
    whole = {
        "generator": spec.generator_activation,
        "discriminator": spec.discriminator_activation,
    }

    def site(name: str) -> ActivationSite:
        return ActivationSite(name, Activation(at.get(name, whole[name.split(".")[0]])))

    return site


def sites(*networks: nn.Module) -> list[ActivationSite]:
    """Return the activation sites of networks, in the order in which a sample passes them."""
    return [m for network in networks for m in network.modules() if isinstance(m, ActivationSite)]
