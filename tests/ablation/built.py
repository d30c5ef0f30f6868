"""Players built from a seed, and noise that is always the same."""

from __future__ import annotations

import torch
from torch import Tensor

from ablation.activations import site_maker
from ablation.factories import make
from ablation.networks import Networks, initialise
from ablation.spec import TrialSpec


def build(
    spec: TrialSpec, shape: tuple[int, ...], init: str = "matched", seed: int = 0
) -> Networks:
    networks = make(spec.architecture, Networks, shape=shape, site=site_maker(spec))
    initialise(networks, init, torch.Generator().manual_seed(seed))
    return networks


def normal(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
