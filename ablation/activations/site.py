"""An activation as a row of `conf/activation` chooses it, and the sites in which activations stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn

from ablation.activations.facts import facts, gain, module, scale, steepest
from ablation.activations.slopes import channels
from ablation.factories import make
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
        """Map pre-activations u (N C ...) to outputs, which may differ from them in C alone."""
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
        rule = getattr(module(self.part), "channels_out", None)
        return incoming if rule is None else int(rule(incoming))

    def channels_in(self, width: int) -> int:
        """Return how many channels become `width`; raises ValueError if no number does."""
        seen, sharing = channels(module(self.part))
        incoming, rest = divmod(width * seen, sharing)
        if rest or incoming < 1 or self.channels_out(incoming) != width:
            raise ValueError(
                f"{self.name} makes no layer of {width} channels; choose another width"
            )
        return incoming

    @property
    def gain(self) -> float:
        """The factor that gives the output unit second moment on standard normal input.

        Raises ValueError if the activation has none (it is zero, or not finite).
        """
        return gain(self.part)

    @property
    def steepest(self) -> float:
        """The supremum of |phi'|, inf if it has none."""
        return steepest(self.part)

    @property
    def scale(self) -> float:
        """What dead and saturated are measured against: `steepest`, or sup |phi'| on [-3, 3] if that is inf."""
        return scale(self.part)

    @property
    def facts(self) -> dict[str, Any]:
        """All that is computed about it, in types that JSON has; infinity is the text `inf`."""
        return facts(self.part).plain()


def facts_of(spec: TrialSpec) -> dict[str, dict[str, Any]]:
    """Return the facts of every activation of a trial, by the name of its row."""
    parts = (spec.generator_activation, spec.discriminator_activation)
    everywhere = (*parts, *(part for _, part in spec.activation_at))
    return {part.name: Activation(part).facts for part in everywhere}


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
