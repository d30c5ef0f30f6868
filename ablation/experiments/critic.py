"""A discriminator that learns alone: a fresh one against a frozen generator, and the gradients it hands back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from ablation.constraints import Constraint
from ablation.datasets import Dataset, scaled
from ablation.factories import make
from ablation.losses import Loss
from ablation.networks import each_alone, pair
from ablation.probes import unmoved, verdicts
from ablation.spec import TrialSpec
from ablation.training import Training, begin

FRESH = "critic "
"""Begins the names of a fresh discriminator's streams: they are not those of the one that the generator met."""


def frozen(generator: nn.Module) -> nn.Module:
    """Return a copy that is a fixed map from noise to samples: batch norm uses its running statistics."""
    return copy.deepcopy(generator).eval()


def challenge(spec: TrialSpec, data: Dataset, generator: nn.Module) -> Training:
    """Return a training at step 0 of a fresh discriminator against `generator`, which it takes as it is.

    Stages of one trial meet the same discriminator, data order and noise.
    """
    training = begin(spec, data, "cpu", streams=FRESH)
    return replace(training, networks=replace(training.networks, generator=generator))


def teach(training: Training, data: Tensor, steps: int, look: Callable[[int], None]) -> None:
    """Train the discriminator alone as `ablation.trainer` does, at its first learning rate.

    `data` holds all training samples; `look` is told step 0, of the untrained discriminator, then every step.
    """
    spec, networks, streams = training.spec, training.networks, training.streams
    generator, discriminator = networks.generator, networks.discriminator
    loss, penalty = make(spec.loss, Loss), training.penalty
    limit = make(spec.constraint, Constraint).limit
    optimizer = training.optimizers["discriminator"]
    batch = spec.budget.batch_size * spec.packing
    together = spec.compile == "none" and each_alone(discriminator)

    look(0)
    for step in range(1, steps + 1):
        rows = torch.randint(len(data), (batch,), generator=streams["order"])
        real = networks.packed(scaled(data[rows]))
        noise = torch.randn(batch, networks.latent, generator=streams["noise"])
        with torch.no_grad(), mixed(spec):
            fake = networks.packed(generator(noise)).float()

        optimizer.zero_grad()
        extra = torch.zeros(())
        if penalty.value is not None:
            with mixed(spec):
                extra = penalty.value(discriminator, real, fake, streams["penalty"])
        with mixed(spec):
            a, b = pair(discriminator, real, fake, together=together)
        a, b = a.float(), b.float()
        if penalty.on_logits is not None:
            extra = extra + penalty.on_logits(a, b)
        (loss.discriminator(real=a, fake=b) + extra).backward()
        limit(discriminator)
        optimizer.step()
        if penalty.constrain is not None:
            penalty.constrain(discriminator)
        look(step)


def mixed(spec: TrialSpec) -> torch.autocast:
    """Return the arithmetic in which a trial's players run."""
    return torch.autocast("cpu", torch.bfloat16, enabled=spec.precision == "bf16")


def judged(
    training: Training, losses: Mapping[str, Loss], real: Tensor, noise: Tensor
) -> list[tuple[str, str, str, float]]:
    """Return treatment, network, quantity and value of one state of the game on a fixed batch.

    For every loss its generator's side: the L2 norms of its gradient at the generator's parameters together and at
    the samples. For the discriminator its own loss, without penalty, and what the probes note of its logits. Nothing
    is moved: neither buffers nor gradients nor random streams.
    """
    spec, networks = training.spec, training.networks
    generator, discriminator = networks.generator, networks.discriminator
    own = [parameter for parameter in generator.parameters() if parameter.requires_grad]
    rows = []
    with still(generator, discriminator):  # the backward passes, too, need the buffers as they were
        with mixed(spec):
            fake = generator(noise)
            b = _wide(discriminator(networks.packed(fake)))
            a = _wide(discriminator(networks.packed(real))).detach()
        for name, loss in losses.items():
            value = loss.generator(real=a, fake=b)
            found = torch.autograd.grad(value, [fake, *own], retain_graph=True, allow_unused=True)
            rows.append((name, "generator", "loss", value.item()))
            rows.append((name, "generator", "signal_to_generator", norm(found[:1])))
            rows.append((name, "generator", "parameter_gradient_norm", norm(found[1:])))
    own_loss = make(spec.loss, Loss)
    value = own_loss.discriminator(real=a, fake=b.detach())
    rows.append(("", "discriminator", "loss", value.item()))
    for quantity, share in verdicts(a, b.detach(), own_loss.boundary).items():
        rows.append(("", "discriminator", quantity, share.item()))
    return rows


def _wide(logits: Tensor) -> Tensor:
    """Return logits in no less than float32: a loss is never computed in bfloat16."""
    return logits.float() if logits.dtype == torch.bfloat16 else logits


def norm(gradients: tuple[Tensor | None, ...]) -> float:
    """Return the L2 norm over all gradients together, added up in float64."""
    known = [gradient.double().norm() for gradient in gradients if gradient is not None]
    return float(torch.stack(known).norm())


@contextmanager
def still(*networks: nn.Module) -> Iterator[None]:
    """Let networks be asked without a trace in their buffers or in the streams that modules draw from."""
    with torch.random.fork_rng(devices=[]), unmoved(*networks):
        yield
