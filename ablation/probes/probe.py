"""The probe of one trial: it draws nothing, restores what batch norm counts, and reads the device once a step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any

import torch
from torch import Tensor

from ablation.activations import ActivationSite, sites
from ablation.datasets import Modes
from ablation.networks import Networks
from ablation.probes import schedule, weights
from ablation.probes.ledger import Ledger
from ablation.probes.units import Seen, Units, see
from ablation.probes.watch import Unwatched, Watch, Watching, tapped, unmoved
from ablation.record import Reading


class Probe:
    """Collects the readings of one trial.

    `real` (N C ...) and `noise` (N Z) are the fixed probe batch; `modes` is where a toy's mass lies.
    """

    def __init__(
        self,
        networks: Networks,
        real: Tensor,
        noise: Tensor,
        *,
        steps: int,
        probes: int,
        modes: Modes | None = None,
    ) -> None:
        """Watch `networks` for `steps` steps."""
        self.networks, self.real, self.noise = networks, real, noise
        self.steps, self.probes = steps, probes
        self.modes = modes.to(real.device) if modes is not None else None
        self.readings: list[Reading] = []
        self._ledger, self._units = Ledger(), Units()

    def due(self, step: int) -> bool:
        """Whether `step` is probed."""
        return schedule.due(step, self.steps, self.probes)

    def deep(self, step: int) -> bool:
        """Whether `step` is probed in depth."""
        return schedule.deep(step, self.steps, self.probes)

    @contextmanager
    def watch(self, network: str, *, on: bool) -> Iterator[Watch]:
        """Measure the gradients of the loss of `network` whose forward and backward pass happen inside."""
        if not on:
            yield Unwatched()
            return
        watching = Watching(network, self._ledger)
        own = getattr(self.networks, network)
        seen = [own] if network == "discriminator" else [own, self.networks.discriminator]
        with tapped(sites(*seen), watching.tap):
            yield watching
        watching.finish(own)

    @contextmanager
    def moving(self, network: str, *, on: bool) -> Iterator[None]:
        """Measure the weights of `network`, and how far the update that happens inside moves them."""
        if not on:
            yield
            return
        own = getattr(self.networks, network)
        before = {name: weight.clone() for name, weight in weights.weights(own)}
        yield
        with torch.no_grad():
            weights.note(network, before, weights.weights(own), self._ledger)

    @torch.no_grad()
    def units(self, step: int) -> None:
        """Measure samples, units and what their sites have learned on the probe batch; close the readings of `step`."""
        generator, discriminator = self.networks.generator, self.networks.discriminator
        everywhere = sites(generator, discriminator)
        passes: dict[str, dict[str, Seen]] = {site.name: {} for site in everywhere}
        depth, kind = self.deep(step), "fake"

        def tap(site: ActivationSite, u: Tensor, h: Tensor) -> None:
            passes[site.name][kind] = see(site, u, h, depth=depth)

        alone = torch.random.fork_rng(devices=[])  # modules that draw must not draw for training
        with alone, unmoved(generator, discriminator), tapped(everywhere, tap):
            fake = generator(self.noise)
            discriminator(self.networks.packed(fake))
            kind = "real"
            discriminator(self.networks.packed(self.real))
        for site in everywhere:
            self._units.note(site, passes[site.name], self._ledger)
        self._samples(fake)
        if step == 0:
            for network in ("generator", "discriminator"):
                own = weights.weights(getattr(self.networks, network))
                weights.note(network, {}, own, self._ledger)
        self.readings += self._ledger.close(step)

    def _samples(self, fake: Tensor) -> None:
        """Note how much the probe batch's samples vary, and how many of a toy's modes they reach."""
        varied = [x.double().flatten(1).var(dim=0).sum() for x in (fake, self.real)]
        self._ledger.scalar("generator", "", "sample_variance", varied[0] / varied[1])
        if self.modes is not None:
            self._ledger.scalar("generator", "", "modes_reached", self.modes.reached(fake))

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        rows = [list(astuple(reading)) for reading in self.readings]
        return {"readings": rows, "units": self._units.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept."""
        self.readings[:] = [Reading(*row) for row in state["readings"]]
        self._units.restore(state["units"], self.real.device)
