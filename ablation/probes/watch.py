"""What is measured on training's own passes: losses, the discriminator's verdicts, gradients everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from ablation.activations import ActivationSite, Tap
from ablation.probes.ledger import Ledger, Row

FAINTEST = 1e-45
"""What a norm of exactly 0 counts as on a logarithmic scale: about the least number that float32 holds."""


class Watch(Protocol):
    """What a training step may tell the probe."""

    def value(self, quantity: str, value: Tensor) -> None:
        """Note a scalar."""

    def logits(self, real: Tensor, fake: Tensor, boundary: float | None) -> None:
        """Note how the discriminator tells real samples from others; `boundary` is its loss's, None if it has none."""

    def gradient(self, quantity: str, tensor: Tensor) -> None:
        """Note the L2 norm of the loss's gradient at `tensor`, once it is known."""


class Unwatched:
    """A step at which nothing is noted."""

    def value(self, quantity: str, value: Tensor) -> None:
        """Note nothing."""

    def logits(self, real: Tensor, fake: Tensor, boundary: float | None) -> None:
        """Note nothing."""

    def gradient(self, quantity: str, tensor: Tensor) -> None:
        """Note nothing."""


class Watching:
    """The pass of one network's loss, forward and backward."""

    def __init__(self, network: str, ledger: Ledger) -> None:
        """Note in `ledger` what the loss of `network` does."""
        self.network, self.ledger = network, ledger
        self.outputs: dict[str, list[Tensor]] = {}
        self.tensors: list[tuple[str, Tensor]] = []

    def tap(self, site: ActivationSite, _: Tensor, h: Tensor) -> None:
        """Keep the gradient at a site's output."""
        if h.requires_grad:
            h.retain_grad()
            self.outputs.setdefault(site.name, []).append(h)

    def value(self, quantity: str, value: Tensor) -> None:
        """Note a scalar."""
        self.ledger.scalar(self.network, "", quantity, value)

    def logits(self, real: Tensor, fake: Tensor, boundary: float | None) -> None:
        """Note the share of right verdicts, and of pairs in the right order."""
        for quantity, share in verdicts(real.detach(), fake.detach(), boundary).items():
            self.value(quantity, share)

    def gradient(self, quantity: str, tensor: Tensor) -> None:
        """Keep the gradient at a tensor."""
        tensor.retain_grad()
        self.tensors.append((quantity, tensor))

    def finish(self, own: nn.Module) -> None:
        """Note every norm, the backward pass being done; `own` is the network whose loss it was."""
        for where in dict.fromkeys(layer.split(".")[0] for layer in self.outputs):
            layers = [layer for layer in self.outputs if layer.split(".")[0] == where]
            norms = torch.stack([norm([h.grad for h in self.outputs[layer]]) for layer in layers])
            self._sites(where, layers, norms)
        names, parameters = zip(*own.named_parameters(), strict=True)
        norms = torch.stack([norm([p.grad]) for p in parameters])
        self._parameters(names, norms)
        for quantity, tensor in self.tensors:
            self.ledger.scalar(self.network, "", quantity, norm([tensor.grad]))

    def _sites(self, where: str, layers: Sequence[str], norms: Tensor) -> None:
        of = "" if where == self.network else "generator_loss_"

        def rows(values: Tensor) -> Iterator[Row]:
            for layer, value in zip(layers, values.tolist(), strict=True):
                yield where, layer, f"{of}gradient_norm", value
            if len(layers) > 1:
                yield where, "", f"{of}attenuation", attenuation(values)

        self.ledger.later(norms, rows)

    def _parameters(self, names: Sequence[str], norms: Tensor) -> None:
        def rows(values: Tensor) -> Iterator[Row]:
            for name, value in zip(names, values.tolist(), strict=True):
                yield self.network, f"{self.network}.{name}", "parameter_gradient_norm", value
            yield self.network, "", "parameter_gradient_norm", float(values.norm())

        self.ledger.later(norms, rows)


def norm(gradients: Sequence[Tensor | None]) -> Tensor:
    """Return the L2 norm over all gradients together, in float64: nothing underflows on the way; 0 without any."""
    known = [gradient for gradient in gradients if gradient is not None]
    if not known:
        return torch.zeros((), dtype=torch.float64)
    total = torch.stack([torch.linalg.vector_norm(g, dtype=torch.float64) for g in known])
    norm_of_norms: Tensor = torch.linalg.vector_norm(total)
    return norm_of_norms


def attenuation(norms: Tensor) -> float:
    """Return the decades by which gradient norms (L, input to output) shrink per site on the way back to the input.

    It is the least-squares slope of their log10 against depth: above 0 they vanish, below 0 they explode.
    """
    depth = torch.arange(len(norms), dtype=torch.float64)
    depth -= depth.mean()
    decades = norms.double().clamp(min=FAINTEST).log10()
    return float((depth * decades).sum() / depth.square().sum())


def verdicts(real: Tensor, fake: Tensor, boundary: float | None) -> dict[str, Tensor]:
    """Return `separation` of logits (N and M), and `accuracy` where their loss has a boundary."""
    found = {}
    if boundary is not None:
        found["accuracy"] = torch.cat([real > boundary, fake < boundary]).double().mean()
    return found | {"separation": _separation(real, fake)}


def _separation(real: Tensor, fake: Tensor) -> Tensor:
    """Return the share of pairs in which the real sample's logit is the greater one; ties count half."""
    ordered = fake.flatten().sort().values
    below = torch.searchsorted(ordered, real.flatten(), right=False)
    upto = torch.searchsorted(ordered, real.flatten(), right=True)
    return (below + upto).double().mean() / (2 * len(ordered))


@contextmanager
def tapped(watched: Sequence[ActivationSite], tap: Tap) -> Iterator[None]:
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
    """Give back the buffers of networks (batch norm's running statistics) as they were: values, and tensors too."""
    modules = [module for network in networks for module in network.modules()]
    kept = [
        (module._buffers, name, buffer, buffer.clone())
        for module in modules
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    try:
        yield
    finally:
        for own, name, buffer, before in kept:
            buffer.copy_(before)
            own[name] = buffer
