"""How weights start: from a stream of their own, scaled by the gain of what comes before them."""

from __future__ import annotations

import math

import torch
from torch import nn

from ablation.activations import ActivationSite
from ablation.networks.players import Networks, SumPool

WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def initialise(networks: Networks, init: str, stream: torch.Generator) -> None:
    """Draw every weight from N(0, (gain / sqrt(fan-in))^2), biases 0; norms keep scale 1 and shift 0.

    `matched` takes the gain of the activation that the layer's input comes from (1 for the first layer and for a
    shortcut, whose input is a sum), so that every pre-activation starts with unit second moment where no stream of a
    residual network adds to it; `fixed` takes one gain for all. The layer after a sum over space is divided by the
    number of summed values, which rise together: else its logits would start in the tens, where losses are flat.
    The draws do not depend on the gain, so equal seeds start from the same directions.
    """
    for network in (networks.generator, networks.discriminator):
        gain, summed = 1.0, 1
        for module in network.modules():
            if isinstance(module, ActivationSite):
                gain = module.activation.gain
            elif isinstance(module, SumPool):
                summed = module.positions
            elif isinstance(module, WEIGHTED):
                std = gain / math.sqrt(_fan_in(module)) / summed
                if init == "fixed":
                    std = networks.fixed_std or math.sqrt(2 / _fan_in(module)) / summed
                with torch.no_grad():
                    module.weight.normal_(0, std, generator=stream)
                    if module.bias is not None:
                        module.bias.zero_()
                gain, summed = 1.0, 1


def _fan_in(module: nn.Module) -> float:
    """Return how many inputs reach one output."""
    if isinstance(module, nn.ConvTranspose2d):
        area = math.prod(module.kernel_size) / math.prod(module.stride)
        return module.in_channels * area
    assert isinstance(module, (nn.Linear, nn.Conv2d))
    return module.weight[0].numel()
