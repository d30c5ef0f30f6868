"""The training algorithm: alternate updates of discriminator and generator, watched by a probe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from ablation.constraints import Constraint
from ablation.datasets import scaled
from ablation.factories import make
from ablation.losses import Loss
from ablation.networks import each_alone, pair
from ablation.probes import Probe, Watch, unmoved
from ablation.record import Outcome
from ablation.spec import TrialSpec
from ablation.training import Training, following, schedule

PLAYERS = ("generator", "discriminator")
GUARD = 50
"""Steps between two looks at whether a loss has stopped being finite (the step itself is known exactly)."""


def train(
    training: Training,
    data: Tensor,
    probe: Probe,
    after_step: Callable[[Training], Outcome | None],
) -> Outcome:
    """Train until the budget is spent, a loss is no longer finite, or `after_step` returns an outcome.

    `data` holds all training samples on the device; `after_step` sees the training whenever a step is complete.
    """
    spec, networks, device = training.spec, training.networks, data.device
    eager = (networks.generator, networks.discriminator)
    fast = compiled(spec, *eager)
    loss, penalty = make(spec.loss, Loss), training.penalty
    limit = make(spec.constraint, Constraint).limit
    half = torch.autocast(device.type, torch.bfloat16)
    mixed = half if spec.precision == "bf16" else nullcontext()
    together = spec.compile == "none" and each_alone(eager[1])
    zero, batch = torch.zeros((), device=device), spec.budget.batch_size * spec.packing
    streams, follow = training.streams, following(training.average, eager[0])
    weights = {n: [*net.parameters()] for n, net in zip(PLAYERS, eager, strict=True)}

    def noise() -> Tensor:
        return torch.randn(batch, networks.latent, generator=streams["noise"], device=device)

    def real() -> Tensor:
        rows = torch.randint(len(data), (batch,), generator=streams["order"], device=device)
        return networks.packed(scaled(data[rows]))

    def penalised(x: Tensor, fake: Tensor) -> Tensor:
        if penalty.value is None:
            return zero
        with mixed:
            return penalty.value(eager[1], x, fake, streams["penalty"])

    def judge(
        x: Tensor, fake: Tensor, extra: Tensor, watch: Watch, _: nn.Module, D: nn.Module
    ) -> Tensor:
        with mixed:
            a, b = pair(D, x, fake, together=together)
        a, b = a.float(), b.float()
        if penalty.on_logits is not None:
            extra = extra + penalty.on_logits(a, b)
        d_loss = loss.discriminator(real=a, fake=b) + extra
        d_loss.backward()
        watch.value("loss", d_loss)
        watch.logits(a, b, loss.boundary)
        return d_loss.detach()

    def persuade(
        x: Tensor, z: Tensor, _: Tensor, watch: Watch, G: nn.Module, D: nn.Module
    ) -> Tensor:
        with mixed:
            fake = G(z)
            watch.gradient("signal_to_generator", fake)
            b = D(networks.packed(fake)).float()
            a = D(x).float() if loss.sees_real else b.detach()
        g_loss = loss.generator(real=a, fake=b)
        g_loss.backward()
        watch.value("loss", g_loss)
        return g_loss.detach()

    def played(
        network: str, before: Callable[[], Tensor], play: Callable[..., Tensor], *, on: bool
    ) -> Tensor:
        """Pass a player's loss backward, watched by the probe: compiled players in a rehearsal without trace.

        What `before` adds to the loss is not watched: a penalty takes gradients of its own inside.
        """
        if on and spec.compile != "none":
            with undone(training):
                extra = before()
                with probe.watch(network, on=True) as watch:
                    play(extra, watch, *eager)
            on = False
        extra = before()
        with probe.watch(network, on=on) as watch:
            return play(extra, watch, *fast)

    def move(network: nn.Module, name: str) -> None:
        limit(network)
        training.optimizers[name].step()

    def forget(name: str) -> None:
        for weight in weights[name]:
            weight.grad = None

    def judge_learns(yes: bool) -> None:
        for weight in weights["discriminator"]:
            weight.requires_grad_(yes)

    if training.step == 0 and probe.probes:
        probe.units(0)
    while training.step < spec.budget.steps:
        step = training.step + 1
        probed = probe.due(step)
        depth = probed and probe.deep(step)
        schedule(training, step)

        # The discriminator learns to tell real from generated samples.
        for update in range(1, spec.n_critic + 1):
            x = real()
            with torch.no_grad(), mixed:
                fake = networks.packed(fast[0](noise())).float()
                if spec.compile != "none":  # a CUDA graph's next run overwrites what it returned
                    fake = fake.clone()
            forget("discriminator")
            last = update == spec.n_critic
            ways = partial(penalised, x, fake), partial(judge, x, fake)
            d_loss = played("discriminator", *ways, on=probed and last)
            with probe.moving("discriminator", on=depth and last):
                move(eager[1], "discriminator")
                if penalty.constrain is not None:
                    penalty.constrain(eager[1])

        # The generator learns to be taken for real.
        forget("generator")
        judge_learns(False)
        g_loss = played("generator", lambda: zero, partial(persuade, x, noise()), on=probed)
        judge_learns(True)
        with probe.moving("generator", on=depth):
            move(eager[0], "generator")
        follow(min(spec.ema, (1 + step) / (10 + step)))

        training.step = step
        training.losses.append(d_loss + g_loss)
        if probed:
            probe.units(step)
        looked = step % GUARD == 0 or step == spec.budget.steps
        broken = looked and training.look() > 0
        ended = None if broken else after_step(training)
        if broken or (ended is not None and training.look()):
            return Outcome("diverged", training.broken, "a loss was no longer finite")
        if ended is not None:
            return ended
    return Outcome("finished", training.step)


def compiled(spec: TrialSpec, *networks: nn.Module) -> tuple[nn.Module, ...]:
    """Return the players as training calls them: themselves, or as torch.compile makes them."""
    if spec.compile == "none":
        return networks
    made = [torch.compile(network, mode=spec.compile) for network in networks]
    return tuple(cast(nn.Module, network) for network in made)


@contextmanager
def undone(training: Training) -> Iterator[None]:
    """Let a pass happen that leaves no trace in gradients, buffers, penalties or streams."""
    draws, state, networks = training.streams["penalty"], training.penalty.state, training.networks
    drawn, held = draws.get_state(), {name: value.clone() for name, value in state.items()}
    with unmoved(networks.generator, networks.discriminator), torch.random.fork_rng(devices=[]):
        yield
    draws.set_state(drawn)
    training.penalty.restore(held)
    for optimizer in training.optimizers.values():
        optimizer.zero_grad()
