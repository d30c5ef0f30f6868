"""Whether a network maps each sample by itself: then several batches may pass it as one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ablation.activations import ActivationSite
from ablation.networks.few import FromPicture, ToPicture
from ablation.networks.players import Logit, SumPool
from ablation.networks.resnet import Block, Copy

ALONE = {
    *(nn.Sequential, nn.Linear, nn.Conv2d, nn.Flatten, nn.Identity, nn.Sigmoid, nn.AvgPool2d),
    *(nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d),
    *(FromPicture, ToPicture, Logit, SumPool, Block, Copy),
}
"""Modules, as they are and not as others derive from them, in which no sample of a batch sees another."""


def each_alone(network: nn.Module) -> bool:
    """Whether no sample of a batch moves another's output, and no pass moves the next; of modules unknown here: no.

    Activations map each sample by itself: nothing else may stand in a site.
    """
    sites = [m for m in network.modules() if isinstance(m, ActivationSite)]
    inside = {id(m) for site in sites for m in site.modules()}
    rest = [m for m in network.modules() if id(m) not in inside]
    return all(type(m) in ALONE and not parametrize.is_parametrized(m) for m in rest)


def pair(
    network: nn.Module, real: Tensor, fake: Tensor, *, together: bool
) -> tuple[Tensor, Tensor]:
    """Return what a network says of two batches, N and N: passed as one where `together`, which `each_alone` allows."""
    if not together:
        return network(real), network(fake)
    a, b = network(torch.cat([real, fake])).chunk(2)
    return a, b
