"""How weights start: from a stream of their own, scaled by the gain of what comes before them."""

from __future__ import annotations

import math

import torch
from torch import nn

from ablation.activations import ActivationSite
from ablation.networks.players import Networks

WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def initialise(networks: Networks, init: str, stream: torch.Generator) -> None:
    """Draw every weight from N(0, (gain / sqrt(fan-in))^2), biases 0.

    `matched` takes the gain of the activation that the layer's input comes from (1 for the first layer and for a
    shortcut, whose input is a sum), so that every pre-activation starts with unit second moment; `fixed` takes one
    gain for all. The draws do not depend on the gain, so equal seeds start from the same directions.
    """
    for network in (networks.generator, networks.discriminator):
        modules = [m for m in network.modules() if isinstance(m, (*WEIGHTED, ActivationSite))]
        for module, before in zip(modules, [None, *modules], strict=False):
            if isinstance(module, WEIGHTED):
                gain = before.activation.gain if isinstance(before, ActivationSite) else 1.0
                std = gain / math.sqrt(_fan_in(module))
                if init == "fixed":
                    std = networks.fixed_std or math.sqrt(2 / _fan_in(module))
                with torch.no_grad():
                    module.weight.normal_(0, std, generator=stream)
                    if module.bias is not None:
                        module.bias.zero_()


def _fan_in(module: nn.Module) -> float:
    """Return how many inputs reach one output."""
    if isinstance(module, nn.ConvTranspose2d):
        area = math.prod(module.kernel_size) / math.prod(module.stride)
        return module.in_channels * area
    assert isinstance(module, (nn.Linear, nn.Conv2d))
    return module.weight[0].numel()
