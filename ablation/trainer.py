"""The training algorithm: alternate updates of discriminator and generator, watched by a probe."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ablation.activations import site_maker, sites
from ablation.datasets import Dataset, scaled
from ablation.factories import make
from ablation.losses import Loss
from ablation.networks import Networks, initialise
from ablation.penalties import Penalty
from ablation.probes import Probe
from ablation.randomness import TRAINING, stream
from ablation.record import Outcome
from ablation.spec import TrialSpec

GUARD = 50
"""Steps between two looks at whether a loss has stopped being finite (the step itself is known exactly)."""


@dataclass
class Training:
    """Everything that training moves. `broken` is the first step with a loss that is not finite, 0 if none."""

    spec: TrialSpec
    networks: Networks
    average: nn.Module
    optimizers: dict[str, torch.optim.Optimizer]
    streams: dict[str, torch.Generator]
    broken: Tensor
    step: int = 0


def begin(spec: TrialSpec, data: Dataset, device: str) -> Training:
    """Return a training at step 0; raises ValueError if the parts do not fit each other."""
    networks = make(spec.architecture, Networks, shape=data.shape, site=site_maker(spec))
    known = [site.name for site in sites(networks.generator, networks.discriminator)]
    for site, _ in spec.activation_at:
        if site not in known:
            raise ValueError(f"activation_at names {site!r}; the sites are {', '.join(known)}")
    initialise(networks, spec.init, stream(spec, "initialisation"))
    generator, discriminator = networks.generator.to(device), networks.discriminator.to(device)
    optimizers = {
        name: make(spec.optimizer, torch.optim.Optimizer, parameters=list(network.parameters()))
        for name, network in (("generator", generator), ("discriminator", discriminator))
    }
    average = copy.deepcopy(generator).eval().requires_grad_(False)
    streams = {name: stream(spec, name, device) for name in TRAINING}
    broken = torch.zeros((), dtype=torch.int64, device=device)
    return Training(spec, networks, average, optimizers, streams, broken)


def train(
    training: Training, data: Tensor, probe: Probe, after_step: Callable[[Training], None]
) -> Outcome:
    """Train until the budget is spent or a loss is no longer finite.

    `data` holds all training samples on the device; `after_step` sees the training whenever a step is complete.
    """
    spec, device = training.spec, data.device
    G, D = training.networks.generator, training.networks.discriminator
    loss, penalty = make(spec.loss, Loss), make(spec.penalty, Penalty)
    zero = torch.zeros((), device=device)
    batch, latent = spec.budget.batch_size, training.networks.latent

    def noise() -> Tensor:
        return torch.randn(batch, latent, generator=training.streams["noise"], device=device)

    def real() -> Tensor:
        rows = torch.randint(
            len(data), (batch,), generator=training.streams["order"], device=device
        )
        return scaled(data[rows])

    while training.step < spec.budget.steps:
        step = training.step + 1
        probed = probe.due(step)

        # The discriminator learns to tell real from generated samples.
        for update in range(1, spec.n_critic + 1):
            x = real()
            with torch.no_grad():
                fake = G(noise())
            training.optimizers["discriminator"].zero_grad()
            extra = zero
            if penalty.value is not None:
                extra = penalty.value(D, x, fake, training.streams["penalty"])
            with probe.watch("discriminator", on=probed and update == spec.n_critic) as watch:
                a, b = D(x), D(fake)
                d_loss = loss.discriminator(real=a, fake=b)
                (d_loss + extra).backward()
                watch.value("loss", d_loss + extra)
                watch.value("accuracy", torch.cat([a > 0, b < 0]).float().mean())
            training.optimizers["discriminator"].step()
            if penalty.constrain is not None:
                penalty.constrain(D)

        # The generator learns to be taken for real.
        training.optimizers["generator"].zero_grad()
        D.requires_grad_(False)
        with probe.watch("generator", on=probed) as watch:
            fake = G(noise())
            watch.gradient("signal_to_generator", fake)
            a = D(x) if loss.sees_real else a.detach()
            g_loss = loss.generator(real=a, fake=D(fake))
            g_loss.backward()
            watch.value("loss", g_loss)
        D.requires_grad_(True)
        training.optimizers["generator"].step()
        follow(training.average, G, min(spec.ema, (1 + step) / (10 + step)))

        training.step = step
        finite = torch.isfinite(d_loss.detach() + extra + g_loss.detach())
        training.broken += torch.where(finite | (training.broken > 0), 0, step)
        if probed:
            probe.units(step)
        if (step % GUARD == 0 or step == spec.budget.steps) and training.broken.item():
            return Outcome("diverged", int(training.broken.item()), "a loss was no longer finite")
        after_step(training)
    return Outcome("finished", training.step)


@torch.no_grad()
def follow(average: nn.Module, source: nn.Module, decay: float) -> None:
    """Move the running average of the weights a step of 1 - decay towards `source`; buffers are copied."""
    own: list[Tensor] = [*average.parameters()]
    other: list[Tensor] = [*source.parameters()]
    torch._foreach_lerp_(own, other, 1 - decay)
    for mine, theirs in zip(average.buffers(), source.buffers(), strict=True):
        mine.copy_(theirs)
