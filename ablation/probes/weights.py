"""How large the weights of a network are, how far an update moves them, and how much a layer can stretch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ablation.activations import ActivationSite
from ablation.probes.ledger import Ledger, Row

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
"""Layers whose weight begins with the incoming channels."""


def weights(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield name and value (outgoing channels first) of every weight with two dimensions or more.

    Activations' own parameters are left out; a parametrised weight (spectral norm) counts as its layer uses it.
    """
    inner = {id(m) for s in network.modules() if isinstance(s, ActivationSite) for m in s.modules()}
    for prefix, module in network.named_modules():
        if id(module) in inner or isinstance(module, parametrize.ParametrizationList):
            continue
        found = [(name, p.detach()) for name, p in module.named_parameters(recurse=False)]
        if parametrize.is_parametrized(module):
            found += [(name, _as_used(module, name)) for name in module.parametrizations]
        for name, value in found:
            if value.dim() > 1:
                turned = isinstance(module, TRANSPOSED)
                yield f"{prefix}.{name}".lstrip("."), value.transpose(0, 1) if turned else value


def _as_used(module: nn.Module, name: str) -> Tensor:
    """Return a parametrised weight without moving what its parametrisation keeps."""
    lists = module.parametrizations
    assert isinstance(lists, nn.ModuleDict)
    own = lists[name]
    modes = [(part, part.training) for part in own.modules()]
    own.eval()
    try:
        value: Tensor = getattr(module, name).detach()
    finally:
        for part, training in modes:
            part.training = training
    return value


def note(
    network: str, before: dict[str, Tensor], after: Iterator[tuple[str, Tensor]], ledger: Ledger
) -> None:
    """Note the norms of each weight after an update, and of the update where the weight `before` it is known."""
    for name, weight in after:
        layer = f"{network}.{name}"
        ledger.scalar(network, layer, "weight_norm", _norm(weight))
        if name in before:
            ledger.scalar(network, layer, "update_norm", _norm(weight - before[name]))
        ledger.later(gram(weight), _largest(network, layer))


def _norm(value: Tensor) -> Tensor:
    found: Tensor = torch.linalg.vector_norm(value, dtype=torch.float64)
    return found


def gram(weight: Tensor) -> Tensor:
    """Return the Gram matrix, over the lesser side, of the weight as the matrix (out, everything else).

    It is that of the weight divided by its Frobenius norm, and holds the norm in a row below: nothing underflows, and
    nothing waits for a device.
    """
    a = weight.flatten(1)
    a = a if a.shape[0] <= a.shape[1] else a.T
    size = _norm(a)
    unit = a / size.clamp(min=torch.finfo(a.dtype).tiny).to(a.dtype)
    below = torch.zeros(1, len(a), dtype=a.dtype, device=a.device) + size.to(a.dtype)
    return torch.cat([unit @ unit.T, below])


def spectral_norm(found: Tensor) -> float:
    """Return the largest singular value of the weight of which `gram` was taken; nan if it is not finite."""
    if not torch.isfinite(found).all():
        return float("nan")
    size, squares = float(found[-1, 0]), found[:-1].float()
    return size * float(torch.linalg.eigvalsh(squares)[-1].clamp(min=0).sqrt())


def _largest(network: str, layer: str) -> Callable[[Tensor], Iterator[Row]]:
    def rows(found: Tensor) -> Iterator[Row]:
        yield network, layer, "spectral_norm", spectral_norm(found)

    return rows
