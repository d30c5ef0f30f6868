"""A training at any step: the players, their optimisers, their streams; how it begins and what a step sets."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from ablation.activations import site_maker, sites
from ablation.constraints import Constraint
from ablation.datasets import Dataset
from ablation.factories import make
from ablation.networks import Networks, initialise
from ablation.penalties import Penalty
from ablation.randomness import TRAINING, stream
from ablation.spec import TrialSpec


@dataclass
class Training:
    """Everything that training moves.

    `broken` is the first step known to have a loss that is not finite, 0 if none; `losses` holds what both players'
    losses of the last steps add up to, not yet looked at.
    """

    spec: TrialSpec
    networks: Networks
    average: nn.Module
    optimizers: dict[str, torch.optim.Optimizer]
    penalty: Penalty
    streams: dict[str, torch.Generator]
    broken: int = 0
    step: int = 0
    losses: list[Tensor] = field(default_factory=list)

    def look(self) -> int:
        """Look at the losses so far, one transfer from the device, and return `broken`."""
        if self.losses:
            first = self.step - len(self.losses) + 1
            found = enumerate(torch.stack(self.losses).tolist(), first)
            bad = (step for step, value in found if not math.isfinite(value))
            self.broken = self.broken or next(bad, 0)
            self.losses.clear()
        return self.broken


def begin(spec: TrialSpec, data: Dataset, device: str, *, streams: str = "") -> Training:
    """Return a training at step 0; raises ValueError if the parts do not fit each other.

    `streams` begins the names of its random streams: another word, other weights and other draws.
    """
    networks = players(spec, data.shape)
    initialise(networks, spec.init, stream(spec, f"{streams}initialisation"))
    dress = make(spec.constraint, Constraint).dress
    if dress is not None and spec.compile != "none":
        raise ValueError(
            f"compile={spec.compile} does not go with constraint={spec.constraint.name}: a compiled pass keeps"
            " what the next one changes in place"
        )
    if dress is not None:
        dress(networks.discriminator, stream(spec, f"{streams}constraint"))
    for network in (networks.generator, networks.discriminator):
        place(network, device)
    average = resting(copy.deepcopy(networks.generator))
    own = {name: stream(spec, f"{streams}{name}", device) for name in TRAINING}
    penalty = make(spec.penalty, Penalty)
    penalty.to(device)
    return Training(spec, networks, average, _optimizers(spec, networks), penalty, own)


def place(network: nn.Module, device: str) -> None:
    """Move a network to its device, its weights in the order in which training and scoring use them."""
    network.to(device)
    if any(parameter.dim() == 4 for parameter in network.parameters()):
        network.to(memory_format=torch.channels_last)  # a tenth faster and more


def resting(network: nn.Module) -> nn.Module:
    """Return a network that learns nothing and draws nothing: the form in which a generator is scored."""
    return network.eval().requires_grad_(False)


def players(spec: TrialSpec, shape: tuple[int, ...]) -> Networks:
    """Return the two players for samples of `shape`; a packed discriminator is that of wider samples."""
    networks = make(spec.architecture, Networks, shape=shape, site=site_maker(spec))
    if spec.packing > 1:
        wide = (spec.packing * shape[0], *shape[1:])
        other = make(spec.architecture, Networks, shape=wide, site=site_maker(spec))
        networks = replace(networks, discriminator=other.discriminator, packing=spec.packing)
    known = [site.name for site in sites(networks.generator, networks.discriminator)]
    for site, _ in spec.activation_at:
        if site not in known:
            raise ValueError(f"activation_at names {site!r}; the sites are {', '.join(known)}")
    return networks


def _optimizers(spec: TrialSpec, networks: Networks) -> dict[str, torch.optim.Optimizer]:
    """Return each player's optimiser; a group's `initial_lr` is its learning rate before any schedule."""
    found = {}
    for name, ratio in (("generator", 1.0), ("discriminator", spec.ttur)):
        own = list(getattr(networks, name).parameters())
        found[name] = make(spec.optimizer, torch.optim.Optimizer, parameters=own)
        for group in found[name].param_groups:
            group["lr"] = group["initial_lr"] = group["lr"] * ratio
    return found


def schedule(training: Training, step: int) -> None:
    """Set the learning rates of a step: a function of the step alone, from 1 to nearly 0 of the first one."""
    done = (step - 1) / training.spec.budget.steps
    share = {"constant": 1.0, "linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}
    for optimizer in training.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * share[training.spec.schedule]


def following(average: nn.Module, source: nn.Module) -> Callable[[float], None]:
    """Return what moves the running average of the weights a step of 1 - decay towards `source`; buffers are copied.

    Both are looked through once: to do so at every step takes longer than to move small networks.
    """
    own: list[Tensor] = [*average.parameters()]
    other: list[Tensor] = [*source.parameters()]
    buffers = [*zip(average.buffers(), source.buffers(), strict=True)]

    @torch.no_grad()
    def follow(decay: float) -> None:
        torch._foreach_lerp_(own, other, 1 - decay)
        for mine, theirs in buffers:
            mine.copy_(theirs)

    return follow


@torch.no_grad()
def generate(generator: nn.Module, latent: int, count: int, random: torch.Generator) -> Tensor:
    """Return `count` samples of a generator (N C H W or N D), drawn 250 at a time from `random`."""
    parts = []
    with torch.random.fork_rng(devices=[]):  # a module that draws on its own draws alike each time
        torch.default_generator.manual_seed(random.initial_seed())
        for start in range(0, count, 250):
            size = min(250, count - start)
            noise = torch.randn(size, latent, generator=random, device=random.device)
            parts.append(generator(noise))
    return torch.cat(parts)
