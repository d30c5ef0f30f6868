"""How large the weights of a network are, how far an update moves them, and how much a layer can stretch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ablation.activations import ActivationSite
from ablation.probes.ledger import Ledger, Row

LANCZOS = 16
"""Steps of the bidiagonalisation that finds the largest singular value."""


def weights(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield name and value of every weight with two dimensions or more, activations' own parameters left out.

    A parametrised weight (spectral normalisation) counts as the layer uses it.
    """
    for prefix, module in network.named_modules():
        if isinstance(module, ActivationSite | parametrize.ParametrizationList):
            continue
        stem = f"{prefix}." if prefix else ""
        if parametrize.is_parametrized(module):
            for name in module.parametrizations:
                yield f"{stem}{name}", _as_used(module, name)
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.dim() > 1 and ".phi" not in prefix:
                yield f"{stem}{name}", parameter.detach()


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
        ledger.later(bidiagonal(weight), _largest(network, layer))


def _norm(value: Tensor) -> Tensor:
    found: Tensor = torch.linalg.vector_norm(value, dtype=torch.float64)
    return found


def bidiagonal(weight: Tensor) -> Tensor:
    """Return diagonal and superdiagonal (2 k) of a small bidiagonal matrix with the weight's largest singular value.

    A weight counts as the matrix (out, everything else), as in Miyato et al. 2018. Golub-Kahan-Lanczos with full
    reorthogonalisation from a fixed start: no draw, and nothing that waits for a device.
    """
    a = weight.flatten(1)
    a = a if a.shape[0] >= a.shape[1] else a.T
    steps = min(LANCZOS, a.shape[1])
    start = torch.arange(1, a.shape[1] + 1, dtype=a.dtype, device=a.device)
    v = (start * 12.9898).sin() + 0.01
    v = v / v.norm()
    noise = a.norm() * torch.finfo(a.dtype).eps * sum(a.shape)

    def unit(vector: Tensor, length: Tensor) -> Tensor:
        """Return a vector of norm 1; 0 where nothing but rounding is left."""
        return torch.where(length > noise, vector / length, 0.0)

    left, right = a.new_zeros(steps, a.shape[0]), a.new_zeros(steps, a.shape[1])
    found = a.new_zeros(2, steps)
    for k in range(steps):
        right[k] = v
        u = a @ v
        u = u - left[:k].T @ (left[:k] @ u)
        found[0, k] = u.norm()
        u = unit(u, found[0, k])
        left[k] = u
        v = a.T @ u
        v = v - right[: k + 1].T @ (right[: k + 1] @ v)
        found[1, k] = v.norm()
        v = unit(v, found[1, k])
    return found


def spectral_norm(found: Tensor) -> float:
    """Return the largest singular value of the bidiagonal matrix that `bidiagonal` returns; nan if not finite."""
    if not torch.isfinite(found).all():
        return float("nan")
    matrix = torch.diag(found[0]) + torch.diag(found[1, :-1], 1)
    return float(torch.linalg.matrix_norm(matrix, 2))


def _largest(network: str, layer: str) -> Callable[[Tensor], Iterator[Row]]:
    def rows(found: Tensor) -> Iterator[Row]:
        yield network, layer, "spectral_norm", spectral_norm(found)

    return rows
