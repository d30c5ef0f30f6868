"""What is measured while a network trains: gradients on training's own backward pass, units on a fixed batch.

A probe never moves training: it draws nothing, restores what batch norm counts, and reads the device
once a probed step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from ablation.activations import ActivationSite, Tap, sites, slopes
from ablation.networks import Networks
from ablation.record import Reading

DEAD = 1e-3
"""A unit is dead if |phi'(u)| is at most this share of its activation's `scale` for every sample and position of the
probe batch. The units of a site are the channels of its output."""
SATURATED = 1e-2
"""A (sample, unit) pair is saturated if |phi'(u)| is below this share of its activation's `scale`."""


def due(step: int, steps: int, probes: int) -> bool:
    """Whether step 1..steps is probed: the first, the last, and `probes` even ones."""
    if probes == 0:
        return False
    return step in (1, steps) or step * probes // steps != (step - 1) * probes // steps


class Watch(Protocol):
    """What a training step may tell the probe."""

    def value(self, quantity: str, value: Tensor) -> None:
        """Note a scalar."""

    def logits(self, real: Tensor, fake: Tensor) -> None:
        """Note how often the discriminator is right: logits above 0 for real samples, below 0 for others."""

    def gradient(self, quantity: str, tensor: Tensor) -> None:
        """Note the L2 norm of the loss's gradient at `tensor`, once it is known."""


class Unwatched:
    """A step at which nothing is noted."""

    def value(self, quantity: str, value: Tensor) -> None:
        """Note nothing."""

    def logits(self, real: Tensor, fake: Tensor) -> None:
        """Note nothing."""

    def gradient(self, quantity: str, tensor: Tensor) -> None:
        """Note nothing."""


class Probe:
    """Collects the readings of one trial.

    `real` (N C ...) and `noise` (N Z) are the fixed probe batch.
    """

    def __init__(
        self, networks: Networks, real: Tensor, noise: Tensor, *, steps: int, probes: int
    ) -> None:
        """Watch `networks` for `steps` steps."""
        self.networks, self.real, self.noise = networks, real, noise
        self.steps, self.probes = steps, probes
        self.readings: list[Reading] = []
        self._pending: list[tuple[str, str, str, Tensor]] = []

    def due(self, step: int) -> bool:
        """Whether `step` is probed."""
        return due(step, self.steps, self.probes)

    @contextmanager
    def watch(self, network: str, *, on: bool) -> Iterator[Watch]:
        """Measure the gradients of the loss of `network` whose forward and backward pass happen inside."""
        if not on:
            yield Unwatched()
            return
        watching = _Watching(network, self._pending)
        own = getattr(self.networks, network)
        seen = [own] if network == "discriminator" else [own, self.networks.discriminator]
        with tapped(sites(*seen), watching.tap):
            yield watching
        watching.finish(own)

    @torch.no_grad()
    def units(self, step: int) -> None:
        """Measure units on the probe batch and what their sites have learned, and close the readings of `step`."""
        found: dict[str, list[Tensor]] = {}

        def tap(site: ActivationSite, u: Tensor, _: Tensor) -> None:
            found.setdefault(site.name, []).append(slopes(site.phi, u).abs())

        generator, discriminator = self.networks.generator, self.networks.discriminator
        everywhere = sites(generator, discriminator)
        alone = torch.random.fork_rng(devices=[])  # modules that draw must not draw for training
        with alone, unmoved(generator, discriminator), tapped(everywhere, tap):
            discriminator(self.networks.packed(generator(self.noise)))
            discriminator(self.networks.packed(self.real))
        for site in everywhere:
            slope = torch.cat(found[site.name]).transpose(0, 1).flatten(1)  # units x samples
            scale = site.activation.scale
            measured = {
                "dead_fraction": (slope <= DEAD * scale).all(dim=1).float().mean(),
                "saturated_fraction": (slope < SATURATED * scale).float().mean(),
                **{f"learned_{name}": p.float().mean() for name, p in site.phi.named_parameters()},
            }
            network = site.name.split(".")[0]
            self._pending += [(network, site.name, name, value) for name, value in measured.items()]
        self._close(step)

    def _close(self, step: int) -> None:
        values = torch.stack([value.float() for *_, value in self._pending]).tolist()
        for (network, layer, quantity, _), value in zip(self._pending, values, strict=True):
            self.readings.append(Reading(step, network, layer, quantity, value))
        self._pending.clear()


class _Watching:
    """The backward pass of one network's loss."""

    def __init__(self, network: str, pending: list[tuple[str, str, str, Tensor]]) -> None:
        self.network, self.pending = network, pending
        self.outputs: dict[str, list[Tensor]] = {}
        self.tensors: list[tuple[str, Tensor]] = []

    def tap(self, site: ActivationSite, _: Tensor, h: Tensor) -> None:
        if h.requires_grad:
            h.retain_grad()
            self.outputs.setdefault(site.name, []).append(h)

    def value(self, quantity: str, value: Tensor) -> None:
        self.pending.append((self.network, "", quantity, value.detach()))

    def logits(self, real: Tensor, fake: Tensor) -> None:
        self.value("accuracy", torch.cat([real > 0, fake < 0]).float().mean())

    def gradient(self, quantity: str, tensor: Tensor) -> None:
        tensor.retain_grad()
        self.tensors.append((quantity, tensor))

    def finish(self, own: nn.Module) -> None:
        for layer, outputs in self.outputs.items():
            where = layer.split(".")[0]
            quantity = "gradient_norm" if where == self.network else "generator_loss_gradient_norm"
            norm = _norm([h.grad for h in outputs])
            self.pending.append((where, layer, quantity, norm))
        norm = _norm([p.grad for p in own.parameters()])
        self.pending.append((self.network, "", "parameter_gradient_norm", norm))
        for quantity, tensor in self.tensors:
            self.pending.append((self.network, "", quantity, _norm([tensor.grad])))


def _norm(gradients: list[Tensor | None]) -> Tensor:
    """Return the L2 norm over all gradients together."""
    known = [gradient for gradient in gradients if gradient is not None]
    total: Tensor = torch.stack([g.double().norm() for g in known]).norm()
    return total


@contextmanager
def tapped(watched: list[ActivationSite], tap: Tap) -> Iterator[None]:
    """Let `tap` see what passes the sites."""
    for site in watched:
        site.tap = tap
    try:
        yield
    finally:
        for site in watched:
            site.tap = None


@contextmanager
def unmoved(*networks: nn.Module) -> Iterator[None]:
    """Give back the buffers of networks (batch norm's running statistics) as they were."""
    kept = [(buffer, buffer.clone()) for network in networks for buffer in network.buffers()]
    try:
        yield
    finally:
        for buffer, before in kept:
            buffer.copy_(before)
